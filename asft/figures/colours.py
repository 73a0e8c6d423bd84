"""One colour per method, the same in every figure and on every page of the report.

Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), which colour-blind readers can tell
apart, without its yellow, a thin line of which does not show on paper, and without its black,
which is text's. The untrained policy is grey, as what the others are compared with. The rest were
searched for: dark enough for white paper, and far from all before them with any colour blindness
(tests/unit/figures/test_colours.py).
"""

from collections.abc import Sequence
from zlib import crc32

FIXED = {
    "base": "#666666",
    "sft": "#56B4E9",
    "dpo": "#0072B2",
    "ipo": "#009E73",
    "ipo_sum": "#005511",
    "orpo": "#E69F00",
    "orpo_full_nll": "#CC79A7",
    "asft": "#D55E00",
}
OTHERS = ("#9900EE", "#440088", "#CC1133", "#662266", "#AA77FF", "#660033")


def colour_of(method: str, mentioned: Sequence[str] = ()) -> str:
    """Return the method's colour as "#RRGGBB".

    A method that has none of its own takes the next of `OTHERS`, in the order in which such
    methods stand in `mentioned` (the names of the config, so that every process agrees). Where it
    is not mentioned its name alone decides: stable, but two names may share a colour.
    """
    if method in FIXED:
        return FIXED[method]
    others = [name for name in dict.fromkeys(mentioned) if name not in FIXED]
    place = others.index(method) if method in others else crc32(method.encode())
    return OTHERS[place % len(OTHERS)]
