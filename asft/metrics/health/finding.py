"""The outcome of a check of a training's health, and the rule that it was checked by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

# Worst first. A fault makes the run useless, a warning asks for a look, a note is usual.
Level = Literal["fault", "warning", "note", "in range"]


class Rule(NamedTuple):
    """The rule of a check: what it looks at, when it speaks up, and why there."""

    title: str
    limit: str
    source: str


HEALTH_RULES = {
    "finite": Rule("Loss is a number", "a fault from one step that is none", "arithmetic"),
    "loss": Rule(
        "Loss falls",
        "a warning where it ends no lower than it began, on the same held-out pairs; without these,"
        " where the last quarter of 20 steps or more is no lower than the first",
        "what training minimises",
    ),
    "generalisation": Rule(
        "Held-out loss keeps falling",
        "a warning where it ends more than 5 % above its lowest",
        "Prechelt 1998, generalization loss GL with α = 5",
    ),
    "likelihood": Rule(
        "Likelihood of the chosen answers",
        "a note from a fall of 0.01 nats a token, a warning from ln 2 = 0.69, or where the rejected"
        " answers do not fall with them",
        "Razin et al. 2024, arXiv 2410.08847; Pal et al. 2024, arXiv 2402.13228",
    ),
    "margin": Rule(
        "Margin grows",
        "a note where neither the held-out margin of answers nor that per token has grown; a"
        " warning where that per token fell by 0.01 nats",
        "what preference losses maximise",
    ),
    "saturation": Rule(
        "Margin saturates",
        "a note where 99 % of the last 100 training pairs have a margin above 0",
        "Azar et al. 2023, arXiv 2310.12036, section 4.2",
    ),
    "clipping": Rule(
        "Gradient clipping",
        "a note where every step of 10 or more is clipped, to less than half of the mean norm",
        "Pascanu et al. 2013, arXiv 1211.5063, section 3.2",
    ),
    "length": Rule(
        "Length of answers",
        "a note from half as long again, or as much shorter, as before training and by more than"
        " two standard errors; a warning where that leads away from the chosen answers' length",
        "Singhal et al. 2023, arXiv 2310.03716; Park et al. 2024, arXiv 2403.19159; the limit is"
        " ours",
    ),
    "cut": Rule(
        "Answers end",
        "a warning where the share that the token limit cuts grew by 10 points and by more than two"
        " standard errors; a note where they are no longer than the chosen answers",
        "the limit is ours",
    ),
    "repetition": Rule(
        "Repetition",
        "a warning where the share of answers that repeat themselves grew by 5 points and by more"
        " than two standard errors; an answer does where repeated 5-grams of words hold 15 % of its"
        " text",
        "Rae et al. 2021, arXiv 2112.11446, table A1; the 5 points are ours",
    ),
    "variety": Rule(
        "Variety of answers (distinct-2)",
        "a note from 10 % fewer different pairs of words than before training, at equal length and"
        " by more than two standard errors",
        "Li et al. 2016, arXiv 1510.03055; Kirk et al. 2023, arXiv 2310.06452; the 10 % are ours",
    ),
}


@dataclass(frozen=True)
class Finding:
    """What one check found: a number, the threshold it is held against, and both in words.

    `name` is a key of `HEALTH_RULES`. `benchmark` is where the answers come from, "" of a history;
    `link` leads to the curve or the samples on a page, "" where there is no page.
    """

    name: str
    level: Level
    value: float
    threshold: float
    words: str
    benchmark: str = ""
    link: str = ""

    @property
    def severity(self) -> int:
        """How bad it is, as a key to sort by: 0 is a fault."""
        return get_args(Level).index(self.level)


def notable(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that are out of range, worst first, else in their order."""
    found = [finding for finding in findings if finding.level != "in range"]
    return sorted(found, key=lambda finding: finding.severity)
