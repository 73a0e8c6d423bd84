"""A local judge: it chooses among the allowed verdicts by their log-probabilities."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from asft.config import Judge
from asft.generation import Reply, Store, call_key, describe_call
from asft.judging.calls import Call
from asft.judging.local_alike import beginnings
from asft.judging.prompts import Prompts
from asft.judging.protocols import judging_of, verdict_of
from asft.progress import Bar
from asft.records import Message, Verdict


def judge_locally(
    protocol: str,
    calls: list[Call],
    empty: list[Call] | None,
    prompts: Prompts,
    judge: Judge,
    model: Path,
    store: Store,
) -> list[Verdict]:
    """Return a verdict for each call, asking what the store does not hold.

    Args:
        empty: the same calls about nothing, by which the judge is calibrated; None: it is not
        prompts: of which the calls are made; they may name the replies to choose from
        model: the judge's folder
    """
    judging, choices = judging_of(protocol), _choices(protocol, prompts)
    score = _scorer(list(choices), judge, model, store)
    alike = beginnings(calls, prompts)
    alike_empty = beginnings(empty or [], prompts)
    scored = []
    for number, call in enumerate(Bar(calls, desc="judge", unit="call")):
        key, logps = score(call, alike[number])
        empty_key, habits = score(empty[number], alike_empty[number]) if empty else (None, {})
        scored.append((logps, habits, [key, *filter(None, [empty_key])]))
    # Both orders of a pair of answers are among the calls: a taste for a place is what is left.
    taste = _mean([logps for logps, *_ in scored]) if judge.calibrate == "orders" else {}
    verdicts = []
    for call, (logps, habits, keys) in zip(calls, scored, strict=True):
        chosen = _calibrated(logps, habits | taste)
        probabilities = dict.fromkeys(judging.verdicts, 0.0)
        probabilities |= {choices[name]: share for name, share in chosen.items()}
        found = {verdict_of(protocol): judging.weigh(probabilities)}
        about = {"probabilities": probabilities, "keys": keys, "model": judge.model}
        verdicts.append(call.verdict("ok", **found, **about))
    return verdicts


def _choices(protocol: str, prompts: Prompts) -> dict[str, str]:
    """What a local judge chooses from, and the protocol's verdict that each stands for."""
    named = {
        reply: f"[[{label}]]"
        for template in prompts.values()
        for reply, label in template.verdicts.items()
    }
    return named or {verdict: verdict for verdict in judging_of(protocol).verdicts}


def _scorer(
    allowed: list[str], judge: Judge, model: Path, store: Store
) -> Callable[[Call, list[list[Message]]], tuple[str, dict[str, float]]]:
    """A function from a call to its key in the store and its verdicts' log-probabilities.

    It is told which prompts the call's begins like.

    The judge is loaded when the store lacks one.
    """
    from asft.judging.local import LocalJudge, judge_identity

    identity = judge_identity(model)
    loaded: LocalJudge | None = None

    def score(call: Call, alike: list[list[Message]]) -> tuple[str, dict[str, float]]:
        nonlocal loaded
        parameters = {"verdicts": ",".join(allowed), "precision": judge.precision}
        request = describe_call("local", identity, call.messages, parameters, call.repeat)
        key = call_key(**request)
        answer = store.get(key)
        if answer is None:
            loaded = loaded or LocalJudge(model, judge.precision, judge.threads)
            text = json.dumps(loaded.score(call.messages, allowed, alike))
            answer = Reply(text, "stop", judge.model, None, None, "", _now())
            store.put(key, request, answer)
        return key, json.loads(answer.text)

    return score


def _mean(logps: list[dict[str, float]]) -> dict[str, float]:
    names = logps[0] if logps else {}
    return {name: math.fsum(row[name] for row in logps) / len(logps) for name in names}


def _calibrated(logps: dict[str, float], habits: dict[str, float]) -> dict[str, float]:
    """The verdicts' probabilities, each divided by the habit's where there is one."""
    weights = {name: math.exp(value - habits.get(name, 0.0)) for name, value in logps.items()}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
