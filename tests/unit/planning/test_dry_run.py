"""Jobs are read from what Snakemake prints, the command's parts too."""

from asft.planning.dry_run import command_parts, read_jobs

SAID = """\
Job stats:
job      count
-----  -------
train        1

[Mon Nov 30 20:20:00 2026]
rule train:
    input: results/runs/a/sft/seed1/settings.yaml, results/models/tiny
    output: results/runs/a/sft/seed1/policy, results/runs/a/sft/seed1/cost.json
    jobid: 3
    reason: Missing output files: results/runs/a/sft/seed1/policy
    wildcards: dataset=a, method=sft, seed=1
    threads: 2
    resources: tmpdir=<TBD>, gpu=1, mem_mb=5400, mem=5.4 GB
Shell command: asft --log 'a log' train --settings '{"a": "b c"}' --with-thinking --out results/x

[Mon Nov 30 20:20:00 2026]
localrule all:
    input: results/table3.csv
    jobid: 0
"""


def test_a_job_with_its_command():
    (job,) = read_jobs(SAID)  # `all` makes nothing
    assert (job.rule, job.output) == ("train", "results/runs/a/sft/seed1/policy")
    assert (job.threads, job.gpus, job.resources["mem_mb"]) == (2, 1, 5400)
    assert job.step == "train"
    assert job.flags == {"settings": '{"a": "b c"}', "with-thinking": "", "out": "results/x"}


def test_commands_of_two_words_and_of_none():
    assert command_parts("asft --log x plot figure1 --out y") == ("plot figure1", {"out": "y"})
    assert command_parts("cp a b") == ("", {})
    assert command_parts("asft --log 'x") == ("", {})
