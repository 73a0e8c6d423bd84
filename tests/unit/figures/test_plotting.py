"""What all figures share: bytes, marks, text; which figures a config has; Figure 1's gradients."""

import hashlib
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from asft.config.experiment import Config
from asft.config.figure_plan import (
    case_runs,
    figure_names,
    judged_cells,
    margin_runs,
    trained_datasets,
    training_runs,
)
from asft.config.loading import load
from asft.errors import UserError
from asft.figures.plotting import (
    MARKS,
    About,
    add_caption,
    mark_of,
    new_figure,
    note_figure,
    render,
)
from asft.figures.typesetting import CUT, printable, shorten, text_width, wrap

ROOT = Path(__file__).parents[3]
ABOUT = About("tiny", "Not comparable to anything.", ("asft", "mine", "yours"))
ENDINGS = (".pdf", ".png", ".csv")


def config(**changes: object) -> Config:
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    for path, value in changes.items():
        node = raw
        *parents, last = path.split("__")
        for key in parents:
            node = node[key]
        node[last] = value
    return load(raw)


# Figure 1


def test_figure_1_is_the_closed_forms():
    """Autograd of the losses that train, against Eq. 16 and 18 and their counterparts in logs."""
    from asft.figures.loss_fields import fields

    beta = 0.1
    table = fields(beta)
    assert len(table) == 4 * 41**2
    for (loss, space), rows in table.groupby(["loss", "space"]):
        x1, x2 = rows["x1"].to_numpy(), rows["x2"].to_numpy()
        if space == "log_probability":
            x1, x2 = np.exp(x1), np.exp(x2)
        if loss == "bradley_terry":  # Eq. 15 and 16
            total = x1**beta + x2**beta
            value = -np.log(x1**beta / total)
            by_x1, by_x2 = -beta * x2**beta / (x1 * total), beta * x2 ** (beta - 1) / total
        else:  # Eq. 23 and 18
            value = -np.log(x1) - np.log(1 - x2)
            by_x1, by_x2 = -1 / x1, 1 / (1 - x2)
        if space == "log_probability":  # d/d log x = x · d/dx
            by_x1, by_x2 = x1 * by_x1, x2 * by_x2
        np.testing.assert_allclose(rows["value"], value, rtol=1e-5)
        np.testing.assert_allclose(rows["gradient_1"], by_x1, rtol=1e-4)
        np.testing.assert_allclose(rows["gradient_2"], by_x2, rtol=1e-4)


def test_in_logs_bradley_terry_is_balanced_and_asft_is_not():
    from asft.figures.loss_fields import fields

    table = fields(0.5)
    logs = table[table["space"] == "log_probability"]
    balanced = logs[logs["loss"] == "bradley_terry"]
    np.testing.assert_allclose(balanced["gradient_1"], -balanced["gradient_2"], rtol=1e-6)
    align = logs[logs["loss"] == "asft_align"]
    np.testing.assert_allclose(align["gradient_1"], -1)
    assert align["gradient_2"].max() > 100 * align["gradient_2"].min()


def test_figure_1_is_drawn_and_refuses_a_senseless_beta(tmp_path):
    from asft.figures.figure1 import make_figure1

    out = tmp_path / "figure1.pdf"
    make_figure1(out, 0.1)
    assert (tmp_path / "figure1.png").stat().st_size > 50_000
    table = pd.read_csv(tmp_path / "figure1.csv")
    assert table.groupby(["loss", "space"])["arrow"].sum().tolist() == [100] * 4
    with pytest.raises(UserError, match="beta is 0"):
        make_figure1(out, 0.0)


# Bytes


def _draw(numbers):
    figure = new_figure(3.4, 2)
    axes = figure.subplots()
    axes.plot(numbers["x"], numbers["y"], label="§ ∇ x₁")
    axes.set_title("costs 5 $ and 6 $")
    add_caption(figure, "A caption.")
    return figure


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_same_numbers_same_bytes(tmp_path, monkeypatch):
    numbers = pd.DataFrame({"x": [0, 1, 2], "y": [0.1, 1 / 3, 2.0]})
    found = []
    for name in ("a", "b"):
        out = tmp_path / name / "figure.pdf"
        render(partial(_draw, numbers), numbers, out)
        found.append(digests(out.parent))
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
        monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert set(found[0]) == {"figure.pdf", "figure.png", "figure.csv"}
    assert found[0] == found[1]
    assert (tmp_path / "a/figure.csv").read_text() == "x,y\n0,0.1\n1,0.333333\n2,2\n"
    pdf = (tmp_path / "a/figure.pdf").read_bytes()
    assert b"CreationDate" not in pdf
    assert b"/FontFile2" in pdf  # TrueType, embedded
    assert b"/Type3" not in pdf


