"""Scoring against references in several processes, each taking one batch of answers at a time."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from asft.metrics.bleu_rouge import Row, llamafactory_row, plain_row, score_questions
from asft.progress import Bar

BATCH = 200
# Below it a process costs more (start, imports, jieba's dictionary) than it saves.
ANSWERS_PER_PROCESS = 2000

Pair = tuple[str, list[str]]


def score_in_processes(
    predictions: Sequence[str], references: Sequence[list[str]], processes: int
) -> dict[str, list[float]]:
    """Return what `score_questions` does, by up to `processes` processes.

    Few answers are scored in this one. Numbers and their order do not depend on the processes.
    """
    count = min(processes, len(predictions) // ANSWERS_PER_PROCESS)
    if count < 2:
        return score_questions(predictions, references)
    pairs = list(zip(predictions, references, strict=True))
    batches = [pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH)]
    spawn = multiprocessing.get_context("spawn")  # a fork could inherit a lock that a thread holds
    with ProcessPoolExecutor(count, mp_context=spawn, initializer=_end_with_parent) as pool:
        found = Bar(pool.map(_rows, batches), "reference metrics", len(batches), "batch")
        rows = [row for part in found for row in part]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _rows(pairs: list[Pair]) -> list[Row]:
    return [plain_row(*pair) | llamafactory_row(*pair) for pair in pairs]


def _end_with_parent() -> None:
    """End this worker when its parent is gone, killed or not; leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
