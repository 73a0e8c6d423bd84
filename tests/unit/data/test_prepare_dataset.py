"""A prepared data set: what is kept, what the card says, and that it hangs on the rows alone."""

import json
import random

import pyarrow.parquet as pq
import pytest
from small_tokenizers import chatml

from asft.config.data import Dataset, Tokens
from asft.data.card import QuestionFile, write_data_card
from asft.data.encoding import _merges, encode_pairs
from asft.data.pair_formats import trl
from asft.data.prepare_dataset import prepare_pairs
from asft.data.rendering import render_pair
from asft.data.tokens import read_tokens
from asft.errors import UserError
from asft.files import write_jsonl
from asft.records import Pair, Question

TOKENIZER = chatml()
ASKED = "Could you tell me how many times a clock strikes between noon and midnight"  # 14 words


def row(n, chosen="Yes.", rejected="No, not so."):
    return {
        "prompt": [{"role": "user", "content": f"Is {n} even?"}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


ROWS = [row(n) for n in range(20)]


def prepare(out, rows, heldout_rows=None, tokens=None, **settings):
    settings = {"sources": [{"local": "rows.jsonl"}]} | settings
    dataset = Dataset(format="trl", **settings)
    tokens = tokens or Tokens()
    prepare_pairs(dataset, "toy", rows, heldout_rows, TOKENIZER, tokens, out)
    return json.loads((out / "counts.json").read_text())


def splits(out):
    table = pq.read_table(out / "pairs.parquet").to_pylist()
    return {
        split: [r["id"] for r in table if r["split"] == split] for split in ("train", "heldout")
    }


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_card_counts_rows_and_reasons(tmp_path):
    bad = [row(1, "same", "same"), row(1, " "), row(3), row(4) | {"rejected": None}]
    card = prepare(tmp_path, [*ROWS, *bad], heldout=5)
    assert card["rows"] == 24
    assert card["kept"] == {"train": 15, "heldout": 5}
    assert card["dropped"] == {
        "duplicate": 1,
        "empty_completion": 1,
        "identical_completions": 1,
        "missing_rejected": 1,
    }
    assert card["first_dropped"]["duplicate"] == "row 23"
    assert card["dropped_share"] == pytest.approx(4 / 24, abs=1e-6)
    assert (card["dataset"], card["format"], card["kind"]) == ("toy", "trl", "conversational")


def test_card_measures_tokens(tmp_path):
    card = prepare(tmp_path, [*ROWS, row(30, chosen="Yes. " * 30)])
    train = read_tokens(tmp_path / "tokens", "train")
    lengths = sorted(len(pair.chosen) for pair in train)
    assert card["lengths"]["chosen"]["min"] == lengths[0]
    assert card["lengths"]["chosen"]["50"] == lengths[10]
    assert card["lengths"]["chosen"]["max"] == lengths[-1]
    assert card["chosen_longer_share"] == pytest.approx(1 / 21, abs=1e-6)
    limit = max(len(pair.prompt) for pair in train) + 10
    card = prepare(tmp_path, [*ROWS, row(30, "Yes. " * 30)], tokens=Tokens(max_length=limit))
    assert (card["truncated_chosen"], card["truncated_rejected"]) == (1, 0)
    assert card["tokens"] == Tokens(max_length=limit).model_dump()


def test_card_counts_overlap_with_test_questions(tmp_path):
    questions = [
        Question(question_id="a", turns=["is 3 EVEN"]),
        Question(question_id="b", turns=[f"{ASKED}?"]),
        Question(question_id="c", turns=["Something else"]),
    ]
    long = row(50)
    long["prompt"] = [
        {"role": "user", "content": f"Hm: {ASKED.lower()}, please"},
        {"role": "assistant", "content": "Twelve."},
        {"role": "user", "content": "Sure?"},
    ]
    counts = prepare(tmp_path, [*ROWS, long], heldout=4)
    write_jsonl(tmp_path / "asked.jsonl", questions)
    counted, pairs, out = (tmp_path / f for f in ("counts.json", "pairs.parquet", "whole.json"))
    write_data_card(counted, pairs, out, [QuestionFile("toy", tmp_path / "asked.jsonl")])
    card = json.loads((tmp_path / "whole.json").read_text())
    overlap = card.pop("overlap")
    assert card == counts
    assert overlap["questions"] == 3
    found = overlap["by_benchmark"]["toy"]
    assert found["last_user_turn"]["exact"]["first_questions"] == ["a"]
    assert found["last_user_turn"]["ngram13"]["questions"] == 0
    assert found["any_turn"]["ngram13"]["first_questions"] == ["b"]
    assert found["any_turn"]["ngram13"]["pairs"] == 1


def test_files_agree_and_tell_nothing_but_the_rows(tmp_path):
    prepare(tmp_path / "a", ROWS, heldout=4)
    prepare(tmp_path / "b", ROWS, heldout=4)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "counts.json",
        "pairs.parquet",
        "tokens",
    ]
    ids = splits(tmp_path / "a")
    for split in ("train", "heldout"):
        assert [p.id for p in read_tokens(tmp_path / "a" / "tokens", split)] == ids[split]


def test_heldout_pairs_do_not_hang_on_the_order_of_rows(tmp_path):
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    a = prepare(tmp_path / "a", ROWS, heldout=4)
    b = prepare(tmp_path / "b", shuffled, heldout=4)
    first, second = splits(tmp_path / "a"), splits(tmp_path / "b")
    assert set(first["heldout"]) == set(second["heldout"])
    assert max(first["heldout"]) < min(first["train"])
    assert a["fingerprint"] != b["fingerprint"]  # the order of training differs


def test_heldout_pairs_from_elsewhere(tmp_path):
    outside = [row(n) for n in range(18, 26)]
    card = prepare(tmp_path, ROWS, outside)
    assert card["kept"] == {"train": 18, "heldout": 8}
    assert card["dropped"] == {"duplicate": 2}
    assert not set(splits(tmp_path)["train"]) & set(splits(tmp_path)["heldout"])
    card = prepare(tmp_path, ROWS, outside, heldout=3)
    assert card["kept"] == {"train": 18, "heldout": 3}
    card = prepare(tmp_path, ROWS, [row(2, chosen="Of course.")])
    assert card["heldout_prompts_in_train"] == 1


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        ([], {}, r"dataset 'toy' \(trl\): no usable row of 0 rows"),
        ([row(1, "")], {}, r"no usable row of 1 rows, empty_completion 1 \(first: row 1\)"),
        (
            [*ROWS[:3], row(1, "")],
            {},
            r"25.0% unusable of 4 rows, .* raise datasets.toy.max_dropped_share \(now 0.2\)",
        ),
        (ROWS, {"heldout": 20}, r"datasets.toy.heldout: 20 pairs cannot be held out: 20 usable"),
        (
            [*ROWS, {"prompt": "The sky is", "chosen": " blue", "rejected": " green"}],
            {},
            "1 pairs are plain strings and 20 are conversations",
        ),
    ],
)
def test_refused(tmp_path, rows, settings, message):
    with pytest.raises(UserError, match=message):
        prepare(tmp_path, rows, **settings)
    of_rows = ["counts.json"] if "usable row" in message or "unusable" in message else []
    assert [path.name for path in tmp_path.iterdir()] == of_rows  # why, reason by reason


