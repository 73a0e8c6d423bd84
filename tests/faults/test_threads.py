"""Other numbers of threads add up in another order: the differences, and how large they may be."""

from pathlib import Path

import pandas as pd
from safetensors.torch import load_file
from small_steps import Experiment, arguments, start, training


def policy_of(experiment: Experiment, folder: Path, threads: int) -> tuple[dict, pd.DataFrame]:
    """Weights and scores of the run trained, asked and scored with so many threads."""
    folder.mkdir()
    # In fp32: in bf16 each product already rounds to three digits.
    train = training(experiment, folder, epochs=4, save_dtype="float32")
    answers, scores = folder / "out/answers.jsonl", folder / "out/scores.csv"
    generation = {"batch_size": 2, "precision": "fp32", "threads": threads}
    generate = arguments("generate", experiment.folder, folder / "out", generation=generation)
    generate[generate.index("--policy") + 1] = str(folder / "out/run/policy")
    score = arguments("score", experiment.folder, folder / "out")
    score[score.index("--completions") + 1] = str(answers)
    for words in (train, generate, score):
        environment = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        child = start(words, folder / "log", environment=environment)
        assert child.communicate()[1] == ""
        assert child.returncode == 0
    return load_file(folder / "out/run/policy/model.safetensors"), pd.read_csv(scores)


def test_two_threads_differ_from_one_by_rounding(experiment: Experiment, tmp_path: Path) -> None:
    """By a thousandth of what training moves the weights, at most; scores by half a point."""
    one, scores = policy_of(experiment, tmp_path / "one", 1)
    two, others = policy_of(experiment, tmp_path / "two", 2)
    base = load_file(experiment.folder / "model/model.safetensors")
    assert one.keys() == two.keys()
    moved = max((one[name] - base[name]).abs().max().item() for name in one)
    apart = max((one[name] - two[name]).abs().max().item() for name in one)
    assert apart < 1e-5 < 1e-3 * moved
    numbers = scores.select_dtypes("number").columns
    difference = (scores[numbers].mean() - others[numbers].mean()).abs()
    assert difference.max() <= 0.5
