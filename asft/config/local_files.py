"""Files of this machine that a config names: missed while the DAG is planned, not in a job."""

from collections.abc import Sequence
from glob import has_magic
from pathlib import Path

from asft.config.data import CHAT_TEMPLATES
from asft.config.sources import LocalSource, Source
from asft.errors import UserError


def first_here(sources: Sequence[Source]) -> Path | None:
    """Return the path of the first source if it is a local file; else None."""
    if not sources or not isinstance(sources[0], LocalSource):
        return None
    path = Path(sources[0].local).expanduser()
    return path if path.is_file() else None


def require_local(sources: Sequence[Source], key: str) -> None:
    """Refuse sources of which none can work: all of them local, and none there.

    Raises:
        UserError: names the key and the paths.
    """
    local = [source.local for source in sources if isinstance(source, LocalSource)]
    if local and len(local) == len(sources) and not any(map(_is_here, local)):
        raise UserError(
            f"config: {key}: no such file or folder: {', '.join(local)} (looked in {Path.cwd()});"
            " paths are relative to where the run is started"
        )


def require_template(template: str | None, key: str) -> None:
    """Refuse a chat template that is neither a name nor a file, or that renders no answers.

    Raises:
        UserError: names the key, and the line that jinja2 cannot read.
    """
    if template is None or template in CHAT_TEMPLATES:
        return
    path = Path(template).expanduser()
    if not path.is_file():
        raise UserError(
            f"config: {key}: no such file: {template}; a path from {Path.cwd()}, or one of "
            + ", ".join(CHAT_TEMPLATES)
        )
    from asft.config.template_files import template_fault  # jinja2, which few steps need

    if fault := template_fault(path.read_text(encoding="utf-8", errors="replace")):
        raise UserError(f"config: {key}: {template}{fault}")


def _is_here(name: str) -> bool:
    path = Path(name).expanduser()
    if path.exists():
        return True
    root = Path(path.anchor or ".")
    return has_magic(name) and any(root.glob(str(path.relative_to(root))))
