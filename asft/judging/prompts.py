"""Judge prompts as data: read from the benchmarks' own file formats, rendered as they render them.

Reads FastChat's judge_prompts.jsonl and Arena-Hard's judge_config.yaml (the one of v0.1); in the
same formats, prompts written for this project lie in asft/prompts/. With the protocol `paper` the
messages are byte for byte those of FastChat 0e6d3e4 (fastchat/llm_judge/common.py,
run_judge_single) and arena-hard-auto e883410 (gen_judgment.py, judgment): nothing is stripped.
With `hardened` every question, answer and reference passes through `verdicts.neutralise`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Any, Literal, NamedTuple

import yaml

from asft.errors import UserError, nearest
from asft.files import read_json_rows
from asft.judging.verdicts import ATTEMPTS, LABEL, Rules, neutralise, read_choices
from asft.records import Completion, Label, Message, Question


class Template(NamedTuple):
    """A system message, and a user message with placeholders for `str.format`.

    `verdicts`, where prompts name them: what a local judge chooses from, and the label that each
    stands for.
    """

    system: str
    user: str
    verdicts: Mapping[str, Label] = {}


Prompts = dict[str, Template]
# FastChat's NEED_REF_CATS: categories judged beside reference answers.
REFERENCE_CATEGORIES = ("math", "reasoning", "coding", "arena-hard-200")
GAME = "game"  # the one template of Arena-Hard
PLACEHOLDERS = {
    "single-v1": ("question", "answer"),
    "single-math-v1": ("question", "answer", "ref_answer_1"),
    "single-v1-multi-turn": ("question_1", "question_2", "answer_1", "answer_2"),
    "single-math-v1-multi-turn": (
        *("question_1", "question_2", "answer_1", "answer_2"),
        *("ref_answer_1", "ref_answer_2"),
    ),
    GAME: ("question_1", "answer_1", "answer_2"),
}
# Settings of judge_config.yaml that are not read because they can have one value only.
FIXED = {
    "regex_pattern": LABEL.pattern,
    "number_of_judgment_attempts": ATTEMPTS,
    "pairwise": True,
    "baseline": True,
}
CONTINUE = "continue your judgment and finish by outputting a final verdict label"


def load_rating_prompts(path: Path) -> Prompts:
    """Read FastChat's four templates for single answers, by name.

    Raises:
        UserError: the file cannot be read, lacks a template, or asks for what is not done here: an
            unknown placeholder, another form of verdict. A template must show every answer.
    """
    rows = {row.get("name"): row for row in read_json_rows(path)}
    prompts = {}
    for name in (name for name in PLACEHOLDERS if name != GAME):
        where = f"{path}, {name}"
        if name not in rows:
            known = [str(found) for found in rows]
            raise UserError(f"{path}: no prompt named {name!r}{nearest(name, known)}")
        form = rows[name].get("output_format")
        if form != "[[rating]]":
            raise UserError(f"{where}, key 'output_format': {form!r} is not '[[rating]]'")
        prompts[name] = read_template(rows[name], PLACEHOLDERS[name], where)
    return prompts


def load_game_prompts(path: Path) -> Prompts:
    """Read Arena-Hard's one template, under `GAME`, and the replies of a local judge if named.

    Raises:
        UserError: as `load_rating_prompts`; or a setting has a value that is not supported.
    """
    settings = read_settings(path, FIXED)
    templates = settings.get("prompt_template")
    # Upstream sends a list of templates as successive messages and swaps the answers at each.
    if isinstance(templates, list) and len(templates) == 1:
        settings = settings | {"prompt_template": templates[0]}
    template = read_template(settings, PLACEHOLDERS[GAME], f"{path}")
    return {GAME: template._replace(verdicts=read_choices(settings.get("verdicts"), f"{path}"))}


def read_settings(path: Path, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Read the settings of a judge's YAML file; `fixed` are those that can have one value only.

    Raises:
        UserError: the file cannot be read, or a setting has a value that is not supported.
    """
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(settings, dict):
        raise UserError(f"{path}: expected a mapping of settings (judge_config.yaml)")
    for key, value in fixed.items():
        if settings.get(key, value) != value:
            raise UserError(f"{path}, key {key!r}: {settings[key]!r} is not supported, use {value}")
    return settings


def needs_reference(category: str) -> bool:
    """Tell whether FastChat judges questions of this category beside reference answers."""
    return category in REFERENCE_CATEGORIES


