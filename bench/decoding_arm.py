"""One engine of decoding.py in a process of its own; prints one line of JSON.

It answers three times: one token a prompt, untimed; the same timed, which is what prompts cost; and
the whole answers. What is between the two is decoding.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from decoding_engines import ENGINES


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Answers, and seconds of prompts and of all."""
    prompts = json.loads(Path(job["prompts"]).read_text(encoding="utf-8"))
    answer = ENGINES[job["engine"]](job["model"], job["precision"], job["end"], job["threads"])
    answer(prompts, 1)
    seconds = []
    for most in (1, job["new_tokens"]):
        began = time.perf_counter()
        answers = answer(prompts, most)
        seconds.append(time.perf_counter() - began)
    return {"prompt_s": seconds[0], "all_s": seconds[1], "answers": answers}


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
