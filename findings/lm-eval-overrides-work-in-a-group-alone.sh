#!/usr/bin/env bash
# lm-eval 0.4.13, a task's name with an override, {"task": NAME, "num_fewshot": 2}: understood inside a group alone.
#
# Guess: among the tasks that `TaskManager.load` or `simple_evaluate` take (names, dicts, Task objects) such a
# dict is the registered task with other few-shot examples, as it is in the list of a group, where it has the same form.
# Seen: inside a group it is. By itself it is taken for the whole of a new task that happens to have this name:
# nothing of the registered one is looked at, and it ends in a TypeError about a path that is None, since no data set
# is named. With a data set among the overrides it would load, without the registered prompt and metrics.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet lm_eval==0.4.13
printf '{"q": "%s", "a": "yes"}\n' one two three > rows.jsonl
cat > mine.yaml <<'YAML'
task: mine
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: generate_until
generation_kwargs: {until: ["\n"]}
num_fewshot: 0
doc_to_text: "{{q}}?"
doc_to_target: "{{a}}"
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
YAML
HF_HUB_OFFLINE=1 env/bin/python - <<'PY'
from lm_eval.tasks import TaskManager

manager = TaskManager(include_path=".", include_defaults=False)
override = {"task": "mine", "num_fewshot": 2}


def shots(spec):
    return manager.load([spec])["tasks"]["mine"].config.num_fewshot


assert shots("mine") == 0
assert shots({"group": "mine_again", "task": [override]}) == 2
try:
    shots(override)
except TypeError as error:
    print(f"by itself: TypeError: {error}")
else:
    raise SystemExit("a dict by itself is the registered task now")

beside = override | {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}}}
beside |= {"test_split": "test", "doc_to_text": "{{a}}", "doc_to_target": "{{a}}"}
task = manager.load([beside])["tasks"]["mine"]
print(f"with data: prompt {task.config.doc_to_text!r}, stops at {task.config.generation_kwargs['until']}")
assert task.config.generation_kwargs["until"] == ["\n\n"]  # the default, not the registered "\n"
PY
