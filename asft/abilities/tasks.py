"""Find tasks of lm-evaluation-harness by their names, or in YAML files of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml
from lm_eval.tasks import TaskManager

from asft.config import find_path, require_file
from asft.errors import UserError, nearest


class Asked(NamedTuple):
    """A task or group as the config names it, and the tasks that it holds."""

    name: str
    spec: Any  # what `simple_evaluate` takes for it
    leaves: list[str]

    @property
    def tasks(self) -> list[Any]:
        """lm-eval's objects of these tasks."""
        return self.spec.get_all_tasks() if hasattr(self.spec, "get_all_tasks") else [self.spec]


def find_tasks(names: Iterable[str]) -> list[Asked]:
    """Load tasks and their data.

    Args:
        names: registered names, or paths of YAML files: `find_path`.

    Raises:
        UserError: no such task or file, or its data cannot be had; says which.
    """
    names = list(names)
    files = {name: _file(name) for name in names if name.endswith((".yaml", ".yml"))}
    folders = list(dict.fromkeys(path.parent for path in files.values()))
    # Its own tasks are 14,000 files: looked through only where one is asked for.
    manager = TaskManager(include_path=folders or None, include_defaults=len(files) < len(names))
    found = [asked for name in names for asked in _load(manager, name, files.get(name))]
    leaves = [leaf for asked in found for leaf in asked.leaves]
    for leaf in leaves:
        if leaves.count(leaf) > 1:
            raise UserError(f"tasks: {leaf} is asked for twice, by itself or by a group")
    return found


def _file(name: str) -> Path:
    require_file(name, "tasks")
    return find_path(name).absolute()


def _load(manager: TaskManager, name: str, path: Path | None) -> list[Asked]:
    if path is None and name not in manager.all_tasks:
        raise UserError(f"tasks: lm-eval knows no {name!r}{nearest(name, manager.all_tasks)}")
    own = _of_file(path) if path else {}
    label = str(own.get("task") or own.get("group") or name)
    try:
        with TemporaryDirectory() as folder:
            loaded = manager.load([_with_data(own, Path(folder)) if own else name])
    except Exception as error:  # of datasets, the hub, or a task's own code
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"tasks: {name}: {type(error).__name__}: {lines[0]}") from error
    tasks, groups = loaded["tasks"], loaded["groups"]
    if label in groups:
        return [Asked(label, groups[label], list(tasks))]
    return [Asked(leaf, task, [leaf]) for leaf, task in tasks.items()]  # several: of a tag


def _with_data(own: dict[str, Any], folder: Path) -> str:
    """A task's YAML that takes all from one's own but where the data are."""
    path = folder / "task.yaml"
    path.write_text(yaml.safe_dump(own), encoding="utf-8")
    return str(path)


def _of_file(path: Path) -> dict[str, Any]:
    """What says the same as a YAML file, with data files from its own folder.

    lm-eval would look for them wherever it is started.
    """
    try:
        given = _Plain(path.read_text(encoding="utf-8")).get_single_data()
    except yaml.YAMLError as error:
        raise UserError(f"tasks: {path}: no YAML ({error})") from error
    name = next((key for key in ("group", "task") if key in given), None) if given else None
    if not isinstance(given, dict) or not name:
        raise UserError(f"tasks: {path}: no task's YAML: it has no key task or group")
    kwargs = given.get("dataset_kwargs") or {}
    files = kwargs.get("data_files")
    own = {"include": str(path), name: given[name]}
    if not isinstance(files, dict):
        return own
    moved = {split: _beside(path, names) for split, names in files.items()}
    return own | {"dataset_kwargs": kwargs | {"data_files": moved}}


def _beside(path: Path, names: Any) -> Any:
    if isinstance(names, list):
        return [_beside(path, name) for name in names]
    beside = path.parent / str(names)
    return str(beside) if beside.is_file() else names


class _Plain(yaml.SafeLoader):
    """Reads a task's YAML without the functions that it names."""


_Plain.add_multi_constructor("!", lambda loader, suffix, node: None)
