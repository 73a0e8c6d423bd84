"""The report's data and pages: what they hold, that they are harmless, and always the same."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import parse_qs

import pytest
from hostile import TEXT
from hypothesis import given
from hypothesis import strategies as st
from report_results import config_of, plain_answer, small, write_results

from asft.config import report_plan
from asft.errors import UserError
from asft.report.report import make_report
from asft.report.scripts import assignment

ONLY_TABLE3 = {"datasets": ["hh_rlhf"], "methods": ["base", "sft", "asft"]}


def data_of(path):
    """The value that a data script sets."""
    text = path.read_text(encoding="ascii")
    found = re.fullmatch(r"\(window\.ASFT_DATA = .*?\)\[\".*?\"\] = (.*);\n", text, re.DOTALL)
    return json.loads(found[1])


def build(folder, raw, **options):
    write_results(folder, raw, **options)
    make_report(json.dumps(raw), folder, folder / "report")
    return folder / "report"


class Links(HTMLParser):
    """Every link and every class of a page."""

    def __init__(self, path):
        super().__init__()
        self.hrefs, self.tags = [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        self.hrefs += [given[key] for key in ("href", "src") if key in given]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return build(tmp_path_factory.mktemp("results"), small())


@given(st.recursive(TEXT, lambda inner: st.lists(inner, max_size=4), max_leaves=6))
def test_data_scripts_hold_any_text_and_nothing_else(value):
    script = assignment("0/1", value)
    assert script.isascii()
    assert "<" not in script
    assert "\0" not in script
    assert json.loads(script.split("] = ", 1)[1].removesuffix(";\n")) == value


@pytest.mark.parametrize("text", ["</script>", "<!--", "\u2028", "\ud800", "\0", "]]>", "&lt;"])
def test_what_could_break_out_of_a_script_is_escaped(text):
    script = assignment("0", [text])
    assert not set("<>&\u2028\u2029\0") & set(script)
    assert script.encode("ascii")


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        assignment("0", float("nan"))


def test_the_same_files_give_the_same_bytes(made, tmp_path):
    again = build(tmp_path, small())
    names = [sorted(p.relative_to(f) for p in f.rglob("*") if p.is_file()) for f in (made, again)]
    assert names[0] == names[1]
    for name in names[0]:
        assert (made / name).read_bytes() == (again / name).read_bytes(), name


def test_every_number_leads_to_samples_that_exist(made):
    indexes = {
        name: data_of(made / f"assets/data/{name}/index.js")
        for name in data_of(made / "assets/data/report.js")["benchmarks"]
    }
    links = [href for href in Links(made / "index.html").hrefs if href.startswith("samples.html#")]
    assert len(links) > 30
    for link in links:
        state = {key: value for key, (value,) in parse_qs(link.partition("#")[2]).items()}
        index = indexes[state.pop("b")]
        keys = [each["key"] for each in index["contestants"] + index["groups"]]
        assert {state.pop("m", keys[0]), state.pop("v", keys[0])} <= set(keys), link
        measures = [measure["name"] for measure in index["measures"]]
        assert state.pop("s", measures[0]) in measures
        assert state.pop("q", index["ids"][0]) in index["ids"]
        assert state.pop("o", "none") in ("none", "split")
        assert not state, "what assets/state.js does not know"


class Numbers(HTMLParser):
    """Cells of number columns, and values of cards, as [text, link]; but for the paper's table."""

    def __init__(self, path):
        super().__init__()
        self.cells, self.inside, self.paper = [], False, False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "article" or (tag == "div" and given.get("class") == "scroll"):
            self.paper = given.get("aria-label") == "The paper's own differences"
        if (tag == "td" and given["class"] == "num") or (tag == "dd" and not given):
            self.cells.append(["", ""])
            self.inside = not self.paper
        if tag == "a" and self.inside:
            self.cells[-1][1] = given["href"]

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "dd")

    def handle_data(self, data):
        if self.inside:
            self.cells[-1][0] += data


def test_every_number_has_a_link(made):
    page = (made / "index.html").read_text(encoding="utf-8")
    tables = made / "tables.html"
    tables.write_text(page[page.index('id="tables"') : page.index('id="provenance"')])
    numbers = [cell for cell in Numbers(tables).cells if re.search(r"\d", cell[0])]
    tables.unlink()
    assert len(numbers) > 100
    assert [text for text, link in numbers if not link] == []
    files = {link.partition("#")[0] for _, link in numbers}
    assert {name.rpartition("/")[2] for name in files} == {
        "samples.html",
        "card.json",
        "cost.json",
        "settings.yaml",
    }
    assert all((made / name).is_file() for name in files)


