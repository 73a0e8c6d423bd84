"""AlpacaEval's annotations imported as preferences, so that its win rates can be rebuilt for free.

Reads   alpaca_eval's results/{model}/{annotator}/annotations.json
Writes  <out>/{model}.jsonl   records.Preference, in the order of the annotations
        <out>/card.json       the files' hashes, judge and baseline; per model its rows and how many
                              of them have no preference

By hand: asft import alpaca-eval annotations.json --out D
"""

import math
from pathlib import Path
from typing import Any

from asft.errors import UserError
from asft.files import file_sha256, fingerprint, read_json_rows, write_json, write_jsonl
from asft.judging.import_judgments import file_names
from asft.records import Preference

TIES = (0, 1.5)  # older annotations write the first


def import_alpaca_eval(annotations: list[Path], out: Path) -> None:
    """Write the preferences of AlpacaEval's annotations, a file per model.

    The baseline is `generator_1`, the model `generator_2`; a question's id is made of its text.

    Raises:
        UserError: a key is missing or holds nothing usable, an instruction occurs twice for one
            model, the rows are of several judges or baselines, or two models' names give the same
            file name.
    """
    found: dict[str, dict[str, Preference]] = {}
    about: dict[str, str] = {}
    for path in annotations:
        for number, row in enumerate(read_json_rows(path), 1):
            where = f"{path}, row {number}"
            _same(about, "judge", _text(row, "annotator", where), where)
            _same(about, "baseline", _text(row, "generator_1", where), where)
            preference = read_preference(row, where)
            own = found.setdefault(_text(row, "generator_2", where), {})
            if own.setdefault(preference.question_id, preference) is not preference:
                raise UserError(f"{where}: a second row of this model and this instruction")
    if not found:
        raise UserError(f"{', '.join(map(str, annotations)) or out}: no annotations")
    models: dict[str, Any] = {}
    for model, name in file_names(sorted(found)).items():
        kept = list(found[model].values())
        write_jsonl(out / name, kept)
        missing = sum(one.preference is None for one in kept)
        models[model] = {"file": name, "rows": len(kept), "without_preference": missing}
    sources = [{"file": path.name, "sha256": file_sha256(path)} for path in annotations]
    write_json(
        out / "card.json", {"format": "alpaca_eval", **about, "sources": sources, "models": models}
    )


def read_preference(row: dict[str, Any], where: str) -> Preference:
    """Read one row of annotations.json; `where` begins errors.

    A preference of 1 is the baseline's output, 2 the model's, 1.5 or 0 a tie, null or NaN none.
    Upstream leaves one that is none of these out of the win rate, and fits it all the same: here it
    is refused.

    Raises:
        UserError: a key is missing or holds nothing usable.
    """
    if "preference" not in row:
        raise UserError(f"{where}: no key 'preference'")
    given = row["preference"]
    value = None
    if given is not None and not (isinstance(given, float) and math.isnan(given)):
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if not number or not (given in TIES or 1 <= given <= 2):
            raise UserError(
                f"{where}, key 'preference': expected 1 to 2, 0 for a tie or null, found {given!r}"
            )
        value = 0.5 if given in TIES else float(given) - 1
    return Preference(
        question_id=fingerprint(_text(row, "instruction", where))[:16],
        category=str(row.get("dataset") or ""),
        preference=value,
        length=len(_text(row, "output_2", where, empty=True)),
        baseline_length=len(_text(row, "output_1", where, empty=True)),
    )


def _same(about: dict[str, str], key: str, value: str, where: str) -> None:
    if about.setdefault(key, value) != value:
        raise UserError(f"{where}: {key} {value!r} after {about[key]!r}; import each alone")


def _text(row: dict[str, Any], key: str, where: str, empty: bool = False) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not (value or empty):
        raise UserError(f"{where}, key {key!r}: expected a text, found {value!r}")
    return value
