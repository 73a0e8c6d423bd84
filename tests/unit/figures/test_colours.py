"""The methods' colours as readers with each kind of colour blindness see them."""

from itertools import combinations

import numpy as np
import pytest

from asft.figures.colours import FIXED, OTHERS, colour_of

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
SEEN = {
    "no blindness": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
APART = 15.0  # CIE 1976; about 2 is just noticeable side by side


def linear(colour: str) -> np.ndarray:
    """Linear RGB of "#RRGGBB", (3,)."""
    coded = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D65 of linear RGB, (3,)."""
    ratio = XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(first: str, second: str, seen: np.ndarray) -> float:
    return float(np.linalg.norm(lab(seen @ linear(first)) - lab(seen @ linear(second))))


def test_the_distance_itself():
    assert distance("#000000", "#FFFFFF", np.eye(3)) == pytest.approx(100, abs=0.1)
    assert lab(linear("#FF0000")) == pytest.approx([53.2, 80.1, 67.2], abs=0.1)
    # The textbook's pair: far apart, but not for a deuteranope.
    assert distance("#FF0000", "#A29300", np.eye(3)) > 75
    assert distance("#FF0000", "#A29300", SEEN["deuteranopia"]) < 5


@pytest.mark.parametrize("blindness", SEEN)
def test_colour_blind_readers_can_tell_methods_apart(blindness):
    close = {
        (first, second): round(found, 1)
        for first, second in combinations((*FIXED.values(), *OTHERS), 2)
        if (found := distance(first, second, SEEN[blindness])) < APART
    }
    assert not close


def test_every_colour_shows_on_white_paper():
    luminance = {c: float(XYZ[1] @ linear(c)) for c in (*FIXED.values(), *OTHERS)}
    assert min(1.05 / (0.05 + value) for value in luminance.values()) > 2.2  # Okabe and Ito's amber
    assert min(1.05 / (0.05 + luminance[colour]) for colour in OTHERS) > 3


def test_colours_are_fixed_and_distinct():
    assert len(set(FIXED.values()) | set(OTHERS)) == len(FIXED) + len(OTHERS)
    assert colour_of("asft") == "#D55E00"
    mentioned = ["sft", "mine", "asft", "yours"]
    assert [colour_of(name, mentioned) for name in mentioned[1::2]] == list(OTHERS[:2])
    assert colour_of("mine") == colour_of("mine") in OTHERS