def rating_messages(
    prompts: Prompts,
    question: Question,
    completion: Completion,
    turn: int,
    references: Sequence[str],
    protocol: Rules,
) -> list[Message]:
    """Return the messages that ask to rate one turn (from 1); at turn 2 the first goes with it.

    `references` are the judge's own (reference_answer/*.jsonl), one a turn, and are used in four
    categories only; the `reference` of question.jsonl is not shown to any judge.

    Raises:
        UserError: the question, the completion or the references lack a turn.
    """
    math = needs_reference(question.category)
    name = f"single{'-math' if math else ''}-v1{'-multi-turn' if turn == 2 else ''}"
    where = f"question {question.question_id!r}, turn {turn}"
    questions = _turns(question.turns, turn, f"{where}: turns of the question")
    answers = _turns(completion.turns, turn, f"{where}: answers")
    if turn == 1:
        values = {"question": questions[0], "answer": answers[0]}
    else:
        values = _numbered("question", questions) | _numbered("answer", answers)
    if math:
        given = _turns(references, turn, f"{where}: reference answers ({question.category})")
        values |= _numbered("ref_answer", given)
    return render(prompts[name], values, protocol)


def game_messages(
    prompts: Prompts,
    question: Question,
    answer: str,
    baseline: str,
    game: Literal[1, 2],
    protocol: Rules,
) -> list[Message]:
    """Return the messages of one game: in game 1 the baseline is assistant A, in 2 it is B.

    Raises:
        UserError: the question has more than one turn.
    """
    if len(question.turns) != 1:
        raise UserError(
            f"question {question.question_id!r}: a game is about one turn, "
            f"this question has {len(question.turns)}"
        )
    first, second = (baseline, answer) if game == 1 else (answer, baseline)
    values = {"question_1": question.turns[0], "answer_1": first, "answer_2": second}
    return render(prompts[GAME], values, protocol)


def continuation(messages: Sequence[Message], judgment: str) -> list[Message]:
    """Return the conversation after a judgment without a label, in Arena-Hard's words."""
    return [
        *messages,
        Message(role="assistant", content=judgment),
        Message(role="user", content=CONTINUE),
    ]


def render(template: Template, values: dict[str, str], protocol: Rules) -> list[Message]:
    """Return the two messages with `values` in their places, neutralised if `hardened`."""
    if protocol == "hardened":
        values = {name: neutralise(value) for name, value in values.items()}
    return [
        Message(role="system", content=template.system),
        # Braces in values are safe: format() does not look into what it inserts.
        Message(role="user", content=template.user.format(**values)),
    ]


def _turns(texts: Sequence[str], turn: int, what: str) -> Sequence[str]:
    if turn not in (1, 2):
        raise UserError(f"{what}: only turns 1 and 2 can be rated")
    if len(texts) < turn:
        raise UserError(f"{what}: {turn} needed, {len(texts)} found")
    return texts[:turn]


def _numbered(name: str, texts: Sequence[str]) -> dict[str, str]:
    return {f"{name}_{number}": text for number, text in enumerate(texts, 1)}


def read_template(row: Mapping[str, Any], placeholders: Sequence[str], where: str) -> Template:
    """Read the template in a row's `system_prompt` and `prompt_template`.

    Raises:
        UserError: a text is missing, a placeholder is unknown, or an answer is not shown.
    """
    for key in ("system_prompt", "prompt_template"):
        if not isinstance(row.get(key), str) or not row[key]:
            raise UserError(f"{where}, key {key!r}: expected a text, found {row.get(key)!r:.60}")
    _check_placeholders(row["prompt_template"], placeholders, where)
    return Template(system=row["system_prompt"], user=row["prompt_template"])


def _check_placeholders(template: str, known: Sequence[str], where: str) -> None:
    where = f"{where}, key 'prompt_template'"
    allowed = ", ".join(f"{{{name}}}" for name in known)
    advice = f"its placeholders are {allowed}, and a brace that is meant is doubled"
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise UserError(f"{where}: not a template ({error}); {advice}") from error
    shown = {name for _, name, _, _ in parts if name is not None}
    for _, name, form, conversion in parts:
        # `{answer.__class__}` would look into objects, `{answer:>999999999}` fill the memory.
        if name is not None and (name not in known or form or conversion):
            raise UserError(f"{where}: unknown placeholder {{{name}}}; {advice}")
    for name in known:
        if name.lower().startswith("answer") and name not in shown:
            raise UserError(f"{where}: does not show {{{name}}}")
