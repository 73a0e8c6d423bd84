"""A benchmark in the config: its questions, how they are answered, the protocol that scores."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from asft.config.fields import MaxDroppedShare, Section
from asft.config.generation import Decoding
from asft.config.protocols import PROTOCOLS
from asft.config.sources import DataSource, DataSources


def _known(name: Any) -> Any:
    """What a `Literal` of the protocols would let pass, and its words for all else."""
    if isinstance(name, str) and name in PROTOCOLS:
        return name
    *others, last = map(repr, [*PROTOCOLS, "implicit_reward", "lm_eval"])  # sections of their own
    expected = f"{', '.join(others)} or {last}"
    raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})


def _enumerate(schema: dict[str, Any]) -> None:
    schema["enum"] = [*PROTOCOLS]


class Part(Section):
    """One of the two parts of a benchmark's questions, which share none."""

    of: Literal["selection", "test"] = Field(
        description="Which part: selection is for choosing settings, test for tables."
    )
    share: float = Field(
        0.3, gt=0, lt=1, description="Share of all questions that the part `selection` has."
    )


class Benchmark(Section):
    """Questions that policies answer, how they are answered, and how the answers are scored."""

    protocol: Annotated[str, BeforeValidator(_known)] = Field(
        description="Protocol that scores the answers: "
        + ", ".join(f"{name} ({row.about})" for name, row in PROTOCOLS.items())
        + ".",
        json_schema_extra=_enumerate,
    )
    format: Literal["alpaca", "mt_bench", "arena_hard", "alpaca_eval"] = Field(
        description="Format of the questions' rows, named after the benchmark that publishes it."
    )
    sources: DataSources
    limit: int | None = Field(
        None, gt=0, description="Number of questions to ask; null asks all of them."
    )
    sample_seed: int | None = Field(
        None,
        description="Seed for drawing the `limit` questions at random; null takes the first ones.",
    )
    # Left out of what rules print where there is none: a key more would ask all questions again.
    part: Part | None = Field(
        None,
        exclude_if=lambda part: part is None,
        description="Part of the questions that is asked, drawn by their text; null asks all.",
    )
    max_dropped_share: MaxDroppedShare = 0.2
    prompts: list[DataSource] = Field(
        default=[],
        description="Sources of the judge's prompts in upstream's format, tried in this order; "
        "protocols with a judge need them.",
    )
    # The next two are left out of what rules print while they are empty, as `decisive_weight`.
    system_prompts: list[DataSource] = Field(
        default=[],
        exclude_if=lambda sources: not sources,
        description="Sources of arena_hard_v2's system prompts by category, tried in this order: "
        "upstream's utils/judge_utils.py, or a YAML mapping. Without them that of `prompts` is "
        "used.",
    )
    categories: list[str] = Field(
        default=[],
        exclude_if=lambda names: not names,
        description="Categories of the questions that are asked; if empty, all. Arena-Hard v2.0 "
        "compares with another baseline in each, so each is a benchmark of its own.",
    )
    references: list[DataSource] = Field(
        default=[],
        description="Sources of the reference answers that mt_bench shows its judge, tried in this "
        "order; questions on math, reasoning and coding need them.",
    )
    baseline: list[DataSource] = Field(
        default=[],
        description="Sources of the answers that arena_hard and alpaca_eval compare with, tried in "
        "this order; they need them.",
    )
    decoding: Decoding = Decoding()
    temperatures: dict[str, float] = Field(
        default={},
        description="Sampling temperature by question category, in place of `decoding`'s: 0 is "
        "greedy, a category that is not named gets 0.7. If empty, `decoding` holds for all.",
    )
    # Left out of what rules print while it is upstream's: a key more would redo their jobs.
    decisive_weight: Literal[1, 3] = Field(
        3,
        exclude_if=lambda weight: weight == 3,
        description="How often a game counts that arena_hard's judge calls significantly better; "
        "upstream counts it three times.",
    )
    with_thinking: bool = Field(
        False,
        exclude_if=lambda shown: not shown,
        description="Whether metrics and judges see what was thought before an answer, a policy's "
        "or a published one (baseline, references); if not, they see the answer alone.",
    )
