"""Files of this machine that a config names: missed while the DAG is planned, not in a job."""

from collections.abc import Iterable, Sequence
from glob import has_magic
from itertools import product
from pathlib import Path

from asft.config.data import CHAT_TEMPLATES, Model, Policy
from asft.config.experiment import Config
from asft.config.sources import LocalSource, Source
from asft.errors import UserError

# Each alone is a tokenizer that transformers finds.
TOKENIZERS = {"tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json"}
_PACKAGE = Path(__file__).parents[1]
# The project's own files in the package: of a checkout links to where they lie, of a wheel copies.
PROJECT = Path(__file__).parent / "project"
_BUNDLED = {"asft": _PACKAGE, "workflow": PROJECT / "workflow"}


def find_path(name: str) -> Path:
    """Find the file, folder or pattern that a config names, here or among what comes with `asft`.

    A path that leads somewhere from the working folder wins. Else one that begins with `asft/` or
    `workflow/`, such as asft/demo/hh_rlhf.jsonl, is the package's own; so the bundled data belong
    to the code, wherever a run is started.
    """
    path = Path(name).expanduser()
    root = _BUNDLED.get(path.parts[0]) if len(path.parts) > 1 else None
    if root and not is_present(path):
        bundled = root.joinpath(*path.parts[1:])
        return bundled if is_present(bundled) else path
    return path


def lock_file() -> Path | None:
    """Return the project's requirements.lock; None of an installed package, which has none."""
    path = (PROJECT / "Snakefile").resolve().parent / "requirements.lock"
    return path if path.is_file() else None


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
        and not any(is_present(find_path(name)) for name in local)
    ):
        raise UserError(
            f"config: {key}: no such file or folder: {', '.join(local)} (looked in {Path.cwd()});"
            " paths are relative to the working folder"
        )


def require_file(name: str, key: str) -> None:
    """Refuse a file that is not there, neither from the working folder nor in the package.

    Raises:
        UserError: names the key and the path.
    """
    if not find_path(name).is_file():
        raise UserError(f"config: {key}: no such file: {name} (looked in {Path.cwd()})")


def require_model(model: Model, key: str) -> None:
    """Refuse local folders none of which holds a model, or an adapter where one is asked for.

    Raises:
        UserError: names the key, the folder and what is not in it.
    """
    adapter = isinstance(model, Policy) and model.adapter_of is not None
    lacks = []
    for source in model.sources:
        folder = find_path(source.local) if isinstance(source, LocalSource) else None
        if folder is None or not folder.is_dir() or not (lack := _lack_of(folder, adapter)):
            return
        lacks.append(f"{folder}: {lack}")
    raise UserError(f"config: {key}: {'; '.join(lacks)}")


def _lack_of(folder: Path, adapter: bool) -> str:
    names = {path.name for path in folder.iterdir()}
    if adapter:
        lost = sorted({"adapter_config.json", "adapter_model.safetensors"} - names)
        return f"no {lost[0]}: no adapter that peft saved" if lost else ""
    if "config.json" not in names:
        if "adapter_config.json" in names:
            return "an adapter, not a whole model; as a row of `policies` it needs `adapter_of`"
        return "no config.json: no model that transformers saved"
    if not any(name.endswith(".safetensors") for name in names):
        return "no *.safetensors; convert its weights with save_pretrained"
    if not names & TOKENIZERS:
        return "no tokenizer; save one beside the weights, with its save_pretrained"
    return ""


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


def refuse_links(config: Config, results: str | Path) -> None:
    """Refuse a link where the DAG makes a folder of its own, below `results`.

    Snakemake deletes what a job is to make before the job begins: through a link, somebody else's
    files. Folders above (`results` itself, its `models`) may be links, to another disk for example.

    Raises:
        UserError: names the link and where it leads.
    """
    known: dict[str, Iterable[str]] = {"models": [*config.models, *config.policies]}
    known |= {"data": config.datasets, "benchmarks": config.benchmarks}
    folders = [Path(kind, name) for kind, names in known.items() for name in names]
    runs = [Path("runs", *names) for names in product(config.datasets, config.methods)]
    folders += [Path("runs", name) for name in ("base", *config.policies, *config.datasets)] + runs
    folders += [run / f"seed{seed}" for run in runs for seed in config.seeds]
    for path in (Path(results) / folder for folder in folders):
        if path.is_symlink():
            raise UserError(
                f"{path} is a link to {path.readlink()}, where a run would delete and write; "
                "remove it, or name another folder in `results`"
            )


def is_present(path: Path) -> bool:
    """Tell whether a path leads somewhere, or a pattern to at least one file."""
    if path.exists():
        return True
    root = Path(path.anchor or ".")
    return has_magic(str(path)) and any(root.glob(str(path.relative_to(root))))
