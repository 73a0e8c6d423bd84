"""Train one policy: one method, one data set, one seed.

Reads  settings.yaml (everything the run depends on), <results>/models/{model}/,
       <results>/data/{dataset}/tokens/, reference_logps.parquet if the method needs it
Writes policy/ (safetensors, tokenizer, chat template), history.csv, cost.json
       (while running: checkpoints/, which a rerun continues from)
By hand: asft train --settings FILE --model DIR --tokens DIR [--reference FILE] --out DIR
"""

from pathlib import Path
from typing import Annotated

from typer import Option

from asft.config import Training
from asft.files import file_sha256
from asft.machine import claim_gpus
from asft.processes import ran_in_workers
from asft.training.settings import read_settings


def train_policy(
    settings: Path,
    model: Path,
    tokens: Path,
    out: Path,
    reference: Path | None = None,
    checkpoint_minutes: Annotated[
        float,
        Option(
            help="minutes between checkpoints, 0: none", envvar="ASFT_CHECKPOINT_MINUTES", min=0
        ),
    ] = 15,
) -> None:
    """Train and save a policy, from the newest checkpoint if there is one.

    Args:
        settings: settings.yaml of the run
        out: folder of the run

    Raises:
        UserError: no pairs, weights that are not finite, or a signal: then after a checkpoint.
    """
    # Damaged ones are refused before seconds go into importing torch.
    run = read_settings(settings)
    training = Training.model_validate(run["training"])
    claim_gpus(training.processes)
    if ran_in_workers(training.processes, training.accelerate):
        return
    from asft.training.checkpoints import Checkpoints
    from asft.training.fit import fit, save_run
    from asft.training.run_trainer import make_trainer

    folder = out / "checkpoints"
    trainer = make_trainer(run, training, model, tokens, reference, folder)
    key, budget = file_sha256(settings), trainer.token_budget
    about = fit(trainer, Checkpoints(folder, key, checkpoint_minutes, trainer.history, budget))
    save_run(trainer, about, model, out)
