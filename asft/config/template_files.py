"""What is wrong with a chat template's file, before a tokenizer is there to render it."""

from datetime import date

import jinja2
import jinja2.ext
import jinja2.meta
import jinja2.nodes
import jinja2.parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

_ANSWER = "sample-answer"
_TALK = [
    {"role": "user", "content": "sample-question"},
    {"role": "assistant", "content": _ANSWER},
]


class _Generation(jinja2.ext.Extension):
    """transformers' own tag around what the model is to write."""

    tags = {"generation"}  # noqa: RUF012 (as jinja2 declares it)

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        """Take what stands within as it is."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def template_fault(template: str) -> str:
    """Say what a chat template cannot do, to follow its name in a sentence; "" if it may do.

    Roles that must alternate, tools and dates are for the step that has the tokenizer.
    """
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Generation, jinja2.ext.loopcontrols],
    )
    try:
        names = jinja2.meta.find_undeclared_variables(environment.parse(template))
    except jinja2.TemplateSyntaxError as error:
        return f", line {error.lineno}: {error.message}"
    if "messages" not in names:
        return " does not read `messages`: no chat template"
    today = date(2000, 1, 1).strftime
    environment.globals |= {"strftime_now": today, "raise_exception": _refuse}
    try:
        text = environment.from_string(template).render(messages=_TALK, bos_token="", eos_token="")
    except Exception:  # it may want what only a tokenizer has
        return ""
    if _ANSWER not in text:
        return " does not render the assistant's answer: nothing would be learnt"
    return ""


def _refuse(message: str) -> str:
    raise jinja2.TemplateError(message)
