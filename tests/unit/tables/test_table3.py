"""Table 3: its columns, how seeds are pooled, what it shows beside the paper, what it refuses."""

import csv
import math
from pathlib import Path
from typing import Any

import pytest
from table3_scores import N, cells, jobs, run, write

from asft.errors import UserError
from asft.metrics.corpus import BLEU_COUNTS, MEANS, METRICS
from asft.records import NO_ANSWER
from asft.tables.table3_text import markdown

HEADER = [
    *["dataset", "method", "seeds", "bleu4", "rouge1", "rouge2", "rougeL"],
    *["lf_bleu4", "lf_rouge1", "lf_rouge2", "lf_rougeL"],
    *(f"{name}_{end}" for name in METRICS for end in ("low", "high", "seed_sd")),
    *["n", "avg_tokens", "paper_bleu4", "paper_rouge1", "paper_rouge2", "paper_rougeL"],
    *["model", "benchmark", "bleu_signature", "note"],
]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_columns_rows_and_companions(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path))
    rows = read(out)
    assert list(rows[0]) == HEADER
    assert [(row["dataset"], row["method"], row["seeds"]) for row in rows] == [
        ("-", "base", "1"),
        ("hh_rlhf", "asft", "2"),
        ("hh_rlhf", "orpo", "2"),
        ("my_data", "sft", "2"),
    ]
    published = [[row[f"paper_{name}"] for name in ("bleu4", "rougeL")] for row in rows]
    assert published == [["", ""], ["37.7000", "30.0900"], ["35.9100", "27.8400"], ["", ""]]
    for row in rows:
        assert (row["n"], row["avg_tokens"], row["model"]) == (str(N), "25.5000", "tiny_model")
        for name in METRICS:
            assert float(row[f"{name}_low"]) < float(row[name]) < float(row[f"{name}_high"])
    suffixes = ["csv", "differences.csv", "md", "tex"]
    assert sorted(p.name for p in out.parent.iterdir()) == [f"table3.{s}" for s in suffixes]


def test_one_seed_leaves_no_empty_columns(tmp_path: Path):
    scores = [job for job in jobs(tmp_path) if job[2] == 1]
    rows = read(run(tmp_path, scores))
    assert list(rows[0]) == [name for name in HEADER if not name.endswith("_seed_sd")]


def test_seeds_average_means_and_sum_counts(tmp_path: Path):
    """Two seeds of two questions; BLEU from 4/8, 2/4, 2/4, (1/2)/4 over all four answers."""
    scores = []
    for seed, level in ((1, 10.0), (2, 30.0)):
        rows = cells(level, n=2)
        for i, row in enumerate(rows):
            row |= dict.fromkeys(MEANS, level + i)
            matched = [2, 1, 1, 0] if seed == 1 else [0, 0, 0, 0]
            total = [3, 2, 1, 1] if seed == 1 else [1, 0, 1, 1]
            row |= dict(zip(BLEU_COUNTS, [*matched, *total, 4, 4], strict=True))
        scores.append(("d", "sft", seed, write(tmp_path / str(seed), rows)))
    [row] = read(run(tmp_path, scores))
    assert row["rouge1"] == "20.5000"
    assert float(row["bleu4"]) == pytest.approx(100 * (1 / 8 * 1 / 8) ** 0.25, abs=1e-4)


def test_differences_within_a_dataset(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path))
    found = read(out.with_name("table3.differences.csv"))
    pairs = [(row["dataset"], row["method_a"], row["method_b"]) for row in found]
    assert list(dict.fromkeys(pairs)) == [
        ("hh_rlhf", "base", "asft"),
        ("hh_rlhf", "base", "orpo"),
        ("hh_rlhf", "asft", "orpo"),
        ("my_data", "base", "sft"),
    ]
    assert [row["metric"] for row in found] == list(METRICS) * 4
    values = {row["method"]: row for row in read(out)}
    for row in found:
        ours, theirs = (float(values[row[f"method_{end}"]][row["metric"]]) for end in "ab")
        difference = float(row["difference"])
        assert difference == pytest.approx(ours - theirs, abs=2e-4)
        assert float(row["low"]) < difference < float(row["high"])
        assert (row["n"], row["seeds"]) == (str(N), "2")
        assert 0 <= float(row["p_value"]) <= 1  # four decimals
    assert {row["verdict"] for row in found if row["method_a"] == "base"} == {"worse"}


