"""Links planted among the results: nothing outside is deleted or overwritten through them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from project import copy_project, snakemake
from small_steps import Experiment, arguments, done_here, failed_here, outputs

from asft.config.loading import load
from asft.config.local_files import refuse_links
from asft.errors import UserError
from asft.files import write_text

ROOT = Path(__file__).parents[2]
FOLDERS = [
    *("models/smollm2-135m-instruct", "data/hh_rlhf", "benchmarks/alpaca_en", "runs/hh_rlhf"),
    *("runs/hh_rlhf/asft", "runs/hh_rlhf/asft/seed42", "runs/base"),
]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Somebody's files, named like ours."""
    folder = tmp_path / "outside"
    write_text(folder / "tokens/pairs.parquet", "mine")
    write_text(folder / "card.json", "{}")
    return folder


def settings(**changes: Any) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return raw | changes


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_linked_folder_of_the_dag_is_refused(folder: str, outside: Path, tmp_path: Path) -> None:
    link = tmp_path / "results" / folder
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    config = load(settings(results=str(tmp_path / "results")))
    with pytest.raises(UserError, match=f"{folder} is a link to .*outside, where a run would"):
        refuse_links(config, config.results)


def test_results_themselves_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "disk/models").mkdir(parents=True)
    (tmp_path / "results").symlink_to("disk")
    (tmp_path / "disk/data").symlink_to("models")
    config = load(settings(results=str(tmp_path / "results")))
    refuse_links(config, config.results)


def test_snakemake_stops_before_it_deletes(outside: Path, tmp_path: Path) -> None:
    folder = copy_project(tmp_path)
    link = folder / "results/test/data/hh_rlhf"
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    said = snakemake(folder, "results/test/data/hh_rlhf/card.json", check=False)
    assert "data/hh_rlhf is a link to" in said
    assert list(outside.rglob("*.*")) == [outside / "card.json", outside / "tokens/pairs.parquet"]
    assert (outside / "tokens/pairs.parquet").read_text() == "mine"


@pytest.mark.parametrize("target", ["outside", "empty", "nowhere"])
def test_a_model_is_not_imported_through_a_link(
    target: str, outside: Path, tmp_path: Path, capfd: Any
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "model").symlink_to(tmp_path / target)
    words = ["fetch-model", "--settings", '{"sources": [{"random": 0}]}']
    error = failed_here([*words, "--out", str(tmp_path / "model")], capfd)
    assert "model is a link to" in error
    assert (outside / "card.json").read_text() == "{}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "model", "outside"]


def test_a_linked_output_is_replaced_not_followed(
    experiment: Experiment, outside: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "scores.csv").symlink_to(outside / "card.json")
    done_here(arguments("score", experiment.folder, out))
    assert not (out / "scores.csv").is_symlink()
    assert outputs(out)["scores.csv"] == (experiment.folder / "scores.csv").read_bytes()
    assert (outside / "card.json").read_text() == "{}"
