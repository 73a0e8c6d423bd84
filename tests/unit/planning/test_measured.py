"""Jobs that ran here before correct what is estimated, and what is unknown."""

import json

import pytest

from asft.planning.dry_run import Job
from asft.planning.job_costs import Cost
from asft.planning.lines import lines_of
from asft.planning.measured import read_measured, read_records


@pytest.fixture
def recorded(tmp_path):
    """Two trainings of 30 and 50 s, and what is no job of these results."""
    folder = tmp_path / "metadata"
    folder.mkdir()

    def record(name, seconds, command):
        said = {"rule": "train", "starttime": 100.0, "endtime": 100.0 + seconds}
        (folder / name).write_text(json.dumps(said | {"shellcmd": command}))

    for number, seconds in enumerate((30, 50)):
        out = tmp_path / f"results/{number}"
        out.mkdir(parents=True)
        (out / "cost.json").write_text(json.dumps({"peak_memory_bytes": 6e9}))
        record(f"{number}", seconds, f"asft --log x train --out {out}")
    record("other", 9000, f"asft --log x train --out {tmp_path}/elsewhere")
    record("inside", 9000, f"asft --log x train --out {tmp_path}/results/small/runs/a/sft/seed1")
    (folder / "broken").write_text("{")
    return read_records(folder, [str(tmp_path / "results")])


def estimate(job):
    return Cost(20.0, 4e9) if job.step == "train" else Cost(None, None)


def test_what_is_estimated_is_corrected_by_what_was_measured(recorded):
    """80 s instead of 40 s: twice; 6 GB instead of 4. A third training takes 40 s on 2 cores."""
    measured = read_measured(recorded, {"train": 2}, estimate)
    assert measured["train"].times == 2
    assert measured["train"].memory == 1.5
    job = Job("train", "new", threads=2, step="train")
    there = job._replace(output="old")
    (line,) = lines_of([job, there], [job], estimate, measured)
    assert (line.missing, line.there, line.memory) == (1, 1, 6000)
    assert line.hours == pytest.approx(80 / 3600)
    assert line.minutes == pytest.approx(40 / 60)
    assert line.sure == "measured here"


def test_without_an_estimate_a_job_takes_what_others_took(recorded):
    measured = read_measured(recorded, {}, lambda job: Cost(None, None))
    assert measured["train"][:3] == (2, None, 40)
    job = Job("train", "new", step="train")
    (line,) = lines_of([job], [job], lambda job: Cost(None, None), measured)
    assert line.hours == pytest.approx(40 / 3600)
    assert line.memory is None


def test_what_nobody_knows_is_unknown_not_nothing():
    job = Job("lm_eval", "new", step="lm-eval")
    (line,) = lines_of([job], [job], estimate, {})
    assert (line.hours, line.memory, line.sure) == (None, None, "unknown")
