"""Run snakemake so that it looks at SLURM's queue each second, as tests of short jobs need.

The plugin waits ten seconds longer after each look that finds no job ended, and no setting limits
that: most of the time that these tests took was such waits.
"""

import sys

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(
    lambda executor: 1, lambda executor, longer: None
)
sys.exit(main())
