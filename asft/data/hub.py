"""Read from the Hugging Face hub, with its many exceptions turned into one line each.

Files lie in the hub's own cache (HF_HOME); HF_HUB_OFFLINE=1 uses that alone. huggingface_hub and
datasets are imported when called.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from asft.config import HubSource
from asft.errors import UserError

log = logging.getLogger(__name__)
_UNREACHABLE = (
    "not in the local cache, and the hub cannot be reached (no network, or HF_HUB_OFFLINE is set): "
    "connect once, or copy the files here and name them in `sources` as `local`"
)
_MISSING = "no such repository, or a private one: check the name, or set HF_TOKEN"
# By class name, because they come from four packages and one is a vendored copy.
_REASONS = {
    "GatedRepoError": "gated: accept its licence on its hub page, then set HF_TOKEN",
    "RepositoryNotFoundError": _MISSING,
    "RevisionNotFoundError": "no such revision; check `revision`",
    "RemoteEntryNotFoundError": "no such file in this revision; check `file`",
    "LocalEntryNotFoundError": _UNREACHABLE,
    "OfflineModeIsEnabled": _UNREACHABLE,
    "ConnectionError": _UNREACHABLE,
    "ConnectError": _UNREACHABLE,
    "ConnectTimeout": _UNREACHABLE,
}


def make_cache() -> None:
    """Make the hub's cache folder if it is not there: servers of models answer 500 without it."""
    from huggingface_hub.constants import HF_HUB_CACHE

    with suppress(OSError):  # a home that cannot be written: a server may do without
        Path(HF_HUB_CACHE).mkdir(parents=True, exist_ok=True)


def download_file(source: HubSource, repo_type: Literal["model", "dataset"]) -> Path:
    """Download `source.file` into the hub's cache.

    Raises:
        UserError: the source names no file, or it is not available.
    """
    import huggingface_hub

    warn_unless_pinned(source)
    if source.file is None:
        raise UserError("needs `file`, the path of one file inside the repository")
    try:
        return Path(
            huggingface_hub.hf_hub_download(
                source.hub, source.file, revision=source.revision, repo_type=repo_type
            )
        )
    except Exception as error:
        raise UserError(reason(error)) from error


def snapshot(name: str, revision: str) -> Path:
    """Download a model into the hub's cache: weights in safetensors, configs and templates.

    Raises:
        UserError: it is not available.
    """
    import huggingface_hub

    kinds = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
    try:
        return Path(
            huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=kinds)
        )
    except Exception as error:
        raise UserError(reason(error)) from error


def cached_snapshot(name: str, revision: str) -> Path | None:
    """Return the folder of the hub's cache that holds a model's files; None where it does not."""
    import huggingface_hub

    try:
        found = huggingface_hub.snapshot_download(name, revision=revision, local_files_only=True)
    except Exception:  # not there, for whichever reason
        return None
    files = [path.name for path in Path(found).iterdir()]
    whole = "config.json" in files and any(name.endswith(".safetensors") for name in files)
    return Path(found) if whole else None


@contextmanager
def offline() -> Iterator[None]:
    """Let the hub's libraries use their cache alone until the block ends."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def require_access(
    source: HubSource, repo_type: Literal["model", "dataset"], within_s: float
) -> None:
    """Ask the hub, or the mirror that HF_ENDPOINT names, whether it would give a source.

    Raises:
        UserError: it would not, or cannot be reached; says why.
    """
    import huggingface_hub

    api = huggingface_hub.HfApi()
    try:
        revision = source.revision
        info = api.repo_info(source.hub, revision=revision, repo_type=repo_type, timeout=within_s)
        if getattr(info, "gated", False):  # what is said of a repository is open to all
            api.auth_check(source.hub, repo_type=repo_type)
    except Exception as error:
        raise UserError(reason(error)) from None


def load_dataset(source: HubSource) -> Any:
    """Load `source.split`, a data set of `datasets`.

    Raises:
        UserError: the data set is not available.
    """
    import datasets

    warn_unless_pinned(source)
    try:
        return datasets.load_dataset(
            source.hub, revision=source.revision, data_dir=source.data_dir, split=source.split
        )
    except Exception as error:
        raise UserError(reason(error)) from error


def warn_unless_pinned(source: HubSource) -> None:
    """Log one line if `source` names a branch or tag, which may hold something else tomorrow."""
    if not source.is_pinned:
        log.warning(
            "hub %s: revision %r is no commit and may change; pin it with the hash that the"
            " repository's page shows under History",
            source.hub,
            source.revision,
        )


def reason(error: BaseException) -> str:
    """Say in one line why a call to the hub failed, whichever library raised the error."""
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__name__ in _REASONS:
            return _REASONS[type(cause).__name__]
        cause = cause.__cause__ or cause.__context__
    return str(error).strip().split("\n")[0] or type(error).__name__
