"""Whether a policy that was not trained here reads the tokens that the base policy's made."""

from pathlib import Path

from asft.errors import UserError
from asft.models.folders import load_tokenizer

# What tokenizers with one vocabulary may still cut in different ways.
SAMPLE = "It's 12345 naïve  words;\n\n\tdef f(x):\n        return x['é'] + \"don't\" — 漢字 ½\n"


def refuse_other_tokens(base: Path, start: Path) -> None:
    """Refuse a policy whose tokenizer or chat template is not the base policy's.

    Tokens are made once, for the base policy. Tokens that a policy has beside them are no matter.

    Raises:
        UserError: says what is another, and what to do.
    """
    ours, theirs = load_tokenizer(base), load_tokenizer(start)
    known = theirs.get_vocab()
    moved = [word for word, number in ours.get_vocab().items() if known.get(word) != number]
    if moved or ours(SAMPLE)["input_ids"] != theirs(SAMPLE)["input_ids"]:
        what = f"{len(moved)} tokens, such as {min(moved)!r}" if moved else "how it cuts words"
        raise UserError(
            f"policy {start.name}: its tokenizer is not that of {base.name} ({what}), with which"
            " the pairs are prepared; to start from it, make it the experiment's `model`"
        )
    if ours.chat_template != theirs.chat_template:
        raise UserError(
            f"policy {start.name}: its chat template is not that of {base.name}, with which the"
            f" pairs are rendered; give both one: policies.{start.name}.chat_template"
        )
