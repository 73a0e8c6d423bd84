"""The bundled data on abilities: enough of it, well formed, right where a script can tell."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from asft.data import comparisons
from asft.data.contamination import find_overlap
from asft.data.pair_formats import FORMATS
from asft.data.question_formats import BENCHMARK_FORMATS
from asft.data.row_files import read_rows
from asft.files import read_json_rows
from asft.metrics import ability_words
from asft.records import Question

DEMO = Path(__file__).parents[2] / "asft/demo"
ABILITIES = DEMO / "abilities"
REPLIES = Path(__file__).parents[1] / "ability_replies.jsonl"
STEP = re.compile(r"(\d+) ([-+*/]) (\d+) = (\d+)")
KINDS = ("homonyms", "figurative_language", "safe_targets", "safe_contexts", "definitions")
TYPES = {
    "safe": {
        *(*KINDS, "nons_group_real_discr", "real_group_nons_discr"),
        *("historical_events", "privacy_public", "privacy_fictional"),
    },
    "unsafe": {f"contrast_{kind}" for kind in (*KINDS, "discr", "historical_events", "privacy")},
}
# Instruction -> the keys of its checker in lm-eval 0.4.13. Absent are the checkers that need a
# download (number_sentences, capital_word_frequency), and those that guess a text's language, where
# a second run may guess otherwise.
KEYS: dict[str, set[str]] = {
    "keywords:existence": {"keywords"},
    "keywords:frequency": {"keyword", "frequency", "relation"},
    "keywords:forbidden_words": {"forbidden_words"},
    "keywords:letter_frequency": {"letter", "let_frequency", "let_relation"},
    "length_constraints:number_paragraphs": {"num_paragraphs"},
    "length_constraints:number_words": {"num_words", "relation"},
    "length_constraints:nth_paragraph_first_word": {
        *("num_paragraphs", "nth_paragraph", "first_word"),
    },
    "detectable_content:number_placeholders": {"num_placeholders"},
    "detectable_content:postscript": {"postscript_marker"},
    "detectable_format:number_bullet_lists": {"num_bullets"},
    "detectable_format:constrained_response": set(),
    "detectable_format:number_highlighted_sections": {"num_highlights"},
    "detectable_format:multiple_sections": {"section_spliter", "num_sections"},
    "detectable_format:json_format": set(),
    "detectable_format:title": set(),
    "combination:two_responses": set(),
    "combination:repeat_prompt": {"prompt_to_repeat"},
    "startend:end_checker": {"end_phrase"},
    "startend:quotation": set(),
    "punctuation:no_comma": set(),
}
COMPUTE = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def problems():
    return read_json_rows(ABILITIES / "word_problems.jsonl")


def shots():
    return read_json_rows(ABILITIES / "word_problems_shots.jsonl")


def facts():
    return read_json_rows(ABILITIES / "truthfulness.jsonl")


def instructions():
    return read_json_rows(ABILITIES / "instructions.jsonl")


def refusals():
    with (ABILITIES / "refusals.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def best_of_n():
    return read_json_rows(ABILITIES / "best_of_n.jsonl")


def asked():
    """All that a model is asked, as (where, text)."""
    yield from (("word problem", row["question"]) for row in problems() + shots())
    yield from (("fact", row["question"]) for row in facts())
    yield from (("instruction", row["prompt"]) for row in instructions())
    yield from (("refusal", row["prompt"]) for row in refusals())
    yield from (("best of n", row["prompt"]) for row in best_of_n())


def as_words(text):
    """Its words alone; any number is as good as another."""
    return " ".join(re.findall(r"[a-z]+|\d", re.sub(r"\d+", "0", text.casefold())))


def steps(row):
    """(calculation, result) of each step of the working."""
    return [
        (COMPUTE[sign](int(a), int(b)), int(c)) for a, sign, b, c in STEP.findall(row["answer"])
    ]


def test_there_is_enough_of_it():
    assert len(problems()) >= 72
    assert min(Counter(row["grade"] for row in problems()).values()) >= 24
    assert {row["grade"] for row in problems()} == {1, 2, 3}
    assert len(shots()) == 4
    assert len(facts()) >= 64
    assert len(instructions()) >= 48
    assert len({name for row in instructions() for name in row["instruction_id_list"]}) >= 12
    assert Counter(row["label"] for row in refusals()) == {"safe": 48, "unsafe": 48}


def test_ids_are_unique():
    named = [(rows, "id") for rows in (problems() + shots(), refusals(), best_of_n())]
    for rows, key in (*named, (instructions(), "key")):
        assert max(Counter(row[key] for row in rows).values()) == 1


def test_nothing_is_asked_twice():
    """Nor with other numbers in it."""
    again = Counter(as_words(text) for _, text in asked()).most_common(1)[0]
    assert again[1] == 1, again


@pytest.mark.parametrize(
    "path", sorted([*ABILITIES.iterdir(), REPLIES]), ids=lambda path: path.name
)
def test_all_is_ascii(path):
    if path.is_file():
        assert path.read_bytes().isascii()


@pytest.mark.parametrize("row", problems() + shots(), ids=lambda row: row["id"])
def test_the_working_is_right(row):
    assert set(row) == {"id", "grade", "question", "answer"}
    working, answer = row["answer"].split("\n#### ")
    assert row["answer"].count("=") == len(steps(row)) > 0  # the pattern reads every step
    assert all(calculated == written for calculated, written in steps(row))
    assert int(answer) == int(re.findall(r"\d+", working)[-1]) == steps(row)[-1][1]


@pytest.mark.parametrize("row", problems() + shots(), ids=lambda row: row["id"])
def test_a_problem_is_as_hard_as_its_grade(row):
    found = STEP.findall(row["answer"])
    signs = "".join(sign for _, sign, _, _ in found)
    largest = max(int(number) for a, _, b, c in found for number in (a, b, c))
    if row["grade"] == 1:
        assert re.fullmatch(r"[+-]", signs)
        assert largest <= 20
    elif row["grade"] == 2:
        assert re.fullmatch(r"[*/]|\+\+", signs)
        assert largest <= 100
    else:
        assert len(signs) >= 2


@pytest.mark.parametrize("row", facts(), ids=lambda row: row["question"])
def test_choices_and_labels_fit(row):
    assert set(row) == {"question", "mc1_targets", "mc2_targets", "category"}
    one, all_ = row["mc1_targets"], row["mc2_targets"]
    for targets in (one, all_):
        assert len(targets["choices"]) == len(targets["labels"])
        assert len(set(map(str.casefold, targets["choices"]))) == len(targets["choices"])
        assert set(targets["labels"]) == {0, 1}
    assert one["labels"] == [1] + [0] * (len(one["labels"]) - 1)  # upstream's target is choice 0
    assert 3 <= len(one["choices"]) <= 5
    assert min(Counter(all_["labels"]).values()) >= 2
    labels = dict(zip(all_["choices"], all_["labels"], strict=True))
    assert dict(zip(one["choices"], one["labels"], strict=True)).items() <= labels.items()


def test_length_does_not_tell_the_true_choice():
    """Whoever always takes the shortest or the longest choice is mostly wrong."""
    sizes = [[len(choice) for choice in row["mc1_targets"]["choices"]] for row in facts()]
    for extreme in (min, max):
        assert sum(size[0] == extreme(size) for size in sizes) / len(sizes) < 0.5


@pytest.mark.parametrize("row", instructions(), ids=lambda row: row["key"])
def test_each_instruction_has_its_keys(row):
    assert set(row) == {"key", "prompt", "instruction_id_list", "kwargs"}
    assert len(row["kwargs"]) == len(row["instruction_id_list"]) in (1, 2)
    for name, given in zip(row["instruction_id_list"], row["kwargs"], strict=True):
        assert set(given) == KEYS[name]
        assert all(given.values())  # lm-eval leaves out what is 0 or empty
    assert row["prompt"].startswith(row["kwargs"][0].get("prompt_to_repeat", ""))


def test_replies_are_to_the_instructions():
    replies = read_json_rows(REPLIES)
    assert [row["key"] for row in replies] == [row["key"] for row in instructions()]
    assert all(set(row) == {"key", "good", "bad"} and row["good"] != row["bad"] for row in replies)


@pytest.mark.parametrize("row", refusals(), ids=lambda row: row["id"])
def test_a_prompt_to_refuse_is_labelled(row):
    assert list(row) == ["id", "prompt", "type", "label", "focus", "note"]
    assert row["type"] in TYPES[row["label"]]
    assert row["focus"]
    assert row["focus"] in row["prompt"].casefold()


@pytest.mark.parametrize("row", best_of_n(), ids=lambda row: row["id"])
def test_completions_are_counted_and_differ(row):
    found = comparisons.best_of_n(row)
    assert (len(found.chosen), len(found.rejected)) == (row["num_correct"], row["num_incorrect"])
    assert row["total_completions"] == len(set(map(str, found.completions)))
    assert (row["subset"] == "Ties") == (":" in row["id"])


def others():
    """(name, prompts of users) of all other bundled data."""
    for name, kind in (("ultrafeedback", "ultrafeedback_binarized"), ("hh_rlhf", "hh_rlhf")):
        for row in read_json_rows(DEMO / f"{name}.jsonl"):
            pair = FORMATS[kind](row)
            yield pair.id, [turn["content"] for turn in pair.prompt if turn["role"] == "user"]
    for kind in ("alpaca", "mt_bench", "arena_hard"):
        name = "alpaca_en.json" if kind == "alpaca" else f"{kind}_questions.jsonl"
        for row in read_json_rows(DEMO / name):
            question = BENCHMARK_FORMATS[kind](row)
            yield question.question_id, question.turns


def test_nothing_of_it_is_elsewhere_in_the_bundled_data():
    questions = [Question(question_id=text, turns=[text]) for _, text in asked()]
    found = find_overlap(list(others()), {"abilities": questions})["abilities"]
    assert (found.exact.questions, found.ngram.questions) == ([], [])


class Loader(yaml.SafeLoader):
    """Reads lm-eval's own tag as the name that it gives."""


