"""Completions of one prompt, better and worse ones: read from rows, kept as text, made token ids.

They are what a policy ranks by its own log-probabilities: pairs, or a prompt with several chosen
and rejected completions, as RewardBench 2 has them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from asft.config import Tokens
from asft.data.encoding import encode_pairs
from asft.data.messages import check_answer, check_prompt, check_roles, messages_of, stripped
from asft.data.pair_formats import FORMATS
from asft.data.pair_table import read_pairs
from asft.data.rows import Row, Unusable, in_groups, list_of, text_of, value_of
from asft.data.token_pair import TokenPair
from asft.errors import UserError
from asft.files import fingerprint, read_jsonl
from asft.records import Message, Pair, Record

# Ids in RewardBench 2's subset Ties: the two rows of a prompt, with one right answer and with many.
TIE = re.compile(r"(ref|tied):.+")
BATCH = 200  # comparisons whose texts are tokenised together
Text = list[dict[str, Any]] | str  # messages, or plain text


class Comparison(Record):
    """A prompt with its completions, of which each chosen one is better than each rejected one."""

    question_id: str
    subset: str = ""
    prompt: Text
    chosen: list[Text]
    rejected: list[Text]
    tools: list[Any] | None = None

    @property
    def completions(self) -> list[Text]:
        """All completions, the chosen ones first."""
        return [*self.chosen, *self.rejected]

    @property
    def id(self) -> str:
        """Content hash of what a policy sees."""
        return fingerprint([self.prompt, self.completions, self.tools])[:16]


def best_of_n(row: Row) -> Comparison:
    """Read RewardBench 2: a `prompt`, lists `chosen` and `rejected`, maybe `subset` and `id`.

    The prompt is a text or a conversation; a single completion may stand without its list, as in
    RewardBench. Whitespace around completions is stripped, as of training pairs.
    """
    prompt = value_of(row, "prompt")
    if isinstance(prompt, str):
        turns = [Message(role="user", content=text_of(prompt))]
    else:
        turns = messages_of(row, "prompt")
    sides = [[_completion(turns, text) for text in _texts(row, key)] for key in _SIDES]
    check_prompt(turns)
    subset, given = row.get("subset"), row.get("id")
    found = Comparison(
        question_id="",
        subset=text_of(subset) if subset else "",
        prompt=[dict(turn) for turn in turns],
        chosen=sides[0],
        rejected=sides[1],
    )
    name = found.id if given in (None, "") else text_of(str(given))
    if found.subset.lower() == "ties" and not TIE.fullmatch(name):
        raise Unusable("malformed_id_in_ties")
    return found.model_copy(update={"question_id": name})


_SIDES = ("chosen", "rejected")


def _texts(row: Row, key: str) -> list[str]:
    value = value_of(row, key)
    return [text_of(text) for text in ([value] if isinstance(value, str) else list_of(row, key))]


def _completion(prompt: list[Message], text: str) -> Text:
    talk = stripped([*prompt, Message(role="assistant", content=text)])
    check_roles(talk)
    check_answer(talk[-1])
    return [dict(talk[-1])]


def _of_pair(pair: Pair) -> Comparison:
    return Comparison(
        question_id=pair.id,
        prompt=_plain(pair.prompt),
        chosen=[_plain(pair.chosen)],
        rejected=[_plain(pair.rejected)],
        tools=pair.tools,
    )


def _plain(part: list[Message] | str) -> Text:
    return part if isinstance(part, str) else [dict(message) for message in part]


def parser_of(name: str) -> Callable[[Row], Comparison]:
    """Return what reads a row of a format: best_of_n, or one of pairs."""
    if name == "best_of_n":
        return best_of_n
    parse = FORMATS[name]
    return lambda row: _of_pair(parse(row))


def heldout_comparisons(pairs: Path) -> Iterator[Comparison]:
    """Read the held-out pairs of a data set's `pairs.parquet`."""
    for split, pair in read_pairs(pairs):
        if split == "heldout":
            yield _of_pair(pair)


def read_comparisons(path: Path) -> list[Comparison]:
    """Read `comparisons.jsonl`.

    Raises:
        UserError: no such file, or a line that holds none.
    """
    return read_jsonl(path, Comparison)


class EncodedCompletions(NamedTuple):
    """Completions as token ids, two at a time with their prompt, and what was left out or cut.

    A pair's id is that of its comparison, and behind a "/" the place of its first completion.
    """

    pairs: list[TokenPair]
    cut: dict[str, list[int]]  # by comparison: places of completions that lost their end
    unusable: Counter[str]  # comparisons by reason


def encode_completions(
    comparisons: Iterable[Comparison], tokenizer: Any, tokens: Tokens
) -> EncodedCompletions:
    """Encode completions as training encodes pairs.

    Raises:
        UserError: none can be used; says why.
    """
    found = EncodedCompletions([], {}, Counter())
    once = {comparison.id: comparison for comparison in comparisons}
    for group in in_groups(once.items(), BATCH):
        singles = chain.from_iterable(_singles(name, each) for name, each in group)
        encoded = encode_pairs(dict(singles), tokenizer, tokens)
        for name, comparison in group:
            sides = [encoded[f"{name}/{place}"] for place in range(len(comparison.completions))]
            if fault := next((side for side in sides if isinstance(side, Unusable)), None):
                found.unusable[fault.reason] += 1
                continue
            usable = [side for side in sides if not isinstance(side, Unusable)]
            found.pairs.extend(_two_at_a_time(name, [ids for ids, _ in usable]))
            cut = [n for n, (_, notes) in enumerate(usable) if "truncated_chosen" in notes]
            if cut:
                found.cut[name] = cut
    if not found.pairs:
        reasons = ", ".join(f"{reason} {n}" for reason, n in found.unusable.most_common())
        raise UserError(f"no completion can be ranked: {reasons or 'there are none'}")
    return found


def _singles(name: str, comparison: Comparison) -> Iterator[tuple[str, Pair]]:
    for place, text in enumerate(comparison.completions):
        prompt: Any = comparison.prompt
        completion: Any = text
        nothing: Any = "" if isinstance(text, str) else []
        yield f"{name}/{place}", Pair(prompt, completion, nothing, comparison.tools)


def _two_at_a_time(name: str, singles: Sequence[TokenPair]) -> Iterator[TokenPair]:
    """The prompt of two is computed once."""
    for place in range(0, len(singles), 2):
        first, *second = singles[place : place + 2]
        rejected = second[0].chosen if second else first.chosen[:0]
        yield TokenPair(f"{name}/{place}", first.prompt, first.chosen, rejected)
