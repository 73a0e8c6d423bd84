"""The commands by which the rules draw the figures of judged answers."""

import json

import pandas as pd
from figure_inputs import differences, score_files
from small_steps import done_here


def test_the_commands_of_the_rules(tmp_path):
    table2, files = score_files(tmp_path / "judged")
    chosen = {"model": "m", "note": "n", "methods": [], "statistics": {}}
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