def test_markdown_says_what_it_is(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path), note="bundled data;\nnot comparable")
    text = out.with_suffix(".md").read_text()
    title = text.splitlines()[0]
    assert title == "# Table 3: tiny_model on alpaca_en, n = 12. bundled data; not comparable"
    row = read(out)[1]
    keys = ("lf_rougeL", "lf_rougeL_seed_sd", "lf_rougeL_low", "lf_rougeL_high")
    cell = "{:.2f} ± {:.2f} [{:.2f}, {:.2f}]".format(*(float(row[key]) for key in keys))
    line = next(line for line in text.splitlines() if "asft" in line)
    columns = [part.strip() for part in line.strip("|").split("|")]
    assert columns[:3] == ["hh_rlhf", "asft", "2"]
    assert columns[-3:] == [cell, "30.09", "25.5"]
    assert "95 %, over questions and training seeds (their variance over questions" in text
    assert "plus that between 2 seeds" in text
    assert "no error shows" not in text


def test_a_verdict_says_with_how_much_it_was_sought():
    row: dict[str, Any] = {"dataset": "d", "method_a": "a", "method_b": "b", "metric": "bleu4"}
    row |= {"difference": 0.5, "low": -1.0, "high": 2.0, "p_value": 0.5, "n": 44, "seeds": 1}

    def last_cell(verdict: str) -> str:
        text = markdown([], [row | {"verdict": verdict}], "title", "remark")
        *_, word, _, _, _ = text.strip().splitlines()[-1].strip("|").split("|")
        return word.strip()

    assert last_cell("not separable") == "not separable with 44 questions and 1 seed"
    assert last_cell("better") == "better"


def test_constant_scores_are_said_to_have_no_error(tmp_path: Path):
    rows = [row | dict.fromkeys(MEANS, 0.0) for row in cells(50)]
    out = run(tmp_path, [("d", "sft", 1, write(tmp_path / "s", rows))])
    note = out.with_suffix(".md").read_text()
    assert f"so that no error shows: {len(MEANS)} cells." in note
    assert read(out)[0]["rouge1_low"] == "0.0000"


def test_latex_is_balanced_and_escaped(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path), note="100% of my_data & more\n#1")
    lines = out.with_suffix(".tex").read_text().splitlines()
    comments = [line for line in lines if line.startswith("%")]
    assert any("100% of my_data & more #1" in line for line in comments)
    body = [line for line in lines if not line.startswith("%")]
    assert r"100\% of my\_data \& more \#1" in next(line for line in body if "caption" in line)
    text = "\n".join(body)
    assert text.count("{") == text.count("}")
    assert "_" not in text.replace(r"\_", "")
    for environment in ("table", "tabular"):
        assert text.count(rf"\begin{{{environment}}}") == 1
        assert text.count(rf"\end{{{environment}}}") == 1
    cells = [line for line in body if line.endswith(r"\\") and "multicolumn" not in line]
    assert all(line.count("&") == 6 for line in cells)
    assert r" &  & paper & 37.70 & 43.71 & 22.42 & 30.09 \\" in body
    # a row that began with [ would be read as the optional argument of the \\ before it
    assert not any(line.startswith("[") for line in body)


def test_latex_shows_the_spread_between_seeds(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path))
    base, asft = read(out)[:2]
    text = out.with_suffix(".tex").read_text()
    value, sd = (float(asft[name]) for name in ("lf_rougeL", "lf_rougeL_seed_sd"))
    assert rf"{value:.2f} $\pm$ {sd:.2f}" in text
    assert rf"{float(base['lf_rougeL']):.2f} \\" in text  # one seed: no spread