def test_a_mean_over_seeds_leads_to_all_of_them(tmp_path):
    folder = build(tmp_path, small() | {"seeds": [1, 2]})
    links = [href for href in Links(folder / "index.html").hrefs if "alpaca_en" in href]
    states = [parse_qs(link.partition("#")[2]) for link in links]
    assert {m for state in states for m in state.get("m", [])} == {
        *("base", "hh_rlhf/sft", "hh_rlhf/asft")
    }
    index = data_of(folder / "assets/data/alpaca_en/index.js")
    keys = [contestant["key"] for contestant in index["contestants"]]
    members = {group["key"]: [keys[i] for i in group["members"]] for group in index["groups"]}
    assert members["hh_rlhf/asft"] == ["hh_rlhf/asft/seed1", "hh_rlhf/asft/seed2"]


@pytest.mark.parametrize("name", ["index.html", "samples.html"])
def test_every_page_says_what_shaped_answers_verdicts_and_intervals(made, name):
    page = (made / name).read_text(encoding="utf-8")
    texts = re.findall(r"<summary>The config's (\w+)", page)
    assert texts == ["benchmarks", "generation", "judges", "statistics"]
    assert "max_new_tokens: 96" in page
    assert "model: gpt-4-0613" in page
    assert "confidence: 0.95" in page
    assert "Versions where this report was made" in page
    assert page.count("by asft 0.0") == 3  # who trained: as settings.yaml says


def test_what_intervals_and_verdicts_rest_on_is_said(made, tmp_path):
    page = (made / "index.html").read_text(encoding="utf-8")
    assert "95 %, over questions; another seed is not in them" in page
    assert "not separable with 6 questions and 1 seed<" in page
    several = build(tmp_path, small() | {"seeds": [1, 2]}) / "index.html"
    page = several.read_text(encoding="utf-8")
    assert "95 %, over questions and 2 training seeds" in page
    assert "not separable with 6 questions and 2 seeds<" in page
    assert '<details class="differences">' in page


def test_every_file_that_a_page_names_exists(made):
    for page in ("index.html", "samples.html", "health.html"):
        for href in Links(made / page).hrefs:
            name = href.partition("#")[0]
            assert "//" not in href
            assert not name or (made / name).is_file(), href


def test_scores_and_outcomes_of_games(made):
    index = data_of(made / "assets/data/arena_hard/index.js")
    (measure,) = index["measures"]
    place = [c["key"] for c in index["contestants"]].index("base")
    # Verdicts of `base` (tests/report_results.py): games of question 0 say A>B and A=B; the
    # baseline is A in the first, so 0 and ½ points of 2. Question 2 has no first verdict; its
    # second, B>>A, is a clear loss.
    assert measure["scores"][place][0] == 25.0
    assert measure["scores"][place][2] == 0.0
    assert (measure["flags"][place][0], measure["flags"][place][2]) == ("d", "n")


def test_scores_of_ratings_are_means_over_turns(made):
    index = data_of(made / "assets/data/mt_bench/index.js")
    assert [measure["name"] for measure in index["measures"]] == ["server", "local"]
    assert index["measures"][0]["scores"][0][:4] == [1.0, 2.0, 3.0, 4.0]
    assert index["measures"][0]["flags"][0][:4] == ["", "", "n", ""]


def test_samples_hold_everything_once(made):
    index = data_of(made / "assets/data/mt_bench/index.js")
    rows = dict(data_of(made / "assets/data/mt_bench/0.js"))
    assert sorted(rows) == list(range(len(index["ids"])))
    first = rows[0]
    assert first["judge_references"] == ["One.", "Two."]
    assert first["answers"][0]["turns"][1] == plain_answer("base", 0, 2)
    words = [verdict.get("words") for verdict in first["answers"][0]["verdicts"]]
    assert words.count(["<b>Words</b> of server on 0"]) == 2
    assert [v["probabilities"] for v in first["answers"][0]["verdicts"] if "probabilities" in v]


def test_thinking_is_shown_apart(tmp_path):
    def thoughtful(method, number, turn):
        return f"<think>\nhm {number}\n</think>\n\n{plain_answer(method, number, turn)}"

    made = build(tmp_path, small(), answer=thoughtful)
    first = dict(data_of(made / "assets/data/mt_bench/0.js"))[0]["answers"][0]
    assert first["thinking"] == ["hm 0", "hm 0"]
    assert first["turns"][1] == plain_answer("base", 0, 2)


def test_long_samples_are_cut_into_several_files(tmp_path):
    def long_answer(method, number, turn):
        return "word " * 20_000

    folder = build(tmp_path, config_of(ONLY_TABLE3), questions=5, answer=long_answer)
    index = data_of(folder / "assets/data/alpaca_en/index.js")
    assert index["chunks"] == [0, 1, 2, 3, 4]
    assert (folder / "assets/data/alpaca_en/index.js").stat().st_size < 10_000


