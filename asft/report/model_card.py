"""The model card of a trained policy.

Reads  a run's settings.yaml and cost.json, card.json of its data; table2.csv to table4.csv
Writes <run>/model_card.md, and the same as README.md in the policy's folder, so that this can be
       pushed to a hub as it is
By hand: asft model-card --run DIR --data-card FILE --table3 CSV --settings JSON --out FILE
"""

import json
from pathlib import Path

import yaml

from asft.files import write_text
from asft.report.card_text import Origin, card_text
from asft.report.policy_scores import scores_of


def write_model_card(
    run: Path,
    data_card: Path,
    table3: Path | None,
    table2: Path | None,
    columns: list[tuple[str, str]],
    origin: Origin,
    out: Path,
    table4: Path | None = None,
) -> None:
    """Write the model card of the run in `run`, twice, from all that is known of it.

    `columns` are (benchmark, judge) of table2.csv.
    """
    text = card_of_run(run, data_card, table3, table2, columns, origin, table4)
    write_text(run / "policy" / "README.md", text)
    write_text(out, text)


def card_of_run(
    run: Path,
    data_card: Path,
    table3: Path | None,
    table2: Path | None,
    columns: list[tuple[str, str]],
    origin: Origin,
    table4: Path | None = None,
) -> str:
    """Return the text of the same card, with the scores of the tables that are given."""
    settings = yaml.safe_load((run / "settings.yaml").read_text(encoding="utf-8"))
    cost = json.loads((run / "cost.json").read_text(encoding="utf-8"))
    data = json.loads(data_card.read_text(encoding="utf-8"))
    scores = scores_of(settings["dataset"], settings["method"], table3, table2, columns, table4)
    return card_text(settings, data, cost, scores, origin)


def make_model_card(
    settings: str,
    run: Path,
    data_card: Path,
    out: Path,
    table3: Path | None = None,
    table2: Path | None = None,
    table4: Path | None = None,
) -> None:
    """Write README.md of a trained policy, with its scores.

    Args:
        settings: what `config.card_settings` says, as JSON
        run: folder of the run
    """
    chosen = json.loads(settings)
    columns = [(benchmark, judge) for benchmark, judge in chosen.pop("columns")]
    write_model_card(run, data_card, table3, table2, columns, Origin(**chosen), out, table4)
