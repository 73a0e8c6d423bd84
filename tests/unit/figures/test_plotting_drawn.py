"""What stands in the pictures: bands, letters, layers, limits, colours; the same bytes twice."""

from functools import partial
from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import FillBetweenPolyCollection

from asft.config.experiment import Statistics
from asft.figures.case_study import COLUMNS as CASE
from asft.figures.colours import FIXED, OTHERS
from asft.figures.cost import ARMS, Measurement, costs
from asft.figures.curves import CURVES, draw_curves
from asft.figures.figure1 import CAPTION, draw_figure1, paper_titles
from asft.figures.figure2a import MARGINS, draw_margins
from asft.figures.figure2b import draw_costs
from asft.figures.figure3 import draw_case
from asft.figures.forest import PLAIN, VERDICTS, draw_differences
from asft.figures.length import draw_length
from asft.figures.marks import About
from asft.figures.mt_bench import draw_mt_bench
from asft.figures.plotting import render, style

ABOUT = About("tiny", "A note.", ("asft", "orpo"))
SETTINGS = Statistics()
METHODS = ("asft", "orpo")


def measured(seeds: int = 1) -> pd.DataFrame:
    """Both methods at three steps, every quantity equal to the step, 0.5 either way over seeds."""
    rows = []
    for method, split, step in product(METHODS, ("train", "heldout"), (0, 4, 8)):
        row = {"dataset": "toy", "method": method, "split": split, "step": step, "pairs": 8}
        for name in {*CURVES, *MARGINS}:
            row |= {name: float(step), f"{name}_low": step - 0.5, f"{name}_high": step + 0.5}
        rows.append(row | {"seeds": seeds, "steps_per_point": 1})
    return pd.DataFrame(rows)


def heldout(seeds: int = 1) -> pd.DataFrame:
    return measured(seeds).query("split == 'heldout'")


def judged(judges: tuple[str, ...] = ("gpt",)) -> pd.DataFrame:
    """What score by length and ratings by category need, two methods at the same place."""
    rows = []
    for judge, method, kind in product(judges, METHODS, ("method", "mean", "question")):
        place = {"benchmark": "mt_bench", "judge": judge, "pairwise": False, "category": "math"}
        values = {"tokens": 90.0, "score": 5.0, "rating": 5.0, "low": 4.0, "high": 6.0}
        rows.append(place | values | {"method": method, "kind": kind, "limit": 128.0, "n": 6})
    return pd.DataFrame(rows)


def compared() -> pd.DataFrame:
    """A difference of each verdict; the last one's interval excludes 0."""
    verdicts = ["better", "worse", "not separable", "not separable"]
    low, high = [1, -3, -1, 1], [3, -1, 1, 3]
    about = {"table": 2, "group": "g", "panel": "p", "metric": "rating", "method_b": "asft"}
    names = {"method_a": ["a", "b", "c", "d"], "verdict": verdicts}
    table = pd.DataFrame(names | {"low": low, "high": high}).assign(**about)
    return table.assign(difference=(table["low"] + table["high"]) / 2)


def cost() -> pd.DataFrame:
    about = {"repeat": 1, "steps": 3, "pairs": 6, "parameters": 10**8, "precision": "bfloat16"}
    about |= {"device": "cpu", "threads": 2, "peak_memory_is": "all", "tokens_per_second": 9}
    rows = []
    for arm in ARMS:
        online, cached = arm == "dpo_online", arm == "dpo_cached"
        row = {"arm": arm, "seconds_per_pair": 3 + online, "reference_seconds_per_pair": cached}
        rows.append(Measurement(**about, **row, peak_memory_bytes=4 * 10**9))
    return costs(rows, checkpointing=False)


def case() -> pd.DataFrame:
    said = {"question": "Why?", "category": "math", "answer": "So.", "judgment": "Well.", "seed": 1}
    rows = [said | {"method": name, "rating": 5.0, "spread": 1.0} for name in ("sft", "orpo")]
    table = pd.DataFrame(rows).reindex(columns=CASE)
    return table.assign(judge="gpt", judge_model="gpt", n_ratings=1, probabilities="")


def losses() -> pd.DataFrame:
    from asft.figures.loss_fields import fields, paper_losses

    return fields(paper_losses(0.1))


DRAWN = {
    "figure1": lambda: draw_figure1(losses(), paper_titles(0.1), CAPTION),
    "figure2b": lambda: draw_costs(cost(), "toy", ABOUT),
    "training": lambda: draw_curves(measured(3), ABOUT),
    "mt_bench": lambda: draw_mt_bench(judged(), SETTINGS, ABOUT),
    "length": lambda: draw_length(judged(), SETTINGS, ABOUT),
    "differences": lambda: draw_differences(compared(), SETTINGS, ABOUT),
}


@pytest.mark.parametrize("name", DRAWN)
def test_two_renders_give_the_same_bytes(name, tmp_path):
    outs = [tmp_path / folder / "figure.pdf" for folder in "ab"]
    for out in outs:
        render(DRAWN[name], pd.DataFrame({"a": [1]}), out)
    for ending in (".pdf", ".png"):
        same = len({out.with_suffix(ending).read_bytes() for out in outs}) == 1
        assert same, ending  # of the bytes themselves pytest would make a diff that takes minutes


