"""Table 2: its columns, what it refuses to say, controls and warnings, and what it will not mix."""

import csv
from pathlib import Path

import numpy as np
import pytest
from table2_scores import PLAYED, RATED, SETTINGS, N, answers, games, job, jobs, ratings, run

from asft.errors import UserError
from asft.files import write_json
from asft.metrics.arena_hard import from_verdicts, official_intervals, pool
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.tables import paper, table2_markdown
from asft.tables.table2 import AgreementFile
from asft.tables.table2_rows import Entry, Table

HEADER = [
    *["method", "seeds", "arena_hard_win_rate", "arena_hard_low", "arena_hard_high"],
    "arena_hard_seed_sd",
    *["arena_hard_official_low", "arena_hard_official_high"],
    *["arena_hard_length_controlled", "arena_hard_style_controlled"],
    *["arena_hard_n", "arena_hard_n_unscored", "arena_hard_judge", "arena_hard_judge_note"],
    *["mt_bench_gpt4", "mt_bench_gpt4_low", "mt_bench_gpt4_high"],
    "mt_bench_gpt4_seed_sd",
    *["mt_bench_gpt4_turn1", "mt_bench_gpt4_turn2"],
    *["mt_bench_gpt4_category_stem", "mt_bench_gpt4_category_math"],
    *["mt_bench_gpt4_n", "mt_bench_gpt4_n_unscored"],
    *["mt_bench_gpt4_judge", "mt_bench_gpt4_judge_note"],
    *["avg_tokens", "swap_consistency", "first_position_rate"],
    *["paper_arena_hard", "paper_mt_bench_gpt4_turbo", "paper_mt_bench_gpt4"],
    *["refused", "fools", "warning", "model", "dataset", "note"],
]
ROW = {"method": "base", "fools": "", "warning": "", "refused": ""}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_columns_rows_and_companions(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path))
    rows = read(out)
    assert list(rows[0]) == HEADER
    methods = [(row["method"], row["seeds"]) for row in rows]
    trained = [("dpo", "2"), ("asft", "2"), ("sft", "2")]
    assert methods == [("base", "1"), *trained, ("control_null", "1")]
    suffixes = ["csv", "differences.csv", "md", "paper.csv", "tex"]
    assert sorted(p.name for p in out.parent.iterdir()) == [f"table2.{s}" for s in suffixes]
    for row in rows:
        for headline, prefix in [("arena_hard_win_rate", "arena_hard"), ("mt_bench_gpt4",) * 2]:
            low, value, high = (
                float(row[key]) for key in (f"{prefix}_low", headline, f"{prefix}_high")
            )
            assert low <= value <= high
        assert (row["arena_hard_n_unscored"], row["refused"], row["warning"]) == ("0", "", "")
        assert (row["model"], row["note"]) == ("tiny_model", "not comparable")
    assert rows[1]["arena_hard_n"] == str(2 * 2 * N)
    assert [row["paper_arena_hard"] for row in rows] == ["21.9000", "31.8000", "32.5000", "", ""]
    assert [row["paper_mt_bench_gpt4_turbo"] for row in rows[:3]] == ["6.8300", "7.0800", "7.0500"]
    assert [row["paper_mt_bench_gpt4"] for row in rows[:3]] == ["7.9200", "8.0300", "8.0500"]


def test_values_come_from_the_verdicts(tmp_path: Path):
    scores = jobs(tmp_path)
    row = next(row for row in read(run(tmp_path, scores)) if row["method"] == "asft")
    verdicts = ratings(8, 1) + ratings(8, 2)
    mean = np.mean([verdict.rating for verdict in verdicts])
    second = np.mean([verdict.rating for verdict in verdicts if verdict.turn == 2])
    maths = {question.question_id for question in RATED if question.category == "math"}
    of_math = np.mean([verdict.rating for verdict in verdicts if verdict.question_id in maths])
    assert float(row["mt_bench_gpt4_category_math"]) == pytest.approx(of_math, abs=1e-4)
    assert float(row["mt_bench_gpt4"]) == pytest.approx(mean, abs=1e-4)
    assert float(row["mt_bench_gpt4_turn2"]) == pytest.approx(second, abs=1e-4)
    played = games(0.6, 8) + games(0.6, 9)
    won = np.mean([(v.label == "B>A") == (v.game == 1) for v in played])
    assert float(row["arena_hard_win_rate"]) == pytest.approx(100 * won, abs=1e-4)
    first = np.mean([verdict.label == "A>B" for verdict in played])
    assert float(row["first_position_rate"]) == pytest.approx(first, abs=1e-4)
    assert 0 < float(row["arena_hard_length_controlled"]) < 100
    assert 0 < float(row["arena_hard_style_controlled"]) < 100
    tokens = np.mean([a.tokens[0] for seed in (1, 2) for a in answers(seed)])
    assert float(row["avg_tokens"]) == pytest.approx(tokens, abs=1e-4)


