"""Our losses against TRL's own trainers: same weights, same batch, same numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import PartialState
from datasets import Dataset
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer
from trl.experimental.cpo import CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer
from trl.trainer.callbacks import SyncRefModelCallback

from asft.data.tokens import TokenPair
from asft.losses import METHODS, CompletionLogps, PairLogps, odds_ratio
from asft.models.folders import load_tokenizer
from asft.models.loading import load_policy
from asft.models.tiny import tiny_model
from asft.training.attention.pairs import PAIR_ATTENTION  # and registers it
from asft.training.mismatched import Mismatched
from asft.training.packing import pack
from asft.training.pair_logps import pair_logps
from asft.training.reference_model import OnlineReference

ROWS = [
    ("Name a fruit.", "An apple is a fruit.", "No."),
    ("How many legs has a spider?", "Eight.", "A spider has six legs, like all insects do."),
    ("Say hello to my friend Ada.", "Hello, Ada! Nice to meet you.", "hello"),
    ("Is 7 prime?", "Yes: only 1 and 7 divide it.", "It may be, it may not be; who can say?"),
]
HERE = SimpleNamespace(device="cpu")
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
        model = load_policy(folder, torch.float32, PAIR_ATTENTION).eval()
        return pair_logps(model, row, shared=True)


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


DPO_LOSSES = {
    "dpo": {"loss_type": "sigmoid"},
    "ipo": {"loss_type": "ipo"},
    "hinge": {"loss_type": "hinge"},
    "exo": {"loss_type": "exo_pair", "label_smoothing": 0.1},
    "nca": {"loss_type": "nca_pair"},
    "robust_dpo": {"loss_type": "robust", "label_smoothing": 0.1},
    "sppo_hard": {"loss_type": "sppo_hard"},
    "apo_zero": {"loss_type": "apo_zero"},
    "apo_down": {"loss_type": "apo_down"},
    "discopop": {"loss_type": "discopop", "discopop_tau": 0.2},
    "dpo_norm": {"loss_type": "sigmoid_norm"},
    "wpo": {"loss_type": "sigmoid", "use_weighting": True},
    "ld_dpo": {"loss_type": "sigmoid", "ld_alpha": 0.4},
    "aot": {"loss_type": "aot", "label_smoothing": 0.1},
    "aot_unpaired": {"loss_type": "aot_unpaired", "label_smoothing": 0.1},
    "dpo_forward_kl": {"loss_type": "sigmoid", "f_divergence_type": "forward_kl"},
    "dpo_js": {"loss_type": "sigmoid", "f_divergence_type": "js_divergence"},
    "dpo_alpha": {
        "loss_type": "sigmoid",
        "f_divergence_type": "alpha_divergence",
        "f_alpha_divergence_coef": 0.7,
    },
}
OURS = {n: {"label_smoothing": 0.1} for n in ("exo", "robust_dpo", "aot", "aot_unpaired")}
OURS |= {"discopop": {"tau": 0.2}, "dpo_alpha": {"alpha": 0.3}, "ld_dpo": {"alpha": 0.4}}


def of_dpo_trainer(tiny, reference_folder, tmp_path, **given):
    """Loss and gradients of TRL's DPO trainer on a batch, and the batch as pairs."""
    trainer = DPOTrainer(
        model=load_policy(tiny, torch.float32),
        ref_model=load_policy(reference_folder, torch.float32),
        args=DPOConfig(str(tmp_path), beta=0.3, gradient_checkpointing=False, **COMMON, **given),
        train_dataset=Dataset.from_list([conversational(*row) for row in ROWS]),
        processing_class=load_tokenizer(tiny),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.model.eval()
    loss = trainer.compute_loss(trainer.model, dict(batch))
    loss.backward()
    return loss.detach(), gradients(trainer.model), from_dpo_batch(batch)


def gradients(model):
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("name", DPO_LOSSES)
def test_reference_losses_equal_dpo_trainer(tiny, reference_folder, tmp_path, name):
    """Values, and gradients by all weights."""
    found = of_dpo_trainer(tiny, reference_folder, tmp_path, **DPO_LOSSES[name])
    expected, expected_gradients, pairs = found
    (row,) = pack(pairs, 10_000)
    model = load_policy(tiny, torch.float32, PAIR_ATTENTION).eval()
    reference = score(reference_folder, pairs)
    given = {"beta": 0.3} | OURS.get(name, {})
    method = METHODS[name]
    policy = pair_logps(model, row, collisions=method.needs_collisions, shared=method.needs_shared)
    loss = METHODS[name].loss(policy, reference, **given).mean()
    loss.backward()
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-5, atol=1e-5)
    for key, gradient in gradients(model).items():
        scale = expected_gradients[key].abs().max().item()
        torch.testing.assert_close(
            gradient, expected_gradients[key], rtol=1e-4, atol=1e-5 + 1e-4 * scale
        )


def test_dpo_trainer_ignores_label_smoothing(tiny, reference_folder, tmp_path):
    """Where it differs from ours: conservative DPO is gone from TRL, its key is not."""
    found, _, pairs = of_dpo_trainer(
        tiny, reference_folder, tmp_path, loss_type="sigmoid", label_smoothing=0.2
    )
    policy, reference = score(tiny, pairs), score(reference_folder, pairs)
    plain = METHODS["dpo"].loss(policy, reference, beta=0.3).mean()
    torch.testing.assert_close(plain, found, rtol=1e-5, atol=1e-5)
    smoothed = METHODS["dpo"].loss(policy, reference, beta=0.3, label_smoothing=0.2).mean()
    assert abs(smoothed - found) > 1e-3


