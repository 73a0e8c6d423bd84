"""Completions to rank: rows of RewardBench's columns, held-out pairs, and their token ids."""

import json

import numpy as np
import pytest

from asft.config import Tokens
from asft.data.comparisons import best_of_n, encode_completions, heldout_comparisons, parser_of
from asft.data.prepare_comparisons import write_comparisons
from asft.data.rows import Unusable
from asft.errors import UserError
from asft.files import read_json, read_json_rows
from asft.models import load_tokenizer

ROW = {"id": 7, "prompt": "Name a planet.", "subset": "Facts", "num_correct": 2}
ROW |= {"chosen": [" Mars. ", "Venus."], "rejected": ["Rome."]}


def answer(text):
    return [{"role": "assistant", "content": text}]


def test_a_row_of_reward_bench_2():
    found = best_of_n(ROW)
    assert (found.question_id, found.subset) == ("7", "Facts")
    assert found.prompt == [{"role": "user", "content": "Name a planet."}]
    assert found.chosen == [answer("Mars."), answer("Venus.")]
    assert found.rejected == [answer("Rome.")]


def test_a_row_of_reward_bench_has_no_lists_and_may_be_without_id():
    row = {"prompt": [{"role": "user", "content": "Hi"}], "chosen": "a", "rejected": "b"}
    found = best_of_n(row)
    assert (found.chosen, found.rejected) == ([answer("a")], [answer("b")])
    assert found.question_id == found.id


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prompt": " "}, "empty_prompt"),
        ({"prompt": None}, "missing_prompt"),
        ({"chosen": []}, "malformed"),
        ({"rejected": [1]}, "malformed"),
        ({"rejected": ["a", " "]}, "empty_completion"),
        ({"subset": "Ties"}, "malformed_id_in_ties"),
    ],
)
def test_a_row_that_cannot_be_used(change, reason):
    with pytest.raises(Unusable) as fault:
        best_of_n(ROW | change)
    assert fault.value.reason == reason


def test_rows_of_pairs():
    talk = [{"role": "user", "content": "Hi"}]
    row = {"chosen": [*talk, *answer("a")], "rejected": [*talk, *answer("b")]}
    found = parser_of("trl")(row)
    assert (found.chosen, found.rejected, found.subset) == ([answer("a")], [answer("b")], "")


def prepared(folder, rows, **settings):
    given = {"protocol": "implicit_reward", "format": "best_of_n"}
    given |= {"sources": [{"local": str(folder / "rows.jsonl")}], **settings}
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_comparisons(json.dumps(given), "mine", folder / "comparisons.jsonl")
    return read_json(folder / "comparisons.card.json")


def test_what_is_dropped_is_counted(tmp_path):
    rows = [ROW, ROW, ROW | {"id": 8}, ROW | {"id": 9, "chosen": None}, ROW | {"id": 10}]
    card = prepared(tmp_path, rows, limit=2, max_dropped_share=0.5)
    assert card["dropped"] == {"duplicate": 1, "missing_chosen": 1}
    assert (card["asked"], card["subsets"]) == (2, {"Facts": 2})
    assert [row["question_id"] for row in read_json_rows(tmp_path / "comparisons.jsonl")] == [
        "7",
        "8",
    ]
    with pytest.raises(UserError, match=r"raise benchmarks\.mine\.max_dropped_share"):
        prepared(tmp_path, rows)


def test_held_out_pairs_of_a_data_set(tmp_path, tiny):
    from asft.config import Dataset
    from asft.data.prepare_dataset import prepare_pairs

    talk = [{"role": "user", "content": "Hi", "name": "x"}]
    rows = [
        {"prompt": talk, "chosen": answer(f"[{n}] yes"), "rejected": answer("no")} for n in range(6)
    ]
    given = {"format": "trl", "sources": [{"local": "x"}], "heldout": 2}
    tokens = Tokens()
    prepare_pairs(
        Dataset.model_validate(given), "d", rows, None, load_tokenizer(tiny), tokens, tmp_path
    )
    found = list(heldout_comparisons(tmp_path / "pairs.parquet"))
    assert len(found) == 2
    assert found[0].prompt == talk
    assert found[0].chosen[0][0]["content"].endswith("] yes")
    settings = json.dumps({"protocol": "implicit_reward", "dataset": "d"})
    out = tmp_path / "comparisons.jsonl"
    write_comparisons(settings, "mine", out, pairs=tmp_path / "pairs.parquet")
    assert [row["question_id"] for row in read_json_rows(out)] == [
        each.question_id for each in found
    ]


def test_completions_are_encoded_as_pairs_are_two_at_a_time(tiny):
    from asft.data.encoding import encode_pair
    from asft.records import Pair

    tokenizer, row = load_tokenizer(tiny), best_of_n(ROW)
    found = encode_completions([row, row], tokenizer, Tokens())
    assert [pair.id for pair in found.pairs] == [f"{row.id}/0", f"{row.id}/2"]
    first, last = found.pairs
    pair, _ = encode_pair(Pair(row.prompt, *row.chosen), tokenizer, Tokens())
    for part in ("prompt", "chosen", "rejected"):
        np.testing.assert_array_equal(getattr(first, part), getattr(pair, part))
    assert len(last.rejected) == 0
    np.testing.assert_array_equal(last.prompt, first.prompt)


def test_a_completion_that_is_cut_is_named_and_a_prompt_without_room_left_out(tiny):
    tokenizer = load_tokenizer(tiny)
    long = best_of_n(ROW | {"rejected": ["word " * 50]})
    size = len(encode_completions([long], tokenizer, Tokens()).pairs[0].prompt)
    found = encode_completions([long], tokenizer, Tokens(max_length=size + 20))
    assert found.cut == {long.id: [2]}
    with pytest.raises(UserError, match="no completion can be ranked: overlong_prompt 1"):
        encode_completions([long], tokenizer, Tokens(max_length=size))