def test_the_bytes_do_not_depend_on_the_process(tmp_path):
    """Python salts the hashes of strings anew in each process; one without torch, too."""
    code = (
        "import sys; from pathlib import Path; from asft.figures.plotting import *;"
        "import pandas as pd;"
        "import asft.figures.curves, asft.figures.figure3;"
        "assert 'torch' not in sys.modules;"
        "render(lambda: note_figure('A note: $ ₁ é'), pd.DataFrame({'a': [1]}), Path(sys.argv[1]))"
    )
    found = []
    for salt in ("1", "2"):
        out = tmp_path / salt / "figure.pdf"
        environment = os.environ | {"PYTHONHASHSEED": salt}
        subprocess.run([sys.executable, "-c", code, out], check=True, env=environment)
        found.append(digests(out.parent))
    assert found[0] == found[1]


def test_a_users_own_matplotlib_settings_change_nothing(tmp_path):
    import matplotlib as mpl

    numbers = pd.DataFrame({"x": [0, 1], "y": [0, 1]})
    render(partial(_draw, numbers), numbers, tmp_path / "a/figure.pdf")
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "pdf.fonttype": 3}):
        render(partial(_draw, numbers), numbers, tmp_path / "b/figure.pdf")
        assert mpl.rcParams["font.size"] == 30  # and the user's settings are left alone
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_a_failing_drawing_leaves_no_pdf(tmp_path):
    def fail():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        render(fail, pd.DataFrame({"a": [1]}), tmp_path / "figure.pdf")
    assert not (tmp_path / "figure.pdf").exists()


# Marks and text


def test_methods_differ_without_colour_too():
    marks = [mark_of(method, ABOUT) for method in (*MARKS, "mine", "yours")]
    assert len({mark.colour for mark in marks}) == len(marks)
    assert len({mark.marker for mark in marks}) == len(marks)
    assert len({str(mark.dashes) for mark in marks}) == len(marks)


def test_lines_are_no_wider_than_asked_and_lose_no_word():
    text = "Eine Frage,\nmit   einem " + "sehr" * 60 + " langen Wort.\n\n\n  und Einzug"
    lines = wrap(text, 2.0)
    assert all(text_width(line) <= 2.0 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert lines[-1] == "  und Einzug"
    assert text_width("M" * 10) == pytest.approx(10 * 0.863 * 8 / 72, rel=0.01)  # DejaVu's M


def test_cut_lines_say_so_and_stay_within_the_width():
    lines = wrap("word " * 100, 2.0)
    cut = shorten(lines, 3, 2.0)
    assert len(cut) == 3
    assert cut[:2] == lines[:2]
    assert cut[-1].endswith(CUT)
    assert text_width(cut[-1]) <= 2.0
    assert shorten(lines[:3], 3, 2.0) == lines[:3]


def test_what_the_font_lacks_and_control_characters():
    assert printable("a\x00b\x1b[31m\tc\r\nd 漢 é ₁ ∇") == "ab[31m    c\nd \ufffd é ₁ ∇"


def test_a_note_stands_where_a_picture_would_be_empty(tmp_path):
    render(lambda: note_figure("Nothing."), pd.DataFrame({"a": []}), tmp_path / "figure.pdf")
    assert {p.suffix for p in tmp_path.iterdir()} == set(ENDINGS)


# The plan


def test_the_default_has_all_figures():
    assert figure_names(config()) == [
        "figure1",
        "figure2a",
        "figure2b",
        "figure3",
        "figure_mt_bench",
        "figure_length",
        "figure_training_ultrafeedback",
        "figure_training_hh_rlhf",
        "figure_differences",
    ]


def test_a_config_without_judges_has_fewer():
    small = config(
        tables={"table3": {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}},
        figures={"margins": None, "cost": None},
    )
    assert figure_names(small) == ["figure1", "figure_training_hh_rlhf", "figure_differences"]


def test_margins_need_pairs_kept_out_of_training():
    assert "figure2a" not in figure_names(config(datasets__ultrafeedback__heldout=0))


def test_a_policy_of_the_margins_alone_is_one_of_the_runs():
    alone = config(
        tables={"table3": {"datasets": ["hh_rlhf"], "methods": ["base", "sft"]}},
        figures={"margins": {"dataset": "ultrafeedback", "methods": ["asft"]}, "cost": None},
    )
    assert [run.folder for run in training_runs(alone, "ultrafeedback")] == [
        "ultrafeedback/asft/seed42"
    ]
    assert trained_datasets(alone) == ["ultrafeedback", "hh_rlhf"]


def test_runs_of_the_figures():
    both = config(seeds=[1, 2])
    assert [run.folder for run in margin_runs(both)] == [
        f"ultrafeedback/{method}/seed{seed}" for method in ("asft", "orpo") for seed in (1, 2)
    ]
    # Methods of either table, once, in the order of the config; base is not trained.
    runs = training_runs(both, "ultrafeedback")
    assert list(dict.fromkeys(run.method for run in runs)) == ["sft", "dpo", "ipo", "orpo", "asft"]
    assert [row[0] for row in case_runs(both)] == ["base", "dpo", "ipo", "orpo", "asft"]
    assert {row[1] for row in case_runs(both)} == {1}
    assert ("asft", 2, "mt_bench", "local", "ultrafeedback/asft/seed2") in judged_cells(both)
    assert not any(cell[0].startswith("control_") for cell in judged_cells(both))