def test_same_bytes_twice(tmp_path: Path):
    first = {p.name: p.read_bytes() for p in run(tmp_path, jobs(tmp_path)).parent.iterdir()}
    again = {p.name: p.read_bytes() for p in run(tmp_path, jobs(tmp_path)).parent.iterdir()}
    assert first == again
    assert not any(b"\r" in content for content in first.values())


@pytest.mark.parametrize("bad", ["", "nan", "inf", "-1e999", "x"])
def test_an_unusable_cell_is_refused(tmp_path: Path, bad: str):
    rows = cells(50)
    rows[3]["rouge2"] = bad
    scores = [("d", "sft", 1, write(tmp_path / "scores.csv", rows))]
    message = rf"scores\.csv, row 4, column 'rouge2': expected a number, found '{bad}'"
    with pytest.raises(UserError, match=message):
        run(tmp_path, scores)
    assert not (tmp_path / "out").exists()


def test_tokens_that_nobody_counted_are_an_empty_cell(tmp_path: Path):
    rows = cells(60.0)
    rows[3]["tokens"] = ""
    known, unknown = write(tmp_path / "a", cells(40.0)), write(tmp_path / "b", rows)
    out = run(tmp_path, [("hh_rlhf", "sft", 1, known), ("hh_rlhf", "asft", 1, unknown)])
    assert [row["avg_tokens"] for row in read(out)] == ["25.5000", ""]
    assert "| —" in out.with_suffix(".md").read_text()
    assert "nan" not in out.with_suffix(".tex").read_text()


def test_a_question_without_an_answer_of_one_method_is_in_no_number(tmp_path: Path):
    without = cells(60.0)
    without[3] |= dict.fromkeys([*MEANS, *BLEU_COUNTS, "tokens"], "")
    without[3]["finish_reason"] = NO_ANSWER
    scores = [
        ("d", "sft", 1, write(tmp_path / "a", cells(40.0))),
        ("d", "asft", 1, write(tmp_path / "b", without)),
    ]
    out = run(tmp_path, scores, note="")
    found, text = out.read_text(), out.with_suffix(".md").read_text()
    differences = out.with_name("table3.differences.csv").read_text()
    remark = "Without 1 of 12 questions, to which a method has no answer."
    assert remark in found
    assert remark in text
    for name, level in (("a", 40.0), ("b", 60.0)):
        rows = cells(level)
        write(tmp_path / name, rows[:3] + rows[4:])
    assert run(tmp_path, scores, note=remark).read_text() == found
    assert out.with_name("table3.differences.csv").read_text() == differences


def dropped(level: float, count: int) -> list[dict[str, Any]]:
    """Scores with no ROUGE of the first questions."""
    empty = {"rouge1": "", "rouge2": "", "rougeL": "", "rouge_dropped": "GREEK"}
    return [row | (empty if i < count else {}) for i, row in enumerate(cells(level))]


def with_rouge_dropped(folder: Path, count: int) -> Path:
    levels = {"sft": 40.0, "asft": 60.0}
    scores = [
        ("hh_rlhf", name, 1, write(folder / name, dropped(level, count)))
        for name, level in levels.items()
    ]
    return run(folder, scores)


def test_a_question_may_lack_an_answer_where_others_lack_rouge(tmp_path: Path):
    """Of twelve, five have no ROUGE; one of them, and one more, no answer of one method."""
    without = dropped(60.0, 5)
    for number in (4, 6):
        without[number] |= dict.fromkeys([*MEANS, *BLEU_COUNTS, "tokens"], "")
        without[number]["finish_reason"] = NO_ANSWER
    scores = [
        ("d", "sft", 1, write(tmp_path / "a", dropped(40.0, 5))),
        ("d", "asft", 1, write(tmp_path / "b", without)),
    ]
    row = read(run(tmp_path, scores))[0]
    assert (row["n"], row["rouge_n"], row["rouge_dropped"]) == ("10", "6", "GREEK 4")


