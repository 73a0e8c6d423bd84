"""requirements.lock holds the versions of constraints.txt, each with a hash."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Not in constraints.txt: pip's own tools, which build the project.
TOOLS = {"setuptools", "pip"}


def pins(name: str) -> dict[str, str]:
    """Normalised package name → version."""
    found = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            package, _, rest = line.partition("==")
            version = rest.split()[0].split("+")[0]  # torch: +cpu is a build, not a version
            found[re.sub(r"[-_.]+", "-", package).lower()] = version
    return found


def test_the_lock_is_in_step_with_the_constraints() -> None:
    locked, constrained = pins("requirements.lock"), pins("constraints.txt")
    ours = {name: version for name, version in locked.items() if name not in TOOLS}
    assert ours == constrained, "mend it with: make lock"


def test_every_file_is_pinned_by_a_hash() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    assert len(lines) > 100
    for line in lines:
        assert re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", line), line
