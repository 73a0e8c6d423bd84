"""Figure 3 takes any answer, and says so where there is no case."""

import pandas as pd
from figure_inputs import ABOUT, QUESTIONS, contestant

from asft.figures.figure3 import plot_case
from asft.files import write_jsonl

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
