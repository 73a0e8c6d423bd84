"""Import the base policy.

Reads  the model's sources (JSON of `models.<name>` in the config)
Writes <results>/models/{model}/: safetensors, tokenizer, chat template and generation config, or a
       pointer.json to them; card.json
By hand: asft fetch-model --settings JSON --out DIR
"""

from pathlib import Path

from pydantic import ValidationError

from asft.config import Model
from asft.errors import UserError
from asft.model_import import import_model


def fetch_model(settings_json: str, out: Path) -> None:
    """Make the model folder `out`.

    Raises:
        UserError: the settings do not fit, or no source worked.
    """
    try:
        model = Model.model_validate_json(settings_json)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"]))
        raise UserError(f"--settings, key {key!r}: {fault['msg']}") from error
    import_model(model, out)
