"""Policies by path and by name; a name that leaves something open is refused."""

from pathlib import Path

import pytest

from asft.errors import UserError
from asft.models.named import find_policy

RUN = "runs/pairs/asft/seed7"


def made(folder: Path, *policies: str) -> Path:
    for policy in policies:
        (folder / policy).mkdir(parents=True)
        (folder / policy / "config.json").write_text("{}")
    return folder


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = made(tmp_path, "models/small", "models/judge", "models/theirs", f"{RUN}/policy")
    (folder / RUN / "settings.yaml").write_text("model: small\n")
    return folder


@pytest.mark.parametrize("given", ["pairs/asft", "pairs/asft/seed7"])
def test_a_trained_policy(results: Path, given: str) -> None:
    assert find_policy(given, results) == results / RUN / "policy"
    for path in (results / RUN, results / RUN / "policy"):
        assert find_policy(str(path), Path("elsewhere")) == results / RUN / "policy"


def test_one_that_was_not_trained_here(results: Path) -> None:
    assert find_policy("base", results) == results / "models/small"
    assert find_policy("theirs", results) == results / "models/theirs"


def test_a_name_that_leaves_the_seed_open(results: Path) -> None:
    made(results, "runs/pairs/asft/seed8/policy")
    with pytest.raises(UserError, match="name one: pairs/asft/seed7, pairs/asft/seed8"):
        find_policy("pairs/asft", results)


def test_base_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is none"):
        find_policy("base", tmp_path)
    made(tmp_path, "models/small")
    assert find_policy("base", tmp_path) == tmp_path / "models/small"
    made(tmp_path, "models/judge")
    with pytest.raises(UserError, match="judge, small"):
        find_policy("base", tmp_path)


def test_a_name_of_nothing(results: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'pairs/asft'"):
        find_policy("pair/asft", results)
