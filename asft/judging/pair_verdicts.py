"""A judge's own verdicts on published pairs of answers, asked as about a policy's answers."""

from collections.abc import Iterable
from pathlib import Path

from asft.config import PROTOCOLS, Judge
from asft.data import BaselineAnswer, load_reference_answers
from asft.files import read_json_rows
from asft.generation import Store
from asft.judging.judge import STORE, judge_material
from asft.judging.material import Material
from asft.judging.protocols import JUDGING
from asft.judging.published_rows import PublishedPair
from asft.machine import claim_gpus
from asft.records import Completion, Question, Verdict


def judge_pairs(
    pairs: list[PublishedPair],
    protocol: str,
    prompts: Path,
    judge: Judge,
    judge_model: Path | None = None,
    store: Path = STORE,
) -> list[tuple[list[Verdict], list[Verdict]]]:
    """Return a judge's verdicts on each pair: of two games, or ratings of its two answers.

    In game 1 the first answer is shown first, in game 2 the second. References of a rated question
    lie beside the prompts, in references.jsonl.

    Args:
        judge_model: a local judge's model folder.
        store: folder where answers are kept, which other jobs may share.

    Raises:
        UserError: the prompts are unusable, a local judge cannot read a pair, or calls have no
            answer; what came is stored.
    """
    if judge_model:
        claim_gpus()
    material = _material(pairs, protocol, prompts)
    with Store(store) as answers:
        verdicts = judge_material(protocol, material, judge, judge_model, answers)
    found: dict[str, tuple[list[Verdict], list[Verdict]]] = {p.pair_id: ([], []) for p in pairs}
    for verdict in verdicts:
        pair_id, _, place = verdict.question_id.partition(".")
        found[pair_id][(int(place) if place else verdict.game) - 1].append(verdict)
    return list(found.values())


def _material(pairs: Iterable[PublishedPair], protocol: str, path: Path) -> Material:
    """The pairs as questions with answers; rated alone, an answer is `{pair}.1` or `{pair}.2`."""
    prompts = JUDGING[protocol].load_prompts(path)
    found = Material([], {}, {}, {}, prompts)
    beside = path.with_name("references.jsonl")
    known = load_reference_answers(read_json_rows(beside), f"{beside}") if beside.exists() else {}
    for pair in pairs:
        first, second = pair.answers
        if PROTOCOLS[protocol].pairwise:
            found.baseline[pair.pair_id] = BaselineAnswer(question_id=pair.pair_id, text=first)
            _add(found, pair.pair_id, pair.question, second)
            continue
        for place, text in enumerate((first, second), 1):
            own = f"{pair.pair_id}.{place}"
            _add(found, own, pair.question, text)
            if pair.question.question_id in known:
                found.references[own] = known[pair.question.question_id]
    return found


def _add(material: Material, own: str, question: Question, text: str) -> None:
    material.questions.append(question.model_copy(update={"question_id": own}))
    material.answers[own] = Completion(question_id=own, turns=[text], finish_reasons=[], tokens=[])
