"""What a run saves: an end that is the learnt one; and rows of one completion."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
from small_tokenizers import chatml
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from asft.config.data import Dataset, Tokens
from asft.data.prepare_dataset import prepare_pairs
from asft.data.tokens import read_tokens
from asft.errors import UserError
from asft.generation.generate import generate_answers
from asft.training.reference import score_reference
from asft.training.train import train_policy

SIZES = {
    **{"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3},
}
RUN = {"model": "m", "dataset": "toy", "method": "sft", "seed": 1, "loss": "sft"}
TRAINING = {"batch_size": 4, "learning_rate": 1e-2, "precision": "fp32", "epochs": 30}


def base(folder: Path, **sizes: int) -> Path:
    """A model whose end of text is not the end that its chat template puts."""
    tokenizer = chatml()
    tokenizer.eos_token = tokenizer.pad_token = "<|endoftext|>"
    eos = tokenizer.eos_token_id
    config = AutoConfig.for_model(
        "llama", **SIZES | sizes, vocab_size=len(tokenizer), eos_token_id=eos, pad_token_id=eos
    )
    model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def prepared(
    folder: Path, rows: list[dict[str, object]], form: str, heldout: int = 0
) -> dict[str, Any]:
    dataset = Dataset(format=form, sources=[{"local": "x"}], heldout=heldout)
    prepare_pairs(dataset, "toy", rows, None, chatml(), Tokens(), folder / "data")
    counts: dict[str, Any] = json.loads((folder / "data/counts.json").read_text())
    return counts


def trained(folder: Path, rows: list[dict[str, object]], form: str, **training: object) -> Path:
    prepared(folder, rows, form)
    train(folder, "sft", {}, **training)
    return folder / "run/policy"


def train(
    folder: Path, loss: str, given: dict[str, float], reference: Path | None = None, **more: Any
) -> None:
    run = RUN | {"loss": loss, "hyperparameters": given, "provenance": {}}
    (folder / "settings.yaml").write_text(json.dumps(run | {"training": TRAINING | more}))
    train_policy(
        settings=folder / "settings.yaml",
        model=folder / "base",
        tokens=folder / "data/tokens",
        out=folder / "run",
        reference=reference,
    )


def history_of(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "history.csv").read_text().splitlines()))


ASKED = [{"role": "user", "content": "Is 7 even?"}]
YES = {"role": "assistant", "content": "Yes."}


@pytest.mark.parametrize("lora", [None, {"rank": 2, "save_adapter": True}])
def test_a_policy_has_the_rights_of_any_other_file(lora: object, tmp_path: Path) -> None:
    base(tmp_path / "base")
    policy = trained(tmp_path, [{"messages": [*ASKED, YES]}], "sft", epochs=1, lora=lora)
    (tmp_path / "other").touch()
    files = [path for path in policy.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".safetensors"]) == (2 if lora else 1)
    expected = (tmp_path / "other").stat().st_mode
    assert {path.name for path in files if path.stat().st_mode != expected} == set()


def test_what_is_learnt_as_the_end_ends_answers_everywhere(tmp_path: Path) -> None:
    base(tmp_path / "base")
    policy = trained(tmp_path, [{"messages": [*ASKED, YES]}], "sft")
    ends = chatml().convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"])
    assert GenerationConfig.from_pretrained(policy).eos_token_id == sorted(ends)
    (tmp_path / "questions.jsonl").write_text('{"question_id": "q", "turns": ["Is 7 even?"]}\n')
    how = {
        "decoding": {"max_new_tokens": 24},
        "generation": {"batch_size": 1, "precision": "fp32", "threads": 1},
    }
    out = tmp_path / "answers.jsonl"
    generate_answers(json.dumps(how), policy, tmp_path / "questions.jsonl", out)
    assert json.loads(out.read_text())["turns"] == ["Yes."]
    assert json.loads(out.read_text())["finish_reasons"] == ["stop"]


@pytest.mark.parametrize("label", ["kto_tag", "label"])
def test_sft_trains_on_the_good_ones_of_unpaired_answers(label: str, tmp_path: Path) -> None:
    base(tmp_path / "base")
    bad = {"messages": [*ASKED, YES | {"content": "No."}], label: False}
    trained(tmp_path, [{"messages": [*ASKED, YES], label: True}, bad], "unpaired")
    assert len(read_tokens(tmp_path / "data/tokens", "train")) == 2
    assert {row["pairs"] for row in history_of(tmp_path / "run")} == {"1"}
    card = json.loads((tmp_path / "data/counts.json").read_text())
    assert card["chosen_longer_share"] is None
    assert card["lengths"]["chosen"]["min"] == 0


def test_kto_trains_on_both_kinds_of_unpaired_answers(tmp_path: Path) -> None:
    base(tmp_path / "base")
    rows = [
        {"messages": [{"role": "user", "content": f"Is {n} even?"}, YES], "label": n % 2 == 0}
        for n in range(6)
    ]
    counts = prepared(tmp_path, rows, "unpaired")
    assert counts["singles"] == {"desirable": 3, "undesirable": 3}
    given = {"precision": "fp32", "token_budget": 512, "mismatched": True}
    reference = tmp_path / "reference.parquet"
    score_reference(json.dumps(given), tmp_path / "base", tmp_path / "data/tokens", reference)
    train(tmp_path, "kto", {"beta": 0.1}, reference, epochs=8)
    history = history_of(tmp_path / "run")
    losses = [float(row["loss"]) for row in history]
    assert sum(losses[-2:]) < sum(losses[:2])  # two steps an epoch
    assert all(row["logp_chosen"] and row["logp_rejected"] for row in history[::2])
    assert not any(row["margin"] for row in history)
    with pytest.raises(UserError, match="holds one completion, and the loss compares two"):
        train(tmp_path, "dpo", {"beta": 0.1}, reference)


def test_a_held_out_margin_begins_at_zero_in_bf16_too(tmp_path: Path) -> None:
    """A sum in bf16 depends on the row it is in: the reference packs as the measurement does."""
    base(tmp_path / "base", hidden_size=256, intermediate_size=512)  # 32 round alike
    rows = [
        {
            "prompt": f"Is {n} even? " * (n % 5 + 1),
            "chosen": "Yes. " * (n % 7 + 1),
            "rejected": "No.",
        }
        for n in range(40)
    ]
    prepared(tmp_path, rows, "trl", heldout=13)
    given = {"precision": "bf16", "token_budget": 512}
    reference = tmp_path / "reference.parquet"
    score_reference(json.dumps(given), tmp_path / "base", tmp_path / "data/tokens", reference)
    train(tmp_path, "dpo", {"beta": 10.0}, reference, epochs=1, **given)
    first = history_of(tmp_path / "run")[0]
    assert float(first["loss"]) == pytest.approx(math.log(2), abs=1e-6)


def test_a_loss_that_looks_at_score_margins_says_which_pair_has_none(tmp_path: Path) -> None:
    base(tmp_path / "base")
    pair = {"prompt": ASKED, "chosen": [YES], "rejected": [YES | {"content": "No."}]}
    prepared(tmp_path, [pair | {"margin": "much"}], "trl")
    with pytest.raises(UserError, match=r"score margin of each pair, and 1 of 1 have none.*column"):
        train(tmp_path, "odpo", {"beta": 0.1}, tmp_path / "none")


@pytest.mark.parametrize("loss", ["tdpo2", "tr_dpo"])
def test_the_reference_model_is_loaded_where_its_numbers_do_not_do(
    loss: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base(tmp_path / "base")
    pair = {"prompt": ASKED, "chosen": [YES], "rejected": [YES | {"content": "No."}]}
    prepared(tmp_path, [pair], "trl")
    train(tmp_path, loss, {"beta": 0.1}, epochs=3)
    assert "the reference model is loaded beside the policy" in capsys.readouterr().err
    assert (tmp_path / "run/policy/model.safetensors").is_file()
