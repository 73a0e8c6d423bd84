"""Our losses against TRL's own trainers: same weights, same batch, same numbers."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from trl import DPOConfig, DPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

from asft.data.tokens import TokenPair
from asft.losses import METHODS, odds_ratio
from asft.models.folders import load_tokenizer
from asft.models.loading import load_policy
from asft.models.tiny import tiny_model
from asft.training.attention.names import PAIR_ATTENTION
from asft.training.packing import pack
from asft.training.pair_logps import pair_logps

ROWS = [
    ("Name a fruit.", "An apple is a fruit.", "No."),
    ("How many legs has a spider?", "Eight.", "A spider has six legs, like all insects do."),
    ("Say hello to my friend Ada.", "Hello, Ada! Nice to meet you.", "hello"),
    ("Is 7 prime?", "Yes: only 1 and 7 divide it.", "It may be, it may not be; who can say?"),
]
COMMON = {"bf16": False, "report_to": "none", "max_length": 512, "per_device_train_batch_size": 4}


def conversational(prompt, chosen, rejected):
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
    }


@pytest.fixture(scope="module")
def reference_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    tiny_model(folder, seed=5)
    return folder


def score(folder, pairs, with_prompt=False):
    (row,) = pack(pairs, 10_000, with_prompt=with_prompt)
    with torch.no_grad():
        return pair_logps(load_policy(folder, torch.float32, PAIR_ATTENTION).eval(), row)


def from_dpo_batch(batch):
    """The token pairs in a batch of TRL's DPO collator: [chosen; rejected], right-padded."""
    ids, scored, seen = (
        batch[k].numpy() for k in ("input_ids", "completion_mask", "attention_mask")
    )
    half = len(ids) // 2
    pairs = []
    for i in range(half):
        prompt = ids[i][(seen[i] == 1) & (scored[i] == 0)]
        pairs.append(
            TokenPair(str(i), prompt, ids[i][scored[i] == 1], ids[i + half][scored[i + half] == 1])
        )
    return pairs


@pytest.mark.parametrize(("ours", "theirs", "beta"), [("dpo", "sigmoid", 0.3), ("ipo", "ipo", 0.2)])
def test_reference_losses_equal_dpo_trainer(tiny, reference_folder, tmp_path, ours, theirs, beta):
    trainer = DPOTrainer(
        model=load_policy(tiny, torch.float32),
        ref_model=load_policy(reference_folder, torch.float32),
        args=DPOConfig(
            str(tmp_path), loss_type=theirs, beta=beta, gradient_checkpointing=False, **COMMON
        ),
        train_dataset=Dataset.from_list([conversational(*row) for row in ROWS]),
        processing_class=load_tokenizer(tiny),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.model.eval()
    with torch.no_grad():
        expected = trainer.compute_loss(trainer.model, dict(batch))
    pairs = from_dpo_batch(batch)
    policy, reference = score(tiny, pairs), score(reference_folder, pairs)
    value = METHODS[ours].loss(policy, reference, beta=beta).mean()
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)


def orpo_trainer(tiny, tmp_path, rows):
    args = ORPOConfig(str(tmp_path), beta=0.25, gradient_checkpointing=False, **COMMON)
    trainer = ORPOTrainer(
        model=load_policy(tiny, torch.float32),
        args=args,
        train_dataset=Dataset.from_list([conversational(*row) for row in rows]),
        processing_class=load_tokenizer(tiny),
    )
    return trainer, next(iter(trainer.get_train_dataloader()))


def from_orpo_batch(batch):
    def split(side, i):
        ids, labels = (batch[f"{side}_{k}"][i].numpy() for k in ("input_ids", "labels"))
        seen = batch[f"{side}_attention_mask"][i].numpy() == 1
        scored = seen & (labels != -100)
        return ids[seen & ~scored], ids[scored]

    pairs = []
    for i in range(len(batch["chosen_input_ids"])):
        prompt, chosen = split("chosen", i)
        same, rejected = split("rejected", i)
        np.testing.assert_array_equal(prompt, same)
        pairs.append(TokenPair(str(i), prompt, chosen, rejected))
    return pairs


def test_odds_ratio_equals_orpo_trainer(tiny, tmp_path):
    trainer, batch = orpo_trainer(tiny, tmp_path, ROWS)
    policy = score(tiny, from_orpo_batch(batch))
    # TRL returns +beta · log σ(log odds ratio), to be subtracted from its NLL.
    expected = -trainer.odds_ratio_loss(policy.chosen.mean, policy.rejected.mean)[0] / 0.25
    torch.testing.assert_close(odds_ratio(policy), expected, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        chosen, rejected, *_ = trainer.concatenated_forward(trainer.model.eval(), batch)
    torch.testing.assert_close(policy.chosen.mean, chosen, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(policy.rejected.mean, rejected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("row", ROWS)
def test_orpo_with_full_nll_equals_orpo_trainer(tiny, tmp_path, row):
    # One pair at a time: TRL's NLL is a mean over the tokens of the batch, ours over its pairs.
    trainer, batch = orpo_trainer(tiny, tmp_path, [row])
    with torch.no_grad():
        expected, _ = trainer.get_batch_loss_metrics(trainer.model.eval(), batch)
    policy = score(tiny, from_orpo_batch(batch), with_prompt=True)
    value = METHODS["orpo_full_nll"].loss(policy, None, beta=0.25).mean()
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)
