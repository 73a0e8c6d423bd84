"""The files of a model's weights: which transformers reads, and what is in them."""

from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from asft.errors import UserError
from asft.files import read_json


def require_safetensors(names: Iterable[str]) -> None:
    listed = list(names)
    if "adapter_config.json" in listed:
        raise UserError(
            "an adapter, not a whole model: merge it into its base (peft's merge_and_unload, then"
            " save_pretrained), or name it in `policies` with `adapter_of`"
        )
    if any(name.endswith(".safetensors") and "/" not in name for name in listed):
        return
    pickles = [name for name in listed if name.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    found = f"only pickled weights ({pickles[0]}), which can run code" if pickles else "no weights"
    raise UserError(f"{found}; a model needs *.safetensors: convert it with save_pretrained")


def weight_files(folder: Path) -> list[Path]:
    """The files that transformers reads: those of the index, else the one of the usual name.

    Others may lie beside them, such as Mistral's consolidated.safetensors: the same weights again.
    """
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if index.is_file():
        names = read_json(index).get("weight_map", {}).values()
        return [folder / name for name in sorted(set(names))]
    return [single] if single.is_file() else sorted(folder.glob("*.safetensors"))


def weights_of(folder: Path) -> dict[str, Any]:
    """Number and type of the parameters, from the headers alone; tied ones count once."""
    parameters, dtypes = 0, set()
    for file in weight_files(folder):
        try:
            tensors = safe_open(file, framework="pt")
        except SafetensorError as error:
            raise UserError(f"{file} is damaged ({error}); replace it") from error
        with tensors:
            for tensor in map(tensors.get_slice, tensors.keys()):  # type: ignore[no-untyped-call]
                parameters += prod(tensor.get_shape())
                dtypes.add(tensor.get_dtype())
    return {"parameters": parameters, "dtype": "+".join(sorted(dtypes))}
