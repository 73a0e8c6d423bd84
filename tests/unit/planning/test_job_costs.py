"""What a job takes follows from its command; what is not known before stays unknown."""

import json

import pytest
from default_config import DEFAULT

from asft.config import Training, load
from asft.planning.dry_run import Job
from asft.planning.facts import Facts
from asft.planning.job_costs import SMALL, cost_of

DATA = {"format": "trl", "heldout": 1}
ELSEWHERE = DATA | {"sources": [{"url": "https://x.invalid/a.jsonl", "sha256": "0" * 64}]}
RUN = "results/runs/d/dpo/seed1"


def facts_of(tmp_path, dataset, **training):
    run = {"loss": "dpo", "training": Training(**training).model_dump()}
    told = {"dataset": dataset, "tokens": {"max_length": 1024}}
    jobs = [
        job_of("settings", run=json.dumps(run), out=f"{RUN}/settings.yaml"),
        job_of("prepare-dataset", name="d", settings=json.dumps(told), out="results/data/d"),
    ]
    return Facts(jobs, [load(DEFAULT)], tmp_path)


def job_of(step, threads=2, **flags):
    return Job(step, flags.get("out", "x"), threads, {}, step, flags)


TRAIN = job_of("train", settings=f"{RUN}/settings.yaml", tokens="results/data/d/tokens", out=RUN)


def test_training_on_rows_that_are_here(tmp_path):
    """19 pairs of 20 rows, of 10 + 5, 20 + 5 and 5 + 5 tokens, at 135 million parameters.

    Trained 6 × 19 × 50 tokens, held out 2 × 50 × 2: 5,900 × 135e6 operations at 2 × 115e9 a second.
    """
    texts = {"prompt": "p" * 36, "chosen": "c" * 72, "rejected": "r" * 18}
    roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
    row = {name: [{"role": roles[name], "content": text}] for name, text in texts.items()}
    rows = tmp_path / "rows.jsonl"
    rows.write_text("\n".join(json.dumps(row | {"n": n}) for n in range(20)))
    facts = facts_of(tmp_path, DATA | {"sources": [{"local": str(rows)}]}, epochs=1)
    found = cost_of(TRAIN, facts)
    assert found.seconds == pytest.approx(5 + 5900 * 135e6 / 230e9)
    assert found.memory == pytest.approx(1e9 + 17.2 * 135e6 + 200 * 4 * 135e6 ** (2 / 3))
    assert found.disk == pytest.approx(274e6)
    assert not found.counted


def test_of_rows_elsewhere_the_time_is_unknown_and_the_memory_that_of_the_longest_row(tmp_path):
    found = cost_of(TRAIN, facts_of(tmp_path, ELSEWHERE, token_budget=2048))
    assert found.seconds is None
    assert found.memory == pytest.approx(1e9 + 17.2 * 135e6 + 2048 * 4 * 135e6 ** (2 / 3))


def test_what_computes_with_no_model_takes_little_and_what_nobody_knows_is_unknown(tmp_path):
    facts = facts_of(tmp_path, ELSEWHERE)
    assert cost_of(job_of("table3"), facts) == SMALL
    assert cost_of(job_of("judge-agreement"), facts).seconds is None
    told = json.dumps({"decoding": {"max_new_tokens": 8}, "generation": {"backend": "openai"}})
    questions = "results/benchmarks/alpaca_en/questions.jsonl"
    served = job_of("generate", settings=told, questions=questions, policy=f"{RUN}/policy")
    assert cost_of(served, facts).seconds is None
