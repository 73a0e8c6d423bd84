"""The training of a method: the config's, with what its row overrides."""

from pydantic import ValidationError

from asft.config.experiment import Config
from asft.config.faults import explain
from asft.config.training import Training
from asft.errors import UserError


def training_of(config: Config, method: str) -> Training:
    """Return the config's `training` with the method's overrides."""
    overrides = config.methods[method].training
    if "report_to" in overrides:
        raise UserError(
            f"config: methods.{method}.training.report_to: not for one method; set"
            " training.report_to, which is for all"
        )
    try:
        return Training.model_validate(config.training.model_dump() | overrides)
    except ValidationError as error:
        line = explain(error, Training.model_json_schema())[0]
        raise UserError(f"config: methods.{method}.training.{line}") from None
