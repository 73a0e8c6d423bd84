"""An archive of an experiment: what an appendix needs, the same bytes twice, no key, no path."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml
from judge_calls import CANARY
from report_results import small, write_results

from asft.cli.bundle import bundle
from asft.errors import UserError
from asft.files import file_sha256, read_json, write_json

OVERLAY = Path("mine.yaml")


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose model lies somewhere on this machine."""
    monkeypatch.chdir(tmp_path)
    raw = small() | {"results": "results/mine"}
    config = write_results(tmp_path / "results/mine", raw)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(raw))
    sources = [{"local": f"{tmp_path}/models/small"}, {"local": "/mnt/disk 1/small"}]
    OVERLAY.write_text(yaml.safe_dump({"models": {config.model: {"sources": sources}}}))
    card = tmp_path / f"results/mine/models/{config.model}/card.json"
    write_json(card, read_json(card) | {"source": sources[0]})
    (tmp_path / "results/mine/table3.tex").write_text(r"\begin{tabular}")
    return tmp_path


def unpacked(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as files:
        return {
            entry.name.removeprefix("appendix/"): files.extractfile(entry).read()
            for entry in files.getmembers()
        }


def test_what_an_appendix_needs(experiment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle(Path("out/a.tar.gz"), [OVERLAY])
    files = unpacked(Path("out/a.tar.gz"))
    names = {"table2.csv", "table3.differences.csv", "table3.tex", "figure1.pdf", "figure1.csv"}
    names |= {"runs/hh_rlhf/asft/seed42/settings.yaml", "data/hh_rlhf/card.json"}
    assert {f"mine/{name}" for name in names} <= set(files)
    assert {"config/0-config.yaml", "config/1-mine.yaml", "environment.txt"} <= set(files)
    assert b"\ntorch==" in files["environment.txt"]
    assert not [name for name in files if name.endswith((".png", ".jsonl", ".log"))]
    readme = files["README.md"].decode()
    assert "--configfile config/1-mine.yaml" in readme
    assert "table4.tex" not in readme + capsys.readouterr().out  # whether there is one or not
    digest = file_sha256(experiment / "results/mine/runs/base/completions/alpaca_en.jsonl")
    assert f"{digest}  mine/runs/base/completions/alpaca_en.jsonl\n" in files["sha256.txt"].decode()


def test_the_same_bytes_twice_by_any_name_at_any_time(experiment: Path) -> None:
    bundle(Path("a.tar.gz"))
    copy = experiment / "copy"
    shutil.copytree(experiment / "results", copy / "results", copy_function=shutil.copyfile)
    shutil.copy("config.yaml", copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        bundle(copy / "b.tgz")
    assert Path("a.tar.gz").read_bytes() == (copy / "b.tgz").read_bytes()
    listed = subprocess.run(
        ["tar", "tvf", "a.tar.gz", "--utc", "--numeric-owner"], capture_output=True, text=True
    ).stdout.splitlines()
    assert {line[:15] for line in listed} == {"-rw-r--r-- 0/0 "}
    assert all("1970-01-01 00:00" in line for line in listed)
    names = [line.split(":00 ")[-1] for line in listed]
    assert names == sorted(names)


def test_no_path_of_this_machine(experiment: Path) -> None:
    bundle(Path("a.tar.gz"), [OVERLAY])
    files = unpacked(Path("a.tar.gz"))
    for path in (experiment, Path.home(), "/mnt"):
        assert [name for name, content in files.items() if str(path).encode() in content] == []
    assert b"local: small" in files["config/1-mine.yaml"]


@pytest.mark.parametrize("variable", ["KEY", "ORGANISATION"])
def test_a_secret_is_refused(
    experiment: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Of a judge: its key, or what a header of its own takes."""
    monkeypatch.setenv(variable, CANARY)
    judges = {"server": {"headers_env": {"X-Organisation": "ORGANISATION"}}}
    OVERLAY.write_text(yaml.safe_dump({"judges": judges}))
    bundle(Path("a.tar.gz"), [OVERLAY])
    OVERLAY.write_text(yaml.safe_dump({"judges": judges, "note": CANARY}))
    with pytest.raises(UserError, match=rf"1-mine\.yaml: holds the value of {variable}") as caught:
        bundle(Path("b.tar.gz"), [OVERLAY])
    assert CANARY not in str(caught.value)
    assert not Path("b.tar.gz").exists()


def test_what_is_not_made_yet_is_named(
    experiment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("results/mine/table2.csv").unlink()
    bundle(Path("a.tar.gz"))
    assert "not in it: results/mine/table2.csv" in capsys.readouterr().out
    assert "- `results/mine/table2.csv`" in unpacked(Path("a.tar.gz"))["README.md"].decode()
    shutil.rmtree("results")
    with pytest.raises(UserError, match=r"no table yet; make one: .*results/mine/table"):
        bundle(Path("b.tar.gz"))


def test_the_ending_says_what_it_is(experiment: Path) -> None:
    with pytest.raises(UserError, match=r"name a \.tar\.gz file"):
        bundle(Path("a.zip"))
