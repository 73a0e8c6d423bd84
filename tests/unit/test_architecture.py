"""The rules of the house: imports point down, steps know no Snakemake, rooms stay small."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "asft"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the ground up (docs/architecture.md); a module imports only from its own floor and below.
FLOORS = {
    "ground": [
        "errors",
        "records",
        "config",
        "config_checks",
        "config_faults",
        "config_names",
        "source_kinds",
        "judge_settings",
        "table_settings",
        "figure_settings",
        "generation_settings",
        "paper",
        "devices",
        "processes",
        "estimates",
    ],
    "maths": [
        "losses",
        "logps",
        "metrics",
        "stats",
        "overlap",
        "verdicts",
        "ratings",
        "battles",
        "style_control",
    ],
    "services": None,  # every other module
    "steps": [
        "__main__",
        "steps",
        "cli",
        "commands",
        "judge_commands",
        "table_commands",
        "figure_commands",
    ],
}
ORDER = list(FLOORS)


def name_of(path):
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def floor(module):
    room = module.split(".")[1] if "." in module else ""
    for level, rooms in FLOORS.items():
        if rooms and room in rooms:
            return ORDER.index(level)
    return ORDER.index("services")


def imports(path, *, at_start=False):
    """Modules that a file imports, with `at_start` only those imported with the file."""
    tree = ast.parse(path.read_text())
    if at_start:
        guarded = (ast.FunctionDef, ast.AsyncFunctionDef, ast.If)
        nodes = [n for top in tree.body if not isinstance(top, guarded) for n in ast.walk(top)]
    else:
        nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "asft":
                yield from (f"asft.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path):
    module = name_of(path)
    for imported in imports(path):
        if imported.startswith("asft.") and imported != "asft.__version__":
            assert floor(imported) <= floor(module), f"{module} imports {imported} from above"
        assert imported.split(".")[0] != "snakemake", f"{module} knows Snakemake"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_rooms_stay_small(path):
    lines = len(path.read_text().splitlines())
    assert lines <= 260, f"{path.name} has {lines} lines: is it still one thing?"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{path.name}: {node.name} has {length} lines"


@pytest.mark.parametrize("name", ["metrics", "stats", "verdicts", "ratings", "battles", "overlap"])
def test_evaluation_maths_needs_no_torch(name):
    path = PACKAGE / f"{name}.py"
    if path.exists():
        assert not {"torch", "transformers"} & {
            m.split(".")[0] for m in imports(path, at_start=True)
        }
