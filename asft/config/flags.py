"""Flags of the commands that rules print, where a step takes many files."""

import re
from collections.abc import Iterable, Sequence


def labelled(option: str, labels: Iterable[Sequence[object]], paths: Iterable[str]) -> str:
    """Write `--option a,b=path` for each of the paths; `cli.flags` reads them again.

    Those that differ in their seed alone share one, `--option a,1+2=path{seed}`: Linux takes no
    command of more than 128 KiB, which a thousand paths are.
    """
    groups: dict[tuple[tuple[object, ...], str], list[int]] = {}
    for label, path in zip(labels, paths, strict=True):
        found = re.search(r"/seed(\d+)/", path)
        seed = int(found[1]) if found else -1
        shared = tuple("{seed}" if part == seed else part for part in label)
        if found and "{seed}" in shared:
            file = path.replace(found[0], "/seed{seed}/")
            groups.setdefault((shared, file), []).append(seed)
        else:
            groups[tuple(label), path] = []
    return " ".join(f"--{option} {_words(*key, seeds)}" for key, seeds in groups.items())


def _words(label: tuple[object, ...], path: str, seeds: list[int]) -> str:
    text = f"{','.join(map(str, label))}={path}"
    if len(seeds) == 1:
        return text.replace("{seed}", str(seeds[0]))
    return text.replace("{seed}", "+".join(map(str, seeds)), 1) if seeds else text
