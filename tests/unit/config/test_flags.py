"""Flags that rules print for steps with many files."""

import pytest

from asft.config.flags import labelled


@pytest.mark.parametrize(
    ("labels", "paths", "expected"),
    [
        ([("d", "asft", 1)], ["r/d/asft/seed1/x"], "--score d,asft,1=r/d/asft/seed1/x"),
        (
            [("d", "asft", 1), ("-", "base", 1), ("d", "asft", 22)],
            ["r/d/asft/seed1/x", "r/base/x", "r/d/asft/seed22/x"],
            "--score d,asft,1+22=r/d/asft/seed{seed}/x --score -,base,1=r/base/x",
        ),
        # The results' own folder is named like a seed: nothing to share.
        ([("asft", 1)], ["out/seed3/asft/seed1/x"], "--score asft,1=out/seed3/asft/seed1/x"),
        ([("tiny",)], ["r/tiny/seed1/x"], "--score tiny=r/tiny/seed1/x"),
        ([], [], ""),
    ],
)
def test_files_that_differ_in_their_seed_share_a_flag(labels, paths, expected):
    assert labelled("score", labels, paths) == expected
