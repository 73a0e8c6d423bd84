"""Ask policies something: prompts of one's own, or a conversation on the terminal.

Reads  policy folders, and prompts from a file or a pipe
Prints prompts and answers, those of several policies side by side; or writes
       OUT/questions.jsonl and OUT/{policy}.jsonl, as `asft generate` does
By hand: asft ask hh_rlhf/asft base prompts.txt
"""

import json
import re
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

from pydantic import ValidationError
from typer import Argument

from asft.config import Decoding, Generation
from asft.data import Unusable
from asft.errors import UserError
from asft.files import read_jsonl, write_jsonl
from asft.generation.generate import generate_answers
from asft.generation.own_prompts import ENDINGS, STDIN, read_prompts
from asft.generation.side_by_side import all_said
from asft.models import find_policy
from asft.records import Completion, Question

_PLAIN = Decoding()
Words = Annotated[
    list[str],
    Argument(
        metavar="POLICY... [PROMPTS]",
        help="policies: folders, or names such as base and hh_rlhf/asft; then a .txt file with a"
        " prompt a line, a .jsonl with `prompt` or `messages`, or - for a pipe; without prompts, on"
        " a terminal, a conversation",
    ),
]


def ask_policies(
    words: Words,
    results: Path = Path("results"),
    out: Path | None = None,
    do_sample: bool = _PLAIN.do_sample,
    temperature: float = _PLAIN.temperature,
    top_p: float = _PLAIN.top_p,
    top_k: int = _PLAIN.top_k,
    max_new_tokens: int = _PLAIN.max_new_tokens,
    seed: int = 0,
    batch_size: int = Generation().batch_size,
) -> None:
    """Ask one or several policies, each by its own chat template, and print what they answer.

    Args:
        results: the folder in which names are looked up, the config's `results`
        out: a folder for questions and answers as JSON lines instead; a killed call goes on there
        do_sample: draw tokens at random, instead of the likeliest
        temperature: below 1 likely tokens become likelier, above 1 less so
        top_p: probability of the likeliest tokens that are drawn from
        top_k: number of likeliest tokens that are drawn from; 0 is no limit
        max_new_tokens: largest number of tokens of an answer
        seed: of what is drawn
        batch_size: prompts answered together

    Raises:
        UserError: a policy or the prompts are not there, or a flag says nothing.
    """
    sampling = {"temperature": temperature, "top_p": top_p, "top_k": top_k}
    settings = _settings(batch_size, do_sample, max_new_tokens, sampling)
    names, prompts = _parted(words)
    policies = {name: find_policy(name, results) for name in names}
    if prompts is None and sys.stdin.isatty():
        if out:
            raise UserError("--out: a conversation is only printed; give prompts")
        from asft.generation.chat import chat, typed_lines

        return chat(policies, settings, seed, typed_lines())
    questions = read_prompts(prompts or STDIN)
    if out:
        _answer(policies, questions, settings, seed, out)
        return print(f"questions and answers: {out}")
    with tempfile.TemporaryDirectory() as folder:
        answers = _answer(policies, questions, settings, seed, Path(folder))
    return print(all_said(questions, answers))


def _settings(
    batch_size: int, do_sample: bool, max_new_tokens: int, sampling: dict[str, Any]
) -> dict[str, Any]:
    """What `generate` is told of a config's decoding and generation."""
    try:
        decoding = Decoding(do_sample=do_sample, max_new_tokens=max_new_tokens, **sampling)
        generation = Generation(batch_size=batch_size)
    except ValidationError as error:
        fault = error.errors()[0]
        flag = str(fault["loc"][0]).replace("_", "-")
        raise UserError(f"--{flag}: {fault['msg']}") from error
    if not do_sample and decoding != Decoding(max_new_tokens=max_new_tokens):
        raise UserError(
            "--temperature, --top-p, --top-k: they change sampled answers alone; add --do-sample"
        )
    return {"decoding": decoding.model_dump(), "generation": generation.model_dump()}


def _parted(words: list[str]) -> tuple[list[str], str | None]:
    """Policies, and the prompts if the last word names some."""
    last = words[-1]
    if last != STDIN and not last.endswith(ENDINGS) and not Path(last).is_file():
        return words, None
    if len(words) == 1:
        raise UserError(f"{last}: prompts alone; name a policy before them, such as base")
    return words[:-1], last


def _answer(
    policies: dict[str, Path],
    questions: list[Question],
    settings: dict[str, Any],
    seed: int,
    folder: Path,
) -> dict[str, list[Completion]]:
    """Let each policy answer, by the step that answers benchmarks: its files, its way to go on."""
    asked, found = folder / "questions.jsonl", {}
    write_jsonl(asked, questions)
    for name, policy in policies.items():
        plain = re.sub(r"[^\w.]+", "-", name).strip("-.")
        out = folder / f"{plain}.jsonl"
        try:
            with redirect_stdout(sys.stderr):  # what the step says of its pace
                generate_answers(json.dumps(settings), policy, asked, out, seed)
        except Unusable as error:
            raise UserError(f"{name}: its chat template refuses a conversation: {error}") from error
        found[name] = read_jsonl(out, Completion)
    return found
