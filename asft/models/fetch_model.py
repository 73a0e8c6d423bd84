"""Import a model: the base policy, or a local judge.

Reads  the model's sources (JSON of `models.<name>` in the config)
Writes <results>/models/{model}/: safetensors, tokenizer, chat template and generation config, or a
       pointer.json to them; card.json
By hand: asft fetch-model --settings JSON --out DIR
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from transformers import PreTrainedTokenizerBase as Tokenizer

from asft.config import (
    CHAT_TEMPLATES,
    HubSource,
    Model,
    RandomSource,
    Source,
    find_path,
    unpinned,
)
from asft.data import CLOCK, DATE, fetch_one, reason, refuse_chance, try_each, warn_unless_pinned
from asft.errors import UserError
from asft.files import (
    file_sha256,
    fingerprint,
    follow_umask,
    read_text,
    write_json,
    write_text,
)
from asft.models.folders import CHAT_TEMPLATE, POINTER, tokenizer_of
from asft.models.gguf import convert_gguf
from asft.models.tiny import tiny_model
from asft.models.weight_files import require_safetensors, weight_files, weights_of


def import_model(model: Model, out: Path) -> None:
    """Make the model folder `out` from the first of the model's sources that works.

    Raises:
        UserError: no source worked (each is named with its reason): not available, weights that are
            not safetensors, or no chat template.
    """
    template = template_of(model)
    try_each(model.sources, lambda source: _import_source(source, model, template, out))


def template_of(model: Model) -> str | None:
    """Read the chat template that the config gives a model; None keeps the model's own.

    Raises:
        UserError: no such file.
    """
    name = model.chat_template
    if name is None:
        return None
    if name in CHAT_TEMPLATES:
        return read_text(Path(__file__).with_name("templates") / f"{name}.jinja")
    path = find_path(name)
    if not path.is_file():
        known = ", ".join(CHAT_TEMPLATES)
        raise UserError(f"chat_template {path}: no such file, and none of the names {known}")
    return read_text(path)


@contextmanager
def model_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of `out` when the block ends without an error.

    Raises:
        UserError: `out` is a link, or holds something other than a model folder.
    """
    if out.is_symlink():
        raise UserError(f"{out} is a link to {out.readlink()}; remove it, or name another folder")
    if out.exists() and any(out.iterdir()) and not (out / "card.json").is_file():
        raise UserError(f"{out} holds other files; name a new folder")
    # One name, not one a process: what a killed import left is removed by the next.
    temporary = out.with_name(f".{out.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        follow_umask(*temporary.iterdir())
        if out.exists():
            shutil.rmtree(out)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _import_source(source: Source, model: Model, template: str | None, out: Path) -> None:
    with model_folder(out) as folder:
        if isinstance(source, HubSource) and source.file is None:
            tokenizer, card = _point_to_hub(source, folder)
        elif isinstance(source, RandomSource):
            tiny_model(folder, source.random)
            tokenizer, card = tokenizer_of(str(folder), None), weights_of(folder)
        else:
            path = fetch_one(source, repo_type="model")
            tokenizer, card = (_point_to_folder if path.is_dir() else convert_gguf)(path, folder)
        if template is not None:
            write_text(folder / CHAT_TEMPLATE, template)
        elif not tokenizer.chat_template:
            raise UserError("the model has no chat template; set models.<name>.chat_template")
        about = card_of(source, template or tokenizer.chat_template, model)
        write_json(folder / "card.json", about | card)


def card_of(source: Source, template: str | dict[str, str], model: Model) -> dict[str, Any]:
    """Return what a model's card says of its source and its chat template."""
    about = {"source": source.model_dump(exclude_none=True), "unpinned": unpinned([source])}
    return about | _template_card(template, model)


def _template_card(template: str | dict[str, str], model: Model) -> dict[str, str]:
    """What a card says of a chat template: the date that it is given, where it asks for one."""
    texts = [template] if isinstance(template, str) else [*template.values()]
    for text in texts:
        refuse_chance(text)
    dated = any(CLOCK in text for text in texts)
    return {DATE: model.template_date.isoformat()} if dated else {}


def _point_to_hub(source: HubSource, folder: Path) -> tuple[Tokenizer, dict[str, Any]]:
    import huggingface_hub

    warn_unless_pinned(source)
    tokenizer = tokenizer_of(source.hub, source.revision)
    try:
        config = huggingface_hub.hf_hub_download(
            source.hub, "config.json", revision=source.revision
        )
        # Weights that are in the cache already need no connection.
        names = [path.name for path in Path(config).parent.iterdir()]
        if not any(name.endswith(".safetensors") for name in names):
            names = huggingface_hub.list_repo_files(source.hub, revision=source.revision)
    except Exception as error:
        raise UserError(reason(error)) from error
    require_safetensors(names)
    write_json(folder / POINTER, {"hub": source.hub, "revision": source.revision})
    return tokenizer, {"revision": source.revision, "parameters": None, "dtype": None}


def _point_to_folder(path: Path, folder: Path) -> tuple[Tokenizer, dict[str, Any]]:
    require_safetensors(file.name for file in path.iterdir())
    write_json(folder / POINTER, {"local": str(path.resolve())})
    hashes = {file.name: file_sha256(file) for file in weight_files(path)}
    card = {"sha256": fingerprint(hashes)} | weights_of(path)
    return tokenizer_of(str(path), None), card


def fetch_base_model(settings: str, out: Path) -> None:
    """Import a base policy into a folder.

    Args:
        settings: this step's part of the config, as JSON.

    Raises:
        UserError: the settings do not fit, or no source worked.
    """
    import_model(read_model(settings), out)


def read_model(settings: str) -> Model:
    """Read a row of the config's `models` or `policies`.

    Raises:
        UserError: it does not fit.
    """
    try:
        return Model.model_validate_json(settings)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        raise UserError(f"--settings, key {key!r}: {fault['msg']}") from error
