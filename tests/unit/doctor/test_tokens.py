"""Tokens as they are shown: texts by the tokenizer, ends, targets; on a terminal and a page."""

import io
import re

import numpy as np
import pytest
import small_tokenizers
from rich.console import Console

from asft.config import Tokens
from asft.data import TokenPair, encode_pair
from asft.doctor import Examination, ShownPair, page_of, print_examination
from asft.doctor.pairs import about_pair
from asft.doctor.tokens import Part, Token, texts_of, visible
from asft.records import Message, Pair

PAIR = Pair(
    [Message(role="user", content="Hello <b>there</b>\nis the sky blue?")],
    [Message(role="assistant", content="Yes, it is 蓝.")],
    [Message(role="assistant", content="No.\x1b[31m")],
)


@pytest.mark.parametrize("name", ["chatml", "llama3"])
def test_texts_of_tokens_are_the_text(name: str) -> None:
    tokenizer = getattr(small_tokenizers, name)()
    pair, _ = encode_pair(PAIR, tokenizer, Tokens())
    tokens = list(texts_of(pair.prompt.tolist(), tokenizer))
    ids = pair.prompt.tolist()
    assert "".join(token.text for token in tokens) == tokenizer.decode(ids)
    named = [token.text for token in tokens if token.special]
    assert all(re.fullmatch(r"<\|\w+\|>", text) for text in named)
    assert len(named) == (6 if name == "llama3" else 3)


def test_a_part_of_a_character_is_named_by_the_vocabulary() -> None:
    tokenizer = small_tokenizers.chatml()
    pair, _ = encode_pair(PAIR, tokenizer, Tokens())
    shown = [token.text for token in texts_of(pair.chosen.tolist(), tokenizer)]
    names = tokenizer.convert_ids_to_tokens(pair.chosen.tolist())
    assert not any("\ufffd" in text for text in shown)
    texts = zip(shown, names, strict=True)
    assert all(text in (name, name.replace("Ġ", " ")) for text, name in texts)


def test_ends_are_counted_in_what_the_model_reads() -> None:
    tokenizer = small_tokenizers.llama3()
    pair, notes = encode_pair(PAIR, tokenizer, Tokens())
    assert notes == []
    found = {row.check: row for row in about_pair("d", pair, notes, tokenizer)}
    bos = "<|begin_of_text|>: 1 in prompt + chosen, 1 in prompt + rejected"
    assert found["d: BOS"].found == bos
    assert found["d: boundary"].state == "ok"
    assert found["d: EOS"].found.startswith("<|end_of_text|>: 0 in prompt + chosen")
    assert found["d: end"].found.startswith("each completion ends with <|eot_id|>")
    cut = TokenPair("1", pair.prompt, pair.chosen[:-1], pair.rejected)
    rows = about_pair("d", cut, ["truncated_chosen"], tokenizer)
    (end,) = [row for row in rows if row.check == "d: end"]
    assert (end.state, end.found) == ("note", "chosen: the last token is not <|eot_id|>")
    single = TokenPair("2", pair.prompt, pair.chosen, np.array([], dtype=np.int32))
    (row,) = [row for row in about_pair("d", single, [], tokenizer) if row.check == "d: BOS"]
    assert row.found == "<|begin_of_text|>: 1 in prompt + chosen"


def test_what_encoding_notes_is_said() -> None:
    tokenizer = small_tokenizers.llama3()
    pair, _ = encode_pair(PAIR, tokenizer, Tokens())
    inside = pair._replace(chosen=np.append(pair.prompt[:1], pair.chosen))
    notes = ["boundary_merges", "double_bos", "unrendered_system"]
    found = {row.check: row for row in about_pair("d", inside, notes, tokenizer)}
    told = {check for check, row in found.items() if row.state == "note"}
    assert told == {"d: BOS", *(f"d: {note}" for note in notes)}
    assert found["d: unrendered_system"].found.endswith("leaves out of the pair: system")
    assert "d: boundary" not in found


SHOWN = ShownPair(
    "toy",
    "0a",
    [
        Part("prompt", [Token("<s>", True), Token("a <b>\n", False)], False, "read, no target"),
        Part("chosen", [Token("yes\x1b", False), Token("</s>", True)], True, "training target"),
    ],
)


def test_a_terminal_without_colours_shows_all() -> None:
    out = io.StringIO()
    print_examination(Examination([], [SHOWN]), Console(file=out, width=70))
    text = out.getvalue()
    assert "\x1b" not in text
    assert "prompt: 2 tokens, read, no target\n⟨<s>⟩│a·<b>↵\n" in text
    assert "chosen: 2 tokens, training target\nyes\\u001b│⟨</s>⟩\n" in text


def test_a_page_marks_them_by_spans_and_runs_nothing() -> None:
    html = page_of(Examination([("<script>", [])], [SHOWN]))
    assert '<span class="prompt special">⟨&lt;s&gt;⟩</span>' in html
    assert '<span class="chosen target">yes\\u001b</span>' in html
    assert "<script" not in html
    assert page_of(Examination([("<script>", [])], [SHOWN])) == html


def test_a_long_part_is_cut_on_a_terminal_alone() -> None:
    part = Part("prompt", [Token(f"w{n}", False) for n in range(1000)], False, "read")
    found = Examination([], [ShownPair("toy", "0a", [part])])
    out = io.StringIO()
    print_examination(found, Console(file=out, width=70))
    assert "… 800 tokens more …" in " ".join(out.getvalue().split())
    assert page_of(found).count('<span class="prompt">') == 1000 + 1  # and the legend's


def test_what_does_not_print_is_made_visible() -> None:
    assert visible("a b\n\t\x00蓝") == "a·b↵⇥\\u0000蓝"
