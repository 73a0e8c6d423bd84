"""Download a file once: it lies in `<cache>/sources/<sha256>/<filename>` from then on.

The sha256 is checked after the download, and again each time the file is used.
"""

import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from asft.errors import UserError
from asft.files import atomic, file_sha256

TIMEOUT = 60  # seconds without a byte from a web server


class WrongSha256(UserError):
    """What was downloaded is not the file that the config asks for."""


def cached(cache: Path, name: str, sha256: str, download: Callable[[Path], None]) -> Path:
    """Return the file with this sha256, downloaded unless the cache holds it intact.

    Args:
        name: path or name of the file; its last part names the cached one.
        download: writes the file to the path that it is given.

    Raises:
        UserError: the download failed.
        WrongSha256: it has another sha256; nothing of it is kept.
    """
    target = _target(cache, name, sha256)
    if is_cached(cache, name, sha256):
        return target
    with atomic(target) as temporary:
        download(temporary)
        found = file_sha256(temporary)
        if found != sha256:
            raise WrongSha256(
                f"wrong sha256: expected {sha256}, found {found}; "
                "the file changed or was damaged: check the source before you change `sha256`"
            )
    return target


def is_cached(cache: Path, name: str, sha256: str) -> bool:
    """Tell whether `cached` would return the file without a download."""
    target = _target(cache, name, sha256)
    return target.is_file() and file_sha256(target) == sha256


def _target(cache: Path, name: str, sha256: str) -> Path:
    filename = PurePosixPath(name.replace("\0", "")).name  # a URL may hold %00
    return cache / "sources" / sha256 / (filename if filename not in ("", "..") else "file")


def download_url(url: str, target: Path) -> None:
    """Write what a URL leads to to `target`.

    Raises:
        UserError: not such a URL, no answer, or fewer bytes than were announced.
    """
    if urlsplit(url).scheme not in ("http", "https", "file"):
        raise UserError("the URL must begin with http://, https:// or file://")
    request = urllib.request.Request(url, headers={"User-Agent": "asft"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as reply, target.open("wb") as file:
            shutil.copyfileobj(reply, file)
            length = reply.headers["Content-Length"]
    except urllib.error.HTTPError as error:
        raise UserError(f"HTTP {error.code} {error.reason}; check the URL") from error
    except urllib.error.URLError as error:
        raise UserError(f"cannot be reached ({error.reason}); check URL and network") from error
    except ValueError as error:  # e.g. %00 in a file's name
        raise UserError(f"not a URL that can be opened ({error}); check it") from error
    except (TimeoutError, ConnectionError, HTTPException) as error:
        raise UserError(f"the connection broke ({error!r}); run again") from error
    # A short read is not an error to http.client: it returns what has come.
    if length is not None and target.stat().st_size != int(length):
        raise UserError(f"broke off after {target.stat().st_size} of {length} bytes; run again")
