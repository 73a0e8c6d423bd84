"""The rules of the house: rooms and the way between them, no circles, faces, where tests lie."""

import ast
import importlib
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from small_steps import arguments, judge_arguments, write_inputs

PACKAGE = Path(__file__).parents[2] / "asft"
GROUND = {"errors", "files", "records", "parquet", "machine", "processes", "progress", "thinking"}
GROUND_ROOMS = {"losses"}  # entered by the face as any room, by everyone as the ground
# Room -> the rooms that it may import; everyone may import the ground.
ROOMS = {
    "losses": set(),
    "config": set(),
    "data": {"config"},
    "models": {"config", "data"},
    "metrics": {"config", "data"},
    "abilities": {"config", "data", "models"},
    "training": {"config", "data", "models"},
    "generation": {"config", "data", "models"},
    "judging": {"config", "data", "models", "generation"},
    "tables": {"config", "data", "metrics"},
    "figures": {"config", "metrics", "tables"},
    "report": {"config", "data", "metrics", "tables", "figures"},
    "planning": {"config", "data", "models", "judging"},
    "doctor": {"config", "data", "models", "training", "generation", "judging"},
    "watching": {"config", "data", "metrics"},
}
ROOMS["cli"] = set(ROOMS)
FILES = {
    ".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): p
    for p in sorted(PACKAGE.rglob("*.py"))
}


def room(module):
    return [*module.split("."), ""][1]


def imported(path):
    """(module, name or None) of every import, also inside functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield (inside, None) if inside in FILES else (node.module, alias.name)


def arrows():
    return {m: {t for t, _ in imported(p) if t in FILES and t != m} for m, p in FILES.items()}


def test_every_room_is_known():
    found = {room(module) for module in FILES} - {"", "__main__"}
    assert found == set(ROOMS) | GROUND


@pytest.mark.parametrize("module", FILES)
def test_rooms_import_what_lies_below(module):
    here = room(module)
    if here in ("", "__main__"):
        return
    allowed = GROUND | GROUND_ROOMS | {here} | ROOMS.get(here, set())
    for target, _ in imported(FILES[module]):
        if target.startswith("asft."):
            assert room(target) in allowed, f"{module} imports {target}"
        assert target.split(".")[0] != "snakemake", f"{module} knows Snakemake"


def test_no_circles():
    faces = {m for m, p in FILES.items() if p.name == "__init__.py"}  # a face names its own files
    graph = {m: {t for t in ts if t not in faces} for m, ts in arrows().items() if m not in faces}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", FILES)
def test_rooms_are_entered_by_the_face(module):
    for target, name in imported(FILES[module]):
        if target.startswith("asft.") and room(target) in ROOMS and room(target) != room(module):
            face = FILES[f"asft.{room(target)}"]
            entered = target.count(".") == 1 and name in _all(face)
            assert entered, f"{module}: {target}.{name} is not on the face of its room"


def _all(face):
    for node in ast.parse(face.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


ROOM_FACES = [m for m, p in FILES.items() if p.name == "__init__.py" and m.count(".") == 1]


@pytest.mark.parametrize("face", ROOM_FACES)
def test_faces_show_what_is_there(face):
    """A name that is also a file of the room would be that file as soon as something imports it."""
    module = importlib.import_module(face)
    for name in _all(FILES[face]):
        assert f"{face}.{name}" not in FILES, f"{face}: {name} is the name of a file as well"
        assert hasattr(module, name), f"{face}: {name} is nowhere"


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_files_and_functions_stay_small(path):
    lines = len(path.read_text().splitlines())
    assert lines <= 260, f"{path.name} has {lines} lines: is it still one thing?"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{path.name}: {node.name} has {length} lines"


LIGHT = [
    "asft.losses",
    "asft.config",
    "asft.data",
    "asft.metrics",
    "asft.tables",
    "asft.cli",
    "asft.watching",
]


@pytest.mark.parametrize("light", LIGHT)
def test_light_rooms_load_no_torch(light):
    """All that it shows, asked of a fresh interpreter: a lazy face alone would prove nothing."""
    code = f"import sys; from {light} import *; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Not train and reference: transformers' Trainer brings all of these.
# A step -> what it must not import, by the name of a package or of a module.
FOREIGN = {"accelerate", "datasets", "evaluate", "peft", "trl", "sklearn", "scipy", "matplotlib"}
READS_A_MODEL = FOREIGN | {
    "pandas",
    "pyarrow",
    "sympy",
    "torch._dynamo",
    "transformers.modeling_utils",
}
NOT_IMPORTED = {
    "--help": FOREIGN | {"torch", "transformers", "pandas", "numpy", "pyarrow", "jinja2"},
    "prepare-dataset": FOREIGN | {"torch", "openai"},
    "generate": READS_A_MODEL | {"openai"},
    "judge": READS_A_MODEL | {"openai"},
    "score": FOREIGN | {"torch", "transformers", "pandas", "pyarrow"},
    "table3": FOREIGN - {"scipy"} | {"torch", "transformers"},
}
LOADED = """
import sys
from asft.cli.app import run
try:
    run(sys.argv[1:])
except SystemExit as done:
    assert not done.code, done.code
print("loaded:", *sys.modules)
"""


def loaded(words):
    run = [sys.executable, "-c", LOADED, *words]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded: ")[2].split())


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """Step -> what it has loaded at its end; they read what those before them wrote."""
    folder = tmp_path_factory.mktemp("steps")
    write_inputs(folder)
    judged = judge_arguments(folder)
    return {
        step: loaded(
            {"--help": [step], "judge": judged}.get(step) or arguments(step, folder, folder)
        )
        for step in NOT_IMPORTED
    }


@pytest.mark.parametrize("step", NOT_IMPORTED)
def test_a_step_imports_what_it_uses(modules, step):
    assert not modules[step] & NOT_IMPORTED[step]


TESTS = Path(__file__).parents[1]
# Tests of no single room: of the house, what goes through all rooms, data and documents.
WITHOUT_ROOM = {"api", "architecture", "demo", "docs", "fault_table", "lock", "protocols"}
UNIT = sorted(str(p.relative_to(TESTS / "unit")) for p in TESTS.glob("unit/**/test_*.py"))


@pytest.mark.parametrize("path", UNIT)
def test_unit_tests_are_named_after_what_they_test(path):
    """As unit/<room>/test_<file>[_<aspect>].py; a folder in a room counts to the file's name."""
    *folder, name = path.removesuffix(".py").split("/")
    known = GROUND | WITHOUT_ROOM
    if folder:
        known = {"_".join(m.split(".")[2:]) for m in FILES if m.startswith(f"asft.{folder[0]}.")}
    tested = name.removeprefix("test_")
    assert any(tested == file or tested.startswith(f"{file}_") for file in known)


def test_no_test_imports_another():
    """What they share lies in tests/ itself; code in strings, which processes run, counts too."""
    for path in TESTS.rglob("*.py"):
        assert not re.search(r"\b(from|import) test_", path.read_text()), path
