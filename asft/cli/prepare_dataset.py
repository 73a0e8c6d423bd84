"""Preference data: from its sources to pairs and token ids, with everything counted.

Reads  the sources of datasets.{dataset}, <results>/models/{model}/ (its tokenizer)
Writes <results>/data/{dataset}/pairs.parquet, tokens/, counts.json (`data-card` adds to it)
By hand: asft prepare-dataset --settings JSON --name NAME --model DIR --out DIR
"""

from pathlib import Path

from asft.config import Dataset, Section, Tokens
from asft.data import prepare_pairs as prepare


class Settings(Section):
    """The part of the config that this step reads."""

    dataset: Dataset
    tokens: Tokens


def prepare_dataset(settings: str, name: str, model: Path, out: Path) -> None:
    """Prepare the pairs of one data set and their tokens in a folder.

    Args:
        settings: {"dataset": …, "tokens": …} of the config, as JSON.
    """
    from asft.data import open_rows
    from asft.models import load_tokenizer

    chosen = Settings.model_validate_json(settings)
    dataset = chosen.dataset
    heldout_rows = open_rows(dataset.heldout_sources) if dataset.heldout_sources else None
    prepare(
        dataset,
        name,
        open_rows(dataset.sources, dataset.limit),
        heldout_rows,
        load_tokenizer(model),
        chosen.tokens,
        out,
    )
