"""The documents: every path of the project that they name exists, every link leads somewhere."""

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [path.name for path in DOCUMENTS]
# Not inside a longer path or URL; what begins with a placeholder ends before it.
PATH = re.compile(r"(?<![\w./-])(?:asft|bench|docs|tests|workflow)/(?:[\w./-]*\w)?")
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")


def text_of(document):
    """The document; of the changelog its newest section, since older ones name what was then."""
    text = document.read_text(encoding="utf-8")
    return "".join(text.split("\n## ")[:2]) if document.name == "CHANGELOG.md" else text


def anchors(document):
    """The anchors of its headings, as GitHub makes them."""
    prose = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_paths_exist(document):
    found = set(PATH.findall(text_of(document)))
    # docs/faults.md names tests as seen from tests/.
    lost = [path for path in found if not any((ROOT / up / path).exists() for up in ("", "tests"))]
    assert not lost, f"{document.name} names what is not there: {', '.join(sorted(lost))}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_links_lead_somewhere(document):
    for target, anchor in LINK.findall(text_of(document)):
        path = document.parent / target if target else document
        assert path.exists(), f"{document.name}: no file for the link {target}"
        if anchor:
            assert anchor in anchors(path), f"{document.name}: no heading for {target}#{anchor}"


def script_imports() -> list[tuple[str, str, str]]:
    """What scripts that CI does not run import from the package, wherever in them."""
    found = []
    for path in sorted([*ROOT.glob("bench/*.py"), *ROOT.glob("docs/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("asft"):
                found += [(path.name, node.module, alias.name) for alias in node.names]
    return found


def test_scripts_import_what_there_is():
    """The table of models and the bench had an import that a change of names left behind."""
    lacking = []
    for script, module, name in script_imports():
        here = importlib.import_module(module)
        inside = hasattr(here, "__path__") and importlib.util.find_spec(f"{module}.{name}")
        if not hasattr(here, name) and not inside:
            lacking.append(f"{script}: {module}.{name}")
    assert not lacking


def test_errors_that_are_explained_are_still_said():
    said = []
    for path in (ROOT / "asft").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            said.append("".join(str(getattr(part, "value", "")) for part in parts))
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    ours = text.split("| **Snakemake**")[0]
    lost = [
        line
        for line in re.findall(r"^\| `([^`]+)`", ours, re.MULTILINE)
        if not any(line in words for words in said)
    ]
    assert not lost