CPO_LOSSES = {
    "simpo": {"loss_type": "simpo", "simpo_gamma": 0.4, "label_smoothing": 0.1},
    "alphapo": {"loss_type": "simpo", "simpo_gamma": 0.4, "alpha": 0.25},
    "cpo": {"loss_type": "sigmoid", "label_smoothing": 0.1},
}
GIVEN = {
    "simpo": {"gamma": 0.4, "label_smoothing": 0.1},
    "alphapo": {"gamma": 0.4, "alpha": 0.25},
    "cpo": {"sft_weight": 0.0, "label_smoothing": 0.1},
}


@pytest.mark.parametrize("name", CPO_LOSSES)
def test_reference_free_losses_equal_cpo_trainer(name):
    """On the same log-probabilities: sums for CPO, means for the others."""
    plain = {"beta": 2.0, "alpha": 0.0, "label_smoothing": 0.0, "accelerator": HERE}
    trainer = SimpleNamespace(**plain | CPO_LOSSES[name])
    sums = -torch.rand(2, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 20
    tokens = torch.arange(1, 19, dtype=torch.float64).view(2, 9)
    found, expected = (sums.clone().requires_grad_() for _ in range(2))
    sides = expected if name == "cpo" else expected / tokens
    theirs = CPOTrainer.cpo_loss(trainer, *sides)[0]
    theirs.sum().backward()
    policy = PairLogps(*(CompletionLogps(s, n) for s, n in zip(found, tokens, strict=True)))
    ours = METHODS[name].loss(policy, None, beta=2.0, **GIVEN[name])
    ours.sum().backward()
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(found.grad, expected.grad, rtol=1e-6, atol=1e-9)


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


def of_kto_trainer(tiny, reference_folder, tmp_path, given):
    """Loss of TRL's KTO trainer on the singles of two pairs, and its batch of them."""
    rows = [conversational(*row) for row in ROWS[:2]]
    singles = [
        {"prompt": row["prompt"], "completion": row[side], "label": side == "chosen"}
        for side in ("chosen", "rejected")
        for row in rows
    ]
    trainer = KTOTrainer(
        model=load_policy(tiny, torch.float32),
        ref_model=load_policy(reference_folder, torch.float32),
        args=KTOConfig(str(tmp_path), gradient_checkpointing=False, **COMMON, **given),
        train_dataset=Dataset.from_list(singles),
        processing_class=load_tokenizer(tiny),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["label"].tolist() == [True, True, False, False]
    trainer.model.eval()
    with torch.no_grad():
        expected = trainer.compute_loss(trainer.model, dict(batch))
    return expected, batch


def test_kto_equals_kto_trainer(tiny, reference_folder, tmp_path):
    """Of two pairs, whose singles TRL rotates by one: prompts meet the same completions as here."""
    given = {"beta": 0.3, "desirable_weight": 1.5, "undesirable_weight": 0.5}
    expected, batch = of_kto_trainer(tiny, reference_folder, tmp_path, given)
    ids, scored, seen = (
        batch[k].numpy() for k in ("input_ids", "completion_mask", "attention_mask")
    )
    pairs = [
        TokenPair(
            str(i),
            ids[i][(seen[i] == 1) & (scored[i] == 0)],
            *(ids[n][scored[n] == 1] for n in (i, i + 2)),
        )
        for i in range(2)
    ]
    policy, reference = (
        score(folder, pairs)._replace(mismatched=score(folder, list(Mismatched(pairs))))
        for folder in (tiny, reference_folder)
    )
    moved = policy.mismatched.chosen.sum - reference.mismatched.chosen.sum
    moved += policy.mismatched.rejected.sum - reference.mismatched.rejected.sum
    assert moved.mean() > 0.1  # below 0 the estimate would be cut off, and nothing compared
    value = METHODS["kto"].loss(policy, reference, **given).mean()
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)


def test_kto_of_singles_equals_kto_trainer(tiny, reference_folder, tmp_path):
    """Each completion a row of its own; TRL's partner is the single before, ours the one behind."""
    given = {"beta": 0.3, "desirable_weight": 1.5, "undesirable_weight": 0.5}
    expected, batch = of_kto_trainer(tiny, reference_folder, tmp_path, given)
    ids, scored, seen = (
        batch[k].numpy() for k in ("input_ids", "completion_mask", "attention_mask")
    )
    nothing = np.zeros(0, dtype=np.int64)
    rows = []
    for i in range(3, -1, -1):
        prompt, answer = ids[i][(seen[i] == 1) & (scored[i] == 0)], ids[i][scored[i] == 1]
        sides = (answer, nothing) if batch["label"][i] else (nothing, answer)
        rows.append(TokenPair(str(i), prompt, *sides))
    policy, reference = (
        score(folder, rows)._replace(mismatched=score(folder, list(Mismatched(rows))))
        for folder in (tiny, reference_folder)
    )
    value = METHODS["kto"].loss(policy, reference, **given).mean()
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mix", [0.6, 1.0])
def test_the_moving_reference_moves_as_trls(tiny, reference_folder, mix):
    policy, ours, theirs = (
        load_policy(folder, torch.float32) for folder in (tiny, reference_folder, reference_folder)
    )
    OnlineReference(ours, torch.float32).follow(policy, mix)
    PartialState()  # which the callback asks for, and a trainer would have made
    SyncRefModelCallback.sync_target_model(policy, theirs, mix)
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-6, atol=1e-7)
