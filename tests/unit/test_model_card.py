"""Model cards: front matter that the hub reads, scores from the tables, no claim without a row."""

import csv
import json

import yaml
from huggingface_hub import ModelCard

from asft.steps.write_model_card import write_model_card

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


def tables(folder):
    facts = {"benchmark": "alpaca_en", "seeds": 2, "n": 44}
    row3 = {"dataset": "pairs", "method": "mine", **facts}
    for number, name in enumerate(METRICS):
        row3 |= {name: 20 + number, f"{name}_low": 10 + number, f"{name}_high": 30 + number}
    other = row3 | {"dataset": "others", "lf_bleu4": 99}
    row2 = {"method": "mine", "seeds": 2, "arena_hard_win_rate": 55.5, "arena_hard_low": 50}
    row2 |= {"arena_hard_high": 60, "arena_hard_n": 40, "mt_bench_local": ""}
    row2 |= {"mt_bench_local_low": "", "mt_bench_local_high": "", "mt_bench_local_n": 0}
    return write_csv(folder / "3.csv", [other, row3]), write_csv(folder / "2.csv", [row2])


def written(tmp_path, *found, base="owner/small"):
    run = tmp_path / "run"
    (run / "policy").mkdir(parents=True, exist_ok=True)
    (run / "settings.yaml").write_text(yaml.safe_dump(RUN))
    (run / "cost.json").write_text(json.dumps(COST))
    (tmp_path / "card.json").write_text(json.dumps(DATA))
    out = run / "model_card.md"
    write_model_card(run, tmp_path / "card.json", *found, base, "A note.", out)
    assert (run / "policy" / "README.md").read_bytes() == out.read_bytes()
    return out.read_text(encoding="utf-8")


def test_scores_come_from_the_policys_own_rows(tmp_path):
    text = written(tmp_path, *tables(tmp_path))
    assert "| alpaca_en | BLEU-4 | 20.00 | 10.00 to 30.00 | 44 | 2 |" in text
    assert "| Arena-Hard style | win rate, % | 55.50 | 50.00 to 60.00 | 40 | 2 |" in text
    assert "99" not in text
    assert "MT-Bench" not in text  # the table refused a number: so does the card
    assert "A note." in text
    assert "6 pairs of `pairs` (10 rows, format `alpaca`; 2 unusable, 2 held out)" in text


def test_the_hub_reads_it(tmp_path):
    card = ModelCard(written(tmp_path, None, None))
    assert card.data.base_model == "owner/small"
    assert card.data.library_name == "transformers"
    assert "asft" in card.data.tags
    assert "## Results" not in card.text
    assert ModelCard(written(tmp_path, None, None, base="")).data.base_model is None
