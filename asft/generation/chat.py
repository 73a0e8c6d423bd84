"""A conversation with one or several policies on the terminal, each with what it said itself."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from asft.config import Decoding, Generation
from asft.errors import UserError
from asft.generation.answering import answer_share
from asft.generation.loading import load_to_answer
from asft.generation.side_by_side import said
from asft.machine import claim_gpus
from asft.models import load_tokenizer, use_threads
from asft.records import Message, Question

CLEAR = "/clear"


class Voice(NamedTuple):
    """One policy in a conversation, and what it has heard and said."""

    name: str  # "": it is alone
    model: Any
    tokenizer: Any
    ends: set[int]
    talk: list[Message]


def chat(
    policies: Mapping[str, Path], settings: Mapping[str, Any], seed: int, lines: Iterable[str]
) -> None:
    """Print what policies answer to line after line, with all that was said before.

    `/clear` begins anew, as does nothing else: what does not fit a model's context is refused.
    """
    generation = Generation.model_validate(settings["generation"])
    decoding = Decoding.model_validate(settings["decoding"])
    claim_gpus(1)
    use_threads(generation.threads)
    voices = []
    for name, policy in policies.items():
        tokenizer = load_tokenizer(policy)
        model, ends = load_to_answer(policy, tokenizer, generation)
        voices.append(Voice(name if len(policies) > 1 else "", model, tokenizer, ends, []))
    print(f"{', '.join(policies)}: {CLEAR} begins anew, Ctrl-D ends")
    for number, line in enumerate(lines, 1):
        if line.strip() == CLEAR:
            for voice in voices:
                voice.talk.clear()
        elif line.strip():
            asked = Question(question_id=f"turn {number}", turns=[line])
            for voice in voices:
                print(f"{_reply(voice, asked, decoding, seed)}\n")


def typed_lines() -> Iterator[str]:
    """Yield what is typed on the terminal, line by line, until Ctrl-D."""
    with suppress(ImportError):
        import readline  # noqa: F401 - arrow keys
    with suppress(EOFError):
        while True:
            yield input("> ")


def _reply(voice: Voice, asked: Question, decoding: Decoding, seed: int) -> str:
    asked = asked.model_copy(update={"context": voice.talk})
    try:
        (answer,) = answer_share(
            voice.model, voice.tokenizer, [asked], [decoding], voice.ends, seed, batch_size=1
        )
    except UserError as error:
        return f"{error}; {CLEAR} begins anew"
    voice.talk.append(Message(role="user", content=asked.turns[0]))
    voice.talk.append(Message(role="assistant", content=answer.turns[0]))
    return said(answer, voice.name)
