"""The rows of columns: each is complete, and one row more is in every output at once."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_results import small, write_results

from asft.config import Config, report_plan
from asft.config.experiment import Statistics
from asft.config.runs import table2_columns
from asft.figures.differences import plot_differences
from asft.figures.marks import About
from asft.metrics.corpus import METRICS, Metric
from asft.metrics.estimates import Estimate
from asft.metrics.statistics import Corrected, Difference
from asft.report.card_text import Origin
from asft.report.model_card import write_model_card
from asft.report.report import make_report
from asft.tables.columns import Column
from asft.tables.table2 import tabulate_table2
from asft.tables.table2_columns import BLOCKS, RATING, WIN_RATE, JudgedColumn
from asft.tables.table3 import tabulate_table3
from asft.tables.table3_columns import (
    FAMILIES,
    TABLE3,
    MetricColumn,
    estimate_columns,
    family_columns,
)

STATISTICS = Statistics()


def distinct(texts: list[str]) -> bool:
    return len(set(texts)) == len(texts)


TABLES = {
    f"table 2, {block.headline.key}": [block.headline, *block.columns] for block in BLOCKS.values()
}
TABLES |= {f"table 3, {family}": family_columns(family) for family in FAMILIES}


@pytest.mark.parametrize("name", TABLES)
def test_columns_that_stand_beside_one_another_have_names_of_their_own(name: str):
    columns = TABLES[name]
    for field in ("key", "label"):
        texts = [getattr(column, field) for column in columns]
        assert all(texts)
        assert distinct(texts)
    for field in ("tex", "page", "card", "figure"):
        assert distinct([text for column in columns if (text := getattr(column, field))])
    for column in columns:
        assert bool(column.better) <= (column.kind == "estimate"), "only estimates are compared"
        assert bool(column.figure) <= bool(column.better and column.unit), "only what is compared"


def test_keys_and_titles_are_distinct_in_all_of_a_table():
    assert distinct([column.key for column in TABLE3])
    headlines = dict.fromkeys(block.headline for block in BLOCKS.values())  # some share one
    figure = [*estimate_columns().values(), *headlines]
    assert distinct([column.figure for column in figure if column.figure])
    assert distinct([column.key for column in figure]), "differences are found by it"


def test_every_metric_has_a_column():
    assert set(METRICS) <= {column.key for column in TABLE3}


def ties(cells: Any) -> dict[str, float]:
    """The share of games that end in a tie, by method."""
    labels = {m: [x for game in judged.content.labels for x in game] for m, judged in cells.items()}
    return {method: found.count("A=B") / len(found) for method, found in labels.items()}


def best(cells: Any) -> dict[str, float]:
    """The highest rating, by method."""
    return {method: np.nanmax(judged.content.values) for method, judged in cells.items()}


def per_word(values: Any) -> Any:
    tokens, words = np.moveaxis(values.sum(axis=-2), -1, 0)
    return tokens / words


TIES = JudgedColumn(
    key="ties",
    label="tied games",
    tex="ties",
    kind="share",
    values=ties,
    of="all",
    page="Ties",
    habit="Neither wins",
    card="ties by {judge}",
)
BEST = JudgedColumn(key="best", label="best rating", tex="best", digits=1, values=best, page="best")
PER_WORD = MetricColumn(
    key="per_word",
    label="tokens per word",
    tex="per word",
    digits=1,
    kind="estimate",
    better="lower",
    metric=Metric(("tokens", "bleu_ref_len"), per_word),
    family="plain",
    page="Per word",
    sample="length of this answer",
    card="relative length",
    figure="relative length",
    unit="tokens",
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Every text that the tables of a small experiment go into, with one row more in each list."""
    lists: list[tuple[list[Any], Column]] = [
        (WIN_RATE.columns, TIES),
        (RATING.columns, BEST),
        (TABLE3, PER_WORD),
    ]
    for rows, column in lists:
        rows.append(column)
    try:
        yield outputs(tmp_path_factory.mktemp("results"))
    finally:
        for rows, column in lists:
            rows.remove(column)


def outputs(folder: Path) -> dict[str, str]:
    """What the steps behind the score files of an experiment write, by file name."""
    raw = small()
    config = write_results(folder, raw)
    _tables(folder, config)
    make_report(json.dumps(raw), folder, folder / "report")
    run = folder / f"runs/hh_rlhf/asft/seed{config.seeds[0]}"
    write_model_card(
        run,
        folder / "data/hh_rlhf/card.json",
        folder / "table3.csv",
        folder / "table2.csv",
        table2_columns(config),
        Origin("", [], "note", 0.95),
        run / "card.md",
    )
    plot_differences(
        folder / "table2.differences.csv",
        folder / "table3.differences.csv",
        STATISTICS,
        About("m", "n"),
        folder / "figure.pdf",
    )
    paths = [path for path in folder.glob("table*") if path.is_file()]
    paths += [folder / "report/index.html", folder / "report/assets/data/alpaca_en/index.js"]
    return {
        path.name: path.read_text() for path in [*paths, run / "card.md", folder / "figure.csv"]
    }