def test_means_are_of_the_questions_that_were_measured(tmp_path: Path):
    out = with_rouge_dropped(tmp_path, 5)
    row = read(out)[0]
    left = [float(cell["rouge1"]) for cell in cells(40.0)[5:]]
    assert float(row["rouge1"]) == pytest.approx(sum(left) / len(left), abs=1e-4)
    assert (row["n"], row["rouge_n"], row["rouge_dropped"]) == (str(N), str(N - 5), "GREEK 5")
    differences = {row["metric"]: row for row in read(out.with_name("table3.differences.csv"))}
    assert (differences["rouge1"]["n"], differences["lf_rouge1"]["n"]) == (str(N - 5), str(N))
    said = f"empty for 5 of {N} questions, by the script of their references (GREEK 5), and their"
    assert said in out.with_suffix(".md").read_text()


@pytest.mark.parametrize("left", [0, 1])
def test_what_was_not_measured_is_empty(tmp_path: Path, left: int):
    out = with_rouge_dropped(tmp_path, N - left)
    row = read(out)[0]
    names = [f"rouge1{end}" for end in ("", "_low", "_high")]
    assert [row[name] for name in names] == ["", "", ""]
    assert row["bleu4"] != ""
    metrics = [row["metric"] for row in read(out.with_name("table3.differences.csv"))]
    assert "rouge1" not in metrics
    assert "lf_rouge1" in metrics
    assert "they have no means" in out.with_suffix(".md").read_text()
    for suffix in (".csv", ".md", ".tex"):
        assert "nan" not in out.with_suffix(suffix).read_text()


def test_one_question_is_refused(tmp_path: Path):
    scores = [("d", "sft", 1, write(tmp_path / "s", cells(50, n=1)))]
    with pytest.raises(UserError, match=r"d/sft, column 'bleu4_low', from n = 1 questions"):
        run(tmp_path, scores)


def test_files_that_cannot_be_compared_are_refused(tmp_path: Path):
    good = write(tmp_path / "good.csv", cells(50))
    reordered = write(tmp_path / "reordered.csv", cells(50)[::-1])
    signed = write(tmp_path / "s.csv", [row | {"bleu_signature": "v2"} for row in cells(50)])
    bare = write(tmp_path / "bare.csv", [{"question_id": "q"}])
    empty = tmp_path / "empty.csv"
    empty.write_text("question_id\n")
    greek = write(tmp_path / "greek.csv", dropped(50, 1))
    for other, message in [
        (greek, "other questions without ROUGE"),
        (reordered, r"reordered\.csv: other questions, or another order, than .*good\.csv"),
        (signed, r"s\.csv: BLEU signature 'v2', but 'sig' in .*good\.csv"),
        (bare, r"bare\.csv: no column 'bleu_signature'"),
        (empty, r"empty\.csv: no scores"),
        (tmp_path / "absent.csv", r"absent\.csv: no such file"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path, [("d", "sft", 1, good), ("d", "asft", 1, other)])
    with pytest.raises(UserError, match="sft with seed 1 is given twice"):
        run(tmp_path, [("d", "sft", 1, good), ("d", "sft", 1, good)])
    with pytest.raises(UserError, match=r"sft has seeds \[1\], asft has \[2\]"):
        run(tmp_path, [("d", "sft", 1, good), ("d", "asft", 2, good)])
    with pytest.raises(UserError, match="no score files given"):
        run(tmp_path, [])


def test_every_number_is_finite(tmp_path: Path):
    for row in read(run(tmp_path, jobs(tmp_path))):
        kept = [k for k in HEADER[2:-8] if not k.endswith("seed_sd")]  # base has one seed
        numbers = [row[key] for key in kept]
        assert all(math.isfinite(float(number)) for number in numbers)
