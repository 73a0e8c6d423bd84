"""The report: a static folder that opens from disk, without a server or a network.

Reads  below <results>, what asft.config.report_plan lists: tables, figures, cards, settings, costs,
       questions, answers, verdicts and scores
Writes <out>/index.html      what was run, tables, figures, cost, data, judges, provenance
       <out>/matrix.html     every pair of methods, methods against methods
       <out>/health.html     every check of every training, in words
       <out>/samples.html    the samples behind every number
       <out>/assets/         styles, scripts, and the samples as scripts, loaded when asked for
       <out>/files/          copies of the tables' CSV files and of the figures
By hand: asft report --settings JSON --results DIR --out DIR
"""

import json
from pathlib import Path

from asft.config import load
from asft.errors import UserError
from asft.report.pages import write_report


def make_report(settings: str, results: Path, out: Path) -> None:
    """Write the report of an experiment.

    Args:
        settings: the whole config, as JSON
        results: the experiment's folder
        out: a folder; what it holds is replaced

    Raises:
        UserError: the config is not valid, or one of its results is missing or unusable.
    """
    try:
        raw = json.loads(settings)
    except ValueError as error:
        raise UserError(f"--settings: not JSON ({error})") from error
    write_report(results, load(raw), out)
