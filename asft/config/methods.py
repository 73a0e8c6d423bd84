"""The methods of an experiment: loss, hyper-parameters, trainer, and what each starts from."""

import math
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from asft.config.fields import Name, Section, as_number


def _is_weight(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < math.inf


class Start(Section):
    """Another method of the experiment, whose policy a method starts from."""

    method: Name = Field(description="Name in `methods` of the policy that training starts from.")
    dataset: Name | None = Field(
        None,
        description="Name in `datasets` of what that policy was trained on; null is the data set "
        "that training goes on with.",
    )


class Method(Section):
    """A training method: its loss, the loss's hyper-parameters (such as beta), and overrides."""

    model_config = ConfigDict(extra="allow", frozen=True)

    loss: str | dict[str, float] | None = Field(
        None,
        description="Name of the loss in asft/losses, or several with weights, which are added, as "
        "in {dpo: 1.0, sft: 0.2}; null is the method's own name.",
    )
    trainer: Literal["asft", "trl"] = Field(
        "asft",
        exclude_if=lambda trainer: trainer == "asft",
        description="Who trains it: asft is this project's trainer, trl is TRL's own for the loss, "
        "on the same token ids, in the same order, by the same schedule.",
    )
    training: dict[str, Any] = Field(
        default={}, description="Keys of the common `training` that this method overrides."
    )
    # Left out of what rules print where they say nothing: a key more would redo their jobs.
    start: Name | Start | None = Field(
        None,
        exclude_if=lambda start: start is None,
        description="Method whose policy this one starts from, of the same seed: its name, or "
        "{method, dataset} if it was trained on other data; or a name in `policies`; null starts "
        "from the base policy.",
    )
    reference: Literal["start", "base"] = Field(
        "start",
        exclude_if=lambda reference: reference == "start",
        description="Policy that a loss with a reference compares with: start is the one that "
        "training starts from, base the base policy.",
    )

    @field_validator("loss", mode="before")
    @classmethod
    def _is_named(cls, loss: Any) -> Any:
        if loss is None or isinstance(loss, str):
            return loss
        if isinstance(loss, dict):
            loss = {name: as_number(weight) for name, weight in loss.items()}
        terms = loss.items() if isinstance(loss, dict) else ()
        if not terms or not all(isinstance(name, str) and _is_weight(w) for name, w in terms):
            raise ValueError(f"expected a name, or names with weights above 0, given {loss!r:.80}")
        return loss

    @field_validator("start", mode="before")
    @classmethod
    def _starts_from_a_method(cls, start: Any) -> Any:
        if start is None or isinstance(start, str | dict | Start):
            return start
        raise ValueError(f"expected a method's name, or {{method, dataset}}, given {start!r:.80}")

    @model_validator(mode="before")
    @classmethod
    def _numbers(cls, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        return {k: v if k in cls.model_fields else as_number(v) for k, v in row.items()}

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The loss's hyper-parameters: every key that is not a field of this class."""
        return dict(self.model_extra or {})
