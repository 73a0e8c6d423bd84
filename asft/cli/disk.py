"""What an experiment's folder takes on the disk, and what of it may go.

Tables, figures, report, answers, scores and everything that was paid for stay. A policy is trained
again, to the same weights, when something is asked of it.
"""

import re
import shutil
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated

from typer import Argument

from asft.errors import UserError

Results = Annotated[Path, Argument(help="the config's `results`")]
RUN = r"runs/[^/]+/[^/]+/seed\d+"
# What lies below <results>, by its path; the first that fits counts.
KINDS = {
    "base policies and judges": r"models/",
    "prepared data, and the reference's log-probabilities": r"(data|benchmarks)/",
    "trained policies": rf"{RUN}/policy/",
    "checkpoints of training": rf"{RUN}/(checkpoints|state)/",
    "answers": r"runs/.*completions/",
    "scores, verdicts, histories": r"(runs|judges)/",
    "logs": r"logs/",
    "tables, figures, report": "",
}
# What is being written is hidden, beside what it becomes: `files.atomic`, and folders.
TEMPORARY = re.compile(r"\..+\.(partial|[a-z0-9_]{8})")
LEFT_BEHIND_S = 86_400.0  # a temporary file that old is nobody's


def disk_usage(results: Results = Path("results")) -> None:
    """Print what each kind of file takes.

    Raises:
        UserError: there is no such folder.
    """
    sizes: dict[str, int] = defaultdict(int)
    _refuse_others(results)
    for path in _files(results):
        below = path.relative_to(results).as_posix()
        kind = next(kind for kind, pattern in KINDS.items() if re.match(pattern, below))
        sizes[kind] += path.lstat().st_size
    for kind in filter(sizes.get, KINDS):
        print(f"{_shown(sizes[kind])}  {kind}")
    print(f"{_shown(sum(sizes.values()))}  {results}")
    if found := _removable(results, policies=False):
        print(f"`asft clean {results}` names {_shown(sum(map(_size, found))).strip()} that may go")


def clean(results: Results = Path("results"), policies: bool = False, delete: bool = False) -> None:
    """Print what is safe to delete and how large it is: half-written files, old checkpoints.

    Args:
        policies: also trained policies all of whose answers are scored; with `keep_policies: none`
            in the config nothing is trained again because they are gone
        delete: delete it; while no run is going on in this folder

    Raises:
        UserError: there is no such folder.
    """
    found = _removable(results, policies)
    for path in found:
        print(f"{_shown(_size(path))}  {path}")
    total = _shown(sum(map(_size, found))).strip()
    print(f"{total} {'deleted' if delete else 'in all; `--delete` deletes it'}")
    for path in found if delete else []:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _removable(results: Path, policies: bool) -> list[Path]:
    """What no step reads again."""
    _refuse_others(results)
    old = time.time() - LEFT_BEHIND_S
    written = [path for path in sorted(results.rglob(".*")) if TEMPORARY.fullmatch(path.name)]
    found = [path for path in written if path.lstat().st_mtime < old]
    for run in sorted(results.glob("runs/*/*/seed*")):
        policy, checkpoints = run / "policy", run / "checkpoints"
        if checkpoints.is_dir() and policy.is_dir():  # it was saved, then killed
            found.append(checkpoints)
        if policies and policy.is_dir() and _is_scored(run):
            found.append(policy)
    return found


def _is_scored(run: Path) -> bool:
    answered = [path.stem for path in run.glob("completions/*.jsonl")]
    return bool(answered) and all(any(run.glob(f"scores/{name}/*.csv")) for name in answered)


def _refuse_others(results: Path) -> None:
    """A project's own folder holds hidden files that are nobody's to delete."""
    if not any((results / name).is_dir() for name in ("models", "data", "benchmarks", "runs")):
        raise UserError(f"{results}: no such folder of results; give the config's `results`")
    if hidden := [
        name for name in (".git", ".snakemake", "Snakefile") if (results / name).exists()
    ]:
        raise UserError(f"{results}: holds {hidden[0]}, so is no folder of results alone")


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_symlink() or path.is_file()]


def _size(path: Path) -> int:
    files = _files(path) if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files)


def _shown(size: int) -> str:
    return f"{size / 1e6:10,.1f} MB"
