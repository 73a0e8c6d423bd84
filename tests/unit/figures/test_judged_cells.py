"""Figure 3's rule, MT-Bench by category, score against length, forest plot of differences."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_steps import done_here

from asft.config.experiment import Statistics
from asft.errors import UserError
from asft.figures.case_study import Contestant, case_study, probabilities_in_words
from asft.figures.differences import plot_differences, read_differences
from asft.figures.figure3 import plot_case
from asft.figures.length import plot_length
from asft.figures.mt_bench import plot_mt_bench
from asft.figures.plotting import About
from asft.files import write_jsonl
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.records import Completion, Question, Verdict
from asft.tables.table2 import ScoreFile, tabulate_table2

ABOUT = About("tiny", "A note.", ("dpo", "asft"))
SETTINGS = Statistics(resamples=100)
QUESTIONS = [Question(question_id=f"q{n}", category="math", turns=["a?", "b?"]) for n in range(4)]


def contestant(*rated: float | None, words: str = "", answer: str = "Yes.") -> Contestant:
    """One rating per question's first turn, None for a failed one; the second turn is always 9."""
    verdicts = []
    for question, rating in zip(QUESTIONS, rated, strict=True):
        about = {"question_id": question.question_id, "model": "gpt"}
        status = "ok" if rating is not None else "api_error"
        verdicts.append(Verdict(status=status, rating=rating, judgments=[words], **about))
        verdicts.append(Verdict(status="ok", rating=9.0, turn=2, **about))
    completions = [
        Completion(question_id=q.question_id, turns=[answer, "b"], finish_reasons=[], tokens=[])
        for q in QUESTIONS
    ]
    return Contestant(42, completions, verdicts)


# Figure 3


def test_the_case_is_the_largest_spread():
    table = case_study(
        QUESTIONS, {"dpo": contestant(1, 5, 9, 5), "asft": contestant(2, 9, 9, 6)}, "j"
    )
    assert set(table["question_id"]) == {"q1"}
    assert list(table["method"]) == ["dpo", "asft"]
    assert list(table["rating"]) == [5, 9]
    assert set(table["spread"]) == {4}


def test_of_equal_spreads_the_first_question_wins():
    table = case_study(
        QUESTIONS, {"dpo": contestant(5, 3, 7, 1), "asft": contestant(5, 6, 4, 2)}, "j"
    )
    assert set(table["question_id"]) == {"q1"}


def test_a_question_without_a_rating_of_every_method_is_left_out():
    methods = {"dpo": contestant(1, 5, 5, None), "asft": contestant(None, 6, 5, 10)}
    assert set(case_study(QUESTIONS, methods, "j")["question_id"]) == {"q1"}
    nothing = {"dpo": contestant(1, 1, None, None), "asft": contestant(None, None, 2, 2)}
    assert case_study(QUESTIONS, nothing, "j").empty


def test_repeats_are_averaged_and_the_first_valid_words_shown():
    one = contestant(4, 4, 4, 4, words="first")
    again = [v.model_copy(update={"repeat": 1, "judgments": ["again"]}) for v in one.verdicts]
    again[0] = again[0].model_copy(update={"rating": 8.0})
    failed = one.verdicts[0].model_copy(update={"status": "no_verdict", "rating": None})
    both = one._replace(verdicts=[*again, *one.verdicts])
    row = case_study(QUESTIONS, {"dpo": both, "asft": contestant(4, 4, 4, 4)}, "j").iloc[0]
    assert (row["rating"], row["n_ratings"], row["judgment"]) == (6, 2, "first")
    second = one._replace(verdicts=[*again, failed, *one.verdicts[1:]])
    row = case_study(QUESTIONS, {"dpo": second, "asft": contestant(4, 4, 4, 4)}, "j").iloc[0]
    assert (row["rating"], row["n_ratings"], row["judgment"]) == (8, 1, "again")


def test_a_judge_that_gives_probabilities():
    verdict = Verdict(
        question_id="q", status="ok", rating=2, probabilities={"[[1]]": 0.3, "[[10]]": 0.7}
    )
    assert probabilities_in_words(verdict) == "10: 70 %, 1: 30 %"


def test_an_answer_that_is_missing_is_an_error():
    methods = {"dpo": contestant(1, 1, 1, 1)._replace(completions=[])}
    with pytest.raises(UserError, match="dpo: no answer to question 'q0'"):
        case_study(QUESTIONS, methods, "j")


