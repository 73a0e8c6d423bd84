"""What is carried from step to step: its numbers, and that a resumed run is the same bytes."""

import pytest
import torch
from preferences import learnable_pairs
from transformers import TrainerCallback

from asft.config.training import Training
from asft.errors import UserError
from asft.losses import METHODS, CompletionLogps, PairLogps
from asft.models.loading import load_policy
from asft.training.attention.pairs import PAIR_ATTENTION  # and registers it
from asft.training.carried import Carried
from asft.training.checkpoints import Checkpoints
from asft.training.fit import fit
from asft.training.reference_model import OnlineReference
from asft.training.trainer import PairTrainer

PAIRS, HELDOUT = learnable_pairs(24), learnable_pairs(8, seed=1)
TRAINING = Training(epochs=2, batch_size=8, learning_rate=3e-3, precision="fp32", token_budget=64)
GIVEN = {"beta_dpo": {"beta": 0.5}, "tr_dpo": {"beta": 0.5, "mix": 0.5, "every": 2}}


def logps(*sums):
    one = torch.ones(2)
    return PairLogps(*(CompletionLogps(torch.tensor(each), one) for each in sums))


def test_the_running_mean_is_that_of_rewards():
    carried = Carried(METHODS["beta_dpo"], {"beta": 0.5}, None, torch.nn.Linear(1, 1))
    nothing = logps([0.0, 0.0], [0.0, 0.0])
    for sums, expected in (([2.0, 6.0], 0.1 * 2), ([4.0, 8.0], 0.9 * 0.2 + 0.1 * 3)):
        carried.take(logps(sums, [0.0, 0.0]), nothing)
        assert carried.running(torch.zeros(1)).item() == pytest.approx(expected)


class Stop(TrainerCallback):
    """A signal in a step."""

    def __init__(self, checkpoints, step):
        self.checkpoints, self.step = checkpoints, step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            self.checkpoints.stopped_by = "SIGTERM"


def run(tiny, folder, name, stop_at=None):
    policy = load_policy(tiny, torch.float32, PAIR_ATTENTION)
    own = OnlineReference(load_policy(tiny, torch.float32, PAIR_ATTENTION), torch.float32)
    trainer = PairTrainer(
        policy,
        PAIRS,
        HELDOUT,
        method=METHODS[name],
        hyperparameters=GIVEN[name],
        training=TRAINING,
        precision=torch.float32,
        seed=7,
        output_dir=str(folder),
        reference=own,
    )
    checkpoints = Checkpoints(folder, "key", 0, trainer.history, trainer.token_budget)
    if stop_at:
        trainer.add_callback(Stop(checkpoints, stop_at))
        with pytest.raises(UserError, match=f"stopped by SIGTERM after step {stop_at}"):
            fit(trainer, checkpoints)
        return None
    fit(trainer, checkpoints)
    rows = [
        {key: value for key, value in row.items() if key != "seconds"}
        for row in trainer.history.rows()
    ]
    return torch.cat([p.detach().flatten() for p in policy.parameters()]), rows


@pytest.mark.parametrize("name", GIVEN)
def test_a_run_that_was_stopped_continues_to_the_same_bytes(tiny, tmp_path, name, monkeypatch):
    weights, rows = run(tiny, tmp_path / "whole", name)
    run(tiny, tmp_path / "stopped", name, stop_at=4)
    resumed, again = run(tiny, tmp_path / "stopped", name)
    assert torch.equal(resumed, weights)
    assert again == rows
    run(tiny, tmp_path / "forgotten", name, stop_at=4)
    monkeypatch.setattr(Carried, "restore", lambda *_: None)
    forgotten, _ = run(tiny, tmp_path / "forgotten", name)
    assert not torch.equal(forgotten, weights)
