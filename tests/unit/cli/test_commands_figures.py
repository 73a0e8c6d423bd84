"""The commands by which the rules of the figures draw them."""

import json

import pandas as pd
from figure_inputs import histories, measurements
from small_steps import done_here


def settings(**more: object) -> str:
    """What the rules of all figures pass on."""
    return json.dumps({"model": "tiny", "note": "A\n note.", "methods": ["asft"]} | more)


def test_the_commands_of_the_rules(tmp_path):
    jobs = histories(tmp_path, (1, 2))
    given = [f"--history={job.method},{job.seed}={job.path}" for job in jobs]
    for name in ("figure2a", "training"):
        out = tmp_path / f"{name}.pdf"
        arguments = [name, "--settings", settings(dataset="hh_rlhf"), *given, "--out", str(out)]
        done_here(["plot", *arguments])
        assert set(pd.read_csv(out.with_suffix(".csv"))["seeds"]) == {2}
    out = tmp_path / "figure2b.pdf"
    given = [f"--cost={path}" for path in measurements(tmp_path, repeats=1)]
    chosen = settings(dataset="hh_rlhf", gradient_checkpointing=False)
    arguments = ["figure2b", "--settings", chosen, *given, "--out", str(out)]
    done_here(["plot", *arguments])
    assert len(pd.read_csv(out.with_suffix(".csv"))) == 3