def _tables(folder: Path, config: Config) -> None:
    judged, referenced = [], []
    for asked in report_plan.asked_benchmarks(config):
        for each in asked.contestants:
            seed, name = (each.seed if each.is_trained else 1), asked.benchmark
            for judge in asked.judges:
                judged.append((each.method, seed, name, judge, folder / each.scores(name, judge)))
            if not asked.judges:
                dataset = each.dataset if each.is_trained else "-"
                path = folder / each.scores(name, "references")
                referenced.append((dataset, each.method, seed, path))
    out = folder / "table2.csv"
    tabulate_table2(judged, "m", "n", STATISTICS, out, min_coverage=0.5, dataset="ultrafeedback")
    tabulate_table3(referenced, "alpaca_en", "m", "n", STATISTICS, folder / "table3.csv")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def line_of(text: str, head: str, method: str, separator: str) -> str:
    """What stands under a head in a method's line of the first table that has the head."""
    lines = [[cell.strip(" \\") for cell in line.split(separator)] for line in text.splitlines()]
    place = next(n for n, line in enumerate(lines) if head in line)
    line = next(line for line in lines[place:] if method in line)
    return line[lines[place].index(head)]


def test_a_column_of_win_rates_is_everywhere(found: dict[str, str]):
    [row] = [row for row in rows_of(found["table2.csv"]) if row["method"] == "asft"]
    share = f"{100 * float(row['ties']):.0f}"
    assert float(share) > 0
    assert line_of(found["table2.md"], "tied games", "asft", "|") == f"{share} %"
    assert line_of(found["table2.tex"], "ties", "asft", "&") == rf"{share}\,\%"
    assert found["index.html"].count(">Ties<") == 1
    assert found["index.html"].count(">Neither wins<") == 1
    value = float(row["ties"])
    assert f"| arena_hard | ties by server | {value:.2f} |  | 12 | 1 |" in found["card.md"]


def test_a_column_of_ratings_is_everywhere(found: dict[str, str]):
    [row] = [row for row in rows_of(found["table2.csv"]) if row["method"] == "asft"]
    assert (row["mt_bench_server_best"], row["mt_bench_local_best"]) == ("6.0000", "6.0000")
    assert line_of(found["table2.md"], "best rating", "asft", "|") == "6.0"
    assert line_of(found["table2.tex"], "best", "asft", "&") == "6.0"
    for judge in ("server", "local"):
        assert f"best, by {judge}<" in found["index.html"]


def test_a_column_of_table_3_is_everywhere(found: dict[str, str]):
    """Tokens per word of the references, of which less is better."""
    [row] = [row for row in rows_of(found["table3.csv"]) if row["method"] == "asft"]
    assert row["per_word"] == "4.0374"
    low, high = float(row["per_word_low"]), float(row["per_word_high"])
    bounds = f"[{low:.1f}, {high:.1f}]"
    assert line_of(found["table3.md"], "tokens per word", "asft", "|") == f"4.0 {bounds}"
    other, own = found["table3.tex"].split("sacreBLEU and rouge-score")
    assert line_of(other, "per word", "asft", "&") == ""  # the other family has none
    head = other[: other.index(r"\midrule")]
    assert line_of(head + own, "per word", "asft", "&") == "4.0"
    assert rf" & \scriptsize {bounds} \\" in own
    assert found["index.html"].count(">Per word<") == 1
    assert '"length of this answer"' in found["index.js"]
    card = f"| alpaca_en | relative length | 4.04 | {low:.2f} to {high:.2f} | 6 | 1 |"
    assert card in found["card.md"]
    pairs = rows_of(found["table3.differences.csv"])
    [pair] = [
        pair
        for pair in pairs
        if (pair["method_a"], pair["method_b"], pair["metric"]) == ("sft", "asft", "per_word")
    ]
    assert (pair["difference"], pair["verdict"]) == ("-1.0104", "not separable")
    assert "relative length" in found["figure.csv"]


def test_words_where_less_is_better():
    """Of a difference alone, and of one that only Holm's later steps find."""
    column = Column(key="length", label="length", kind="estimate", better="lower")
    one = Estimate(2.0, 0.1, 1e6, 0.0, float("nan"), 44, None)
    found = Difference(2.0, 1.8, 2.2, "questions", float("nan"), 0.0, one)
    assert column.difference(found)["verdict"] == "worse"
    beside = Corrected(3, 0.04, -0.1, 2.2, "better by steps")
    assert column.corrected(beside)["verdict_corrected"] == "worse by steps"
    assert column.corrected(beside._replace(outcome="not separable")) == {
        "compared": 3,
        "p_holm": 0.04,
        "low_simultaneous": -0.1,
        "high_simultaneous": 2.2,
        "verdict_corrected": "not separable",
    }
    assert set(column.corrected(None).values()) == {None}