HOSTILE = "Costs $5 and $6_x^2.\n\n\x1b[31mRed\x00 漢字 " + "W" * 400 + "\n" + "long " * 900


def test_any_answer_can_be_set_and_stays_whole_in_the_csv(tmp_path, recwarn):
    methods = {"base": contestant(1, 1, 1, 1, answer="")}
    for number, name in enumerate(("dpo", "asft", "my_method")):
        methods[name] = contestant(*[2.0 + number] * 4, words=HOSTILE, answer=HOSTILE)
    runs = {}
    for name, each in methods.items():
        paths = tmp_path / f"{name}.c.jsonl", tmp_path / f"{name}.v.jsonl"
        write_jsonl(paths[0], each.completions)
        write_jsonl(paths[1], each.verdicts)
        runs[name] = (42, *paths)
    write_jsonl(tmp_path / "q.jsonl", QUESTIONS)
    found = []
    for folder in ("a", "b"):
        out = tmp_path / folder / "figure3.pdf"
        plot_case(tmp_path / "q.jsonl", runs, "gpt4", ABOUT, out)
        found.append([out.with_suffix(end).read_bytes() for end in (".pdf", ".png", ".csv")])
    assert found[0] == found[1]
    table = pd.read_csv(tmp_path / "a/figure3.csv").set_index("method")
    assert len(table.loc["asft", "answer"]) > 4500
    assert not [w for w in recwarn if "Glyph" in str(w.message)]


def test_no_case_is_a_sentence(tmp_path):
    write_jsonl(tmp_path / "q.jsonl", QUESTIONS)
    each = contestant(None, None, None, None)
    write_jsonl(tmp_path / "c.jsonl", each.completions)
    write_jsonl(tmp_path / "v.jsonl", each.verdicts)
    runs = {"dpo": (42, tmp_path / "c.jsonl", tmp_path / "v.jsonl")}
    plot_case(tmp_path / "q.jsonl", runs, "gpt4", ABOUT, tmp_path / "figure3.pdf")
    assert pd.read_csv(tmp_path / "figure3.csv").empty


# Table 2's cells


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ScoreFile]]:
    """table2.csv and score files: 3 methods, 2 seeds; asft's ratings failed in most places."""
    folder = tmp_path_factory.mktemp("judged")
    rated = [
        Question(question_id=f"q{n}", category="math" if n < 6 else "stem", turns=["a?", "b?"])
        for n in range(8)
    ]
    played = [Question(question_id=f"p{n}", turns=["?"]) for n in range(8)]
    files = []
    for level, method in enumerate(("base", "dpo", "asft")):
        for seed in (1,) if method == "base" else (1, 2):
            for questions, protocol in ((rated, "mt_bench"), (played, "arena_hard")):
                out = folder / f"{method}{seed}{protocol}.csv"
                _score(questions, protocol, level, seed, out)
                files.append(ScoreFile(method, seed, protocol, "gpt", out))
    tabulate_table2([tuple(file) for file in files], "m", "n", SETTINGS, folder / "table2.csv")
    return folder / "table2.csv", files


def _score(questions: list[Question], protocol: str, level: int, seed: int, out: Path) -> None:
    random = np.random.default_rng([level, seed])
    verdicts, completions = [], []
    for number, question in enumerate(questions):
        tokens = [int(x) for x in random.integers(10, 100, len(question.turns))]
        turns = ["word " * n for n in tokens]
        completions.append(
            Completion(
                question_id=question.question_id, turns=turns, tokens=tokens, finish_reasons=[]
            )
        )
        for turn in (1, 2):
            about = {"question_id": question.question_id, "model": "gpt-4"}
            if protocol == "arena_hard":
                label = "B>A" if random.random() < 0.5 else "A>B"
                verdicts.append(Verdict(status="ok", label=label, game=turn, **about))
            elif level == 2 and number > 1:
                verdicts.append(Verdict(status="api_error", turn=turn, **about))
            else:
                rating = float(random.integers(1, 11))
                verdicts.append(Verdict(status="ok", rating=rating, turn=turn, **about))
    paths = [out.with_suffix(f".{name}.jsonl") for name in "vqc"]
    for path, records in zip(paths, (verdicts, questions, completions), strict=True):
        write_jsonl(path, records)
    aggregate_verdicts(*paths, protocol, out)


