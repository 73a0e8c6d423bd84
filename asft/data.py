"""Rows of a source → pairs, their tokens, and a card that counts what was dropped and why.

Writes pairs.parquet (TRL's preference format: `load_dataset("parquet", data_files=…)`), tokens/
and card.json; for a benchmark questions.jsonl and card.json. Equal rows give equal bytes. The card
comes last: where it is, the rest is.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
from tqdm import tqdm

from asft import config
from asft.card import Example, dataset_card
from asft.errors import UserError
from asft.formats import BENCHMARK_FORMATS, FORMATS, Row, Unusable
from asft.parquet import write_parquet
from asft.records import Pair, Question, write_json, write_jsonl
from asft.source_kinds import unpinned
from asft.tokens import TokenPair, encode_pair, write_tokens

T = TypeVar("T")
Usable = tuple[Pair, TokenPair, list[str]]
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def prepare_dataset(
    dataset: config.Dataset,
    name: str,
    rows: list[Row],
    heldout_rows: list[Row] | None,
    tokenizer: Any,
    tokens: config.Tokens,
    out: Path,
) -> None:
    """Write `out`/pairs.parquet, `out`/tokens/ and, last, `out`/counts.json.

    Held out are the `dataset.heldout` pairs with the smallest ids, whatever the order of the rows:
    of `heldout_rows` where given (all of them if `heldout` is 0; a row that is also there is
    dropped from training as a duplicate), else of the pairs themselves.

    Raises:
        UserError: no rows, too many of them unusable, none left to train on, fewer than are to be
            held out, or plain strings beside conversations.
    """
    parse, seen = FORMATS[dataset.format], set[str]()

    def use(row: Row) -> Usable:
        pair = parse(row)
        if pair.id in seen:
            raise Unusable("duplicate")
        encoded, notes = encode_pair(pair, tokenizer, tokens)
        seen.add(pair.id)
        return pair, encoded, notes

    drops = Drops()
    outside = None if heldout_rows is None else drops.sift(heldout_rows, "held-out row", use)
    inside = drops.sift(rows, "row", use)
    where = f"dataset {name!r} ({dataset.format})"
    drops.check(dataset.max_dropped_share, where, f"datasets.{name}.max_dropped_share")
    _check_one_kind([*inside, *(outside or [])], where)
    examples = _split(inside, outside, dataset.heldout, f"datasets.{name}.heldout")
    _write_pairs(out / "pairs.parquet", examples)
    write_tokens(out / "tokens", [e.split for e in examples], [e.tokens for e in examples])
    card = {"dataset": name, "format": dataset.format, **drops.counts()}
    card |= {"unpinned": unpinned([*dataset.sources, *dataset.heldout_sources])}
    card |= dataset_card(examples, tokenizer, tokens)
    write_json(out / "counts.json", card)


def prepare_benchmark(benchmark: config.Benchmark, name: str, rows: list[Row], out: Path) -> None:
    """Write `out`/questions.jsonl and `out`/card.json; see `limit` and `sample_seed` in the config.

    Raises:
        UserError: no rows, or too many of them unusable.
    """
    parse, seen = BENCHMARK_FORMATS[benchmark.format], set[str]()

    def use(row: Row) -> Question:
        question = parse(row)
        if question.question_id in seen:
            raise Unusable("duplicate")
        seen.add(question.question_id)
        return question

    drops = Drops()
    questions = drops.sift(rows, "row", use)
    where = f"benchmark {name!r} ({benchmark.format})"
    drops.check(benchmark.max_dropped_share, where, f"benchmarks.{name}.max_dropped_share")
    asked = _sample(questions, benchmark.limit, benchmark.sample_seed)
    write_jsonl(out / "questions.jsonl", asked)
    card = {"benchmark": name, "format": benchmark.format, **drops.counts()}
    card |= {"kept": len(questions), "asked": len(asked), "sample_seed": benchmark.sample_seed}
    files = [*benchmark.prompts, *benchmark.references, *benchmark.baseline]
    card |= {"unpinned": unpinned([*benchmark.sources, *files])}
    write_json(out / "card.json", card)


class Drops:
    """Counts rows, and those that cannot be used by reason."""

    def __init__(self) -> None:
        self.rows = 0
        self.reasons: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def sift(self, rows: Iterable[Row], label: str, use: Callable[[Row], T]) -> list[T]:
        """What `use` makes of the rows, without those for which it raises `Unusable`."""
        kept = []
        for number, row in enumerate(tqdm(rows, desc=f"{label}s", disable=None), 1):
            self.rows += 1
            try:
                kept.append(use(row))
            except Unusable as fault:
                self.reasons[fault.reason] += 1
                self.first.setdefault(fault.reason, f"{label} {number}")
        return kept

    def check(self, limit: float, where: str, key: str) -> None:
        """Raise a UserError if no row, no usable row, or too large a share was dropped."""
        dropped = self.reasons.total()
        if dropped == self.rows:
            raise UserError(f"{where}: no usable row of {self}")
        if dropped / self.rows > limit:
            raise UserError(
                f"{where}: {dropped / self.rows:.1%} unusable of {self}; "
                f"mend the data or raise {key} (now {limit})"
            )

    def counts(self) -> dict[str, Any]:
        """The part of a card that says what was dropped."""
        return {
            "rows": self.rows,
            "dropped": dict(sorted(self.reasons.items())),
            "first_dropped": dict(sorted(self.first.items())),
            "dropped_share": round(self.reasons.total() / self.rows, 6),
        }

    def __str__(self) -> str:
        reasons = (f"{r} {n} (first: {self.first[r]})" for r, n in self.reasons.most_common())
        return f"{self.rows} rows" + "".join(f", {reason}" for reason in reasons)


def _check_one_kind(pairs: list[Usable], where: str) -> None:
    plain = sum(isinstance(pair.prompt, str) for pair, *_ in pairs)
    if 0 < plain < len(pairs):
        raise UserError(
            f"{where}: {plain} pairs are plain strings and {len(pairs) - plain} are conversations; "
            "make all of them one or the other"
        )


def _split(
    inside: list[Usable], outside: list[Usable] | None, count: int, key: str
) -> list[Example]:
    pool = inside if outside is None else outside
    if outside is not None and count == 0:
        count = len(outside)
    left = len(inside) - (count if outside is None else 0)
    if left < 1 or count > len(pool) or not pool:
        raise UserError(
            f"{key}: {count} pairs cannot be held out: {len(inside)} usable pairs to train on"
            + ("" if outside is None else f", {len(outside)} usable held-out pairs")
        )
    heldout = set(sorted(pair.id for pair, *_ in pool)[:count])
    if outside is not None:
        inside = [*inside, *(usable for usable in outside if usable[0].id in heldout)]
    return [Example("heldout" if u[0].id in heldout else "train", *u) for u in inside]


def _sample(questions: list[Question], limit: int | None, seed: int | None) -> list[Question]:
    if limit is None or limit >= len(questions):
        return questions
    if seed is None:
        return questions[:limit]
    chosen = random.Random(seed).sample(range(len(questions)), limit)
    return [questions[i] for i in sorted(chosen)]


def _write_pairs(path: Path, examples: list[Example]) -> None:
    text = pa.string() if isinstance(examples[0].pair.prompt, str) else _MESSAGES
    columns = {
        "id": pa.array([example.pair.id for example in examples], pa.string()),
        "split": pa.array([example.split for example in examples], pa.string()),
    }
    for name in Pair._fields:
        columns[name] = pa.array([getattr(example.pair, name) for example in examples], text)
    write_parquet(path, pa.table(columns))
