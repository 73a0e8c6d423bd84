"""A judge's verdicts on a policy's answers to a benchmark.

Reads  <results>/benchmarks/{benchmark}/ (questions, the judge's prompts, references or baseline),
       …/completions/{benchmark}.jsonl, and for a local judge its model folder
Writes …/verdicts/{benchmark}/{judge}.jsonl; each answer at once into cache/judge.sqlite
By hand: asft judge --benchmark DIR --completions FILE --settings JSON --out FILE [--dry-run]
"""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from tqdm import tqdm

from asft.config import Judge
from asft.data import BaselineAnswer, load_reference_answers, require_answers
from asft.errors import UserError
from asft.files import read_json_rows, read_jsonl, write_jsonl, write_text
from asft.generation import Reply, Store, call_key, describe_call
from asft.judging.calls import (
    LABELS,
    RATINGS,
    Call,
    game_calls,
    rating_calls,
    read_verdict,
    weigh_verdict,
)
from asft.judging.prompts import Prompts, continuation, load_prompts
from asft.judging.verdicts import needs_continuation
from asft.records import Completion, Question, Verdict

NOTHING = "N/A"


def judge_answers(
    benchmark: Path,
    protocol: str,
    completions: Path,
    settings: str,
    model: Path | None,
    store: Path,
    out: Path,
    dry_run: bool,
) -> None:
    """Ask what the store does not hold yet and write all verdicts; `settings` is a Judge as JSON.

    Raises:
        UserError: more calls than `max_missing` remain without an answer; what came is stored.
    """
    chosen = Judge.model_validate_json(settings)
    material = _material(benchmark, protocol, completions)
    calls = _calls(material, chosen)
    if dry_run:
        lines = [json.dumps(call._asdict(), ensure_ascii=False) + "\n" for call in calls]
        return write_text(out, "".join(lines))
    with Store(store) as answers:
        if chosen.backend == "local":
            empty = _calls(material.without_content(), chosen) if chosen.calibrate else None
            verdicts = _judge_locally(calls, empty, chosen, _require(model), answers)
        else:
            verdicts = _judge_by_server(calls, chosen, answers)
    return write_jsonl(out, verdicts)


class _Material(NamedTuple):
    """What a judge is shown, before it becomes messages."""

    questions: list[Question]
    answers: dict[str, Completion]
    references: dict[str, list[str]]
    baseline: dict[str, BaselineAnswer] | None  # None: ratings
    prompts: Prompts

    def without_content(self) -> Self:
        """The same prompts about nothing: every text is N/A."""
        questions = [
            q.model_copy(update={"turns": [NOTHING] * len(q.turns)}) for q in self.questions
        ]
        answers = {
            key: answer.model_copy(update={"turns": [NOTHING] * len(answer.turns)})
            for key, answer in self.answers.items()
        }
        references = {key: [NOTHING] * len(turns) for key, turns in self.references.items()}
        baseline = self.baseline and {
            key: answer.model_copy(update={"text": NOTHING})
            for key, answer in self.baseline.items()
        }
        return self._replace(
            questions=questions, answers=answers, references=references, baseline=baseline
        )


def _material(benchmark: Path, protocol: str, completions: Path) -> _Material:
    questions = read_jsonl(benchmark / "questions.jsonl", Question)
    answers = {c.question_id: c for c in read_jsonl(completions, Completion)}
    require_answers(answers, questions, f"{completions}")
    if protocol == "mt_bench":
        prompts = load_prompts(benchmark / "judge" / "prompts.jsonl", "mt_bench")
        path = benchmark / "judge" / "references.jsonl"
        references = (
            load_reference_answers(read_json_rows(path), f"{path}") if path.exists() else {}
        )
        return _Material(questions, answers, references, None, prompts)
    prompts = load_prompts(benchmark / "judge" / "prompts.yaml", "arena_hard")
    path = benchmark / "judge" / "baseline.jsonl"
    baseline = {answer.question_id: answer for answer in read_jsonl(path, BaselineAnswer)}
    require_answers(baseline, questions, f"{path}")
    return _Material(questions, answers, {}, baseline, prompts)


def _calls(material: _Material, judge: Judge) -> list[Call]:
    questions, answers, references, baseline, prompts = material
    if baseline is None:
        return rating_calls(questions, answers, references, prompts, judge.protocol, judge.repeats)
    return game_calls(questions, answers, baseline, prompts, judge.protocol, judge.repeats)


def _require(model: Path | None) -> Path:
    if model is None:
        raise UserError("a local judge needs --judge-model, the folder of its model")
    return model


def _judge_locally(
    calls: list[Call], empty: list[Call] | None, judge: Judge, model: Path, store: Store
) -> list[Verdict]:
    from asft.judging.local import LocalJudge, judge_identity

    identity = judge_identity(model)
    loaded: LocalJudge | None = None

    def score(call: Call) -> tuple[str, dict[str, float]]:
        nonlocal loaded
        allowed = LABELS if call.game else RATINGS
        parameters = {"verdicts": ",".join(allowed), "precision": judge.precision}
        request = describe_call("local", identity, call.messages, parameters, call.repeat)
        key = call_key(**request)
        answer = store.get(key)
        if answer is None:
            loaded = loaded or LocalJudge(model, judge.precision, judge.threads)
            text = json.dumps(loaded.score(call.messages, allowed))
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
        verdicts.append(weigh_verdict(call, probabilities, keys=keys, model=judge.model))
    return verdicts


def _judge_by_server(calls: list[Call], judge: Judge, store: Store) -> list[Verdict]:
    from asft.generation import Endpoint, Request, ask, shortfall

    endpoint = Endpoint(
        base_url=judge.base_url,
        model=judge.model,
        api_key_env=judge.api_key_env,
        parameters=judge.parameters,
        concurrency=judge.concurrency,
        timeout_s=judge.timeout_s,
        max_attempts=judge.max_attempts,
    )
    first = ask(endpoint, [Request(c.messages, c.repeat) for c in calls], store)
    outcomes = [[outcome] for outcome in first]
    # Arena-Hard asks once more where no label came.
    again = [
        i
        for i, (call, outcome) in enumerate(zip(calls, first, strict=True))
        if call.game and outcome.answer and needs_continuation([outcome.answer.text])
    ]
    requests = [
        Request(continuation(calls[i].messages, first[i].answer.text), calls[i].repeat)  # type: ignore[union-attr]
        for i in again
    ]
    for i, outcome in zip(again, ask(endpoint, requests, store), strict=True):
        outcomes[i].append(outcome)
    missing = [o for each in outcomes for o in each if o.answer is None]
    if len(missing) > judge.max_missing * len(calls):
        raise UserError(shortfall([o for each in outcomes for o in each]))
    return [_read(call, each, judge) for call, each in zip(calls, outcomes, strict=True)]


def _read(call: Call, outcomes: list, judge: Judge) -> Verdict:  # type: ignore[type-arg]
    answers = [outcome.answer for outcome in outcomes if outcome.answer]
    if len(answers) < len(outcomes):
        return call.verdict("api_error", detail=outcomes[-1].error)
    return read_verdict(
        call,
        [answer.text for answer in answers],
        judge.protocol,
        truncated=answers[-1].finish_reason == "length",
        keys=[outcome.key for outcome in outcomes],
        model=answers[-1].model,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
