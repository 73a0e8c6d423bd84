"""Rows of `trainer: trl`: TRL's own trainer of a loss, given all that ours is given.

The same token ids in the same order, optimizer, schedule, clipping and precision; nothing is cut.
Forward pass, loss, gradient and batches are TRL's: a step's pairs at once, padded, the prompt twice
for a pair. Its reference is its own, computed by it from the policy before the first step
(`precompute_ref_log_probs`). Steps, held-out pairs, checkpoints and cost are written down by ours.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asft.config import TRL_LOSSES, Training, trl_arguments
from asft.data import TokenPair
from asft.errors import UserError
from asft.losses import METHODS
from asft.training.arguments import training_arguments
from asft.training.comparable import ComparableTrainer
from asft.training.history import History
from asft.training.measuring import Measure
from asft.training.mismatched import Mismatched
from asft.training.packing import PackedByLength
from asft.training.reference_logps import CachedReference, score_pairs, write_reference
from asft.training.token_budget import token_budget
from asft.training.trl_rows import PLACES, Batches, rows_for

WRITTEN_FOR = "1.16"
PACKAGES = {"CPO": "trl.experimental.cpo", "ORPO": "trl.experimental.orpo"}  # the others': trl
REFERENCE = "TRL's own, computed before training from the policy (precompute_ref_log_probs)"
# Whether the log-probabilities that a trainer logs are sums over tokens or means.
LOGGED = {"DPO": "_sum", "KTO": "_sum", "ORPO": "", "simpo": "", "sigmoid": "_sum"}


class TrlTrainer(ComparableTrainer):
    """What is ours of a trainer of TRL's, which is the other base of the class."""

    def __init__(
        self,
        policy: Any,
        pairs: Sequence[TokenPair],
        heldout: Sequence[TokenPair],
        loss: str,
        tokenizer: Any,
        *,
        hyperparameters: dict[str, Any],
        training: Training,
        precision: torch.dtype,
        seed: int,
        output_dir: str,
        config: Any,
    ) -> None:
        self.reference_seconds = 0.0
        self.method, self.hyperparameters = METHODS[loss], hyperparameters
        self.policy, self.training, self.precision = policy, training, precision
        self.pairs, self.heldout, self.history = pairs, heldout, History()
        self.kind = TRL_LOSSES[loss].trainer
        self.told = trl_arguments(loss, hyperparameters)
        tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
        super().__init__(
            model=policy,
            args=training_arguments(training, seed, output_dir, config, **self._arguments()),
            train_dataset=rows_for(self.kind, pairs),
            processing_class=tokenizer,
            callbacks=[Measure(self)],
        )
        self.data_collator = Batches(self.train_dataset, len(pairs), self.data_collator)
        self.train_dataset: Any = range(len(pairs))
        # Not before: KTO's takes no other order of its rows. Ours have their partner for good.
        self.args.train_sampling_strategy = "random"
        self.work = Counter(rows=0, pairs=0, tokens=0)
        self.token_budget = token_budget(training, policy)  # of measurements
        self.how = {"trainer": f"TRL {version('trl')}, {self.kind}Trainer"}
        if self.method.needs_reference:
            if not self.reference_seconds:
                raise AttributeError("no _precompute_ref_logps")  # by which it is computed
            self.how |= {"reference": REFERENCE}
            self.how |= {"reference_seconds": round(self.reference_seconds, 3)}
            if heldout:
                self.reference = self._reference_of_heldout(Path(output_dir))

    def _arguments(self) -> dict[str, Any]:
        """What TRL's config is told besides ours; it turns on bf16 by itself, and cuts at 1024."""
        longest = max(len(p.prompt) + max(len(p.chosen), len(p.rejected)) for p in self.pairs)
        given = {
            "bf16": self.precision == torch.bfloat16,
            "use_cpu": not torch.cuda.is_available(),
            "max_length": longest,
        }
        if self.kind != "SFT":
            given |= {"disable_dropout": not self.training.dropout}
        if self.method.needs_reference:
            given |= {"precompute_ref_log_probs": True}
        return given | self.told

    def _reference_of_heldout(self, folder: Path) -> CachedReference:
        """The base policy's scores of the held-out pairs, by our measurement and for it alone."""
        others = [Mismatched(self.heldout)] if self.method.needs_mismatched else []
        rows = PackedByLength(self.heldout, *others, token_budget=self.token_budget)
        path = folder / "heldout_reference.parquet"
        folder.mkdir(parents=True, exist_ok=True)
        write_reference(path, score_pairs(self.policy, rows, self.precision, fused=False))
        return CachedReference(path)

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset  # which is tokenised

    def _precompute_ref_logps(self, *args: Any, **options: Any) -> Any:
        began = time.perf_counter()
        found = super()._precompute_ref_logps(*args, **options)  # type: ignore[misc]
        self.reference_seconds += time.perf_counter() - began
        return found

    def tokenize_row(self, feature: Any, *_: Any, **__: Any) -> Any:
        """Return a row as it is: CPO's and ORPO's way of tokenising."""
        return feature

    def _send_telemetry(self) -> None:
        """Nobody is told of a run."""

    def train(self, *args: Any, **options: Any) -> Any:
        """Train; what TRL does not do as it did is a fault of one line."""
        # Not ValueError, which is also how a damaged checkpoint shows itself.
        with explained(self.kind, TypeError, AttributeError, ImportError):
            return super().train(*args, **options)

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> Tensor:
        """Let TRL compute a step's gradient; note its loss and how much it was of."""
        pairs = [self.pairs[place] for place in inputs.pop(PLACES)]
        self.step_pairs = [pair.id for pair in pairs]
        loss: Tensor = super().training_step(model, inputs, num_items_in_batch)
        completions = sum(len(p.chosen) + self.method.paired * len(p.rejected) for p in pairs)
        numbers = {
            **{"loss": loss.detach().float(), "pairs": len(pairs)},
            "tokens": completions + sum(len(pair.prompt) for pair in pairs),
            "completion_tokens": completions,
        }
        self.history.add_step(self.state.global_step + 1, numbers)
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log a step, with what TRL adds to `logs` of log-probabilities in the history too."""
        super().log(logs, start_time)
        kind = LOGGED.get(self.kind, LOGGED.get(self.told.get("loss_type", ""), ""))
        if "logps/chosen" in logs and "logps/rejected" in logs:
            chosen, rejected = logs["logps/chosen"], logs["logps/rejected"]
            numbers = {"logp_chosen": chosen, "logp_rejected": rejected}
            numbers |= {"margin": chosen - rejected}
            self.history.annotate(
                self.state.global_step, {f"{key}{kind}": value for key, value in numbers.items()}
            )


def trl_trainer(
    policy: Any,
    pairs: Sequence[TokenPair],
    heldout: Sequence[TokenPair],
    loss: str,
    tokenizer: Any,
    **given: Any,
) -> TrlTrainer:
    """Return TRL's trainer of a loss, with the reference's scores of `pairs` if it needs them.

    Args:
        given: as of `PairTrainer`.

    Raises:
        UserError: TRL is not installed, or is another one than this was written for.
    """
    kind = TRL_LOSSES[loss].trainer
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    with explained(kind, TypeError, AttributeError, ImportError, ValueError, KeyError):
        found = version("trl")
        if not found.startswith(f"{WRITTEN_FOR}."):
            print(f"TRL {found}: tested with {WRITTEN_FOR}", file=sys.stderr, flush=True)
        package = import_module(PACKAGES.get(kind, "trl"))
        theirs, config = (getattr(package, f"{kind}{part}") for part in ("Trainer", "Config"))
        both: Any = type(f"Our{kind}Trainer", (TrlTrainer, theirs), {})
        trainer: TrlTrainer = both(policy, pairs, heldout, loss, tokenizer, config=config, **given)
        return trainer


@contextlib.contextmanager
def explained(kind: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn errors of TRL's into one line that says which TRL it is, and which it should be.

    Raises:
        UserError: in place of one of `kinds`.
    """
    try:
        yield
    except kinds as error:
        try:
            found = version("trl")
        except ImportError:
            raise UserError("TRL is not installed: pip install 'asft[trl]'") from error
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"TRL {found}: its {kind}Trainer does not do as that of {WRITTEN_FOR} did, for which"
            f" `trainer: trl` was written ({type(error).__name__}: {reason}); pip install"
            " 'asft[trl]' installs that one"
        ) from error
