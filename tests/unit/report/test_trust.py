"""The report on how far judges can be trusted: agreement with published verdicts."""

import csv
import json

from report_results import small, write_results

from asft.files import write_json, write_text
from asft.report.report import make_report

MEASURES = {
    "agreement": {"value": 0.4375, "low": 0.31, "high": 0.56},
    "longer_answer": {"value": 0.75, "low": 0.6, "high": 0.9},
    "kappa": {"value": -0.125, "low": None, "high": None},
}
FOUND = {"measures": MEASURES, "judge": "gpt-4-0613", "judged": 64}
FOUND |= {"outcome": "not told apart from chance", "published": {"judge": "gpt4_turbo"}}
PUBLISHED = {"format": "alpaca_eval", "sources": [{"local": "a.json"}]}


def test_agreement_stands_on_the_front_page_and_marks_the_values(tmp_path):
    raw = small()
    raw["judges"]["server"]["agreement"] = PUBLISHED
    write_results(tmp_path, raw)
    write_json(tmp_path / "judges/server/agreement.json", FOUND)
    for ending in ("csv", "md"):
        write_text(tmp_path / f"judges/server/agreement.{ending}", "pair_id\n")
    table = tmp_path / "table2.csv"
    rows = list(csv.DictReader(table.open(newline="")))
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "arena_hard_distrust"])
        writer.writeheader()
        writer.writerows(row | {"arena_hard_distrust": "it knows nothing"} for row in rows)
    make_report(json.dumps(raw), tmp_path, tmp_path / "report")
    page = (tmp_path / "report/index.html").read_text()
    assert "† Do not trust the values on arena_hard by server: it knows nothing." in page
    assert page.count("50.5 †") == 3  # every row of the column
    at = page.index("Agreement with published verdicts")
    shown = page[at : page.index("</table>", at)]
    for text in ("gpt4_turbo", ">64<", ">44 %<", "[31, 56]", ">-0.12<", ">75 %<", "Cohen&#39;s"):
        assert text in shown, text
    assert 'href="files/judges/server/agreement.json"' in shown
    assert (tmp_path / "report/files/judges/server/agreement.csv").is_file()
