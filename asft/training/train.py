"""Train one policy: one method, one data set, one seed.

Reads  settings.yaml (everything the run depends on), <results>/models/{model}/,
       <results>/data/{dataset}/tokens/, reference_logps.parquet if the method needs it
Writes policy/ (safetensors, tokenizer, chat template), history.csv, cost.json; state/ if it stops
       before the end
       (while running: checkpoints/, which a rerun continues from, with the history so far;
       tensorboard/, if it is reported there)
By hand: asft train --settings FILE --model DIR --tokens DIR [--reference FILE] --out DIR
"""

from pathlib import Path
from typing import Annotated

from typer import Option

from asft.config import Training, find_path, require_trackers
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
    continue_from: Path | None = None,
    checkpoint_minutes: Annotated[
        float,
        Option(
            help="minutes between checkpoints, 0: none", envvar="ASFT_CHECKPOINT_MINUTES", min=0
        ),
    ] = 15,
    report_to: list[str] | None = None,
) -> None:
    """Train and save a policy, from the newest checkpoint if there is one.

    Args:
        settings: settings.yaml of the run
        out: folder of the run
        continue_from: state/ of the same training, where it stopped before the end
        report_to: tracker that it can be followed in, by transformers' name; tensorboard writes
            files into tensorboard/ of the run

    Raises:
        UserError: no pairs, a tracker that cannot begin, weights that are not finite, or a signal:
            then after a checkpoint.
    """
    # Damaged ones are refused before seconds go into importing torch.
    run = read_settings(settings)
    training = Training.model_validate(run["training"])
    require_trackers(report_to or [])
    claim_gpus(training.processes)
    accelerate = training.accelerate and str(find_path(training.accelerate))
    if ran_in_workers(training.processes, accelerate):
        return
    from asft.training.checkpoints import Checkpoints
    from asft.training.fit import fit, save_run
    from asft.training.make_trainer import make_trainer
    from asft.training.reporting import report

    folder = out / "checkpoints"
    trainer = make_trainer(run, training, model, tokens, reference, folder)
    report(trainer, report_to or [], out, run)
    key, budget, until = file_sha256(settings), trainer.token_budget, run.get("until", 1)
    checkpoints = Checkpoints(folder, key, checkpoint_minutes, trainer.history, budget, until)
    if continue_from:
        checkpoints.adopt(continue_from)
    about = fit(trainer, checkpoints)
    save_run(trainer, about, model, out, checkpoints)
