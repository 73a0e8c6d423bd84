"""What the plan says of a chat template's file."""

from pathlib import Path

import pytest

from asft.config.template_files import template_fault

BUNDLED = sorted(Path("asft/models/templates").glob("*.jinja"))
LOOP = "{% for message in messages %}"


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_the_bundled_ones_have_none(path):
    assert template_fault(path.read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (LOOP + "{{ message.content }}", ", line 1: Unexpected end of template"),
        ("\n{{ messages | nothing }}", ", line 2: No filter named 'nothing'."),
        ("no messages", " does not read `messages`"),
        ("{% set messages = [] %}{{ messages }}", " does not read `messages`"),
        ("{{ messages[0].content }}", " does not render the assistant's answer"),
    ],
)
def test_what_cannot_train(template, fault):
    assert template_fault(template).startswith(fault)


@pytest.mark.parametrize(
    "template",
    [
        LOOP + "{{ message.content }}{% endfor %}",
        LOOP + "{% generation %}{{ message.content }}{% endgeneration %}{% endfor %}",
        LOOP + "{% if loop.index > 5 %}{% break %}{% endif %}{{ message.content }}{% endfor %}",
        LOOP + "{{ strftime_now('%d') }}{{ message.content | tojson }}{% endfor %}",
        # What only the tokenizer or the data decide stays for the step.
        "{% if messages | length < 3 %}{{ raise_exception('too short') }}{% endif %}",
        "{{ messages[0].content + pad_token + messages[1].content }}",
    ],
)
def test_what_may(template):
    assert template_fault(template) == ""
