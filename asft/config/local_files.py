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


def require_model(model: Model, key: str) -> None:
    """Refuse local folders none of which holds a model, or an adapter where one is asked for.

    Raises:
        UserError: names the key, the folder and what is not in it.
    """
    adapter = isinstance(model, Policy) and model.adapter_of is not None
    lacks = []
    for source in model.sources:
        folder = Path(source.local).expanduser() if isinstance(source, LocalSource) else None
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
    """Refuse a chat template that is neither a name nor a file, or that reads no messages.

    Raises:
        UserError: names the key.
    """
    if template is None or template in CHAT_TEMPLATES:
        return
    path = Path(template).expanduser()
    if not path.is_file():
        raise UserError(
            f"config: {key}: no such file: {template}; a path from {Path.cwd()}, or one of "
            + ", ".join(CHAT_TEMPLATES)
        )
    if "messages" not in path.read_text(encoding="utf-8", errors="replace"):
        raise UserError(f"config: {key}: {template} does not read `messages`: no chat template")


def refuse_links(config: Config) -> None:
    """Refuse a link where the DAG makes a folder of its own.

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
    for path in (Path(config.results) / folder for folder in folders):
        if path.is_symlink():
            raise UserError(
                f"{path} is a link to {path.readlink()}, where a run would delete and write; "
                "remove it, or name another folder in `results`"
            )


def _is_here(name: str) -> bool:
    path = Path(name).expanduser()
    if path.exists():
        return True
    root = Path(path.anchor or ".")
    return has_magic(name) and any(root.glob(str(path.relative_to(root))))