def test_without_table_2_there_are_no_judges(tmp_path):
    folder = build(tmp_path, config_of(ONLY_TABLE3))
    text = (folder / "index.html").read_text()
    assert 'id="judges"' not in text
    assert "Table 3" in text
    assert "Table 2" not in text


def test_a_chain_is_told_and_its_start_counted(tmp_path):
    table3 = {"datasets": ["hh_rlhf"], "methods": ["base", "dpo"]}
    raw = config_of(table3, methods={"sft": {}, "dpo": {"beta": 0.1, "start": "sft"}})
    report = build(tmp_path, raw | {"figures": {"margins": None, "cost": None}})
    page = (report / "index.html").read_text()
    assert "sft → dpo" in page
    assert "after sft" in page
    assert "trained on hh_rlhf after sft, seed 42" in page
    assert (report / "files/runs/hh_rlhf/sft/seed42/cost.json").is_file()  # of the start too
    assert ".m-sft " in (report / "assets/colours.css").read_text()


def test_a_policy_that_was_not_trained_here_says_where_from(tmp_path):
    sources = [{"hub": "owner/policy", "revision": "main"}]
    raw = config_of(ONLY_TABLE3 | {"methods": ["base", "sft", "theirs"]}) | {
        "policies": {"theirs": {"sources": sources}}
    }
    report = build(tmp_path, raw)
    page = (report / "index.html").read_text()
    assert "theirs (hub owner/policy, revision main; 99 parameters)" in page
    assert "m=theirs" in page  # its numbers lead to its answers
    assert (report / "files/models/theirs/card.json").is_file()
    assert not (report / "files/runs/theirs").exists()  # no cost, no settings


def test_the_note_and_the_date_stand_on_every_page(made):
    for page in ("index.html", "samples.html"):
        text = (made / page).read_text()
        assert "Not comparable to the paper." in text
        assert "2026-01-02T03:04:05+00:00" in text
        assert "beta: 0.1" in text


def test_pages_escape_what_the_config_says(tmp_path):
    raw = config_of(ONLY_TABLE3) | {"note": "<script>alert(1)</script> & \0"}
    folder = build(tmp_path, raw)
    for page in ("index.html", "samples.html"):
        assert "<script>alert" not in (folder / page).read_text()
        assert "\0" not in (folder / page).read_text()
        assert not [a for _, a in Links(folder / page).tags if any(k.startswith("on") for k in a)]


def test_only_planned_files_are_read_and_each_is_needed(tmp_path):
    raw = config_of(ONLY_TABLE3)
    config = write_results(tmp_path, raw)
    planned = {tmp_path / name for name in report_plan.report_inputs(config)}
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file() and not {path, path.parent} & planned:
            path.unlink()
    make_report(json.dumps(raw), tmp_path, tmp_path / "report")
    for name in report_plan.report_inputs(config):
        path = tmp_path / name
        if path.is_file():
            text = path.read_bytes()
            path.unlink()
            with pytest.raises(UserError, match=re.escape(path.name)):
                make_report(json.dumps(raw), tmp_path, tmp_path / "report")
            path.write_bytes(text)


def test_a_failed_report_leaves_the_old_one(tmp_path):
    folder = build(tmp_path, config_of(ONLY_TABLE3))
    before = (folder / "index.html").read_bytes()
    (tmp_path / "table3.csv").unlink()
    with pytest.raises(UserError):
        make_report(json.dumps(config_of(ONLY_TABLE3)), tmp_path, folder)
    assert (folder / "index.html").read_bytes() == before


def test_rouge_that_was_not_measured_is_a_dash_with_its_reason(tmp_path):
    raw = config_of(ONLY_TABLE3)
    write_results(tmp_path, raw)
    path = tmp_path / "table3.csv"
    head, *lines = path.read_text().splitlines()
    places = [n for n, name in enumerate(head.split(",")) if name.startswith("rouge")]
    for number, line in enumerate(lines):
        cells = ["" if n in places else cell for n, cell in enumerate(line.split(","))]
        lines[number] = ",".join([*cells, "0", '"GREEK 4, CJK 2"'])
    path.write_text("\n".join([f"{head},rouge_n,rouge_dropped", *lines, ""]))
    make_report(json.dumps(raw), tmp_path, tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text()
    said = "empty for 6 of 6 questions, by the script of their references (GREEK 4, CJK 2)"
    assert page.count(said) == 1
    assert "nan" not in re.sub("<style.*?</style>", "", page, flags=re.DOTALL).split()


def test_answers_to_other_questions_are_refused(tmp_path):
    raw = config_of(ONLY_TABLE3)
    write_results(tmp_path, raw)
    path = tmp_path / "runs/base/completions/alpaca_en.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(UserError, match="not the benchmark's questions"):
        make_report(json.dumps(raw), tmp_path, tmp_path / "report")


def test_the_step_imports_no_torch():
    code = "import asft.report.report, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
