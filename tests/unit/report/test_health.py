"""The block of the front page and the page of all checks."""

import json
import re
from pathlib import Path

import pytest
from report_results import HISTORY, config_of, write_results

from asft.config import Run
from asft.errors import UserError
from asft.metrics import HEALTH_RULES, Finding
from asft.report.health import RunHealth, front
from asft.report.report import make_report

ONLY_TABLE3 = {"datasets": ["hh_rlhf"], "methods": ["base", "sft", "asft"]}
DOCS = Path(__file__).parents[3] / "docs/reading-the-report.md"


def finding(level, name="likelihood"):
    return Finding(name, level, -1.0, -0.5, f"{level} of {name}")


def health(method, seed, *levels):
    return RunHealth(Run("hh_rlhf", method, seed), "", [finding(level) for level in levels])


def test_seeds_are_one_line_and_the_worst_comes_first():
    healths = [
        health("dpo", 1, "note"),
        health("dpo", 2, "warning"),
        health("dpo", 3, "in range"),
        health("ipo", 1, "fault"),
        health("sft", 1, "in range"),
    ]
    block = front(healths)
    assert [(line.run.method, line.run.seed, line.seeds) for line in block.shown] == [
        ("ipo", 1, ""),
        ("dpo", 2, "2 of 3 seeds"),
    ]
    assert block.folded == []
    assert (block.calm, block.checked) == (["sft on hh_rlhf"], 5)


def test_more_than_a_few_lines_and_all_notes_are_folded():
    many = [health(f"m{n}", 1, "warning") for n in range(7)] + [health("n", 1, "note")]
    block = front(many)
    assert len(block.shown) == 5
    assert [line.run.method for line in block.folded] == ["m5", "m6", "n"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    raw = config_of(ONLY_TABLE3)
    write_results(folder, raw, questions=9)
    calm = HISTORY.replace("-2.25,-2.5,0.25,-22.5", "-1.75,-2.5,0.75,-17.5")
    (folder / "runs/hh_rlhf/sft/seed42/history.csv").write_text(calm)
    make_report(json.dumps(raw), folder, folder / "report")
    return folder / "report"


def test_the_front_page_says_it_in_words(made):
    page = (made / "index.html").read_text()
    block = page[page.index('id="health"') : page.index('id="figures"')]
    assert "Chosen and rejected log-likelihood both fell (chosen −2.5 nats an answer" in block
    assert 'href="index.html#figure_training_hh_rlhf"' in block
    assert 'id="figure_training_hh_rlhf"' in page
    assert 'href="health.html#hh_rlhf/asft/seed42"' in block


def test_a_run_in_range_says_so_in_one_line(made):
    page = (made / "health.html").read_text()
    assert 'id="hh_rlhf/sft/seed42"' in page
    assert re.search(r"sft on hh_rlhf, seed 42: (all \d+ checks in range|\d+ \w+, )", page)
    assert "Likelihood of the chosen answers" in page
    assert "m=hh_rlhf%2Fasft%2Fseed42&amp;v=base" in page  # the samples that a number is of


def test_a_history_of_something_else_is_refused(tmp_path):
    raw = config_of(ONLY_TABLE3)
    write_results(tmp_path, raw)
    (tmp_path / "runs/hh_rlhf/sft/seed42/history.csv").write_text("step,loss\n1,2\n")
    with pytest.raises(UserError, match=r"history\.csv: no column"):
        make_report(json.dumps(raw), tmp_path, tmp_path / "report")


def test_the_docs_tell_every_check_and_its_source():
    text = DOCS.read_text()
    for rule in HEALTH_RULES.values():
        assert f"| {rule.title} |" in text
        for number in re.findall(r"arXiv ([\d.]+\d)", rule.source):
            assert f"arxiv.org/abs/{number}" in text
