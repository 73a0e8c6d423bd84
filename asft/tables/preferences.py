"""AlpacaEval's win rates rebuilt from published annotations, in the columns of its leaderboard.

Reads   what `import_alpaca_eval` wrote; upstream's df_gamed.csv, for the length-controlled win rate
Writes  <out>/scores/{model}.csv   question_id, category, preference, length, baseline_length;
                                   difficulty and controlled (the preference at no length
                                   difference) where there is that file
        <out>/table.csv, .md       a row a model, the leaderboard's names; `strength` is the C that
                                   the fit has chosen

By hand: asft import alpaca-eval annotations.json --gamed df_gamed.csv --out D
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asft.errors import UserError
from asft.files import fingerprint, read_json, read_json_rows, read_jsonl, write_text
from asft.metrics import (
    GamedBaselines,
    LengthControlled,
    Preferences,
    Values,
    against_itself,
    length_controlled_win_rate,
    plain_win_rate,
    read_gamed,
)
from asft.records import Preference
from asft.tables.text import NONE, Row, csv_text, grid, rounded


class Difficulties:
    """The published difficulties, found by place in a file or by instruction."""

    def __init__(self, gamed: Path, questions: Path | None) -> None:
        self.path = gamed
        self.baselines, self.values = read_gamed(gamed)
        self.places: dict[str, int] | None = None
        if questions is not None:
            rows = read_json_rows(questions)
            self.places = {
                fingerprint(row.get("instruction"))[:16]: n for n, row in enumerate(rows)
            }
            if len(rows) != len(self.values):
                raise UserError(
                    f"{questions}: {len(rows)} instructions; {gamed} has {len(self.values)}"
                )

    def of(self, rows: list[Preference], model: str) -> Values:
        """Return the difficulty of each row, (n,)."""
        if self.places is None:
            if len(rows) > len(self.values):
                raise UserError(f"{model}: {len(rows)} rows; {self.path} has {len(self.values)}")
            return self.values[: len(rows)]
        try:
            return self.values[[self.places[row.question_id] for row in rows]]
        except KeyError as error:
            raise UserError(f"{model}: instruction {error} is none of --questions") from error


def rebuild_preferences(out: Path, gamed: Path | None, questions: Path | None = None) -> None:
    """Compute the win rates of every model imported into `out` and tabulate them.

    Args:
        gamed: upstream's df_gamed.csv; None: no length-controlled win rates.
        questions: upstream's instructions, all and in its order, by which each row gets its own
            difficulty; None: by its place in the file, as on the leaderboard.

    Raises:
        UserError: a model has no preference, or an instruction no difficulty.
    """
    card = read_json(out / "card.json")
    known = Difficulties(gamed, questions) if gamed else None
    table: list[Row] = []
    for model, about in card["models"].items():
        rows = read_jsonl(out / about["file"], Preference)
        if about["without_preference"] == about["rows"]:
            raise UserError(f"{out / about['file']}: {model} has no preference at all")
        difficulty = None if known is None else known.of(rows, model)
        found = None
        if known is not None and difficulty is not None:
            itself = model == card["baseline"]
            found = _controlled(rows, difficulty, None if itself else known.baselines)
        scores = _score_rows(rows, difficulty, found)
        path = out / "scores" / Path(about["file"]).with_suffix(".csv")
        scored = pd.DataFrame(scores)
        write_text(path, scored.to_csv(index=False, float_format="%.10g", lineterminator="\n"))
        table.append(_line(model, rows, found))
    best = "length_controlled_winrate" if gamed else "win_rate"
    table = rounded(sorted(table, key=lambda row: -row[best]))
    write_text(out / "table.csv", csv_text(pd.DataFrame(table)))
    notes = _notes(card, known)
    write_text(out / "table.md", f"{grid(_shown(table))}\n\n" + "".join(f"{n}\n" for n in notes))


def _controlled(
    rows: list[Preference], difficulty: Values, gamed: GamedBaselines | None
) -> LengthControlled:
    """The fit of a model; without `gamed` that of the baseline itself, which is none."""
    if gamed is None:
        return against_itself(len(rows))
    lengths = [(float(row.length), float(row.baseline_length)) for row in rows]
    return length_controlled_win_rate(
        Preferences(_values(rows), *np.array(lengths).T), difficulty, gamed
    )


def _values(rows: list[Preference]) -> Values:
    return np.array([math.nan if row.preference is None else row.preference for row in rows])


def _score_rows(
    rows: list[Preference], difficulty: Values | None, found: LengthControlled | None
) -> list[Row]:
    scores: list[Row] = [row.model_dump() for row in rows]
    if difficulty is not None and found is not None:
        for score, own, predicted in zip(scores, difficulty, found.predicted, strict=True):
            score |= {"difficulty": own, "controlled": predicted}
    return scores


def _line(model: str, rows: list[Preference], found: LengthControlled | None) -> Row:
    plain = plain_win_rate(_values(rows))
    line: Row = {"name": model, "win_rate": plain.win_rate, "standard_error": plain.standard_error}
    line |= {"n_wins": plain.n_wins, "n_wins_base": plain.n_losses, "n_draws": plain.n_draws}
    line |= {"n_total": plain.n, "discrete_win_rate": plain.discrete_win_rate}
    line["avg_length"] = int(np.mean([row.length for row in rows]))  # cut off, as upstream
    if found is not None:
        line |= {"length_controlled_winrate": found.win_rate, "lc_standard_error": found.spread}
        line["strength"] = found.strength
    return line


def _shown(table: list[Row]) -> list[dict[str, str]]:
    names = {"win_rate": "win rate", "standard_error": "standard error", "n_total": "n"}
    names |= {"avg_length": "characters", "length_controlled_winrate": "length-controlled"}
    return [
        {"model": row["name"]}
        | {title: _cell(row[name]) for name, title in names.items() if name in row}
        for row in table
    ]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return NONE if math.isnan(value) else f"{value:.2f}"
    return str(value)


def _notes(card: dict[str, Any], known: Difficulties | None) -> Iterator[str]:
    yield (
        f"Rebuilt from published annotations by {card['judge']}, against {card['baseline']}. Win"
        " rates in per cent; the standard error is the plain win rate's."
    )
    if known is None:
        yield "No length-controlled win rate: it needs alpaca_eval's df_gamed.csv (--gamed)."
    elif known.places is not None:
        yield "Each instruction has its own difficulty; on the leaderboard it goes by the row."
    else:
        n = len(known.values)
        short = [f"{m} {about['rows']}" for m, about in card["models"].items() if about["rows"] < n]
        if short:
            yield (
                f"Rows of {n}: {', '.join(short)}. From the first gap on, difficulties are those of"
                " other instructions, as on the leaderboard; --questions gives each its own."
            )
