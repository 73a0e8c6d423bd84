"""Local files that are missing are missed in the plan."""

from pathlib import Path

import pytest

from asft.config.local_files import (
    PROJECT,
    find_path,
    first_here,
    require_local,
    require_template,
)
from asft.config.sources import LocalSource, UrlSource
from asft.errors import UserError

WEB = UrlSource(url="https://example.org/rows.jsonl", sha256="0" * 64)


def test_only_where_no_source_can_work(tmp_path):
    missing = LocalSource(local=str(tmp_path / "rows.jsonl"))
    with pytest.raises(UserError, match=r"config: datasets\.toy\.sources: no such file"):
        require_local([missing], "datasets.toy.sources")
    require_local([missing, WEB], "key")
    require_local([], "key")
    (tmp_path / "rows.jsonl").touch()
    require_local([missing], "key")


def test_patterns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such file"):
        require_local([LocalSource(local="*.jsonl")], "key")
    (tmp_path / "rows.jsonl").touch()
    require_local([LocalSource(local="*.jsonl")], "key")


def test_the_first_file_here(tmp_path):
    path = tmp_path / "prompts.jsonl"
    assert first_here([LocalSource(local=str(path))]) is first_here([WEB]) is first_here([]) is None
    path.touch()
    assert first_here([LocalSource(local=str(path))]) == path


def test_chat_templates(tmp_path):
    require_template(None, "key")
    require_template("chatml", "key")
    with pytest.raises(UserError, match=r"chat_template: no such file.* one of chatml"):
        require_template("chat-ml", "models.m.chat_template")
    path = tmp_path / "own.jinja"
    path.write_text("Hello")
    with pytest.raises(UserError, match="does not read `messages`"):
        require_template(str(path), "key")
    path.write_text("{{ messages }}")
    require_template(str(path), "key")


def test_what_is_here_wins_over_what_is_bundled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "asft/demo/hh_rlhf.jsonl"
    assert find_path(name) == PROJECT.parents[1] / "demo/hh_rlhf.jsonl"
    assert find_path("asft/demo/*.jsonl") == PROJECT.parents[1] / "demo/*.jsonl"
    accelerate = find_path("workflow/accelerate/fsdp2.yaml")
    assert accelerate.is_absolute()
    assert accelerate.is_file()
    require_local([LocalSource(local=name)], "key")
    Path("asft/demo").mkdir(parents=True)
    Path(name).touch()
    assert find_path(name) == Path(name)
    for missing in ("asft/demo/none.jsonl", "demo/hh_rlhf.jsonl", "asft"):
        assert find_path(missing) == Path(missing)
