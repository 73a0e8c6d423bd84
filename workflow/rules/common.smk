# The validated config and the few questions the rules ask of it.
import json
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from asft import experiment
from asft.errors import UserError
from asft.figure_plan import figure_names, trained_datasets, training_runs
from asft.report_plan import inputs as report_inputs

try:
    CONFIG = experiment.load(config)
except UserError as error:
    raise WorkflowError(str(error)) from None

# `asft` is found beside this Python, whether or not its environment is active.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")

# What keeps every core busy runs one at a time, so that two such jobs do not fight.
ALL_CORES = workflow.cores or 1


def one_of(names):
    """A wildcard pattern that matches these names and nothing else."""
    return "|".join(map(re.escape, names))


# Folders below <results>/runs that hold a policy's answers.
RUN = rf"base|({one_of(CONFIG.datasets)})/({one_of(CONFIG.methods)})/seed\d+"


def as_json(**sections):
    """Canonical JSON of parts of the config: equal settings give an equal string."""
    plain = {
        name: part.model_dump() if hasattr(part, "model_dump") else part
        for name, part in sections.items()
    }
    return json.dumps(plain, sort_keys=True)