def drawn(draw, *arguments):
    with style():
        return draw(*arguments)


def text_of(figure) -> str:
    """All captions of the figure as one line."""
    return " ".join(text.get_text() for text in figure.texts)


@pytest.mark.parametrize(
    "draw", [partial(draw_margins, heldout(3)), partial(draw_curves, measured(3))]
)
def test_bands_reach_from_the_lowest_to_the_highest_seed(draw):
    for axes in drawn(draw, ABOUT).axes:
        bands = [c for c in axes.collections if isinstance(c, FillBetweenPolyCollection)]
        assert len(bands) == len(METHODS)
        for band in bands:
            x, y = band.get_paths()[0].vertices.T
            assert {(0, -0.5), (0, 0.5), (8, 7.5), (8, 8.5)} <= set(zip(x, y, strict=True))


def test_one_seed_has_no_bands():
    assert not any(axes.collections for axes in drawn(draw_margins, heldout(1), ABOUT).axes)


def test_only_panels_of_a_figure_of_their_own_have_letters():
    def titles(figure):
        return [axes.get_title(loc="left") for axes in figure.axes]

    assert titles(drawn(draw_margins, heldout(), ABOUT)) == list(MARGINS.values())
    assert titles(drawn(draw_mt_bench, judged(), SETTINGS, ABOUT)) == ["judge: gpt"]
    two = drawn(draw_mt_bench, judged(("gpt", "local")), SETTINGS, ABOUT)
    assert titles(two) == ["(a) judge: gpt", "(b) judge: local"]
    assert titles(drawn(draw_costs, cost(), "toy", ABOUT)) == [
        "time: ASFT −25.0 %\nexpected −25 %, paper −13.0 %",
        "memory: ASFT +0.0 %\nexpected −11 %, paper −16.7 %",
    ]


def test_bars_of_costs_say_their_digits_in_full():
    time, memory = drawn(draw_costs, cost(), "toy", ABOUT).axes
    assert [text.get_text() for text in time.texts] == ["4.00", "3.00\n+ 1.0", "3.00", "3.00"]
    assert [text.get_text() for text in memory.texts] == ["4.00"] * 4


def test_margins_say_how_much_their_axes_span():
    assert "lies within 8 per token and 8 per answer" in text_of(
        drawn(draw_margins, heldout(), ABOUT)
    )


def test_a_solid_curve_lies_below_a_dashed_one():
    for axes in drawn(draw_margins, heldout(), ABOUT).axes:
        height = {line.get_color(): line.get_zorder() for line in axes.lines}
        assert height[FIXED["asft"]] < height[FIXED["orpo"]]


def test_methods_of_one_length_stand_apart_and_the_limit_is_drawn():
    figure = drawn(draw_length, judged(), SETTINGS, ABOUT)
    (axes,) = figure.axes
    figure.draw_without_rendering()
    large = [line for line in axes.lines if line.get_markersize() > 6]
    places = [line.get_transform().transform((90, 5))[0] for line in large]
    assert abs(places[0] - places[1]) * 72 / figure.dpi == pytest.approx(4)
    assert axes.get_xlabel() == "tokens per answer (dashed: their limit, 128)"
    assert any(list(line.get_xdata()) == [128, 128] for line in axes.lines)
    unknown = drawn(draw_length, judged().assign(limit=np.nan), SETTINGS, ABOUT)
    assert unknown.axes[0].get_xlabel() == "tokens per answer"


def test_verdicts_have_no_methods_colour():
    shapes = [*VERDICTS.values(), PLAIN]
    assert not {shape.colour for shape in shapes} & {*FIXED.values(), *OTHERS}
    figure = drawn(draw_differences, compared(), SETTINGS, ABOUT)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["first better", "first worse", "not separable"]
    (axes,) = figure.axes
    assert [line.get_marker() for line in axes.lines[1:]] == [">", "<", "o", "o"]
    assert axes.get_xlabel() == "points of 10"


def test_names_of_the_case_are_black_beside_their_colour():
    figure = drawn(draw_case, case(), ABOUT)
    assert {text.get_color() for text in figure.texts if text.get_weight() == "bold"} == {"#000000"}
    bars = [line.get_color() for line in figure.artists if line.get_linewidth() == 3]
    assert bars == [FIXED["sft"], FIXED["orpo"]]


def test_losses_are_labelled_and_their_ticks_round():
    figure = drawn(draw_figure1, losses(), paper_titles(0.1), CAPTION)
    figure.draw_without_rendering()
    bars = [axes for axes in figure.axes if axes.get_ylabel() == "loss"]
    assert len(bars) == 4
    for axes in bars:
        ticks = axes.get_yticks()
        assert set(np.round(np.diff(ticks), 9)) <= {0.1, 0.05, 1.0, 2.0}
