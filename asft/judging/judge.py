"""A judge's verdicts on a policy's answers to a benchmark.

Reads  <results>/benchmarks/{benchmark}/ (questions, the judge's prompts, references or baseline),
       …/completions/{benchmark}.jsonl, and for a local judge its model folder
Writes …/verdicts/{benchmark}/{judge}.jsonl; each answer at once into cache/judge.answers
By hand: asft judge --benchmark DIR --completions FILE --settings JSON --out FILE [--dry-run]
"""

import json
import os
from pathlib import Path

from asft.config import Judge, check_judge, judged_protocol
from asft.errors import UserError
from asft.files import write_jsonl, write_text
from asft.generation import Store
from asft.judging.calls import Call
from asft.judging.material import Material, read_material
from asft.judging.protocols import judging_of
from asft.machine import claim_gpus
from asft.records import Verdict

STORE = Path(os.environ.get("ASFT_CACHE", "cache")) / "judge.answers"


def judge_answers(
    settings: str,
    protocol: str,
    benchmark: Path,
    completions: Path,
    out: Path,
    judge_model: Path | None = None,
    store: Path = STORE,
    dry_run: bool = False,
    with_thinking: bool = False,
    spending: str | None = None,
) -> None:
    """Ask a judge what the store does not hold yet, and write all verdicts.

    Args:
        settings: the judge's row of the config, as JSON
        protocol: one of a judge, such as mt_bench or arena_hard
        benchmark: folder of the prepared benchmark
        judge_model: a local judge's model folder
        store: folder where answers are kept, which other jobs may share
        dry_run: write the messages, send nothing
        with_thinking: show the judge what the policy thought together with its answers
        spending: keys `prices` and `max_cost` of the judge's row, as JSON, on which no verdict
            depends; they may stand in `settings` too

    Raises:
        UserError: there is no such protocol, a file is unusable, the run was stopped before each
            call was asked, or more calls than `max_missing` have no answer; what came is stored.
    """
    if judge_model:
        claim_gpus()
    chosen = Judge.model_validate_json(settings).with_spending(spending)
    facts, judging = judged_protocol(protocol, out), judging_of(protocol)
    prompts = judging.load_prompts(benchmark / "judge" / facts.prompts)
    material = read_material(benchmark, facts, prompts, completions, with_thinking)
    if dry_run:
        calls, _ = _with_answers(judging.calls(material, chosen), material)
        lines = [json.dumps(call._asdict(), ensure_ascii=False) + "\n" for call in calls]
        return write_text(out, "".join(lines))
    with Store(store) as answers:
        verdicts = judge_material(protocol, material, chosen, judge_model, answers)
    return write_jsonl(out, verdicts)


def judge_material(
    protocol: str, material: Material, judge: Judge, judge_model: Path | None, store: Store
) -> list[Verdict]:
    """Return a judge's verdicts on all answers of a material, asking what the store does not hold.

    Raises:
        UserError: as `judge_answers`.
    """
    check_judge(judge, protocol, judge.model)
    judging = judging_of(protocol)
    calls, without = _with_answers(judging.calls(material, judge), material)
    if judge.backend == "local":
        from asft.judging.by_local import judge_locally

        empty = None
        if judge.calibrate is True:
            blank = judging.calls(material.without_content(), judge)
            empty = _with_answers(blank, material)[0]
        folder = _require(judge_model)
        verdicts = judge_locally(protocol, calls, empty, material.prompts, judge, folder, store)
    elif judge.backend == "reward_model":
        from asft.judging.reward import judge_by_reward

        folder = _require(judge_model)
        verdicts = judge_by_reward(protocol, calls, material, judge, folder, store)
    else:
        from asft.judging.by_server import judge_by_server

        if any(template.verdicts for template in material.prompts.values()):
            raise UserError(
                f"judge {judge.model}: prompts that name `verdicts` are for a local judge, which"
                " chooses among them; a server's judge writes a label"
            )
        verdicts = judge_by_server(protocol, calls, judge, store)
    return [*verdicts, *without]


def _with_answers(calls: list[Call], material: Material) -> tuple[list[Call], list[Verdict]]:
    """The calls about answers that there are; of the others, that nothing was asked."""
    there = [material.answers[call.question_id].has_answer(call.turn) for call in calls]
    detail = "not asked: the policy has no answer"
    return (
        [call for call, answer in zip(calls, there, strict=True) if answer],
        [
            call.verdict("api_error", detail=detail)
            for call, answer in zip(calls, there, strict=True)
            if not answer
        ],
    )


def _require(model: Path | None) -> Path:
    if model is None:
        raise UserError("a local judge needs --judge-model, the folder of its model")
    return model
