"""Files of this machine that a config names: missed while the DAG is planned, not in a job."""

from collections.abc import Sequence
from glob import has_magic
from pathlib import Path

from asft.config.data import CHAT_TEMPLATES
from asft.config.sources import LocalSource, Source
from asft.errors import UserError

_PACKAGE = Path(__file__).parents[1]
# The project's own files in the package: of a checkout links to where they lie, of a wheel copies.
PROJECT = _PACKAGE / "project"
_BUNDLED = {"asft": _PACKAGE, "workflow": PROJECT / "workflow"}


def find_path(name: str) -> Path:
    """Find the file, folder or pattern that a config names, here or among what comes with `asft`.

    A path that leads somewhere from the working folder wins. Else one that begins with `asft/` or
    `workflow/`, such as asft/demo/hh_rlhf.jsonl, is the package's own; so the bundled data belong
    to the code, wherever a run is started.
    """
    path = Path(name).expanduser()
    root = _BUNDLED.get(path.parts[0]) if len(path.parts) > 1 else None
    if root and not _is_here(path):
        bundled = root.joinpath(*path.parts[1:])
        return bundled if _is_here(bundled) else path
    return path


def first_here(sources: Sequence[Source]) -> Path | None:
    """Return the path of the first source if it is a local file; else None."""
    if not sources or not isinstance(sources[0], LocalSource):
        return None
    path = find_path(sources[0].local)
    return path if path.is_file() else None


def require_local(sources: Sequence[Source], key: str) -> None:
    """Refuse sources of which none can work: all of them local, and none there.

    Raises:
        UserError: names the key and the paths.
    """
    local = [source.local for source in sources if isinstance(source, LocalSource)]
    if (
        local
        and len(local) == len(sources)
        and not any(_is_here(find_path(name)) for name in local)
    ):
        raise UserError(
            f"config: {key}: no such file or folder: {', '.join(local)} (looked in {Path.cwd()});"
            " paths are relative to the working folder"
        )


def require_template(template: str | None, key: str) -> None:
    """Refuse a chat template that is neither a name nor a file, or that renders no answers.

    Raises:
        UserError: names the key, and the line that jinja2 cannot read.
    """
    if template is None or template in CHAT_TEMPLATES:
        return
    path = find_path(template)
    if not path.is_file():
        raise UserError(
            f"config: {key}: no such file: {template}; a path from {Path.cwd()}, or one of "
            + ", ".join(CHAT_TEMPLATES)
        )
    from asft.config.template_files import template_fault  # jinja2, which few steps need

    if fault := template_fault(path.read_text(encoding="utf-8", errors="replace")):
        raise UserError(f"config: {key}: {template}{fault}")


def _is_here(path: Path) -> bool:
    if path.exists():
        return True
    root = Path(path.anchor or ".")
    return has_magic(str(path)) and any(root.glob(str(path.relative_to(root))))
