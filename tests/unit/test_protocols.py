"""A judged protocol is a row: two made-up ones go from the config through judges to the report."""

import csv
import json
import re
from types import SimpleNamespace

import pytest
from judge_server import JudgeServer, completion
from made_up_protocols import MADE_UP
from report_results import small, write_results

from asft.config import report_plan
from asft.config.loading import load
from asft.config.protocols import PROTOCOLS, judged_protocols
from asft.config.runs import table1_rows, table2_columns, table2_contestants
from asft.data.prepare_benchmark import write_benchmark
from asft.errors import UserError
from asft.figures.length import plot_length
from asft.figures.marks import About
from asft.files import read_jsonl, write_json, write_jsonl
from asft.judging.judge import judge_answers
from asft.judging.protocols import JUDGING
from asft.metrics.protocols import SCORING
from asft.metrics.score_verdicts import aggregate_verdicts
from asft.records import Completion, Question
from asft.report.pages import write_report
from asft.tables.table1 import Judged, tabulate_table1
from asft.tables.table2 import ScoreFile, tabulate_table2

# By method and question, what the judge says; the last question gets nothing that counts.
REPLIES = {
    "stars": {
        "base": [*(f"[[{n}]]" for n in range(1, 6)), "[[9]]"],
        "asft": [*["Very good: [[5]]"] * 5, "[[9]]"],
        "control_injection": [*["[[1]]"] * 5, "[[9]]"],
    },
    "duel": {
        "base": ["[[A>B]]", "[[B>A]]", "[[A>>B]]", "[[B>>A]]", "[[A>B]]", "Hard to say."],
        "asft": [*["[[B>A]]"] * 5, "Hard to say."],
        "control_injection": [*["[[A>>B]]"] * 5, "Hard to say."],
    },
}
JUDGES = {"stars": ["server", "local"], "duel": ["server"]}


def test_every_judged_protocol_has_its_rows():
    assert set(JUDGING) == set(SCORING) == set(judged_protocols())
    assert {PROTOCOLS[name].verdict for name in SCORING} == {"rating", "label"}
    # Their score files are told apart by their first column.
    assert len({scoring.columns[0] for scoring in SCORING.values()}) == len(SCORING)


def config_of(name, folder):
    """The small config with a benchmark `further` of a made-up protocol in Table 2."""
    raw = small() | {"seeds": [42, 43]}
    template = {"system_prompt": "Give stars.", "prompt_template": "{question}\n{answer}"}
    write_json(folder / "stars.json", template)
    prompts = {"prompts": [{"local": str(folder / "stars.json")}]}
    raw["benchmarks"]["further"] = prompts | MADE_UP[name].benchmark | {"limit": 6}
    raw["tables"]["table2"]["also"] = {"further": JUDGES[name]}
    return raw


def test_without_its_row_it_is_no_protocol(tmp_path):
    raw = config_of("stars", tmp_path)
    with pytest.raises(UserError) as caught:
        load(raw)
    known = "'references', 'mt_bench', 'arena_hard', 'arena_hard_v2', 'alpaca_eval'"
    known += ", 'implicit_reward' or 'lm_eval'"
    line = f"config: benchmarks.further.protocol: Input should be {known} (given: 'stars')"
    assert str(caught.value) == line


@pytest.fixture(params=MADE_UP)
def made(request, monkeypatch, tmp_path, tiny):
    """The results of an experiment with a further benchmark, really judged by all its judges."""
    name = request.param
    monkeypatch.setitem(PROTOCOLS, name, MADE_UP[name].facts)
    monkeypatch.setitem(JUDGING, name, MADE_UP[name].judging)
    monkeypatch.setitem(SCORING, name, MADE_UP[name].scoring)
    folder = tmp_path / "results"
    config = write_results(folder, config_of(name, tmp_path))
    (asked,) = (a for a in report_plan.asked_benchmarks(config) if a.benchmark == "further")
    assert asked.judges == JUDGES[name]
    place = folder / "benchmarks/further"
    write_benchmark(config.benchmarks["further"].model_dump_json(), "further", place)
    (tiny / "card.json").write_text("{}")
    with JudgeServer(lambda body, before: completion(reply(name, body))) as server:
        for contestant in asked.contestants:
            answers = folder / contestant.completions("further")
            write_jsonl(answers, answers_of(contestant.method, place))
            for judge in asked.judges:
                verdicts = folder / contestant.verdicts("further", judge)
                settings = judge_of(config, judge, server.url)
                store = tmp_path / "judge.answers"
                judge_answers(settings, name, place, answers, verdicts, tiny, store)
                score(name, place, answers, verdicts, folder / contestant.scores("further", judge))
        # One call a question and method: both seeds say the same, and nothing is asked twice.
        assert len(server.bodies) == 6 * len(REPLIES[name])
    return SimpleNamespace(name=name, config=config, asked=asked, folder=folder)


