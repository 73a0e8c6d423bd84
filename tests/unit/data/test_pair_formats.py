"""Each upstream format: a good row, and every reason for which a row is dropped."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asft.config.benchmarks import Benchmark
from asft.config.data import Dataset
from asft.data.pair_formats import FORMATS, hh_rlhf, sharegpt_ranking, trl, ultrafeedback_binarized
from asft.data.question_formats import BENCHMARK_FORMATS, alpaca, alpaca_eval
from asft.data.rows import Unusable
from asft.records import Pair


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def system(content):
    return {"role": "system", "content": content}


def reason(parse, row):
    with pytest.raises(Unusable) as fault:
        parse(row)
    return fault.value.reason


def test_every_format_of_the_config_has_its_function():
    assert set(FORMATS) == set(get_args(Dataset.model_fields["format"].annotation))
    assert set(BENCHMARK_FORMATS) == set(get_args(Benchmark.model_fields["format"].annotation))


# --- UltraFeedback


def ultrafeedback(**changes):
    row = {
        "prompt": "Capital of France?",
        "chosen": [user("Capital of France?"), assistant("\n Paris,\n\n in  France. \n")],
        "rejected": [user("Capital of France?"), assistant("Rome.")],
        "score_chosen": 8.0,
        "score_rejected": 5.0,
    }
    return row | changes


def test_ultrafeedback():
    pair = ultrafeedback_binarized(ultrafeedback())
    assert pair == Pair(
        [user("Capital of France?")],
        [assistant("Paris,\n\n in  France.")],
        [assistant("Rome.")],
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"score_rejected": 8.0}, "tied_scores"),
        ({"score_chosen": None}, "missing_score_chosen"),
        ({"rejected": None}, "missing_rejected"),
        ({"rejected": [user("Capital of Italy?"), assistant("Rome.")]}, "context_mismatch"),
        ({"rejected": [user("Capital of France?"), assistant("N/A")]}, "empty_completion"),
        ({"rejected": [user("Capital of France?"), assistant(" \n")]}, "empty_completion"),
        ({"chosen": [user("Capital of France?"), assistant(" Rome.")]}, "identical_completions"),
        ({"rejected": [user("Capital of France?")]}, "roles_not_alternating"),
        ({"rejected": [assistant("Rome.")]}, "empty_prompt"),
        ({"rejected": []}, "malformed"),
        ({"rejected": "Rome."}, "malformed"),
        ({"rejected": [user("Capital of France?"), assistant(["Rome."])]}, "content_not_text"),
        ({"rejected": [user("Capital of France?"), assistant("\ud83d")]}, "invalid_unicode"),
        ({"rejected": [{"role": "tool", "content": "x"}]}, "unknown_role"),
    ],
)
def test_ultrafeedback_dropped(changes, expected):
    assert reason(ultrafeedback_binarized, ultrafeedback(**changes)) == expected


# --- HH-RLHF

START = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: A joke?\n\nAssistant:"


def hh(chosen, rejected):
    return {"chosen": chosen, "rejected": rejected}


def test_hh_rlhf():
    pair = hh_rlhf(hh(f"{START} No: it says\nHuman: no.\n\nSorry. ", f"{START} Knock knock."))
    assert pair == Pair(
        [user("Hi"), assistant("Hello."), user("A joke?")],
        [assistant("No: it says\nHuman: no.\n\nSorry.")],
        [assistant("Knock knock.")],
    )


@pytest.mark.parametrize(
    ("chosen", "rejected", "expected"),
    [
        (f"{START} a", "Knock knock.", "unparsable"),
        (f"{START} a", f"Note.{START} b", "unparsable"),
        (f"{START} a", f"{START} b\n\nAssistant: c", "roles_not_alternating"),
        (f"{START} a", f"{START} b\n\nHuman: c", "roles_not_alternating"),
        (f"{START} a", "\n\nAssistant: b\n\nHuman: c\n\nAssistant: d", "roles_not_alternating"),
        (f"{START} a", "\n\nHuman: Hi\n\nAssistant: Hello.", "context_mismatch"),
        (f"{START} a", f"{START.replace('Hello', 'Hey')} b", "context_mismatch"),
        (f"{START} a", START, "empty_completion"),
        (f"{START} a", f"{START}  a", "identical_completions"),
        ("\n\nHuman: \n\nAssistant: a", "\n\nHuman: \n\nAssistant: b", "empty_prompt"),
        (f"{START} a".replace("Hello.", ""), f"{START} b".replace("Hello.", ""), "empty_turn"),
        (None, f"{START} b", "missing_chosen"),
        (3, f"{START} b", "malformed"),
    ],
)
def test_hh_rlhf_dropped(chosen, rejected, expected):
    assert reason(hh_rlhf, hh(chosen, rejected)) == expected


LABELLED = ("\n\nHuman:", "\n\nAssistant:")
TURN = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(lambda text: text and not any(label in f"\n\n{text}" for label in LABELLED))
)


@given(turns=st.lists(TURN, min_size=2, max_size=6).filter(lambda t: len(t) % 2 == 0), other=TURN)
def test_transcripts_round_trip(turns, other):
    if other == turns[-1]:
        return
    labels = ["Human", "Assistant"] * (len(turns) // 2)
    before = "".join(f"\n\n{a}: {b}" for a, b in zip(labels[:-1], turns[:-1], strict=True))
    pair = hh_rlhf(hh(f"{before}\n\nAssistant: {turns[-1]}", f"{before}\n\nAssistant: {other}"))
    assert [message["content"] for message in pair.prompt] == turns[:-1]
    assert (pair.chosen, pair.rejected) == ([assistant(turns[-1])], [assistant(other)])


# --- ShareGPT


def says(who, value):
    return {"from": who, "value": value}


def sharegpt(*turns, **columns):
    answers = {"chosen": says("gpt", "a "), "rejected": says("gpt", "b")}
    return {"conversations": list(turns)} | answers | columns


def test_sharegpt_ranking():
    turns = (says("human", "One"), says("gpt", "Two"), says("human", "Three"))
    expected = [user("One"), assistant("Two"), user("Three")]
    assert sharegpt_ranking(sharegpt(*turns)) == Pair(expected, [assistant("a")], [assistant("b")])
    assert sharegpt_ranking(sharegpt(*turns, system="")).prompt == expected
    with_column = sharegpt_ranking(sharegpt(*turns, system="Be brief."))
    assert with_column.prompt == [system("Be brief."), *expected]
    both = sharegpt(says("system", "Be kind."), *turns, system="Be brief.")
    assert sharegpt_ranking(both).prompt == [system("Be kind."), *expected]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (sharegpt(), "malformed"),
        (sharegpt("Hello"), "malformed"),
        (sharegpt(says("human", None)), "malformed"),
        (sharegpt(says("observation", "One")), "unknown_role"),
        (sharegpt(says("human", "One"), says("gpt", "Two")), "roles_not_alternating"),
        (sharegpt(says("system", "One")), "empty_prompt"),
        (sharegpt(says("human", "One"), chosen=None), "missing_chosen"),
        (sharegpt(says("human", "One"), chosen=says("human", "a")), "roles_not_alternating"),
        (sharegpt(says("human", "One"), chosen=says("gpt", " ")), "empty_completion"),
        (sharegpt(says("human", "One"), chosen=says("gpt", "b")), "identical_completions"),
    ],
)
def test_sharegpt_ranking_dropped(row, expected):
    assert reason(sharegpt_ranking, row) == expected


# --- TRL


def test_trl_conversations_are_passed_as_they_are():
    explicit = {"prompt": [user("Hi")], "chosen": [assistant("a ")], "rejected": [assistant("b")]}
    pair = Pair([user("Hi")], [assistant("a ")], [assistant("b")])
    assert trl(explicit) == pair
    implicit = {
        "chosen": [user("Hi"), assistant("a ")],
        "rejected": [user("Hi"), assistant("b")],
    }
    assert trl(implicit) == pair
    assert trl(implicit | {"prompt": "Hi"}) == pair  # UltraFeedback's columns, as TRL reads them


def test_trl_strings_are_passed_as_they_are():
    explicit = {"prompt": "The sky is ", "chosen": "blue. ", "rejected": " green."}
    assert trl(explicit) == Pair("The sky is ", "blue. ", " green.")
    implicit = {"chosen": "The sky is blue.", "rejected": "The sky is green."}
    assert trl(implicit) == Pair("The sky is", " blue.", " green.")
    within_a_word = {"chosen": "It is unlike", "rejected": "It is undone"}
    assert trl(within_a_word) == Pair("It is un", "like", "done")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"chosen": "same", "rejected": "same"}, "identical_completions"),
        ({"prompt": "p", "chosen": "same", "rejected": "same"}, "identical_completions"),
        ({"chosen": "a longer", "rejected": "a"}, "empty_completion"),
        ({"chosen": "blue", "rejected": "green"}, "empty_prompt"),
        ({"prompt": " ", "chosen": "blue", "rejected": "green"}, "empty_prompt"),
        ({"prompt": [user("p")], "chosen": "blue", "rejected": "green"}, "malformed"),
        ({"prompt": "p", "chosen": "blue", "rejected": [assistant("b")]}, "malformed"),
        ({"prompt": "p", "chosen": "blue"}, "missing_rejected"),
        ({"chosen": [user("p")], "rejected": [user("p")]}, "identical_completions"),
        (
            {"chosen": [user("p"), assistant("a")], "rejected": [user("p")]},
            "not_one_message",
        ),
        (
            {
                "chosen": [user("p"), assistant("a"), user("q"), assistant("c")],
                "rejected": [user("p"), assistant("b"), user("q"), assistant("c")],
            },
            "not_one_message",
        ),
        (
            {
                "prompt": [user("p"), assistant("q")],
                "chosen": [assistant("a")],
                "rejected": [assistant("b")],
            },
            "roles_not_alternating",
        ),
    ],
)
def test_trl_dropped(row, expected):
    assert reason(trl, row) == expected


# --- Alpaca


def test_alpaca_renders_the_input_below_the_instruction():
    question = alpaca({"instruction": "Add.", "input": "1, 2", "output": "3"})
    assert (question.turns, question.references) == (["Add.\n1, 2"], ["3"])
    assert alpaca({"instruction": "Add.", "output": "3"}).turns == ["Add."]


def test_alpaca_question_ids():
    row = {"instruction": "Add.", "input": "1, 2", "output": "3"}
    assert alpaca(row).question_id == alpaca(dict(reversed(row.items()))).question_id
    assert alpaca(row).question_id != alpaca(row | {"output": "4"}).question_id
    assert alpaca(row | {"id": 0}).question_id == "0"


def test_alpaca_eval():
    row = {"instruction": " Add.", "output": "3", "generator": "gpt4", "dataset": "vicuna"}
    question = alpaca_eval(row)
    assert (question.turns, question.references, question.category) == ([" Add."], [], "vicuna")
    assert alpaca_eval({"instruction": " Add."}).question_id == question.question_id
    assert reason(alpaca_eval, {"output": "3"}) == "missing_instruction"
    assert reason(alpaca_eval, {"instruction": "\n"}) == "empty_instruction"


def test_alpaca_dropped():
    assert reason(alpaca, {"instruction": " ", "output": "3"}) == "empty_instruction"
    assert reason(alpaca, {"instruction": "Add.", "output": "\n"}) == "empty_reference"
    assert reason(alpaca, {"output": "3"}) == "empty_instruction"
    assert reason(alpaca, {"instruction": "Add.", "output": 3}) == "malformed"
