"""TRL as the oracle: it reads pairs.parquet as it is, and renders and splits it as we do."""

import pytest
from datasets import load_dataset
from hypothesis import given
from hypothesis import strategies as st
from small_tokenizers import chatml, llama3

from asft.config.data import Dataset, Tokens
from asft.data.pair_formats import trl
from asft.data.prepare_dataset import prepare_pairs
from asft.data.rows import Unusable
from asft.data.tokens import read_tokens

data_utils = pytest.importorskip("trl.data_utils")


def prepared(folder, rows, tokenizer):
    dataset = Dataset(format="trl", sources=[{"local": "rows.jsonl"}])
    prepare_pairs(dataset, "toy", rows, None, tokenizer, Tokens(), folder)
    files = str(folder / "pairs.parquet")
    read = load_dataset("parquet", data_files=files, cache_dir=str(folder / "cache"))["train"]
    return read, read_tokens(folder / "tokens", "train")


CONVERSATIONS = [
    {
        "prompt": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"Is {n} even?\n"},
            {"role": "assistant", "content": "I think so."},
            {"role": "user", "content": "Sure?"},
        ],
        "chosen": [{"role": "assistant", "content": "Yes."}],
        "rejected": [{"role": "assistant", "content": "No,\n\nnot at all."}],
    }
    for n in range(5)
]


@pytest.mark.parametrize("tokenizer", [chatml(), llama3()], ids=["chatml", "llama3"])
def test_trl_renders_the_same_text(tmp_path, tokenizer):
    rows, tokens = prepared(tmp_path, CONVERSATIONS, tokenizer)
    for row, pair in zip(rows, tokens, strict=True):
        assert data_utils.is_conversational(row)
        text = data_utils.apply_chat_template(row, tokenizer)
        for key in ("prompt", "chosen", "rejected"):
            ids = getattr(pair, key)
            # TRL keeps what the template puts behind the end token.
            assert tokenizer.decode(ids) == (text[key] if key == "prompt" else text[key].rstrip())


def test_trl_reads_plain_strings(tmp_path):
    rows = [{"chosen": f"{n} is even.", "rejected": f"{n} is odd."} for n in range(5)]
    read, tokens = prepared(tmp_path, rows, chatml())
    for row, pair, source in zip(read, tokens, rows, strict=True):
        assert not data_utils.is_conversational(row)
        assert {key: row[key] for key in ("prompt", "chosen", "rejected")} == (
            data_utils.extract_prompt(source)
        )
        assert chatml().decode(pair.chosen) == row["chosen"] + "<|im_end|>"


WORDS = st.text("ab ", min_size=1, max_size=8)


@given(start=WORDS, chosen=WORDS, rejected=WORDS)
def test_implicit_prompts_are_trls(start, chosen, rejected):
    row = {"chosen": f"x{start}{chosen}", "rejected": f"x{start}{rejected}"}
    try:
        pair = trl(row)
    except Unusable:  # equal, or one the beginning of the other: TRL cuts those anywhere
        return
    expected = data_utils.extract_prompt(row)
    assert pair._asdict() == expected | {"tools": None}
