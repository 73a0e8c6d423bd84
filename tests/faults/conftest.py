"""What the fault tests disturb: a small experiment, a store; the seed of their random moments."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_steps

from asft.generation.endpoint.store import Store

# ASFT_FAULT_SEED repeats a run; without it each run tries other moments.
SEED = int(os.environ.get("ASFT_FAULT_SEED") or random.SystemRandom().randrange(2**32))


def pytest_report_header() -> str:
    return f"random moments of the fault tests: ASFT_FAULT_SEED={SEED}"


@pytest.fixture
def seed() -> int:
    return SEED


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers of one test, the same for the same seed whatever other tests draw."""
    print(f"ASFT_FAULT_SEED={SEED}")  # beside a failure
    return random.Random(f"{SEED} {request.node.nodeid}")


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> small_steps.Experiment:
    return small_steps.Experiment(tmp_path_factory.mktemp("small experiment ü"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Store of a judge's answers, empty."""
    with Store(tmp_path / "judge.answers") as store:
        yield store
