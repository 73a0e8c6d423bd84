"""Model cards: front matter that the hub reads, scores from the tables, no claim without a row."""

import csv
import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from asft.config.loading import load
from asft.config.runs import card_settings
from asft.report.card_text import KNOWN_BASES, Origin
from asft.report.model_card import write_model_card

ROOT = Path(__file__).parents[3]
RUN = {
    "model": "small",
    "dataset": "pairs",
    "method": "mine",
    "seed": 3,
    "loss": "asft",
    "hyperparameters": {"beta": 0.1},
    "training": {
        "learning_rate": 1e-4,
        "epochs": 1,
        "batch_size": 4,
        "warmup_ratio": 0.1,
        "precision": "auto",
        "save_dtype": "bfloat16",
    },
    "provenance": {"asft": "0.1.0", "data": "abc", "model": {"sha256": "def"}},
}
COST = {
    "finished": "2026-01-01T00:00:00+00:00",
    "steps": 16,
    "device": "cpu",
    "pairs_per_second": 1.5,
    "peak_memory_bytes": 5_000_000_000,
}
DATA = {"rows": 10, "format": "alpaca", "dropped": {"empty": 2}, "kept": {"train": 6, "heldout": 2}}
METRICS = ("lf_bleu4", "lf_rouge1", "lf_rouge2", "lf_rougeL")


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


COLUMNS = [("arena_hard", "server"), ("mt_bench", "local")]


def tables(folder, seeds=2, games="arena_hard", fools="", distrust=""):
    facts = {"benchmark": "alpaca_en", "seeds": seeds, "n": 44}
    row3 = {"dataset": "pairs", "method": "mine", **facts}
    for number, name in enumerate(METRICS):
        row3 |= {name: 20 + number, f"{name}_low": 10 + number, f"{name}_high": 30 + number}
    other = row3 | {"dataset": "others", "lf_bleu4": 99}
    row2 = {"method": "mine", "seeds": seeds, f"{games}_win_rate": 55.5, f"{games}_low": 50}
    row2 |= {f"{games}_high": 60, f"{games}_n": 40, "mt_bench_local": "", "fools": ""}
    row2 |= {"mt_bench_local_low": "", "mt_bench_local_high": "", "mt_bench_local_n": 0}
    row2 |= {f"{games}_distrust": distrust} if distrust else {}
    control = row2 | {"method": "control_null", "fools": fools}
    return write_csv(folder / "3.csv", [other, row3]), write_csv(folder / "2.csv", [row2, control])


def written(tmp_path, *found, base="owner/small", columns=COLUMNS):
    run = tmp_path / "run"
    (run / "policy").mkdir(parents=True, exist_ok=True)
    (run / "settings.yaml").write_text(yaml.safe_dump(RUN))
    (run / "cost.json").write_text(json.dumps(COST))
    (tmp_path / "card.json").write_text(json.dumps(DATA))
    out = run / "model_card.md"
    origin = Origin(base, ["owner/pairs"], "A note.", 0.95)
    write_model_card(run, tmp_path / "card.json", *found, columns, origin, out)
    assert (run / "policy" / "README.md").read_bytes() == out.read_bytes()
    return out.read_text(encoding="utf-8")


def test_scores_come_from_the_policys_own_rows(tmp_path):
    text = written(tmp_path, *tables(tmp_path))
    assert "| alpaca_en | BLEU-4 | 20.00 | 10.00 to 30.00 | 44 | 2 |" in text
    assert "| arena_hard | win rate by server, % | 55.50 | 50.00 to 60.00 | 40 | 2 |" in text
    assert "99" not in text
    assert "mt_bench" not in text  # the table refused a number: so does the card
    assert "A note." in text
    assert "6 pairs of `pairs` (10 rows, format `alpaca`; 2 unusable, 2 held out)" in text


def test_what_is_unusual_is_said(tmp_path, monkeypatch):
    assert "leaves out" not in written(tmp_path, None, None)
    monkeypatch.setitem(COST, "packing", "one completion at a time: sinks")
    monkeypatch.setitem(DATA, "unrendered", {"unrendered_name": 3})
    text = written(tmp_path, None, None)
    assert "Computed one completion at a time: sinks." in text
    assert "The chat template leaves out of the pairs: name of 3." in text


