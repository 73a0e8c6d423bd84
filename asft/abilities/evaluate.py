"""Evaluate a policy on tasks of lm-evaluation-harness: one job, one load of the model.

Reads  a policy folder; the tasks' data, from the hub's cache, the hub, or beside their YAML
Writes lm_eval.csv             a line per task, metric, filter and question: two sums, whose ratio
                               over questions is lm-eval's value
       lm_eval.results.json    lm-eval's own results: values, standard errors, versions, few-shot
       lm_eval.samples.jsonl   its record of each question: prompt, answer, values
       (while running: `.partial` files beside them, which a rerun continues)
By hand: asft lm-eval --policy DIR --settings '{"tasks": ["gsm8k"], ...}' --out lm_eval.csv
"""

from __future__ import annotations

import csv
import io
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asft.config import Abilities
from asft.errors import UserError
from asft.files import fingerprint, write_json, write_text
from asft.machine import claim_gpus

if TYPE_CHECKING:
    from asft.abilities.tasks import Asked

COLUMNS = ("task", "metric", "filter", "question_id", "doc", "sum", "count")


def evaluate_abilities(settings: str, policy: Path, out: Path) -> None:
    """Put tasks of lm-evaluation-harness to a policy, by its own library.

    The values are those of `lm_eval run --model hf` on the same folder with the same precision,
    batch size and chat template.

    Args:
        settings: a benchmark with the protocol lm_eval, as JSON
        out: lm_eval.csv; .results.json and .samples.jsonl go beside it

    Raises:
        UserError: a task is unknown or its data cannot be had, or the model cannot be loaded.
    """
    chosen = Abilities.model_validate_json(settings)
    claim_gpus(1)
    from asft.abilities.tasks import find_tasks
    from asft.abilities.values import results_of, rows_of, samples_of
    from asft.models import identity_of

    asked = find_tasks(chosen.tasks)
    # Named after policy and settings: the answers of others are never taken up.
    key = fingerprint([chosen.model_dump(), identity_of(policy)])[:12]
    partial = out.with_suffix(f".{key}.partial")
    out.parent.mkdir(parents=True, exist_ok=True)
    found = _evaluate(chosen, policy, asked, partial)
    rows, left = rows_of(found, asked)
    for name in left:
        print(f"no value per question: {name}; lm-eval's own is in its results", file=sys.stderr)
    if not rows:
        raise UserError(f"tasks: no metric has values per question: {', '.join(left)}")
    samples = (json.dumps(line, default=str) + "\n" for line in samples_of(found, asked))
    write_text(out.with_suffix(".samples.jsonl"), "".join(samples))
    about = results_of(found, version("lm_eval"))
    write_json(out.with_suffix(".results.json"), about | {"left_out": left})
    write_text(out, _csv(rows))
    for path in out.parent.glob(f"{out.stem}.*.partial*"):
        path.unlink()


def _evaluate(chosen: Abilities, policy: Path, asked: list[Asked], partial: Path) -> dict[str, Any]:
    from lm_eval import simple_evaluate

    from asft.abilities.progress import Watched
    from asft.models import default_device, load_policy, load_tokenizer, resolve_precision

    model = load_policy(policy, resolve_precision(chosen.precision)).to(default_device()).eval()
    lm = Watched(
        [task for each in asked for task in each.tasks],
        pretrained=model,
        tokenizer=load_tokenizer(policy),
        backend="causal",
        batch_size=chosen.batch_size,
    )
    found = simple_evaluate(
        model=lm,
        tasks=[each.spec for each in asked],
        num_fewshot=chosen.num_fewshot,
        limit=chosen.limit,
        batch_size=chosen.batch_size,
        apply_chat_template=chosen.chat_template,
        fewshot_as_multiturn=chosen.chat_template,  # as the command does
        use_cache=str(partial),
        confirm_run_unsafe_code=chosen.unsafe_code,
    )
    lm.progress.end()
    assert found is not None  # but in further processes, of which there are none
    return dict(found)


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {k: _number(row[k]) for k in ("sum", "count")} for row in rows)
    return text.getvalue()


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
