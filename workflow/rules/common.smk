# The validated config. What rules ask of it and of the machine are the functions in common/.
import json
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from asft import config as plan
from asft.errors import UserError
from asft.machine import partition_cores, preload_allocator, visible_gpus

# A module's `prefix` or `pathvars` may have moved the folder that the config names.
RESULTS = workflow.modifier.path_modifier.replace_prefix(
    workflow.pathvars.apply("<results>")
)

try:
    CONFIG = plan.load(config)
    plan.refuse_links(CONFIG, RESULTS)
except UserError as error:
    raise WorkflowError(str(error)) from None

# `asft` is found beside this Python, whether or not its environment is active.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


include: "common/machine.smk"
include: "common/runs.smk"
include: "common/parameters.smk"
include: "common/shown.smk"
