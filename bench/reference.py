"""Peak memory of `asft reference` as the pairs of a data set grow.

By hand: python bench/reference.py [--pairs 8000 160000]
Scores pairs of random tokens, as long as HH-like ones, under a random model of one small layer. The
first number of pairs has rows of every length, so it takes what a forward pass takes; by what the
peak is higher for another number is what the step holds of the data.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from preparation import measured

VOCABULARY = 64
SIZES = (130, 60, 60)  # tokens of a prompt and its completions


def write_model(folder: Path) -> None:
    """A model of one layer, 16 wide, that has no tokenizer: the step reads none."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)


def write_pairs(folder: Path, count: int) -> None:
    """So many pairs, whose lengths are half to one and a half times SIZES, in groups as they go."""
    from asft.data.rows import in_groups
    from asft.data.tokens import Split, TokenPair, write_token_groups
    from asft.parquet import GROUP

    chance = np.random.default_rng(0)

    def pairs() -> Iterator[tuple[Split, TokenPair]]:
        for number in range(count):
            lengths = [chance.integers(size // 2, size * 3 // 2) for size in SIZES]
            first, *two = (chance.integers(0, VOCABULARY, n, dtype=np.int32) for n in lengths)
            pair = TokenPair(f"{number:016x}", first, two[0], two[1])
            yield "heldout" if number < 16 else "train", pair

    write_token_groups(folder, in_groups(pairs(), GROUP), ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[8_000, 160_000])
    given = parser.parse_args()
    asft, peaks = str(Path(sys.executable).with_name("asft")), []
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder, "model"))
        for count in given.pairs:
            write_pairs(Path(folder, f"{count}"), count)
            command = [asft, "reference", "--settings", json.dumps({"token_budget": 4096})]
            command += ["--model", f"{folder}/model", "--tokens", f"{folder}/{count}"]
            seconds, megabytes = measured([*command, "--out", f"{folder}/{count}.parquet"])
            peaks.append(megabytes)
            more = megabytes - peaks[0]
            print(f"{count} pairs: {seconds:.1f} CPU s, {megabytes:.0f} MB, {more:+.0f} MB")


if __name__ == "__main__":
    main()
