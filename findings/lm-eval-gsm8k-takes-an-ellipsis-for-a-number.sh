#!/usr/bin/env bash
# lm-eval 0.4.13, GSM8K's "flexible-extract": an answer that ends in "..." has the number "...".
#
# Guess: the filter takes the last number of an answer, so "She has 7 apples in all..." gives 7.
# Seen: it gives "...", scored as wrong; so do two full stops, ",," and "$$". The pattern's first branch
# takes two or more of the characters $ 0-9 . and , without asking for a digit among them. A final "." or
# "," behind a number does no harm: both are cut off before the comparison. Policies that trail off, or
# were trained on answers that do, lose points on a filter that is meant to be lenient; "strict-match" wants
# "#### " and is not concerned.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet lm_eval==0.4.13
HF_HUB_OFFLINE=1 env/bin/python - <<'PY'
import importlib.util
from pathlib import Path

import yaml

from lm_eval.api.metrics import exact_match_hf_evaluate
from lm_eval.filters.extraction import RegexFilter

task = Path(importlib.util.find_spec("lm_eval").origin).parent / "tasks/gsm8k/gsm8k.yaml"
config = yaml.safe_load(task.read_text())
[steps] = [each["filter"] for each in config["filter_list"] if each["name"] == "flexible-extract"]
how = {key: value for key, value in steps[0].items() if key != "function"}
metric = {key: value for key, value in config["metric_list"][0].items()}
options = {key: metric[key] for key in ("regexes_to_ignore", "ignore_case", "ignore_punctuation")}


def scored(answer):
    [[found]] = RegexFilter(**how).apply([[answer]], [{}])
    score = exact_match_hf_evaluate([found], ["3 + 4 = 7\n#### 7"], **options)["exact_match"]
    print(f"{answer!r}: {found!r}, {score:g}")
    return found, score


assert scored("She has 7 apples in all") == ("7", 1)
assert scored("She has 7.") == ("7.", 1)
assert scored("She has 7 apples in all...") == ("...", 0)
assert scored("She has 7 apples, and so on..") == ("..", 0)
PY
