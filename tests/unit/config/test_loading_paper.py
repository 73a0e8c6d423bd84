"""What the overlays promise: the paper's values, and rows that fit the memory they name."""

from pathlib import Path

import pytest
import yaml
from default_config import DEFAULT, merged

from asft.config.loading import load
from asft.config.training_rows import training_of
from asft.training.arguments import training_arguments
from asft.training.token_budget import Shape, peak

CONFIGS = Path(__file__).parents[3] / "workflow/config"


def overlay(name):
    return load(merged(DEFAULT, yaml.safe_load((CONFIGS / f"{name}.yaml").read_text())))


def test_the_papers_values_are_those_of_appendix_c():
    config = overlay("paper")
    assert config.tokens.max_length == 2048
    # "within 0.1-0.5" for DPO, not stated for IPO; 0.1 for ASFT and "for all" else.
    betas = {name: row.hyperparameters.get("beta") for name, row in config.methods.items()}
    assert betas == {"sft": None, "dpo": 0.1, "ipo": 0.1, "orpo": 0.1, "asft": 0.1}
    for method in config.methods:
        training = training_of(config, method)
        assert (training.epochs, training.batch_size, training.learning_rate) == (2, 4, 1e-5)
        assert (training.warmup_ratio, training.optimizer, training.lora) == (0.1, "adamw", None)
        assert (training.precision, training.attention) == ("bf16", "flash")


def test_the_papers_schedule_and_optimiser_reach_the_trainer(tmp_path):
    arguments = training_arguments(overlay("paper").training, 42, str(tmp_path))
    assert arguments.lr_scheduler_type == "cosine"
    assert arguments.get_warmup_steps(1000) == 100
    assert arguments.optim == "adamw_torch_fused"
    assert arguments.learning_rate == 1e-5
    assert (arguments.num_train_epochs, arguments.per_device_train_batch_size) == (2, 4)


def test_the_papers_model_data_and_rows():
    config = overlay("paper")
    sources = [source.hub for source in config.models[config.model].sources]
    assert sources == ["meta-llama/Meta-Llama-3-8B-Instruct"]
    table2, table3 = config.tables.table2, config.tables.table3
    assert table3.datasets == ["hh_rlhf", "ultrafeedback"]
    assert {"sft", "orpo", "asft"} <= set(table3.methods)
    assert (table2.dataset, table2.baseline) == ("ultrafeedback", "gpt-4-0314")
    assert {"base", "dpo", "ipo", "orpo", "asft"} <= set(table2.methods)
    assert config.figures.cost is None  # one process on one GPU cannot train 8 billion parameters


# From its config.json on the hub; word embeddings are tied.
QWEN = Shape(494_032_768, 494_032_768, layers=24, width=896, inner=4864, vocabulary=151_936)


@pytest.mark.parametrize(("name", "shape", "gigabytes"), [("small", QWEN, 12)])
def test_the_token_budget_fits_the_card_that_the_comment_names(name, shape, gigabytes):
    config = overlay(name)
    budget = config.training.token_budget
    assert f"({gigabytes} GB)" in (CONFIGS / f"{name}.yaml").read_text()
    assert budget >= config.tokens.max_length  # a longer pair gets a row of its own
    assert peak(shape, budget, config.training) <= 0.92 * gigabytes * 1e9
