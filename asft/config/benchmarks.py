"""A benchmark: its questions, the protocol that scores them, how they are answered."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from asft.config.fields import Section, Share
from asft.config.generation import Decoding
from asft.config.protocols import PROTOCOLS
from asft.config.sources import DataSource, DataSources


def _known(name: Any) -> Any:
    """What a `Literal` of the protocols would let pass, and its words for all else."""
    if isinstance(name, str) and name in PROTOCOLS:
        return name
    *others, last = map(repr, PROTOCOLS)
    expected = f"{', '.join(others)} or {last}"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


def _enumerate(schema: dict[str, Any]) -> None:
    schema["enum"] = [*PROTOCOLS]


class Benchmark(Section):
    """Questions that policies answer, and how the answers are scored."""

    protocol: Annotated[str, BeforeValidator(_known)] = Field(
        description="; ".join(f"{name}: {row.about}" for name, row in PROTOCOLS.items()),
        json_schema_extra=_enumerate,
    )
    format: Literal["alpaca", "mt_bench", "arena_hard"]
    sources: DataSources
    limit: int | None = Field(None, gt=0, description="ask N of the questions")
    sample_seed: int | None = Field(
        None, description="draw the N at random with this seed; null: the first N"
    )
    max_dropped_share: Share = Field(0.2, description="fail if more rows than this are unusable")
    prompts: list[DataSource] = Field(
        default=[], description="the judge's prompts, upstream's format"
    )
    references: list[DataSource] = Field(default=[], description="mt_bench: the judge's references")
    baseline: list[DataSource] = Field(default=[], description="arena_hard: the baseline's answers")
    decoding: Decoding = Decoding()
    temperatures: dict[str, float] = Field(
        default={}, description="by category, over `decoding`; 0: greedy; not named: 0.7"
    )
