"""How near the judge client comes to the ideal time: calls / concurrency · latency.

By hand: `python bench/judge_calls.py [CALLS] [CONCURRENCY] [LATENCY_S]` (1000, 32 and 0.2).
The server runs in a process of its own on the loopback interface; the store is a real file.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from asft.generation.endpoint.ask import Request, ask, shortfall
from asft.generation.endpoint.client import Endpoint
from asft.generation.endpoint.store import Store

SERVER = Path(__file__).parents[1] / "tests" / "judge_server.py"


def measure(calls: int, concurrency: int, latency: float) -> float:
    """Seconds for `calls` different questions."""
    server = subprocess.Popen(
        [sys.executable, str(SERVER), str(latency)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        endpoint = Endpoint(base_url=url, model="judge", concurrency=concurrency)
        text = "word " * 500
        requests = [Request([{"role": "user", "content": f"{n} {text}"}]) for n in range(calls)]
        with tempfile.TemporaryDirectory() as folder, Store(Path(folder, "judge.answers")) as store:
            start = time.perf_counter()
            outcomes = ask(endpoint, requests, store)
            seconds = time.perf_counter() - start
            if missing := shortfall(outcomes):
                raise SystemExit(missing)
    finally:
        server.kill()
        server.wait()
    return seconds


def main() -> None:
    """Print the time, the ideal and their ratio."""
    numbers = [float(word) for word in sys.argv[1:]]
    calls, concurrency, latency = numbers + [1000.0, 32.0, 0.2][len(numbers) :]
    ideal = calls / concurrency * latency
    seconds = measure(int(calls), int(concurrency), latency)
    print(
        f"{calls:.0f} calls of {latency:g} s, concurrency {concurrency:.0f}: {seconds:.2f} s, "
        f"ideal {ideal:.2f} s, ratio {seconds / ideal:.2f}"
    )


if __name__ == "__main__":
    main()
