"""The steps that are running, by the small files that they write (`asft.progress`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from asft.watching.curves import Curves, read_curves, read_health
from asft.watching.jobs import Job, Run

# Below the results, or below those of each of several base models.
TRAINING = "runs/*/*/seed*/checkpoints/progress.json"
TRAININGS = (TRAINING, f"*/{TRAINING}")
OTHERS = ("logs/**/*.progress", "*/logs/**/*.progress")
FACTS = (
    *("seconds_each", "tokens_per_second", "memory_bytes"),
    *("sent", "judge_tokens", "uncounted", "usd"),  # of a judge behind a server
)
SILENT_S, SILENT_UNITS = 60.0, 5  # without news for longer than both, it has been stopped


class Step(NamedTuple):
    """How far one step is; `done` is None where it does not say."""

    name: str
    done: int | None = None
    total: int | None = None
    unit: str = ""
    seconds_each: float | None = None
    told: float | None = None  # when, in seconds since 1970
    began: float | None = None
    tokens_per_second: float | None = None
    memory_bytes: int | None = None
    sent: int | None = None  # requests to a judge's server
    judge_tokens: int | None = None
    uncounted: int | None = None  # answers of which the server did not say how many tokens
    usd: float | None = None
    curves: Curves | None = None
    health: tuple[str, ...] = ()  # what is out of range, in words

    def is_silent(self, now: float) -> bool:
        """Return whether nothing has been heard for so long that it must have been stopped."""
        waits = max(SILENT_S, SILENT_UNITS * (self.seconds_each or 0.0))
        return self.told is not None and now - self.told > waits

    def seconds_left(self, now: float) -> float | None:
        """Return how long it still takes at the speed of the last steps, if that is known."""
        total, each, told = self.total, self.seconds_each, self.told
        if self.done is None or total is None or each is None or told is None:
            return None
        return max(0.0, (total - self.done) * each - (now - told))


def running_steps(results: Path, run: Run | None, now: float) -> list[Step]:
    """Return the trainings, also those that were stopped, and all other steps that go on."""
    running = [(run.folder, job) for job in run.running] if run else []
    heard: dict[Path, Step] = {}
    for path in sorted(chain.from_iterable(map(results.glob, TRAININGS))):
        name = f"train {path.parents[1].relative_to(results).as_posix().replace('runs/', '', 1)}"
        heard |= _step(path, name, path.with_name("history.csv"))
    for path in sorted(chain.from_iterable(map(results.glob, OTHERS))):
        place = path.relative_to(results).as_posix().replace("logs/", "", 1)
        name = place.removesuffix(".progress").removesuffix(".log").replace("/", " ", 1)
        # What a killed process left there says nothing: its job begins anew or not at all.
        heard |= {k: v for k, v in _step(path, name).items() if not v.is_silent(now)}
    unheard = [job for folder, job in running if heard.keys().isdisjoint(_told_in(folder, job))]
    return [*heard.values(), *(Step(job.name, began=job.began) for job in unheard)]


def _told_in(folder: Path, job: Job) -> Iterator[Path]:
    """Where a job may write how far it is."""
    for name in job.files:
        path = (folder / name).resolve()
        yield path.with_name(f"{path.name}.progress")
        yield path.parent / "checkpoints/progress.json"


def _step(path: Path, name: str, history: Path | None = None) -> dict[Path, Step]:
    """A step that tells; nothing of a file that is being written, or has just gone."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        about = {name: told[name] for name in ("done", "total", "unit")}
        facts = {name: told.get(name) for name in FACTS}
        step = Step(name, **about, told=told["time"], **facts)
        if history:
            health = read_health(history, history.parents[1] / "settings.yaml")
            step = step._replace(curves=read_curves(history), health=tuple(health))
        return {path.resolve(): step}
    except (OSError, ValueError, LookupError, TypeError):
        return {}
