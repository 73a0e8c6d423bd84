"""A policy made ready to answer, its own decoding settings set aside."""

from pathlib import Path
from typing import Any

from asft.config import Generation
from asft.generation.own_settings import set_aside
from asft.models import end_token_ids, load_reader, resolve_precision


def load_to_answer(policy: Path, tokenizer: Any, generation: Generation) -> tuple[Any, set[int]]:
    """Load a policy onto its device; return it and the tokens that end its answers.

    Raises:
        UserError: no policy there, or no token ends an answer.
    """
    model = load_reader(policy, resolve_precision(generation.precision))
    ends = set(end_token_ids(model, tokenizer))
    set_aside(model)
    return model, ends
