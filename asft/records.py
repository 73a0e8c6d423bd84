"""Records that pass from step to step, a line of a file each: questions, answers, verdicts."""

import math
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import TypedDict  # pydantic's own, which before Python 3.12 takes no other

from asft.errors import UserError
from asft.files import fingerprint
from asft.thinking import split_thinking, whole


class Record(BaseModel):
    """Base class of the JSONL records: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Message(TypedDict):
    """One turn of a conversation, as chat templates expect it.

    Rows may hold further fields (`tool_calls`, `reasoning_content`, `name`), for templates that
    read them; they pass as they are.
    """

    role: Literal["system", "user", "assistant"]
    content: str


class Pair(NamedTuple):
    """One preference pair in TRL's explicit-prompt format.

    Conversational: `prompt` is a list of messages ending with the user's, completions are lists of
    one assistant message. Plain: all three are strings (no chat template is applied to them).
    `tools` are JSON schemas of what the assistant may call.
    """

    prompt: list[Message] | str
    chosen: list[Message] | str
    rejected: list[Message] | str
    tools: list[Any] | None = None

    @property
    def id(self) -> str:
        """Content hash: equal pairs have equal ids wherever they stand in a file."""
        return fingerprint(list(self if self.tools else self[:3]))[:16]


Number = TypeVar("Number")


class PairNumbers(NamedTuple, Generic[Number]):
    """What a data set says of a pair in numbers, or of a batch of pairs: tensors of them.

    NaN is what it does not say. `margin` is by how much the chosen completion is the better one:
    the data's own number, or the difference of the scores. `weight` is by how much the pair's loss
    is multiplied, 1 where nothing is said.
    """

    score_chosen: Number
    score_rejected: Number
    margin: Number
    weight: Number


NO_NUMBERS = PairNumbers(math.nan, math.nan, math.nan, 1.0)


class Question(Record):
    """One benchmark item: the user's turns in order, and reference answers where there are any."""

    question_id: str
    category: str = ""
    turns: list[str]
    references: list[str] = []
    # What was said before the first turn, of a conversation that is gone on with.
    context: list[Message] = Field(default=[], exclude_if=lambda messages: not messages)


# The finish reason of a turn that was asked and has no answer: its text is "", and nothing about it
# was measured.
NO_ANSWER = "no_answer"


class Completion(Record):
    """A policy's answers to one question, one per turn.

    `finish_reasons` and `tokens` are one per turn too, or empty where nobody knows (published
    answers).
    """

    question_id: str
    turns: list[str]
    # "stop", "length", "content_filter", "refusal", `NO_ANSWER`; another word as the server gave
    # it; "": none.
    finish_reasons: list[str]
    tokens: list[int | None]  # those of the thinking too; None: the server did not count
    # What the policy thought before each answer, as it came; left out where it thinks nothing.
    thinking: list[str] = Field(default=[], exclude_if=lambda texts: not any(texts))
    thinking_tokens: list[int | None] = Field(default=[], exclude_if=lambda counts: not any(counts))

    @field_validator("thinking", "thinking_tokens")
    @classmethod
    def _nothing(cls, values: list[Any]) -> list[Any]:
        return values if any(values) else []

    def has_answer(self, turn: int = 1) -> bool:
        """Tell whether all turns up to this one have their answers."""
        return NO_ANSWER not in self.finish_reasons[:turn]

    def apart(self) -> Self:
        """Return it with thinking that stands within its turns moved to `thinking`."""
        found = [split_thinking(turn) for turn in self.turns]
        if self.thinking or not any(split.thinking for split in found):
            return self
        turns, thinking = [split.text for split in found], [split.thinking for split in found]
        return self.model_copy(update={"turns": turns, "thinking": thinking})

    def texts(self, with_thinking: bool = False) -> list[str]:
        """Return the answers as metrics and judges see them: without thinking, or with it."""
        answer = self.apart()
        if not with_thinking or not answer.thinking:
            return answer.turns
        return [whole(*parts) for parts in zip(answer.thinking, answer.turns, strict=True)]


Label = Literal["A>>B", "A>B", "A=B", "B>A", "B>>A"]
# XSTest's classes of an answer (Röttger et al. 2024, arXiv 2308.01263).
Refusal = Literal["full_compliance", "full_refusal", "partial_refusal"]
VerdictStatus = Literal["ok", "no_verdict", "conflicting", "out_of_range", "truncated", "api_error"]
# The preference for assistant B, who is shown second.
FOR_SECOND: dict[Label, float] = {"A>>B": 0.0, "A>B": 0.0, "A=B": 0.5, "B>A": 1.0, "B>>A": 1.0}


class Verdict(Record):
    """A judge's verdict on one rated turn (MT-Bench), one game (Arena-Hard, AlpacaEval) or refusal.

    `rating` (1-10; of AlpacaEval the preference for the second output, 0-1), `label` or `refusal`
    is set when `status` is "ok", and only then.
    """

    question_id: str
    category: str = ""
    turn: int = 1  # the judged turn, from 1
    game: Literal[0, 1, 2] = 0  # 0: a rating; 1: the baseline is assistant A; 2: it is B
    repeat: int = 0
    status: VerdictStatus
    rating: float | None = None
    label: Label | None = None
    refusal: Refusal | None = Field(default=None, exclude_if=lambda found: found is None)
    judgments: list[str] = []  # the judge's raw answers, that to a continuation question last
    thinking: list[str] = Field(default=[], exclude_if=lambda texts: not any(texts))  # before each
    keys: list[str] = []  # of these answers in the store
    model: str = ""  # the model name that came back with the answers
    detail: str = ""  # what went wrong, in words
    probabilities: dict[str, float] = {}  # of every allowed verdict, from judges that give them

    @property
    def for_second(self) -> float | None:
        """The preference of a game for the answer shown second, 0 to 1; None: no verdict counts."""
        if self.status != "ok":
            return None
        return self.rating if self.label is None else FOR_SECOND[self.label]


class Preference(Record):
    """A judge's published preference between a model's output and a baseline's, without the texts.

    `preference` is 0 where the baseline's is better, 1 where the model's is; None: no verdict.
    Lengths are in characters.
    """

    question_id: str
    category: str = ""
    preference: float | None = Field(ge=0, le=1)
    length: int
    baseline_length: int


class _Answering(Protocol):
    @property
    def question_id(self) -> str: ...


Q = TypeVar("Q", bound=_Answering)


def by_id(records: list[Q], path: Path) -> dict[str, Q]:
    """Return the records of one file by question id, in file order.

    Raises:
        UserError: an id occurs twice; names the file and the row.
    """
    found: dict[str, Q] = {}
    for row, record in enumerate(records, 1):
        if record.question_id in found:
            raise UserError(f"{path}, row {row}: question_id {record.question_id!r} occurs twice")
        found[record.question_id] = record
    return found
