"""The protocols that score answers: the facts of each, which config, rules and pages ask for.

How a judge is asked under a protocol stands in judging/protocols.py, how its verdicts become
numbers in metrics/protocols.py.
"""

from typing import Literal, NamedTuple

from asft.errors import UserError, nearest


class Protocol(NamedTuple):
    """What is known of a protocol before anything runs."""

    about: str
    formats: tuple[str, ...]  # of the questions that it can score
    needs: tuple[str, ...] = ()  # keys of the benchmark that must name a source
    turns: int | None = None  # of a question, at most; None: any number
    # Below: only of protocols with a judge.
    verdict: Literal["rating", "label", ""] = ""  # what a Verdict of it holds; "": no judge
    prompts: str = "prompts.jsonl"  # the judge's prompts, in the benchmark's folder judge/
    # Whether answers are judged against a baseline's, else each alone. Then the score is a win
    # rate in per cent, and a table holds one judge of it.
    pairwise: bool = False
    weighs: bool = False  # whether a benchmark's `decisive_weight` applies
    metric: str = ""  # the score's name in the tables' files
    scale: str = ""  # of the score
    unit: str = ""  # what is counted, asked for or scored, plural
    digits: int = 2  # of the score, shown

    @property
    def words(self) -> str:
        """The score's name for people."""
        return self.metric.replace("_", " ")


_ARENA_HARD = Protocol(
    "a judge compares with a baseline's answer, in both orders",
    formats=("arena_hard", "alpaca"),
    needs=("prompts", "baseline"),
    turns=1,
    verdict="label",
    prompts="prompts.yaml",
    pairwise=True,
    weighs=True,
    metric="win_rate",
    scale="%",
    unit="games",
    digits=1,
)
# Judges of single answers take one or two turns, since there are no prompts for more; a game has
# one, and reference metrics need a gold answer as well.
PROTOCOLS = {
    "references": Protocol("BLEU and ROUGE against gold answers", formats=("alpaca",)),
    "mt_bench": Protocol(
        "a judge rates each turn",
        formats=("mt_bench", "arena_hard", "alpaca"),
        needs=("prompts",),
        turns=2,
        verdict="rating",
        metric="rating",
        scale="1-10",
        unit="ratings",
    ),
    "arena_hard": _ARENA_HARD,
    "arena_hard_v2": _ARENA_HARD._replace(
        about="the same by the rules of Arena-Hard v2.0; a benchmark is one category"
    ),
    "alpaca_eval": _ARENA_HARD._replace(
        about="a judge names the better output, the policy's or a baseline's, in both orders",
        formats=("alpaca_eval", "arena_hard", "alpaca"),
        verdict="rating",
        prompts="prompts.txt",
        weighs=False,
    ),
}


def judged_protocols() -> list[str]:
    """The names of the protocols that have a judge."""
    return [name for name, protocol in PROTOCOLS.items() if protocol.verdict]


def judged_protocol(name: str, where: object) -> Protocol:
    """The facts of a protocol that has a judge; `where` begins the error.

    Raises:
        UserError: there is none of this name.
    """
    known = judged_protocols()
    if name not in known:
        raise UserError(f"{where}: unknown protocol {name!r}{nearest(name, known)}")
    return PROTOCOLS[name]
