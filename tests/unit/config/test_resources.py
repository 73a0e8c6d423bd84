"""What jobs ask of a cluster: enough for what was measured, and in proportion to the model."""

import pytest
from default_config import DEFAULT, merged

from asft.config import load, resources, run_mb

# Peak resident memory of training SmolLM2-135M on 2 cores with rows of 4096 tokens (cost.json).
MEASURED_MB = 4930


def test_training_on_a_cpu_fits_what_was_measured():
    asked = resources.training_mb(0.1345, token_budget=4096, gpus=0)
    assert MEASURED_MB <= asked <= 1.5 * MEASURED_MB


def test_what_stands_beside_the_policy_counts():
    """TRL's KTO row, 4 pairs a step of HH-like data in bf16; a reference model of TDPO."""
    plain = resources.training_mb(0.1345, 4096, gpus=0)
    assert 9450 <= resources.training_mb(0.1345, 4096, gpus=0, by_trl=True) <= 2 * plain
    second = resources.training_mb(8, 4096, gpus=0, second_model=True)
    assert second - resources.training_mb(8, 4096, gpus=0) == pytest.approx(8 * 4000, rel=0.01)


@pytest.mark.parametrize(
    ("row", "more"),
    [
        ({"loss": "dpo", "beta": 0.1}, {}),
        ({"loss": "dpo", "beta": 0.1, "trainer": "trl"}, {"by_trl": True}),
        ({"loss": "tdpo1", "beta": 0.1}, {"second_model": True}),
    ],
)
def test_a_run_asks_by_its_method(row, more):
    config = load(merged(DEFAULT, {"methods": {"mine": row}}))
    expected = resources.training_mb(0.135, config.training.token_budget, 0, **more)
    assert run_mb(config, "mine", 0.135, 0) == expected


def test_weights_gradients_and_moments_dominate_large_models():
    small, large = (resources.training_mb(size, 1, gpus=0) for size in (4, 8))
    assert large - small == pytest.approx(4 * 16_000, rel=0.01)


def test_a_gpu_spares_the_nodes_memory():
    assert resources.training_mb(8, 16384, gpus=1) < resources.training_mb(8, 16384, gpus=0) / 2


@pytest.mark.parametrize("minutes", [resources.training_minutes, resources.inference_minutes])
def test_time_grows_with_size_and_without_gpus(minutes):
    assert resources.LEAST_MINUTES <= minutes(0, gpus=1) < minutes(1, gpus=1) < minutes(8, gpus=1)
    assert minutes(1, gpus=1) < minutes(1, gpus=0)
