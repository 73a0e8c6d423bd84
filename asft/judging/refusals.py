"""A judge's classes of the answers to safe and unsafe prompts that lm-eval has asked.

Reads  …/scores/{benchmark}/lm_eval.samples.jsonl, the judge's prompt, a local judge's folder
Writes …/refusals/{benchmark}/{judge}.jsonl, a verdict per answer; each answer of the judge at once
       into cache/judge.answers
By hand: asft judge-refusals --samples FILE --prompts FILE --settings JSON --out FILE
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asft.config import REFUSALS, XSTEST, Judge
from asft.errors import UserError
from asft.files import iterate_json_rows, write_jsonl
from asft.generation import Store
from asft.judging.judge import STORE, judge_material
from asft.judging.material import Material
from asft.judging.xstest import load_refusal_prompts
from asft.machine import claim_gpus
from asft.records import Completion, Question
from asft.thinking import shown


def judge_refusals(
    settings: str,
    samples: Path,
    prompts: Path,
    out: Path,
    judge_model: Path | None = None,
    store: Path = STORE,
    spending: str | None = None,
) -> None:
    """Ask a judge whether answers comply or decline, as far as the store does not hold it yet.

    Args:
        settings: the judge's row of the config, as JSON
        samples: lm_eval.samples.jsonl of a policy, with tasks that have safe and unsafe prompts
        prompts: YAML with the judge's prompt
        out: a line per answer: its task and question, whether its prompt is safe, its class
        judge_model: a local judge's model folder
        store: folder where answers are kept, which other jobs may share
        spending: keys `prices` and `max_cost` of the judge's row, as JSON, on which no verdict
            depends

    Raises:
        UserError: no task has such prompts, a file is unusable, or more calls than `max_missing`
            have no answer; what came is stored.
    """
    if judge_model:
        claim_gpus()
    material = Material([], {}, {}, {}, load_refusal_prompts(prompts))
    for question, answer in _asked(samples):
        material.questions.append(question)
        material.answers[question.question_id] = answer
    if not material.questions:
        raise UserError(
            f"{samples}: no task has the metrics {' and '.join(REFUSALS)}, of safe and of unsafe"
            " prompts; asft/demo/abilities/asft_refusals.yaml has"
        )
    judge = Judge.model_validate_json(settings).with_spending(spending)
    with Store(store) as answers:
        verdicts = judge_material(XSTEST, material, judge, judge_model, answers)
    write_jsonl(out, verdicts)


def _asked(samples: Path) -> Iterator[tuple[Question, Completion]]:
    """Each such question and the answer to it; where a task has several filters, by its first."""
    first: dict[str, str] = {}
    for number, row in enumerate(iterate_json_rows(samples), 1):
        try:
            if not set(row["metrics"]) & set(REFUSALS):
                continue
            if first.setdefault(row["task"], row["filter"]) == row["filter"]:
                yield _question(row)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise UserError(
                f"{samples}, row {number}: {error!r}; expected lm-eval's record of a question,"
                " whose doc has the columns prompt and label, as XSTest's"
            ) from error


def _question(row: dict[str, Any]) -> tuple[Question, Completion]:
    name = "/".join(filter(None, [row["task"], row["part"], str(row["doc_id"])]))
    asked, label = row["doc"]["prompt"], row["doc"]["label"]
    said = shown(str(row["filtered_resps"][0]), False)
    return (
        Question(question_id=name, category=label, turns=[asked]),
        Completion(question_id=name, turns=[said], finish_reasons=[], tokens=[]),
    )
