"""Rows of one completion: for SFT, and answers judged good or bad."""

import pytest

from asft.data.rows import Unusable
from asft.data.single_formats import sft, unpaired
from asft.records import Pair

TALK = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": " Hi! \n"}]
ANSWER = [{"role": "assistant", "content": "Hi!"}]


def test_sft_learns_the_last_answer():
    assert sft({"messages": TALK}) == Pair(TALK[:1], ANSWER, [])
    more = [*TALK, {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "Bye!"}]
    assert sft({"messages": more}) == Pair(more[:3], more[3:], [])


def test_sft_takes_prompt_and_completion():
    assert sft({"prompt": "The sky is", "completion": " blue"}) == Pair("The sky is", " blue", "")
    assert sft({"prompt": TALK[:1], "completion": TALK[1:]}) == Pair(TALK[:1], ANSWER, [])


@pytest.mark.parametrize(("tag", "good"), [(True, 1), ("false", 0), (1, 1), ("1", 1), (0, 0)])
@pytest.mark.parametrize("key", ["label", "kto_tag"])
def test_unpaired_answers_stand_on_one_side(tag, good, key):
    pair = unpaired({"messages": TALK, key: tag})
    assert (pair.chosen, pair.rejected) == ((ANSWER, []) if good else ([], ANSWER))
    plain = unpaired({"prompt": "The sky is", "completion": " blue", key: tag})
    assert (plain.chosen, plain.rejected) == ((" blue", "") if good else ("", " blue"))


@pytest.mark.parametrize(
    ("parse", "row", "reason"),
    [
        (sft, {"messages": TALK[:1]}, "roles_not_alternating"),
        (sft, {"messages": TALK[1:]}, "empty_prompt"),
        (sft, {"messages": [TALK[0], TALK[1] | {"content": " "}]}, "empty_completion"),
        (sft, {"prompt": " ", "completion": "x"}, "empty_prompt"),
        (sft, {"prompt": "x", "completion": " "}, "empty_completion"),
        (sft, {"prompt": "x"}, "missing_completion"),
        (sft, {"prompt": TALK[:1], "completion": TALK}, "not_one_message"),
        (unpaired, {"messages": TALK}, "missing_label"),
        (unpaired, {"messages": TALK, "label": "perhaps"}, "malformed"),
    ],
)
def test_rows_that_cannot_be_used(parse, row, reason):
    with pytest.raises(Unusable, match=f"^{reason}$"):
        parse(row)
