"""Sources against real servers and a real pip; nothing here needs the network."""

import gzip
import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from wheel_files import serve, write_wheel

from asft.config.sources import HubSource, LocalSource, Source, UrlSource, WheelSource
from asft.data import hub
from asft.data.sources import fetch, load_rows
from asft.errors import UserError

CONTENT = b'{"a": 1}\n{"a": 2}\n'
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64


class Handler(BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self) -> None:
        Handler.requests += 1
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        extra = 10 if self.path == "/truncated" else 0
        self.send_header("Content-Length", str(len(CONTENT) + extra))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.requests = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is pip's only index, with one wheel whose dependency does not exist."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "demo-data", "demo_data/rows.jsonl", CONTENT)
    serve(folder, monkeypatch)
    return folder


def error_of(*sources: Source) -> str:
    with pytest.raises(UserError) as caught:
        fetch(sources)
    return str(caught.value)


def test_url_is_cached_under_its_sha256(server: str, cache: Path) -> None:
    source = UrlSource(url=f"{server}/rows.jsonl?download=true", sha256=SHA256)
    path = fetch([source])
    assert path == cache / "sources" / SHA256 / "rows.jsonl"
    assert path.read_bytes() == CONTENT
    assert fetch([source]) == path
    assert Handler.requests == 1


def test_damaged_cache_is_fetched_again(server: str) -> None:
    source = UrlSource(url=f"{server}/rows.jsonl", sha256=SHA256)
    fetch([source]).write_bytes(b"damaged")
    assert fetch([source]).read_bytes() == CONTENT
    assert Handler.requests == 2


def test_file_url(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(CONTENT)
    source = UrlSource(url=(tmp_path / "rows.jsonl").as_uri(), sha256=SHA256)
    assert fetch([source]).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "sha256", "message"),
    [
        ("/rows.jsonl", WRONG, f"wrong sha256: expected {WRONG}, found {SHA256}"),
        ("/missing", SHA256, "HTTP 404 Not Found"),
        ("/truncated", SHA256, f"broke off after {len(CONTENT)} of {len(CONTENT) + 10} bytes"),
    ],
)
def test_bad_download_leaves_nothing(
    server: str, cache: Path, path: str, sha256: str, message: str
) -> None:
    error = error_of(UrlSource(url=server + path, sha256=sha256))
    assert error.startswith(f"{server}{path}: {message}")
    assert "\n" not in error
    assert not [file for file in cache.rglob("*") if file.is_file()]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1/x", "cannot be reached"),
        ("ftp://127.0.0.1/x", "must begin with http://"),
        ("file:///no/such/file", "cannot be reached"),
    ],
)
def test_url_that_cannot_be_reached(url: str, message: str) -> None:
    assert message in error_of(UrlSource(url=url, sha256=SHA256))


def test_errors_show_no_password() -> None:
    error = error_of(UrlSource(url="http://me:secret@127.0.0.1:1/x?key=secret", sha256=SHA256))
    assert "secret" not in error
    assert error.startswith("http://127.0.0.1:1/x: ")


def test_url_cannot_name_a_place_outside_the_cache(server: str, cache: Path) -> None:
    path = fetch([UrlSource(url=f"{server}/%2e%2e", sha256=SHA256)])
    assert path.parent == cache / "sources" / SHA256


def test_local_file_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "rows.jsonl").write_bytes(CONTENT)
    assert fetch([LocalSource(local="~/rows.jsonl")]) == tmp_path / "rows.jsonl"
    assert fetch([LocalSource(local=str(tmp_path))]) == tmp_path
    error = error_of(LocalSource(local="gone.jsonl"))
    assert error.startswith("gone.jsonl: no such file or folder")
    assert "put it there, or fix `local`" in error
    assert "\n" not in error