def reply(name, body):
    text = body["messages"][-1]["content"]
    ((method, number),) = re.findall(r"(\w+) answers question (\d+)\.", text)
    return REPLIES[name][method][int(number)]


def answers_of(method, place):
    return [
        Completion(
            question_id=question.question_id,
            turns=[f"{method} answers question {n}." if turn else "…" for turn in turns],
            finish_reasons=["stop"] * len(turns),
            tokens=[4] * len(turns),
        )
        for n, question in enumerate(read_jsonl(place / "questions.jsonl", Question))
        for turns in [[*[0] * (len(question.turns) - 1), 1]]
    ]


def judge_of(config, judge, url):
    given = {"base_url": url, "api_key_env": None, "precision": "fp32", "calibrate": False}
    return config.judges[judge].model_copy(update=given).model_dump_json()


def score(name, place, answers, verdicts, out):
    baseline = place / "judge/baseline.jsonl" if PROTOCOLS[name].pairwise else None
    aggregate_verdicts(verdicts, place / "questions.jsonl", answers, name, out, baseline)


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_figures_and_report_show_it(made):
    config, folder = made.config, made.folder
    contestants, columns = table2_contestants(config), table2_columns(config)
    files = [
        ScoreFile(method, seed, *column, folder / f"runs/{place}/scores/{'/'.join(column)}.csv")
        for method, seed, place in contestants
        for column in columns
    ]
    table = folder / "table2.csv"
    tabulate_table2(files, config.model, "", config.statistics, table, min_coverage=0.5)
    _check_table2(made, read(table), read(folder / "table2.differences.csv"))
    rows = [
        Judged(*row, folder / f"benchmarks/{row[0]}/questions.jsonl") for row in table1_rows(config)
    ]
    tabulate_table1(rows, config.model, "", folder / "table1.csv")
    how = {"stars": ("single-answer grading", "stars of 1-5")}
    last = read(folder / "table1.csv")[-1]
    words = how.get(made.name, ("pairwise comparison", "win rate"))
    assert (last["scoring_type"], last["metric"]) == words
    about = About(config.model, "", list(config.methods))
    shown = [file for file in files if not file.method.startswith("control_")]
    plot_length(shown, table, config.statistics, about, folder / "figure_length.pdf")
    drawn = [row for row in read(folder / "figure_length.csv") if row["benchmark"] == "further"]
    assert {float(row["tokens"]) for row in drawn} == {4}  # of one answer, however many turns
    write_report(folder, config, folder / "report")
    _check_report(made)


def _check_table2(made, rows, differences):
    scores = {"stars": [3, 5, 1], "duel": [40, 100, 0]}[made.name]
    prefix = {"stars": "further_server", "duel": "further"}[made.name]
    headline = {"stars": prefix, "duel": "further_win_rate"}[made.name]
    assert [row["method"] for row in rows] == ["base", "asft", "control_injection"]
    assert [float(row[headline]) for row in rows] == scores
    counts = [(row[f"{prefix}_n"], row[f"{prefix}_n_unscored"]) for row in rows]
    assert counts == [("6", "1"), ("12", "2"), ("6", "1")]
    if "local" in JUDGES[made.name]:  # it gives every verdict a probability
        assert {row["further_local_n_unscored"] for row in rows} == {"0"}
        assert all(1 < float(row["further_local"]) < 5 for row in rows)
    assert float(rows[0][f"{prefix}_low"]) < scores[0] < float(rows[0][f"{prefix}_high"])
    ours = [row for row in differences if row["benchmark"] == "further"]
    assert [row["judge"] for row in ours] == JUDGES[made.name]
    assert {row["metric"] for row in ours} == {PROTOCOLS[made.name].metric}
    assert float(ours[0]["difference"]) == scores[0] - scores[1]
    assert ours[0]["n"] == "5"
    text = (made.folder / "table2.md").read_text()
    assert "further, judged by server" in text
    lost = {"stars": "out_of_range", "duel": "no_verdict"}[made.name]
    assert f"base 1 {lost}; asft 2 {lost}; control_injection 1 {lost}" in text
    assert "further, server" in (made.folder / "table2.tex").read_text()


def _check_report(made):
    script = (made.folder / "report/assets/data/further/index.js").read_text(encoding="ascii")
    index = json.loads(re.search(r"\] = (.*);\n", script)[1])
    facts = PROTOCOLS[made.name]
    measures = {measure["name"]: measure for measure in index["measures"]}
    assert list(measures) == JUDGES[made.name]
    assert measures["server"]["label"] == f"{facts.words} by server"
    base = {"stars": [1, 2, 3, 4, 5, None], "duel": [0, 100, 0, 100, 0, None]}[made.name]
    assert measures["server"]["scores"][0] == base
    page = (made.folder / "report/index.html").read_text(encoding="utf-8")
    assert {"stars": ">3.00<", "duel": ">40.0<"}[made.name] in re.sub(r"\s*([<>])\s*", r"\1", page)
