"""A judge's verdicts on a policy's answers to a benchmark.

Reads  <results>/benchmarks/{benchmark}/ (questions, the judge's prompts, references or baseline),
       …/completions/{benchmark}.jsonl, and for a local judge its model folder
Writes …/verdicts/{benchmark}/{judge}.jsonl; each answer at once into cache/judge.answers
By hand: asft judge --benchmark DIR --completions FILE --settings JSON --out FILE [--dry-run]
"""

import json
import math
import os
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from asft.config import PROTOCOLS, Judge, judged_protocol
from asft.errors import UserError
from asft.files import write_jsonl, write_text
from asft.generation import Reply, Store, call_key, describe_call
from asft.judging.calls import Call
from asft.judging.material import Material, read_material
from asft.judging.protocols import JUDGING
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

    Raises:
        UserError: there is no such protocol, a file is unusable, the run was stopped before each
            call was asked, or more calls than `max_missing` have no answer; what came is stored.
    """
    if judge_model:
        claim_gpus()
    chosen, facts = Judge.model_validate_json(settings), judged_protocol(protocol, out)
    judging = JUDGING[protocol]
    prompts = judging.load_prompts(benchmark / "judge" / facts.prompts)
    material = read_material(benchmark, facts, prompts, completions, with_thinking)
    calls, without = _with_answers(judging.calls(material, chosen), material)
    if dry_run:
        lines = [json.dumps(call._asdict(), ensure_ascii=False) + "\n" for call in calls]
        return write_text(out, "".join(lines))
    with Store(store) as answers:
        if chosen.backend == "local":
            blank = judging.calls(material.without_content(), chosen) if chosen.calibrate else []
            empty = _with_answers(blank, material)[0] if blank else None
            verdicts = _judge_locally(
                protocol, calls, empty, chosen, _require(judge_model), answers
            )
        elif chosen.backend == "reward_model":
            from asft.judging.reward import judge_by_reward

            folder = _require(judge_model)
            verdicts = judge_by_reward(protocol, calls, material, chosen, folder, answers)
        else:
            from asft.judging.by_server import judge_by_server

            verdicts = judge_by_server(protocol, calls, chosen, answers)
    return write_jsonl(out, [*verdicts, *without])


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


def _judge_locally(
    protocol: str,
    calls: list[Call],
    empty: list[Call] | None,
    judge: Judge,
    model: Path,
    store: Store,
) -> list[Verdict]:
    from asft.judging.local import LocalJudge, judge_identity

    judging, identity = JUDGING[protocol], judge_identity(model)
    loaded: LocalJudge | None = None

    def score(call: Call) -> tuple[str, dict[str, float]]:
        nonlocal loaded
        parameters = {"verdicts": ",".join(judging.verdicts), "precision": judge.precision}
        request = describe_call("local", identity, call.messages, parameters, call.repeat)
        key = call_key(**request)
        answer = store.get(key)
        if answer is None:
            loaded = loaded or LocalJudge(model, judge.precision, judge.threads)
            text = json.dumps(loaded.score(call.messages, judging.verdicts))
            answer = Reply(text, "stop", judge.model, None, None, "", _now())
            store.put(key, request, answer)
        return key, json.loads(answer.text)

    verdicts = []
    for number, call in enumerate(tqdm(calls, desc="judge", disable=None)):
        key, scores = score(call)
        keys = [key]
        if empty:
            key, habits = score(empty[number])
            keys.append(key)
            scores = {name: value - habits[name] for name, value in scores.items()}
        weights = {name: math.exp(value) for name, value in scores.items()}
        total = sum(weights.values())
        probabilities = {name: weight / total for name, weight in weights.items()}
        found = {PROTOCOLS[protocol].verdict: judging.weigh(probabilities)}
        about = {"probabilities": probabilities, "keys": keys, "model": judge.model}
        verdicts.append(call.verdict("ok", **found, **about))
    return verdicts


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