def test_differences_are_between_contestants(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path))
    found = read(out.with_name("table2.differences.csv"))
    assert len(found) == 2 * 6
    assert not any("control" in row["method_a"] + row["method_b"] for row in found)
    values = {row["method"]: float(row["mt_bench_gpt4"]) for row in read(out)}
    row = next(r for r in found if (r["method_b"], r["metric"]) == ("asft", "rating"))
    assert (row["benchmark"], row["judge"], row["n"]) == ("mt_bench", "gpt4", str(N))
    expected = values[row["method_a"]] - values["asft"]
    assert float(row["difference"]) == pytest.approx(expected, abs=2e-4)
    assert float(row["low"]) <= float(row["difference"]) <= float(row["high"])


def test_low_coverage_refuses_the_cell(tmp_path: Path):
    """Three questions of 24 failed: 87.5 % is not 95 %, and n says how many are missing."""
    scores = jobs(tmp_path, failing=3)
    out = run(tmp_path, scores)
    row = next(row for row in read(out) if row["method"] == "dpo")
    for name in ("", "_low", "_high", "_turn1", "_turn2", "_category_math"):
        assert row[f"mt_bench_gpt4{name}"] == ""
    assert (row["mt_bench_gpt4_n"], row["mt_bench_gpt4_n_unscored"]) == ("96", "12")
    reason = "mt_bench_gpt4: 84 of 96 ratings scored, less than the required 95 %"
    assert row["refused"] == reason
    assert row["arena_hard_win_rate"] != ""
    text = out.with_suffix(".md").read_text()
    section = text[text.index("## mt_bench") :]
    line = next(line for line in section.splitlines() if line.startswith("| dpo"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == ["dpo", "2", r"— \*", "—", "—", "8.03", "84/96"]
    assert f"- dpo: {reason}" in text
    assert "Without a verdict that counts: dpo 12 api_error." in text
    assert "dpo: mt\\_bench\\_gpt4: 84 of 96" in out.with_suffix(".tex").read_text()
    found = read(out.with_name("table2.differences.csv"))
    assert not any("dpo" in r["method_a"] + r["method_b"] for r in found if r["judge"] == "gpt4")
    kept = run(tmp_path, scores, min_coverage=0.8)
    row = next(row for row in read(kept) if row["method"] == "dpo")
    assert (row["mt_bench_gpt4"] != "", row["refused"]) == (True, "")


def test_latex_shows_the_spread_between_seeds(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path))
    row = next(row for row in read(out) if row["method"] == "asft")
    text = out.with_suffix(".tex").read_text()
    for headline, prefix, digits in [
        ("arena_hard_win_rate", "arena_hard", 1),
        ("mt_bench_gpt4", "mt_bench_gpt4", 2),
    ]:
        value, sd = (float(row[name]) for name in (headline, f"{prefix}_seed_sd"))
        assert rf"& {value:.{digits}f} $\pm$ {sd:.{digits}f} " in text


def test_nothing_scored_is_refused_at_any_threshold(tmp_path: Path):
    scores = jobs(tmp_path, failing=N)
    row = next(r for r in read(run(tmp_path, scores, min_coverage=0)) if r["method"] == "dpo")
    assert row["mt_bench_gpt4"] == ""
    assert "0 of 96 ratings scored; an interval needs at least 2 questions" in row["refused"]


def test_markdown_says_what_it_is(tmp_path: Path):
    text = run(tmp_path, jobs(tmp_path)).with_suffix(".md").read_text()
    assert text.splitlines()[0] == "# Table 2: tiny_model. not comparable"
    assert "## arena_hard, judged by gpt4t (gpt-4-1106-preview)\n\nAs far as is known, the" in text
    assert "WARNING" not in text
    head, controls = text.split("## Controls")
    assert "| control_null" not in head
    assert "| control_null" in controls
    assert "| base" not in controls.split("## Differences")[0]
    assert "| stem" in text
    assert "no value to compare" not in text


def test_controls_without_a_base_say_so(tmp_path: Path):
    scores = [found for found in jobs(tmp_path) if found[0] != "base"]
    text = run(tmp_path, scores).with_suffix(".md").read_text()
    assert "`base` has no value to compare them with: arena_hard_win_rate, mt_bench_gpt4." in text


def test_differences_say_with_how_much_they_were_sought():
    row = {"benchmark": "b", "judge": "j", "method_a": "x", "method_b": "y", "metric": "win_rate"}
    row |= {"difference": 1.0, "low": np.nan, "high": np.nan, "p_value": np.nan, "n": 1, "seeds": 2}
    row["verdict"] = "not separable"
    entry = Entry("base", [1], {})
    text = table2_markdown.markdown(Table([entry], [], [ROW], [row]), "title", "", SETTINGS)
    cells = text.strip().splitlines()[-1].strip("|").split("|")
    assert cells[-4].strip() == "not separable with 1 question and 2 seeds"
    assert cells[-5].strip() == "—"


def test_another_judge_is_named_as_not_comparable(tmp_path: Path):
    scores = [
        job(tmp_path, method, 1, "mt_bench", "local", ratings(level, 1, judge="smollm2"))
        for method, level in (("base", 5), ("asft", 6))
    ]
    out = run(tmp_path, scores)
    text = out.with_suffix(".md").read_text()
    assert {row["mt_bench_local_judge"] for row in read(out)} == {"local (smollm2)"}
    assert {row["mt_bench_local_judge_note"] for row in read(out)} == {paper.OTHER}
    tex = out.with_suffix(".tex").read_text()
    assert "judged by local (smollm2), not the paper's judge: not comparable" in tex
    assert "The paper's: GPT-4 Turbo / GPT-4." in tex
    assert r" & paper & 7.05 / 8.05 \\" in tex
    assert "judged by local (smollm2)\n\nNot the paper's judge: not comparable" in text
    header = next(line for line in text.splitlines() if line.startswith("| method"))
    assert "paper's, GPT-4 Turbo" in header
    assert "| paper's, GPT-4  " in header


@pytest.mark.parametrize(("control", "warned"), [(0.9, True), (0.3, True), (0.1, False)])
def test_a_control_at_or_above_the_base_warns(tmp_path: Path, control: float, warned: bool):
    out = run(tmp_path, jobs(tmp_path, control=control))
    row = next(row for row in read(out) if row["method"] == "control_null")
    message = "on arena_hard by judge gpt4t, at or above base ("
    assert (message in row["warning"]) == warned
    assert row["fools"] == ("arena_hard" if warned else "")
    assert ("**WARNING**: control_null scores" in out.with_suffix(".md").read_text()) == warned
    assert ("WARNING: control\\_null" in out.with_suffix(".tex").read_text()) == warned
    assert row["arena_hard_length_controlled"] == ""


def test_latex_is_balanced_and_escaped(tmp_path: Path):
    out = run(tmp_path, jobs(tmp_path, control=0.9, failing=3))
    lines = [r for r in out.with_suffix(".tex").read_text().splitlines() if not r.startswith("%")]
    text = "\n".join(lines)
    assert text.count("{") == text.count("}")
    assert "_" not in text.replace(r"\_", "")
    cells = [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]
    details = lines.index(r"\bottomrule") + 1
    values = [line for line in cells if lines.index(line) < details]
    assert {line.count("&") for line in values} == {3}
    assert {line.count("&") for line in cells if line not in values} == {6}
    assert r" & paper & 32.5 & 8.05 \\" in lines
    assert not any(line.startswith("[") for line in lines)


def test_latex_says_what_markdown_does(tmp_path: Path):
    """Coverage, length, the judge's habits and who judged: from the CSV's row."""
    out = run(tmp_path, jobs(tmp_path, failing=1), dataset="ultra_feedback")
    row = next(row for row in read(out) if row["method"] == "dpo")
    tex = out.with_suffix(".tex").read_text()
    assert r" & scored & 96/96 & 92/96 \\" in tex
    shares = (float(row[name]) for name in ("swap_consistency", "first_position_rate"))
    low, high, length, style, tokens = (
        float(row[f"arena_hard_{name}"] if "_" in name else row["avg_tokens"])
        for name in (
            *("official_low", "official_high", "length_controlled", "style_controlled"),
            "tokens",
        )
    )
    expected = [
        rf"\scriptsize [{low:.1f}, {high:.1f}]",
        *(f"{length:.1f}", f"{style:.1f}", f"{tokens:.0f}"),
        *(rf"{100 * share:.0f}\,\%" for share in shares),
    ]
    assert rf"dpo & {' & '.join(expected)} \\" in tex
    assert r"arena\_hard: judged by gpt4t (gpt-4-1106-preview), as far as is known, the" in tex
    assert r"Trained on ultra\_feedback; base is the untrained policy." in tex
    text = out.with_suffix(".md").read_text()
    assert "Trained on ultra_feedback; `base` is the untrained policy." in text
    assert row["dataset"] == "ultra_feedback"


def test_a_policy_that_was_not_trained_here_has_one_seed_like_base(tmp_path: Path):
    scores = [job for job in jobs(tmp_path) if job[:2] != ("dpo", 2)]
    with pytest.raises(UserError, match=r"dpo has seeds \[1\], asft has \[1, 2\]"):
        run(tmp_path, scores)
    out = run(tmp_path, scores, untrained=["dpo"])
    assert {row["method"]: row["seeds"] for row in read(out)}["dpo"] == "1"
    pairs = [
        (row["method_a"], row["method_b"]) for row in read(out.with_name("table2.differences.csv"))
    ]
    assert ("dpo", "asft") in pairs


def test_official_intervals_resample_all_methods_together(tmp_path: Path):
    """As arena-hard-auto does; a control is none of them."""
    rows = read(run(tmp_path, jobs(tmp_path)))
    seeds = {"base": [0], "dpo": [1, 2], "asft": [1, 2], "sft": [1, 2]}
    shares = {"base": 0.3, "dpo": 0.5, "asft": 0.6, "sft": 0.4}
    played = [
        pool([from_verdicts(games(shares[method], 7 + seed), PLAYED) for seed in of])
        for method, of in seeds.items()
    ]
    expected = np.round(official_intervals(played), 4).tolist()
    found = [
        [float(row[f"arena_hard_official_{end}"]) for end in ("low", "high")] for row in rows[:4]
    ]
    assert found == expected
    assert expected[1] != np.round(official_intervals([played[1]])[0], 4).tolist()
    assert rows[4]["arena_hard_official_low"] == ""


def test_a_control_without_a_score_says_so(tmp_path: Path):
    scores = jobs(tmp_path)
    lost = [verdict.model_copy(update={"status": "api_error"}) for verdict in ratings(2, 0)]
    at = scores.index(next(j for j in scores if j[0] == "control_null" and j[2] == "mt_bench"))
    scores[at] = job(tmp_path, "control_null", 0, "mt_bench", "gpt4", lost)
    out = run(tmp_path, scores)
    message = "control_null was not scored on mt_bench by judge gpt4: whether it fools this judge"
    assert read(out)[-1]["warning"].startswith(message)
    text = out.with_suffix(".md").read_text()
    assert f"**WARNING**: {message}" in text
    line = next(line for line in text.splitlines() if line.startswith("| control_null"))
    assert line.strip("| ").endswith("not scored")


def test_same_bytes_twice(tmp_path: Path):
    scores = jobs(tmp_path)
    first = {p.name: p.read_bytes() for p in run(tmp_path, scores).parent.iterdir()}
    again = {p.name: p.read_bytes() for p in run(tmp_path, scores).parent.iterdir()}
    assert first == again
    assert not any(b"\r" in content or b"nan" in content.lower() for content in first.values())


def test_a_column_never_mixes_judges(tmp_path: Path):
    base = job(tmp_path, "base", 1, "mt_bench", "gpt4", ratings(6, 1))
    other = job(tmp_path, "asft", 1, "mt_bench", "gpt4", ratings(6, 1, judge="gpt-4-0314"))
    with pytest.raises(UserError, match=r"2 models answered \(gpt-4-0314, gpt-4-0613\)"):
        run(tmp_path, [base, other])
    arena = [job(tmp_path, "base", 1, "arena_hard", judge, games(0.5, 1)) for judge in "xy"]
    with pytest.raises(UserError, match="arena_hard: two judges of one win rate"):
        run(tmp_path, arena)
    both = [job(tmp_path, "base", 1, "mt_bench", judge, ratings(6, 1)) for judge in ("j", "k")]
    assert {"mt_bench_j", "mt_bench_k"} < set(read(run(tmp_path, both))[0])


def test_games_of_other_weights_share_no_column(tmp_path: Path):
    base, dpo = (
        job(tmp_path, name, 1, "arena_hard", "j", games(0.5, 1)) for name in ("base", "dpo")
    )
    header, *lines = dpo[4].read_text().splitlines()
    weighed = [f"{header},decisive_weight", *(f"{line},1" for line in lines)]
    dpo[4].write_text("\n".join(weighed) + "\n")
    with pytest.raises(UserError, match="counted by other rules than"):
        run(tmp_path, [base, dpo])
    assert "has weight 1 (upstream's is 3)" in run(tmp_path, [dpo]).with_suffix(".md").read_text()


def test_files_that_cannot_be_compared_are_refused(tmp_path: Path):
    rated = job(tmp_path, "base", 1, "mt_bench", "gpt4", ratings(6, 1))
    played = job(tmp_path, "dpo", 1, "mt_bench", "gpt4", games(0.5, 1))
    asft = [job(tmp_path, "asft", s, "mt_bench", "gpt4", ratings(6, s)) for s in (1, 2)]
    orpo = job(tmp_path, "orpo", 1, "mt_bench", "gpt4", ratings(6, 1))
    arena = job(tmp_path, "asft", 1, "arena_hard", "gpt4", games(0.5, 1))
    lines = asft[1][4].read_text().splitlines()
    asft[1][4].write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    for scores, message in [
        ([rated, played], "mt_bench: ratings of some methods, games of others"),
        ([rated, rated], "base with seed 1 is given twice"),
        ([rated, asft[0], arena], "base: no scores on arena_hard by judge gpt4"),
        ([asft[0], asft[1]], "other questions, or another order"),
        ([rated, orpo, asft[1]], r"orpo has seeds \[1\], asft has \[2\]|other questions"),
        ([arena, asft[1]], "asft: other seeds on some benchmarks than on others"),
        ([], "no score files given"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path, scores)
    assert not (tmp_path / "out").exists()


def test_without_the_answers_their_columns_are_empty_and_say_why(tmp_path: Path):
    """As after `asft import`: verdicts alone."""
    method, seed, benchmark, judge, path = job(
        tmp_path, "base", 1, "arena_hard", "gpt4t", games(0.4, 1)
    )
    folder, bare = path.parent, tmp_path / "bare.csv"
    aggregate_verdicts(
        folder / "verdicts.jsonl", folder / "questions.jsonl", None, "arena_hard", bare
    )
    [row] = read(run(tmp_path, [(method, seed, benchmark, judge, bare)]))
    assert row["arena_hard_win_rate"] != ""
    assert (row["avg_tokens"], row["arena_hard_length_controlled"]) == ("", "")
    reason = "the answers' style is not known"
    assert row["refused"] == (
        f"arena_hard_length_controlled: {reason}; arena_hard_style_controlled: {reason}"
    )


def agreement(folder: Path, value: float, low: float, outcome: str) -> AgreementFile:
    measures = {"agreement": {"value": value, "low": low, "high": value + 0.1}}
    measures |= {"longer_answer": {"value": 0.78, "low": 0.7, "high": 0.86}}
    found = {"measures": measures, "outcome": outcome, "judged": 80}
    write_json(folder / "agreement.json", found | {"published": {"judge": "gpt4_turbo"}})
    return AgreementFile("arena_hard", "gpt4t", folder / "agreement.json")


def test_agreement_with_published_verdicts_stands_in_the_note(tmp_path: Path):
    measured = agreement(tmp_path, 0.71, 0.61, "above chance")
    out = run(tmp_path, jobs(tmp_path), agreements=[measured])
    note = "it agrees with gpt4_turbo on 71 % [61, 81] of 80 published pairs"
    note += " (chance: 50 %; the longer answer: 78 %)"
    for row in read(out):
        assert row["arena_hard_judge_note"].endswith(note)
        assert "gpt4_turbo" not in row["mt_bench_gpt4_judge_note"]
        assert "arena_hard_distrust" not in row
    assert f"; {note}." in out.with_suffix(".md").read_text()
    assert "gpt4\\_turbo on 71 \\%" in out.with_suffix(".tex").read_text()
    assert "†" not in out.with_suffix(".md").read_text()


@pytest.mark.parametrize("control", [0.1, 0.9])
def test_values_of_a_judge_that_knows_nothing_are_marked(tmp_path: Path, control: float):
    measured = agreement(tmp_path, 0.48, 0.38, "not told apart from chance")
    out = run(tmp_path, jobs(tmp_path, control=control), agreements=[measured])
    why = "the judge agrees with gpt4_turbo on 48 % [38, 58] of 80 published pairs,"
    why += " not told apart from chance"
    fooled = "control_null scores at or above base; " if control == 0.9 else ""
    assert {row["arena_hard_distrust"] for row in read(out)} == {fooled + why}
    text = out.with_suffix(".md").read_text()
    assert f"**† Do not trust these values: {fooled}{why}.**" in text
    lines = [line for line in text.splitlines() if line.startswith(("| base", "| dpo"))]
    marked = [line for line in lines if " †" in line]
    assert len(marked) == 2
    assert all("†" not in line for line in text.splitlines() if "| mt_bench, gpt4" in line)
    assert text.count("| arena_hard, gpt4t † |") == 6
    tex = out.with_suffix(".tex").read_text()
    assert tex.count(r"$^{\dagger}$") == 5
    assert "Dagger: do not trust arena\\_hard, gpt4t: " in tex
