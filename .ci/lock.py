"""requirements.lock on stdout: what `.[dev]` resolves to under constraints.txt, with hashes.

For the platform that runs this. pip decides; this only writes down the files that it would install.
"""

import json
import platform
import subprocess
import sys
from typing import Any

# setuptools builds the project itself, which --no-build-isolation takes from the environment.
REQUIREMENTS = ["setuptools", ".[dev]"]
HEAD = """\
# Made by `make lock`: the versions of constraints.txt, with the sha256 of each file.
# For {system} {machine}, CPython {python}, CPU. How to install: docs/supply-chain.md.
"""


def resolved() -> list[dict[str, Any]]:
    """What pip would install into an empty environment."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    command += ["--report", "-", "-c", "constraints.txt", *REQUIREMENTS]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["install"]
    return found


def line(item: dict[str, Any]) -> str:
    """One pinned requirement."""
    about, archive = item["metadata"], item["download_info"]["archive_info"]
    return f"{about['name']}=={about['version']} --hash=sha256:{archive['hashes']['sha256']}\n"


def main() -> None:
    python = ".".join(platform.python_version_tuple()[:2])
    head = HEAD.format(system=platform.system(), machine=platform.machine(), python=python)
    files = [item for item in resolved() if "archive_info" in item["download_info"]]
    sys.stdout.write(head + "".join(sorted(map(line, files), key=str.lower)))


if __name__ == "__main__":
    main()
