"""The command that imports AlpacaEval's annotations."""

from pathlib import Path

import pytest
from alpaca_annotations import annotated, gamed_rows, write_annotations, write_gamed

from asft.cli.app import run


def call(*words: object) -> object:
    with pytest.raises(SystemExit) as end:
        run(["import", "alpaca-eval", *map(str, words)])
    return end.value.code


def test_alpaca_eval(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = write_annotations(tmp_path / "annotations.json", annotated(2, 0.0))
    gamed = write_gamed(tmp_path / "df_gamed.csv", gamed_rows())
    assert call(path, "--gamed", gamed, "--out", tmp_path / "out") == 0
    assert "| m       | 51.22" in capfd.readouterr().out
    assert (tmp_path / "out" / "table.csv").exists()


def test_questions_ask_for_difficulties(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = write_annotations(tmp_path / "annotations.json", annotated(2, 0.0))
    assert call(path, "--questions", path, "--out", tmp_path / "out") == 1
    assert "give --gamed too" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
