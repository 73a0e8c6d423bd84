"""Models that are on this machine already: nothing is downloaded or imported for them."""

from pathlib import Path
from typing import Any, NamedTuple

from asft.config import HubSource, LocalSource, Model, find_path
from asft.data import DATE, cached_snapshot
from asft.models.fetch_model import template_of
from asft.models.folders import CARD, load_tokenizer, resolve


class ModelHere(NamedTuple):
    """A model on this machine."""

    folder: Path  # a model folder, or one that transformers saved
    weights: Path  # the folder of its own files
    imported: bool  # whether `fetch-model` has made the folder


def model_here(model: Model, made: Path) -> ModelHere | None:
    """Return where a model lies; None where it must be downloaded or imported first.

    Args:
        made: the folder that `fetch-model` makes; what lies there wins.

    Raises:
        UserError: that folder is damaged.
    """
    if (made / CARD).is_file():
        name, revision = resolve(made)
        weights = Path(name) if revision is None else cached_snapshot(name, revision)
        return ModelHere(made, weights, True) if weights else None
    for source in model.sources:
        if isinstance(source, LocalSource):
            folder: Path | None = find_path(source.local)
        elif isinstance(source, HubSource) and source.file is None:
            folder = cached_snapshot(source.hub, source.revision)
        else:
            folder = None  # GGUF, which is converted first, or random weights
        if folder and (folder / "config.json").is_file():
            return ModelHere(folder, folder, False)
    return None


def tokenizer_here(model: Model, here: ModelHere) -> Any:
    """Load the tokenizer with the chat template and the date that the run would give it.

    Raises:
        UserError: there is none, or no such template.
    """
    tokenizer = load_tokenizer(here.folder)
    if not here.imported:
        tokenizer.chat_template = template_of(model) or tokenizer.chat_template
        tokenizer.init_kwargs[DATE] = model.template_date.isoformat()
    return tokenizer