def test_refused_with_heldout_rows(tmp_path):
    with pytest.raises(UserError, match="20 usable pairs to train on, 1 usable held-out pairs"):
        prepare(tmp_path, ROWS, [row(30)], heldout=2)
    with pytest.raises(UserError, match="0 usable held-out pairs"):
        prepare(tmp_path, ROWS, [])
    with pytest.raises(UserError, match="0 usable pairs to train on"):
        prepare(tmp_path, [], ROWS)


def test_the_allowed_share_is_allowed(tmp_path):
    rows = [*ROWS[:3], row(1, "")]
    assert prepare(tmp_path, rows, max_dropped_share=0.25)["dropped_share"] == 0.25


def test_plain_strings(tmp_path):
    rows = [{"prompt": f"{n} is", "chosen": " even", "rejected": " odd"} for n in range(3)]
    card = prepare(tmp_path, rows)
    assert (card["kind"], card["template_sha256"]) == ("plain", None)
    assert pq.read_table(tmp_path / "pairs.parquet")["chosen"].to_pylist() == [" even"] * 3


def test_cards_name_sources_that_may_change(tmp_path):
    commit, branch = ({"hub": "owner/name", "revision": name} for name in ("a" * 40, "main"))
    card = prepare(tmp_path, ROWS, sources=[commit, branch])
    assert card["unpinned"] == ["owner/name at main"]