def test_mt_bench_by_category(judged, tmp_path):
    table2, files = judged
    plot_mt_bench(files, table2, SETTINGS, ABOUT, tmp_path / "figure_mt_bench.pdf")
    table = pd.read_csv(tmp_path / "figure_mt_bench.csv")
    assert list(table["method"].unique()) == ["base", "dpo"]  # asft: too few ratings, refused
    means = table[table["kind"] == "mean"].set_index(["method", "category"])
    overall = pd.read_csv(table2).set_index("method")["mt_bench_gpt"]
    assert means.loc[("dpo", "all questions"), "rating"] == pytest.approx(overall["dpo"], abs=1e-4)
    assert means.loc[("dpo", "math"), ["low", "high"]].notna().all()
    assert means.loc[("dpo", "stem"), ["low", "high"]].isna().all()  # 2 questions: no interval
    single = table[(table["kind"] == "question") & (table["method"] == "dpo")]
    assert len(single) == 8
    stem = single[single["category"] == "stem"]["rating"].mean()
    assert means.loc[("dpo", "stem"), "rating"] == pytest.approx(stem, abs=1e-4)


def test_score_against_length(judged, tmp_path):
    table2, files = judged
    plot_length(files, table2, SETTINGS, ABOUT, tmp_path / "figure_length.pdf")
    table = pd.read_csv(tmp_path / "figure_length.csv")
    means = table[table["kind"] == "method"].set_index(["benchmark", "method"])
    assert set(means.index) == {
        *(("arena_hard", method) for method in ("base", "dpo", "asft")),
        *(("mt_bench", method) for method in ("base", "dpo")),
    }
    rows = pd.read_csv(table2).set_index("method")
    row = means.loc[("arena_hard", "asft")]
    assert row["score"] == pytest.approx(rows.loc["asft", "arena_hard_win_rate"], abs=1e-3)
    assert row["tokens"] == pytest.approx(rows.loc["asft", "avg_tokens"], abs=1e-3)
    single = table[(table["kind"] == "question") & (table["method"] == "dpo")]
    for benchmark, points in single.groupby("benchmark"):
        assert len(points) == 8
        mean = means.loc[(benchmark, "dpo"), "tokens"]
        assert points["tokens"].mean() == pytest.approx(mean, abs=1e-3)


def test_the_token_limit_is_that_of_answers_cut_in_all_turns(judged, tmp_path):
    table2, files = judged
    changed = []
    for number, file in enumerate(files):
        rows = pd.read_csv(file.path).assign(truncated=0)
        turns = 1 if file.benchmark == "arena_hard" else 2
        if file.method == "dpo":
            rows.loc[0, ["tokens", "truncated"]] = 64 * turns, turns
            rows.loc[1, ["tokens", "truncated"]] = 500, turns - 1
        path = tmp_path / f"{number}.csv"
        rows.to_csv(path, index=False)
        changed.append(file._replace(path=path))
    plot_length(changed, table2, SETTINGS, ABOUT, tmp_path / "figure_length.pdf")
    limits = pd.read_csv(tmp_path / "figure_length.csv").groupby("method")["limit"].unique()
    assert limits["dpo"].tolist() == [64]
    assert np.isnan(limits["base"]).all()


def test_the_commands_of_the_rules(judged, tmp_path):
    table2, files = judged
    chosen = {"model": "m", "note": "n", "methods": [], "statistics": {"resamples": 100}}
    chosen["judge"] = "gpt"
    scores = [f"--score={','.join(map(str, file[:4]))}={file.path}" for file in files]
    runs = [file for file in files if file.benchmark == "mt_bench" and file.seed == 1]
    case = [f"--questions={runs[0].path.with_suffix('.q.jsonl')}"]
    for option, ending in (("completions", ".c.jsonl"), ("verdicts", ".v.jsonl")):
        case += [f"--{option}={file.method},1={file.path.with_suffix(ending)}" for file in runs]
    both = differences(tmp_path, True)
    for name, given in (
        ("mt-bench", [*scores, f"--table2={table2}"]),
        ("length", [*scores, f"--table2={table2}"]),
        ("figure3", case),
        ("differences", [f"--table2={both[0]}", f"--table3={both[1]}"]),
    ):
        out = tmp_path / f"{name}.pdf"
        arguments = [name, "--settings", json.dumps(chosen), *given, "--out", str(out)]
        done_here(["plot", *arguments])
        assert len(pd.read_csv(out.with_suffix(".csv"))) > 1, name
    assert set(pd.read_csv(tmp_path / "figure3.csv")["method"]) == {"base", "dpo", "asft"}


