"""Import a model: the base policy, or a local judge.

Reads  the model's sources (JSON of `models.<name>` in the config)
Writes <results>/models/{model}/: safetensors, tokenizer, chat template and generation config, or a
       pointer.json to them; card.json
By hand: asft fetch-model --settings JSON --out DIR
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers import PreTrainedTokenizerBase as Tokenizer

from asft.config import HubSource, Model, RandomSource, Source, unpinned
from asft.data import fetch_one, reason, try_each, warn_unless_pinned
from asft.errors import UserError
from asft.files import file_sha256, fingerprint, read_json, read_text, write_json, write_text
from asft.models.folders import CHAT_TEMPLATE, POINTER, forget_reading, tokenizer_of
from asft.models.tiny import tiny_model

# How a GGUF file splits text before BPE (`tokenizer.ggml.pre`). transformers 5.23 falls back to
# GPT-2's way for these, which put each digit alone (llama.cpp, llama-vocab.cpp). Read like that,
# 18% of alpaca's answers ("\n\n1.") were not in SmolLM2's tokens, and 3% less likely to it (nats).
DIGITS_APART = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone")
AS_GPT2 = ("gpt-2", "mpt", "olmo", "jais")


def import_model(model: Model, out: Path) -> None:
    """Make the model folder `out` from the first of the model's sources that works.

    Raises:
        UserError: no source worked (each is named with its reason): not available, weights that are
            not safetensors, or no chat template.
    """
    template = None
    if model.chat_template is not None:
        path = Path(model.chat_template).expanduser()
        if not path.is_file():
            raise UserError(f"chat_template {path}: no such file")
        template = read_text(path)
    try_each(model.sources, lambda source: _import_source(source, template, out))


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
        for path in temporary.iterdir():  # safetensors writes 0600; follow the umask as others do
            path.chmod(temporary.stat().st_mode & 0o666)
        if out.exists():
            shutil.rmtree(out)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _import_source(source: Source, template: str | None, out: Path) -> None:
    with model_folder(out) as folder:
        if isinstance(source, HubSource) and source.file is None:
            tokenizer, card = _point_to_hub(source, folder)
        elif isinstance(source, RandomSource):
            tiny_model(folder, source.random)
            tokenizer, card = tokenizer_of(str(folder), None), _weights(folder)
        else:
            path = fetch_one(source, repo_type="model")
            tokenizer, card = (_point_to_folder if path.is_dir() else _convert_gguf)(path, folder)
        if template is not None:
            write_text(folder / CHAT_TEMPLATE, template)
        elif not tokenizer.chat_template:
            raise UserError("the model has no chat template; set models.<name>.chat_template")
        about = {"source": source.model_dump(exclude_none=True), "unpinned": unpinned([source])}
        write_json(folder / "card.json", about | card)


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
    _require_safetensors(names)
    write_json(folder / POINTER, {"hub": source.hub, "revision": source.revision})
    return tokenizer, {"revision": source.revision, "parameters": None, "dtype": None}


def _point_to_folder(path: Path, folder: Path) -> tuple[Tokenizer, dict[str, Any]]:
    _require_safetensors(file.name for file in path.iterdir())
    write_json(folder / POINTER, {"local": str(path.resolve())})
    hashes = {file.name: file_sha256(file) for file in _weight_files(path)}
    card = {"sha256": fingerprint(hashes)} | _weights(path)
    return tokenizer_of(str(path), None), card


def _convert_gguf(path: Path, folder: Path) -> tuple[Tokenizer, dict[str, Any]]:
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise UserError(f"{path.name} is not a GGUF file; name one, or a folder of safetensors")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        _mend_splitting(tokenizer, path)
        # A plain load stays marked as quantized: it can be neither trained nor saved.
        policy = AutoModelForCausalLM.from_pretrained(
            path.parent,
            gguf_file=path.name,
            quantization_config=GgufConfig(dequantize=True),
            dtype=torch.bfloat16,
        )
    except UserError:
        raise
    except Exception as error:  # a damaged file fails anywhere in the parsers
        raise UserError(f"cannot read {path.name} ({error!r}); is it whole?") from error
    policy.config.architectures = [type(policy).__name__]
    policy.save_pretrained(folder)
    forget_reading(tokenizer)
    tokenizer.save_pretrained(folder)
    return tokenizer, {"sha256": file_sha256(path)} | _weights(folder)


def _mend_splitting(tokenizer: Tokenizer, path: Path) -> None:
    fields = GGUFReader(path).fields
    kind, name = (
        fields[key].contents() if key in fields else None
        for key in ("tokenizer.ggml.model", "tokenizer.ggml.pre")
    )
    splitting = tokenizer.backend_tokenizer.pre_tokenizer
    if kind != "gpt2" or not isinstance(splitting, pre_tokenizers.ByteLevel) or name in AS_GPT2:
        return
    if name not in DIGITS_APART:
        raise UserError(f"cannot split text as {name!r} does; use the model's safetensors")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), splitting]
    )


def _require_safetensors(names: Iterable[str]) -> None:
    listed = list(names)
    if "adapter_config.json" in listed:
        raise UserError(
            "an adapter, not a whole model: merge it into its base (peft's merge_and_unload, then"
            " save_pretrained), and name the folder of the merged model"
        )
    if any(name.endswith(".safetensors") and "/" not in name for name in listed):
        return
    pickles = [name for name in listed if name.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    found = f"only pickled weights ({pickles[0]}), which can run code" if pickles else "no weights"
    raise UserError(f"{found}; a model needs *.safetensors: convert it with save_pretrained")


def _weight_files(folder: Path) -> list[Path]:
    """The files that transformers reads: those of the index, else the one of the usual name.

    Others may lie beside them, such as Mistral's consolidated.safetensors: the same weights again.
    """
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if index.is_file():
        names = read_json(index).get("weight_map", {}).values()
        return [folder / name for name in sorted(set(names))]
    return [single] if single.is_file() else sorted(folder.glob("*.safetensors"))


def _weights(folder: Path) -> dict[str, Any]:
    """Number and type of the parameters, from the headers alone; tied ones count once."""
    parameters, dtypes = 0, set()
    for file in _weight_files(folder):
        try:
            tensors = safe_open(file, framework="pt")
        except SafetensorError as error:
            raise UserError(f"{file} is damaged ({error}); replace it") from error
        with tensors:
            for tensor in map(tensors.get_slice, tensors.keys()):  # type: ignore[no-untyped-call]
                parameters += prod(tensor.get_shape())
                dtypes.add(tensor.get_dtype())
    return {"parameters": parameters, "dtype": "+".join(sorted(dtypes))}


def fetch_base_model(settings: str, out: Path) -> None:
    """Import a base policy into a folder.

    Args:
        settings: this step's part of the config, as JSON.

    Raises:
        UserError: the settings do not fit, or no source worked.
    """
    try:
        model = Model.model_validate_json(settings)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        raise UserError(f"--settings, key {key!r}: {fault['msg']}") from error
    import_model(model, out)
