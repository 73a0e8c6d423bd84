"""Judging commands whose steps take other arguments."""

import os
from pathlib import Path

from asft.machine import claim_gpus

STORE = Path(os.environ.get("ASFT_CACHE", "cache")) / "judge.sqlite"


def judge(
    settings: str,
    protocol: str,
    benchmark: Path,
    completions: Path,
    out: Path,
    judge_model: Path | None = None,
    store: Path = STORE,
    dry_run: bool = False,
) -> None:
    """Ask a judge for its verdicts on a policy's answers.

    Args:
        settings: this step's part of the config, as JSON
        protocol: mt_bench or arena_hard
        benchmark: folder of the prepared benchmark
        judge_model: a local judge's model folder
        store: where answers are kept
        dry_run: write the messages, send nothing
    """
    if judge_model:
        claim_gpus()
    from asft.judging import judge_answers

    judge_answers(benchmark, protocol, completions, settings, judge_model, store, out, dry_run)


def score_verdicts(
    verdicts: Path,
    questions: Path,
    completions: Path,
    protocol: str,
    out: Path,
    baseline: Path | None = None,
) -> None:
    """Write verdicts as one row per question.

    Args:
        protocol: mt_bench or arena_hard
    """
    from asft.metrics import aggregate_verdicts

    aggregate_verdicts(verdicts, questions, completions, protocol, out, baseline)  # type: ignore[arg-type]