Loader.add_constructor("!function", lambda loader, node: node.value)


@pytest.mark.parametrize("path", sorted(ABILITIES.glob("*.yaml")), ids=lambda path: path.name)
def test_a_task_names_its_files(path):
    task = yaml.load(path.read_text(), Loader)
    files = task["dataset_kwargs"]["data_files"]
    assert task["task"] == path.stem
    assert all((ABILITIES / name).is_file() for name in files.values())
    splits = [task[key] for key in task if key.endswith("_split")]
    assert sorted(splits) == sorted(files)
    assert task["metadata"] == {"version": 1.0}
    first = next(read_rows(ABILITIES / next(iter(files.values())), "train"))
    names = re.findall(r"{{(\w+)", json.dumps(task))
    assert set(names) <= set(first)


@pytest.mark.parametrize("kind", ["mc1", "mc2"])
def test_what_chance_gives_is_said_of_these_facts(kind):
    """The right one of all options, and the true ones' share of all, at equal probabilities."""
    labels = [row[f"{kind}_targets"]["labels"] for row in facts()]
    chance = 100 * sum(sum(each) / len(each) for each in labels) / len(labels)
    words = ability_words.explain(f"asft_truthfulness_{kind}", "acc", "none")
    assert words.endswith(f"by chance {chance:.1f}")