def test_a_wrong_format_names_the_one_that_fits(tmp_path):
    sft = [{"messages": [*r["prompt"], *r["chosen"]]} for r in ROWS]
    with pytest.raises(UserError, match=r"missing_chosen 20 .*20 rows fit the format sft"):
        prepare(tmp_path, sft)
    with pytest.raises(UserError, match=r"missing_chosen 1 \(first: row 1\)$"):
        prepare(tmp_path, [{"question": "?"}])


def test_columns_may_have_other_names(tmp_path):
    plain = [{"instruction": f"Is {n}", "chosen": " odd", "rejected": " even"} for n in range(3)]
    assert prepare(tmp_path, plain, columns={"instruction": "prompt"})["kept"]["train"] == 3


def test_scores_margins_and_weights_come_through(tmp_path):
    plain = prepare(tmp_path / "plain", ROWS, heldout=4)
    assert plain["numbers"] == {}
    assert plain["singles"] == {"desirable": 16, "undesirable": 16}
    rows = [r | {"score_chosen": n, "rejected_score": 1, "weight": 0.5} for n, r in enumerate(ROWS)]
    columns = {"rejected_score": "score_rejected"}
    card = prepare(tmp_path / "scored", rows, heldout=4, columns=columns)
    assert card["numbers"]["margin"] == {"pairs": 20, "min": -1, "mean": 8.5, "max": 18}
    assert card["fingerprint"] != plain["fingerprint"]
    table = pq.read_table(tmp_path / "scored/pairs.parquet").to_pylist()
    assert [row["margin"] for row in table] == [n - 1 for n in range(20)]
    found = [
        p for split in ("train", "heldout") for p in read_tokens(tmp_path / "scored/tokens", split)
    ]
    given = {row["id"]: (row["score_chosen"], 1, row["margin"], 0.5) for row in table}
    assert {pair.id: pair.numbers for pair in found} == given
    unsaid = next(iter(read_tokens(tmp_path / "plain/tokens", "train"))).numbers
    assert unsaid.weight == 1
    assert unsaid.margin != unsaid.margin


def test_batches_and_groups_change_nothing(tmp_path, monkeypatch):
    """Duplicates within a batch and across, of a usable row and of one that is not."""
    rows = [row(n % 7, chosen="Yes. " * (n % 5 + 1)) for n in range(60)]
    rows += [row(n, "same", "same") for n in (1, 1, 2)]
    whole = prepare(tmp_path / "a", rows, heldout=4, max_dropped_share=1.0)
    monkeypatch.setattr("asft.data.sifting.BATCH", 3)
    small = prepare(tmp_path / "b", rows, heldout=4, max_dropped_share=1.0)
    assert whole == small
    assert whole["dropped"]["duplicate"] == 25
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_notes_on_merges_are_those_of_whole_texts(tmp_path):
    """The short look near the boundary finds what texts as one would have found."""
    texts = ["\n\nno", "yes", " sir", "\tx", "1" * 90, "-" * 90, "Yes.\n", "…", "a" * 500]
    pairs = {f"{n}": trl(row(n, chosen=text, rejected="No.")) for n, text in enumerate(texts)}
    plain = {f"p{n}": Pair(f"Q{text}", text, f"{text} b") for n, text in enumerate(texts)}
    for name, found in encode_pairs(pairs | plain, TOKENIZER, Tokens()).items():
        text = render_pair((pairs | plain)[name], TOKENIZER)
        expected = any(_merges(text.prompt, rest, TOKENIZER) for rest in text[1:3])
        assert ("boundary_merges" in found[1]) == expected
