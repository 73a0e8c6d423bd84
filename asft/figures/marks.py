"""The mark of each method, the same in every figure, and what every caption says."""

from __future__ import annotations

from typing import Any, NamedTuple

from matplotlib.colors import to_hex, to_rgb

from asft.figures.colours import OTHERS, colour_of

# Marker and dashes, for readers without colour.
MARKS: dict[str, tuple[str, Any]] = {
    "base": ("X", (0, (1, 1))),
    "sft": ("v", (0, (1, 1.5))),
    "dpo": ("s", (0, (5, 1.5))),
    "ipo": ("D", (0, (5, 1.5, 1, 1.5))),
    "ipo_sum": ("P", (0, (3, 1, 1, 1, 1, 1))),
    "orpo": ("^", (0, (3, 1))),
    "orpo_full_nll": ("<", (0, (3, 1, 1, 1))),
    "asft": ("o", "-"),
}
OTHER_MARKS = ("p", "h", ">", "*", "d", "8")
LABELS = {"base": "base", "orpo_full_nll": "ORPO (full NLL)", "ipo_sum": "IPO (sums)"}


class About(NamedTuple):
    """The facts of the experiment that captions tell, and the methods that share the colours.

    The methods are the config's.
    """

    model: str
    note: str
    methods: tuple[str, ...] = ()
    starts: dict[str, list[str]] | None = None  # by method, what was trained before it

    @classmethod
    def of(cls, settings: dict[str, Any]) -> About:
        """Read what every `asft plot` is told in its settings."""
        note = " ".join(settings["note"].split())
        methods, starts = tuple(settings["methods"]), settings.get("starts")
        return cls(settings["model"], note, methods, starts)


class Mark(NamedTuple):
    """The look of a method, the same in every figure."""

    label: str
    colour: str
    marker: str
    dashes: Any


def mark_of(method: str, about: About) -> Mark:
    """Return the method's mark; one without a mark of its own gets it with its colour."""
    colour = colour_of(method, about.methods)
    label = " → ".join(map(_label, [*(about.starts or {}).get(method, []), method]))
    if method in MARKS:
        return Mark(label, colour, *MARKS[method])
    place = OTHERS.index(colour) if colour in OTHERS else 0
    dashes = (0, (1 + place, 1, 4, 1))
    return Mark(label, colour, OTHER_MARKS[place % len(OTHER_MARKS)], dashes)


def _label(method: str) -> str:
    return LABELS.get(method, method.upper() if method in MARKS else method)


def tint(colour: str, share: float) -> str:
    """Mix a share of the colour into white: unlike a transparent one it hides what is below it."""
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))