def test_a_row_of_trl_says_so(tmp_path, monkeypatch):
    assert "Trained by" not in written(tmp_path, None, None)
    monkeypatch.setitem(COST, "trainer", "TRL 1.16.0, DPOTrainer")
    monkeypatch.setitem(COST, "reference", "TRL's own")
    monkeypatch.setitem(RUN["provenance"], "trl", "1.16.0")
    text = written(tmp_path, None, None)
    assert "Trained by TRL 1.16.0, DPOTrainer. The reference is TRL's own." in text
    assert "\ntrl: 1.16.0\n" in text


def test_the_hub_reads_it(tmp_path):
    card = ModelCard(written(tmp_path, None, None))
    assert card.data.base_model == "owner/small"
    assert card.data.library_name == "transformers"
    assert "asft" in card.data.tags
    assert "## Results" not in card.text
    assert ModelCard(written(tmp_path, None, None, base="")).data.base_model is None


def test_benchmarks_may_have_other_names(tmp_path):
    columns = [("my_games", "server"), *COLUMNS[1:]]
    text = written(tmp_path, *tables(tmp_path, games="my_games"), columns=columns)
    assert "| my_games | win rate by server, % | 55.50 | 50.00 to 60.00 | 40 | 2 |" in text


@pytest.mark.parametrize("seeds", [1, 2])
def test_what_the_intervals_hold_depends_on_the_seeds(tmp_path, seeds):
    text = written(tmp_path, *tables(tmp_path, seeds))
    assert ("Means over 2 seeds; this folder holds one of them." in text) == (seeds == 2)
    assert ("are over questions and seeds" in text) == (seeds == 2)
    assert ("what another seed would give is not in them" in text) == (seeds == 1)


def test_the_hub_gets_scores_but_none_of_a_fooled_judge(tmp_path):
    results = ModelCard(written(tmp_path, *tables(tmp_path))).data.eval_results
    assert [(r.dataset_name, r.metric_type, r.metric_value) for r in results] == [
        *(("alpaca_en", name, 20.0 + number) for number, name in enumerate(METRICS)),
        ("arena_hard", "win_rate", 55.5),
    ]
    text = written(tmp_path, *tables(tmp_path, fools="arena_hard"))
    assert "arena_hard" not in {r.dataset_name for r in ModelCard(text).data.eval_results}
    assert "**Do not trust the win rate by server on arena_hard.**" in text
    assert "at or above the base policy there: control_null." in text
    text = written(tmp_path, *tables(tmp_path, distrust="the judge agrees by chance"))
    assert "arena_hard" not in {r.dataset_name for r in ModelCard(text).data.eval_results}
    assert "by server on arena_hard.** There the judge agrees by chance." in text


@pytest.mark.parametrize("base", [*KNOWN_BASES, "owner/small", ""])
def test_licence_language_and_data_as_far_as_known(tmp_path, base):
    card = ModelCard(written(tmp_path, None, None, base=base))
    known = KNOWN_BASES.get(base, {})
    assert card.data.license == known.get("license")
    assert card.data.language == known.get("language")
    assert card.data.datasets == ["owner/pairs"]


def test_what_a_card_is_told_of_the_default_experiment():
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    settings = card_settings(load(raw), "ultrafeedback", "asft")
    assert settings["base"] in KNOWN_BASES
    assert settings["datasets"] == []  # bundled, on no hub
    assert settings["columns"] == [("arena_hard", "local"), ("mt_bench", "local")]


def test_a_weighted_sum_is_named_by_its_terms(tmp_path, monkeypatch):
    monkeypatch.setitem(RUN, "loss", {"dpo": 1.0, "sft": 0.2})
    text = written(tmp_path, *tables(tmp_path))
    assert "by `mine`: Weighted sum of losses, 1 dpo + 0.2 sft." in text
    assert ModelCard(text).data.tags == [
        *("preference-optimization", "dpo", "sft", "generated_from_trainer")
    ]
