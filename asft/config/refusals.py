"""The judges of refusals: which benchmarks of Table 4 have one, and what is wrong with it.

Used while the Snakefile is parsed.
"""

from asft.config.abilities import REFUSALS, Abilities, JudgedRefusals
from asft.config.experiment import Config
from asft.config.figure_plan import with_refusals
from asft.config.judges import check_judge
from asft.config.local_files import find_path
from asft.config.names import require_name
from asft.errors import UserError

XSTEST = "xstest"  # how such a judge is asked: asft/judging/xstest.py


def judged_refusals(config: Config) -> dict[str, JudgedRefusals]:
    """Return the judges of refusals by benchmark of Table 4."""
    table = config.tables.table4
    rows = {name: config.benchmarks[name] for name in (table.benchmarks if table else [])}
    return {
        name: row.refusals
        for name, row in rows.items()
        if isinstance(row, Abilities) and row.refusals
    }


def check_refusals(config: Config) -> None:
    """Refuse a judge of refusals that is unknown or cannot classify, or that nothing is asked of.

    Raises:
        UserError: names the key, and what to give it.
    """
    for name, judged in judged_refusals(config).items():
        key = f"benchmarks.{name}.refusals"
        require_name(judged.judge, config.judges, f"{key}.judge")
        judge = config.judges[judged.judge]
        check_judge(judge, XSTEST, judged.judge)
        if judge.backend != "openai":
            require_name(judge.model, config.models, f"judges.{judged.judge}.model")
        tasks = getattr(config.benchmarks[name], "tasks", [])
        there = all(find_path(task).is_file() for task in tasks if task.endswith((".yaml", ".yml")))
        if there and name not in with_refusals(config):
            raise UserError(
                f"config: {key}: none of its tasks has the metrics {' and '.join(REFUSALS)}, of"
                " safe and of unsafe prompts; asft/demo/abilities/asft_refusals.yaml has"
            )
