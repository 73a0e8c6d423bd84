"""The base class of the config's sections, and the types that their values share."""

from contextlib import suppress
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

# Names become folders and wildcards: no separators, no dots that could climb out of a folder.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
# Commands are printed as they run, so the results' folder needs no quoting in any shell.
Folder = Annotated[str, Field(pattern=r"^[\w./][\w./+=@%,-]*$")]
Threads = Annotated[
    int | None,
    Field(
        gt=0,
        description="Number of CPU threads of one such job; null takes all. Small models get more "
        "done in several narrow jobs side by side than in one wide job after the other.",
    ),
]
Share = Annotated[float, Field(ge=0, le=1)]
# numpy takes no larger ones, folders of runs none below 0.
Seed = Annotated[int, Field(ge=0, lt=2**32)]
MaxAttempts = Annotated[
    int, Field(ge=1, description="Largest number of attempts at one call to the server.")
]
MaxWait = Annotated[
    float,
    Field(
        ge=0,
        description="Longest wait in seconds between two attempts at one call; a server that asks "
        "for more stops the run, and a rerun later goes on.",
    ),
]
MaxDroppedShare = Annotated[
    Share,
    Field(
        description="Largest share of unusable rows, from 0 to 1, that is accepted; with more the "
        "job stops and says why they are unusable."
    ),
]
Precision = Annotated[
    Literal["auto", "bf16", "fp32"],
    Field(
        description="Number format of the model's weights: auto is bf16 where the hardware "
        "computes in it natively, else fp32."
    ),
]
Sha256 = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the file, 64 hexadecimal digits; any other file is refused.",
    ),
]
T = TypeVar("T")


def _distinct(values: list[T]) -> list[T]:
    twice = [value for number, value in enumerate(values) if value in values[:number]]
    if twice:
        raise ValueError(f"{twice[0]!r} stands here twice; once is enough")
    return values


def as_number(value: Any) -> Any:
    """Return the number that a text is, since Snakemake's --config reads what is nested as text."""
    if isinstance(value, str):
        for kind in (int, float):
            with suppress(ValueError):
                return kind(value)
    return value


Distinct = Annotated[list[T], AfterValidator(_distinct)]


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, values are not changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_null(cls, values: Any) -> Any:
        """Snakemake's --config reads what is nested as text: 'null' is null where that may be."""
        if not isinstance(values, dict):
            return values
        fields = {name: cls.model_fields.get(name) for name, v in values.items() if v == "null"}
        nulls = {name for name, f in fields.items() if f and NoneType in get_args(f.annotation)}
        return values | dict.fromkeys(nulls)