def test_a_table_of_another_experiment_is_refused(judged, tmp_path):
    table2, files = judged
    other = tmp_path / "table2.csv"
    pd.read_csv(table2).query("method != 'dpo'").to_csv(other, index=False)
    with pytest.raises(UserError, match=r"table2.csv: no cell 'dpo'"):
        plot_mt_bench(files, other, SETTINGS, ABOUT, tmp_path / "f.pdf")
    with pytest.raises(UserError, match="no such file"):
        plot_length(files, tmp_path / "none.csv", SETTINGS, ABOUT, tmp_path / "f.pdf")


def test_all_refused_is_a_sentence(judged, tmp_path):
    table2, files = judged
    empty = pd.read_csv(table2)
    empty[["mt_bench_gpt", "arena_hard_win_rate"]] = np.nan
    empty.to_csv(tmp_path / "table2.csv", index=False)
    plot_mt_bench(files, tmp_path / "table2.csv", SETTINGS, ABOUT, tmp_path / "a.pdf")
    plot_length(files, tmp_path / "table2.csv", SETTINGS, ABOUT, tmp_path / "b.pdf")
    assert pd.read_csv(tmp_path / "a.csv").empty
    assert pd.read_csv(tmp_path / "b.csv").empty


# Differences

TABLE2 = "benchmark,judge,method_a,method_b,metric,difference,low,high,p_value,n"
TABLE3 = "dataset,method_a,method_b,metric,difference,low,high,p_value,separable,n,seeds"


def differences(folder: Path, verdicts: bool) -> tuple[Path, Path]:
    more = (",verdict", ",better", ',"not separable with this many questions and seeds"')
    if not verdicts:
        more = ("", "", "")
    paths = folder / "table2.differences.csv", folder / "table3.differences.csv"
    paths[0].write_text(
        f"{TABLE2}{more[0]}\narena_hard,gpt,base,asft,win_rate,-3,-5,-1,0.01,20{more[1]}\n"
        f"arena_hard,gpt,base,dpo,win_rate,,,,,20{more[2]}\n"
    )
    paths[1].write_text(
        f"{TABLE3}{more[0]}\nhh_rlhf,orpo,asft,bleu4,0.5,-1,2,0.4,False,20,1{more[2]}\n"
        f"hh_rlhf,orpo,asft,rougeL,0.5,,,0.4,False,20,1{more[2]}\n"
    )
    return paths


@pytest.mark.parametrize("verdicts", [True, False])
def test_differences_of_both_tables(tmp_path, verdicts):
    plot_differences(*differences(tmp_path, verdicts), SETTINGS, ABOUT, tmp_path / "figure.pdf")
    table = pd.read_csv(tmp_path / "figure.csv")
    assert list(table["table"]) == [2, 3, 3]  # a pair without a difference is not drawn
    assert list(table["difference"]) == [-3, 0.5, 0.5]
    assert ("verdict" in table) == verdicts  # taken from the tables, never made up


def test_differences_of_table_3_alone_and_none_at_all(tmp_path):
    table2, table3 = differences(tmp_path, True)
    assert set(read_differences(None, table3)["table"]) == {3}
    table2.write_text(f"{TABLE2}\n")
    table3.write_text(f"{TABLE3}\n")
    plot_differences(table2, table3, SETTINGS, ABOUT, tmp_path / "figure.pdf")
    assert pd.read_csv(tmp_path / "figure.csv").empty


def test_files_that_are_no_differences(tmp_path):
    table2, table3 = differences(tmp_path, False)
    table3.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"table3.differences.csv: no column 'dataset'"):
        read_differences(table2, table3)
    table3.write_text("")
    with pytest.raises(UserError, match="empty"):
        read_differences(table2, table3)
    with pytest.raises(UserError, match="no such file"):
        read_differences(table2, tmp_path / "none.csv")