def test_alternatives_are_tried_in_order(
    server: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = tmp_path / "good.jsonl", LocalSource(local="gone.jsonl")
    good.write_bytes(CONTENT)
    local = LocalSource(local=str(good))
    assert fetch([bad, local, UrlSource(url=f"{server}/x", sha256=SHA256)]) == good
    assert Handler.requests == 0
    assert "gone.jsonl: no such file" in caplog.text
    error = error_of(bad, UrlSource(url=f"{server}/missing", sha256=SHA256))
    assert "1. gone.jsonl: no such file" in error
    assert f"2. {server}/missing: HTTP 404" in error


def test_unwritable_cache_is_named(server: str, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    error = error_of(UrlSource(url=f"{server}/x", sha256=SHA256))
    assert str(cache) in error


def test_wheel_member(wheels: Path, cache: Path) -> None:
    source = WheelSource(wheel="demo-data==1.0", file="demo_data/rows.jsonl", sha256=SHA256)
    path = fetch([source])
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]
    assert load_rows([source]) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("package", "member", "message"),
    [
        ("demo-data==2.0", "x", "pip: No matching distribution found for demo-data==2.0; check"),
        ("demo-data==1.0", "demo_data/gone", "no file 'demo_data/gone' in demo_data-1.0"),
        ("demo-data==1.0", "../../x", "must be a path inside the wheel"),
        ("demo-data==1.0", "/etc/passwd", "must be a path inside the wheel"),
        ("demo-data==1.0", "demo_data/rows.jsonl", "wrong sha256"),
    ],
)
def test_bad_wheel(wheels: Path, package: str, member: str, message: str) -> None:
    error = error_of(WheelSource(wheel=package, file=member, sha256=WRONG))
    assert error.startswith(f"wheel {package}: ")
    assert message in error
    assert "\n" not in error


def test_index_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    error = error_of(WheelSource(wheel="demo-data==1.0", file="x", sha256=SHA256))
    assert "package index cannot be reached" in error
    assert "\n" not in error


def test_missing_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "python: No module named pip" >&2\nexit 1\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    error = error_of(WheelSource(wheel="demo-data==1.0", file="x", sha256=SHA256))
    assert error.endswith("pip is missing; install it with: python -m ensurepip")


@pytest.mark.parametrize("file", ["x.json", None])
def test_hub_offline(file: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"^hub nobody/nothing.*hub cannot be reached") as caught:
        load_rows([HubSource(hub="nobody/nothing", revision="main", file=file)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("revision", "warned"), [("main", True), ("a" * 40, False)])
def test_a_revision_that_may_change_is_warned_of(
    revision: str, warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError):
        load_rows([HubSource(hub="nobody/nothing", revision=revision, file="x.json")])
    lines = [record.getMessage() for record in caplog.records]
    assert any("revision 'main' is no commit and may change; pin it" in x for x in lines) == warned


def test_rows_of_every_format(tmp_path: Path) -> None:
    rows = [{"a": 1}, {"a": 2}]
    (tmp_path / "x.json").write_text(json.dumps(rows))
    (tmp_path / "x.jsonl").write_bytes(CONTENT)
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(CONTENT))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    for name in ("x.json", "x.jsonl", "x.jsonl.gz", "x.parquet"):
        source = LocalSource(local=str(tmp_path / name))
        assert load_rows([source]) == rows
        assert load_rows([source], limit=1) == rows[:1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    # mtime: the content is in the tests' names, and those must not change from worker to worker.
    [
        ("x.jsonl.gz", gzip.compress(b'{"a": 1}\n{', mtime=0), "x.jsonl.gz, line 2: not JSON"),
        ("x.jsonl.gz", gzip.compress(CONTENT, mtime=0)[:-9], "x.jsonl.gz: damaged gzip file"),
        ("x.parquet", CONTENT, "x.parquet: damaged parquet file"),
        ("x.xlsx", b"a\n1\n", "x.xlsx: expected a file .json"),
    ],
)
def test_unreadable_rows_name_the_file(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        load_rows([LocalSource(local=str(tmp_path / name))])
    assert f"{tmp_path}/{message}" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        (GatedRepoError, "accept its licence on its hub page, then set HF_TOKEN"),
        (RepositoryNotFoundError, "no such repository"),
        (RevisionNotFoundError, "check `revision`"),
        (RemoteEntryNotFoundError, "no such file in this revision; check `file`"),
        (LocalEntryNotFoundError, "connect once, or copy the files here"),
    ],
)
def test_hub_reason_is_found_behind_other_errors(kind: type[Exception], advice: str) -> None:
    outer = OSError("a page\nof text")
    outer.__cause__ = kind.__new__(kind)
    assert advice in hub.reason(outer)
    assert hub.reason(OSError("a page\nof text")) == "a page"
