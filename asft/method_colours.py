"""One colour per method, the same in every figure and on every page of the report.

Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), which colour-blind readers can tell
apart; the untrained policy is grey, as what the others are compared with. The palette's yellow is
left for the last: a thin yellow line does not show on paper. Past its end come the dark colours of
Paul Tol's "muted" set (https://personal.sron.nl/~pault/).
"""

from collections.abc import Sequence
from zlib import crc32

FIXED = {
    "base": "#7A7A7A",
    "sft": "#56B4E9",
    "dpo": "#0072B2",
    "ipo": "#009E73",
    "ipo_sum": "#000000",
    "orpo": "#E69F00",
    "orpo_full_nll": "#CC79A7",
    "asft": "#D55E00",
}
OTHERS = ("#882255", "#332288", "#999933", "#AA4499", "#44AA99", "#F0E442")


def colour_of(method: str, mentioned: Sequence[str] = ()) -> str:
    """The method's colour as "#RRGGBB".

    A method that has none of its own takes the next of `OTHERS`, in the order in which such
    methods stand in `mentioned` (the names of the config, so that every process agrees). Where it
    is not mentioned its name alone decides: stable, but two names may share a colour.
    """
    if method in FIXED:
        return FIXED[method]
    others = [name for name in dict.fromkeys(mentioned) if name not in FIXED]
    place = others.index(method) if method in others else crc32(method.encode())
    return OTHERS[place % len(OTHERS)]
