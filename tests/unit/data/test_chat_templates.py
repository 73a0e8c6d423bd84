"""What a template puts where an answer ends, the date it is given, and chance it may not use."""

from datetime import datetime

import pytest
from small_tokenizers import CHATML, chatml, llama3, sentencepiece

from asft.data.chat_templates import (
    DATE,
    apply_template,
    refuse_chance,
    turn_end,
    turn_end_id,
)
from asft.errors import UserError

ASKED = [{"role": "user", "content": "Is 7 even?"}]
TURN = "{{ m['role'] }}: {{ m['content'] }}"
ALL = "{% for m in messages %}"


@pytest.mark.parametrize(
    ("template", "learnt"),
    [
        (CHATML, "<|im_end|>"),
        # Phi-3: a second token ends the conversation, not the turn.
        (ALL + TURN + "<|im_end|>\n{% endfor %}<|endoftext|>", "<|im_end|>"),
        # Two tokens close every turn: learnt up to the second.
        (ALL + TURN + "<|im_end|><|endoftext|>\n{% endfor %}", "<|im_end|><|endoftext|>"),
        # gpt-oss: another token ends the last turn than those before.
        (
            ALL + TURN + "{{ '<|endoftext|>' if loop.last else '<|im_start|>' }}{% endfor %}",
            "<|endoftext|>",
        ),
        # None: eos is put there.
        (ALL + TURN + "\n\n{% endfor %}", "<|im_end|>"),
        # A template for one turn alone.
        (
            "{% if messages | length > 2 %}{{ raise_exception('one') }}{% endif %}" + CHATML,
            "<|im_end|>",
        ),
    ],
)
def test_what_is_learnt_as_the_end(template, learnt):
    tokenizer = chatml(template)
    assert turn_end(tokenizer).learnt == learnt
    last = "<|endoftext|>" if learnt.endswith("<|endoftext|>") else "<|im_end|>"
    assert turn_end_id(tokenizer) == tokenizer.convert_tokens_to_ids(last)


def test_the_end_of_a_turn_need_not_be_eos():
    assert turn_end_id(llama3()) == llama3().convert_tokens_to_ids("<|eot_id|>")
    assert turn_end_id(sentencepiece()) == sentencepiece().eos_token_id


@pytest.mark.parametrize("template", [None, "{{ messages[0]['content'] }}", "{{ 1 // 0 }}"])
def test_no_template_or_a_useless_one_names_no_end(template):
    assert turn_end_id(chatml(template)) is None


DATED = "Today: {{ strftime_now('%d %b %Y %H:%M:%S') }}\n" + CHATML


def test_the_date_is_given_and_not_todays():
    tokenizer = chatml(DATED)
    first = apply_template(ASKED, tokenizer).partition("\n")[0]
    assert first == "Today: 26 Jul 2024 00:00:00"
    tokenizer.init_kwargs[DATE] = "2031-02-03"
    assert apply_template(ASKED, tokenizer).startswith("Today: 03 Feb 2031 00:00:00\n")
    # transformers' own is not touched for other templates.
    other = chatml("{{ strftime_now('%Y') }}")
    assert str(datetime.now().year) in other.apply_chat_template(ASKED, tokenize=False)


def test_a_template_that_asks_whether_there_is_a_clock():
    """Llama 3.2's: with a clock today's date, else one of its own."""
    asks = "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}none{% endif %}"
    assert apply_template(ASKED, chatml(asks)) == "2024"


@pytest.mark.parametrize("drawn", ["{{ ['a', 'b'] | random }}", "{{ lipsum(1) }}"])
def test_templates_that_draw_at_random_are_refused(drawn):
    with pytest.raises(UserError, match="draws at random"):
        refuse_chance(CHATML + drawn)


def test_templates_that_cannot_be_parsed_are_refused():
    with pytest.raises(UserError, match="chat template, line 2"):
        refuse_chance("\n{{ messages[0]")
    refuse_chance(DATED)
    refuse_chance("{% for m in messages %}{% generation %}{{ m }}{% endgeneration %}{% endfor %}")
