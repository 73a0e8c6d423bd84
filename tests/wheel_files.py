"""Wheels written by hand, for a folder that is pip's only index."""

import zipfile
from pathlib import Path

import pytest


def write_wheel(
    folder: Path, package: str, member: str | zipfile.ZipInfo, content: bytes | str
) -> Path:
    """Write version 1.0 of a package that holds one file, and needs a package that is nowhere."""
    stem = f"{package.replace('-', '_')}-1.0"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Dist: nowhere\n"
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def serve(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a folder all that pip finds."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
