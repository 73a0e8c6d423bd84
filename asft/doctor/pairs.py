"""A real pair of a data set: encoded as training would, its ends counted, its tokens shown."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from asft.config import Config, require_local
from asft.data import TokenPair, Unusable, describe, encode_pair, pairs_here, turn_end_id
from asft.doctor.rows import Row
from asft.errors import UserError
from asft.records import Pair

TRIED = 20  # pairs from the first on, of which one must be usable
APART = "as one text prompt and completion would have other ids; here each is tokenised by itself"
CUT = "so its end is not learnt; raise tokens.max_length"
NOTES = {
    "boundary_merges": (APART, "right; a program that joins the texts first trains on other ids"),
    "double_bos": ("the text began with more than one BOS; one is left", ""),
    "truncated_chosen": ("the chosen completion is cut", CUT),
    "truncated_rejected": ("the rejected completion is cut", CUT),
}


def pairs_of(config: Config, dataset: str) -> Iterator[Pair] | Row:
    """Return the pairs that are on this machine; a note where there are none yet.

    Raises:
        UserError: there can be none: its sources are local, and not there.
    """
    settings, made = config.datasets[dataset], Path(config.results, "data", dataset)
    pairs = pairs_here(settings, dataset, made)
    if pairs is not None:
        return pairs
    require_local(settings.sources, f"datasets.{dataset}.sources")
    found = f"not here yet; from: {', '.join(map(describe, settings.sources))}"
    advice = f"the run fetches them; by itself: asft run --cores all {made}/tokens"
    return Row(f"{dataset}: pairs", "note", found, advice)


def first_usable(
    config: Config, dataset: str, pairs: Iterable[Pair], tokenizer: Any
) -> tuple[TokenPair, list[str]]:
    """Return the first pair that can be used, as token ids, and its notes (`encode_pair`).

    Raises:
        UserError: none of the first ones can be; says why.
    """
    refused: Counter[str] = Counter()
    for pair in islice(pairs, TRIED):
        try:
            return encode_pair(pair, tokenizer, config.tokens)
        except Unusable as fault:
            refused[fault.reason] += 1
    reasons = ", ".join(f"{reason} ({count})" for reason, count in refused.items())
    raise UserError(
        f"none of the first {refused.total()} pairs can be used: {reasons or 'no row is a pair'};"
        f" check datasets.{dataset}.format, or the chat template"
    )


def about_pair(dataset: str, pair: TokenPair, notes: list[str], tokenizer: Any) -> Iterator[Row]:
    """Yield what the token ids of a pair show: sizes, BOS, EOS, ends, the boundary."""
    sizes = ", ".join(f"{name} {len(getattr(pair, name))}" for name in pair._fields[1:4])
    yield Row(f"{dataset}: tokens", "ok", f"pair {pair.id}: {sizes}")
    yield from _counts(dataset, pair, tokenizer)
    yield _ends(dataset, pair, tokenizer)
    if "boundary_merges" not in notes:
        yield Row(f"{dataset}: boundary", "ok", "no token straddles prompt and completion")
    for note in notes:
        lost = note.removeprefix("unrendered_")
        words = f"the chat template leaves out of the pair: {lost}", "another template shows it"
        yield Row(f"{dataset}: {note}", "note", *NOTES.get(note, words))


def _completions(pair: TokenPair) -> dict[str, list[int]]:
    """The completions by name; of a row of one the other is left out."""
    sides = {"chosen": pair.chosen.tolist(), "rejected": pair.rejected.tolist()}
    return {side: ids for side, ids in sides.items() if ids}


def _counts(dataset: str, pair: TokenPair, tokenizer: Any) -> Iterator[Row]:
    """How often BOS and EOS stand in each sequence that the model reads."""
    prompt = pair.prompt.tolist()
    for kind in ("BOS", "EOS"):
        token = getattr(tokenizer, f"{kind.lower()}_token_id")
        if token is None:
            yield Row(f"{dataset}: {kind}", "ok", "the tokenizer has none")
            continue
        sides = _completions(pair)
        counts = {side: [*prompt, *ids].count(token) for side, ids in sides.items()}
        said = ", ".join(f"{count} in prompt + {side}" for side, count in counts.items())
        found = f"{tokenizer.convert_ids_to_tokens(token)}: {said}"
        # More than one in a prompt is no fault: SmolLM2's opens every turn.
        if kind == "BOS" and any(token in ids for ids in sides.values()):
            advice = "a text begins within a completion: look at the chat template"
            yield Row(f"{dataset}: {kind}", "note", found, advice)
        else:
            yield Row(f"{dataset}: {kind}", "ok", found)


def _ends(dataset: str, pair: TokenPair, tokenizer: Any) -> Row:
    """Whether completions end with the token that generation stops at."""
    learnt = turn_end_id(tokenizer)
    end = tokenizer.eos_token_id if learnt is None else learnt
    name = tokenizer.convert_ids_to_tokens(end)
    without = [side for side, ids in _completions(pair).items() if ids[-1] != end]
    if without:
        found = f"{' and '.join(without)}: the last token is not {name}"
        return Row(f"{dataset}: end", "note", found, "an end is not learnt there")
    return Row(f"{dataset}: end", "ok", f"each completion ends with {name}, which is learnt too")
