"""`asft doctor` in the place of `asft run`: the same words, a status, and a page if asked for."""

from pathlib import Path

import pytest
import yaml

from asft.cli.app import run
from asft.config import PROJECT


def status(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        run(["doctor", *words])
    return int(end.value.code or 0)


def test_the_words_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    raw = yaml.safe_load((PROJECT / "config.yaml").read_text())
    Path("there/config.yaml").write_text(yaml.safe_dump(raw))
    words = ["--cores", "all", "-n", "results/x/table3.csv", "--html", "page.html"]
    words += ["--directory", "there", "--configfile", "workflow/config/test.yaml"]
    assert status(*words, "--config", "results=results/x", "gpus=1") == 0
    text = capsys.readouterr().out
    assert "config.yaml, workflow/config/test.yaml, results, gpus: " in text
    assert "no problem would stop a run" in text
    assert "no problem would stop a run" in Path("page.html").read_text(encoding="utf-8")


def test_a_problem_is_the_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert status("--config", "seeds=[1]") == 1
    assert "PROBLEM  config" in capsys.readouterr().out
