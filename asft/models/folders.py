"""Model folders: where a model is, and its tokenizer. Imports no torch.

A model folder (`<results>/models/{model}/`, or a run's `policy/`) holds safetensors, tokenizer and
chat template, or a `pointer.json` to where they are: `{"hub": …, "revision": …}` or `{"local": …}`.
A `chat_template.jinja` beside the pointer wins over the model's own.
"""

import shutil
from pathlib import Path
from typing import Any

from asft.data import DATE, reason, snapshot
from asft.errors import UserError
from asft.files import read_json

POINTER = "pointer.json"
CHAT_TEMPLATE = "chat_template.jinja"
CARD = "card.json"
# Classes that do what tokenizer.json says and no more. AutoTokenizer would choose the same, but
# it imports torch and every model on the way (5 s).
_GENERIC = ("PreTrainedTokenizerFast", "TokenizersBackend")


def resolve(folder: Path) -> tuple[str, str | None]:
    """Return the path or hub name of the model in `folder`, and its revision on the hub.

    Raises:
        UserError: there is no model in `folder`, or its pointer is damaged.
    """
    pointer = folder / POINTER
    if pointer.is_file():
        match read_json(pointer):
            case {"hub": str(name), "revision": str(revision)}:
                return name, revision
            case {"local": str(name)}:
                return name, None
        raise UserError(f"{pointer}: damaged; delete {folder} and rerun")
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no model here; make it with: asft fetch-model --out {folder}")
    return str(folder), None


def files_of(folder: Path, links: Path) -> Path:
    """Return a folder of a model's own files, for programs that know no pointers (servers).

    A chat template beside a pointer is not among the files that are pointed to: they are linked
    into `links`, with that template.

    Raises:
        UserError: there is no model in `folder`, or the hub cannot be reached.
    """
    name, revision = resolve(folder)
    files = Path(name) if revision is None else snapshot(name, revision)
    template = folder / CHAT_TEMPLATE
    if files == folder or not template.is_file():
        return files
    shutil.rmtree(links, ignore_errors=True)
    links.mkdir(parents=True)
    for file in files.iterdir():
        if file.name != CHAT_TEMPLATE:
            (links / file.name).symlink_to(file.resolve())
    shutil.copyfile(template, links / CHAT_TEMPLATE)
    return links


def identity_of(folder: Path) -> list[Any]:
    """Tell which weights these are, without reading gigabytes: names, sizes, times of the files."""
    files = sorted(folder.iterdir())
    return [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def load_tokenizer(folder: Path) -> Any:
    """Load the tokenizer in `folder`, with its chat template and date; EOS pads if nothing does.

    Returns:
        A `PreTrainedTokenizerBase` of transformers.

    Raises:
        UserError: no model there, or the hub cannot be reached.
    """
    tokenizer = tokenizer_of(*resolve(folder))
    template = folder / CHAT_TEMPLATE
    if template.is_file():
        tokenizer.chat_template = template.read_text(encoding="utf-8")
    card = folder / CARD
    if card.is_file() and (given := read_json(card).get(DATE)):
        tokenizer.init_kwargs[DATE] = given  # is saved with a policy's tokenizer
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    forget_reading(tokenizer)
    return tokenizer


def forget_reading(tokenizer: Any) -> None:
    """Forget how the tokenizer was read, or its files would differ between two machines."""
    tokenizer.init_kwargs.pop("local_files_only", None)


def tokenizer_of(name: str, revision: str | None) -> Any:
    """Load the tokenizer of a path or a hub name, as it is.

    Raises:
        UserError: there is none, or the hub cannot be reached.
    """
    try:
        return _loader(Path(name)).from_pretrained(
            name, revision=revision or "main", trust_remote_code=False
        )
    except MemoryError:
        raise
    except Exception as error:  # a damaged file fails anywhere in the parsers
        raise UserError(f"tokenizer of {name}: {reason(error)}") from error


def _loader(folder: Path) -> Any:
    config = folder / "tokenizer_config.json"
    settings = read_json(config) if config.is_file() else {}
    if isinstance(settings, dict) and settings.get("tokenizer_class") in _GENERIC:
        from transformers import PreTrainedTokenizerFast

        return PreTrainedTokenizerFast
    from transformers import AutoTokenizer

    return AutoTokenizer
