"""The flags of a command, made of the parameters of the function that it runs.

A flag is written once, as a parameter of the step: `checkpoint_minutes: float = 15` of
`train_policy` is `--checkpoint-minutes`, its help the parameter's line under `Args:`.
"""

import inspect
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from asft.errors import UserError


def flags_of(step: Callable[..., None]) -> Callable[..., None]:
    """Return a function for typer that takes the parameters of `step` as options.

    A parameter annotated with an option or argument of typer's own stays as it is. A named tuple
    that ends in a path is given as `a,b=path`, once or several times; of several seeds as
    `a,1+2=path{seed}`, so that a command does not grow with them.
    """
    texts = _arguments(step.__doc__ or "")
    parameters = [
        parameter.replace(
            annotation=_option(parameter.annotation, texts.get(name)),
            kind=inspect.Parameter.KEYWORD_ONLY,
        )
        for name, parameter in inspect.signature(step, eval_str=True).parameters.items()
    ]

    def command(**flags: Any) -> None:
        step(**{name: _flat(value) for name, value in flags.items()})

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _arguments(docstring: str) -> dict[str, str]:
    """The section `Args:`: parameter → its text on one line."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n|\n)+)", inspect.cleandoc(docstring) + "\n", re.M)
    items = re.split(r"^ {4}(\w+): ", section[1], flags=re.M)[1:] if section else []
    return {name: " ".join(text.split()) for name, text in zip(*[iter(items)] * 2, strict=True)}


def _option(kind: Any, text: str | None) -> Any:
    if get_origin(kind) is Annotated:
        return kind
    inner = kind
    while get_args(inner):  # list[ScoreFile] | None → ScoreFile
        inner = get_args(inner)[0]
    if not hasattr(inner, "_fields"):
        return Annotated[kind, typer.Option(help=text)]
    *labels, path = inner._fields
    form = f"{','.join(labels)}={path}"
    return Annotated[kind, typer.Option(help=text or form, parser=partial(_labelled, inner, form))]


def _flat(value: Any) -> Any:
    """A list of files, of which some texts name several."""
    if not isinstance(value, list):
        return value
    return [file for given in value for file in (given if isinstance(given, list) else [given])]


def _labelled(kind: type[Any], form: str, text: str) -> Any:
    """Read `a,b=path` into a named tuple that ends in a path, `a,1+2=path{seed}` into several."""
    names, _, path = text.partition("=")
    labels = names.split(",")
    *types, _ = get_type_hints(kind).values()
    if not path or len(labels) != len(types):
        raise UserError(f"{text!r}: expected {form}")
    place = kind._fields.index("seed") if "seed" in kind._fields else None
    seeds = [] if place is None else labels[place].split("+")
    try:
        if place is None or len(seeds) == 1:
            return _file(kind, types, labels, path)
        several = [[*labels[:place], seed, *labels[place + 1 :]] for seed in seeds]
        return [
            _file(kind, types, each, path.replace("{seed}", seed))
            for each, seed in zip(several, seeds, strict=True)
        ]
    except ValueError as error:
        raise UserError(f"{text!r}: expected {form} ({error})") from error


def _file(kind: type[Any], types: list[Any], labels: list[str], path: str) -> Any:
    return kind(*(make(label) for make, label in zip(types, labels, strict=True)), Path(path))
