"""A project beside the installed package: laid out in a folder, and Snakemake run in it."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

from typer import Argument

from asft.config import PROJECT, find_path
from asft.errors import UserError
from asft.files import write_text

SNAKEFILE = """\
# The experiment of config.yaml: `snakemake --cores all results/table3.csv`.
# Rules of your own go below.
from asft.config import PROJECT


configfile: "config.yaml"


module asft:
    snakefile:
        PROJECT / "Snakefile"
    config:
        config


use rule * from asft
"""
IGNORED = ".snakemake/\nresults/\ncache/\n"
# What a user edits or names by a path; rules and captions stay in the package.
COPIED = (
    "config.yaml",
    *(f"workflow/{n}" for n in ("config", "profiles", "accelerate", "schemas")),
)
# Where Snakemake looks for a Snakefile.
_SNAKEFILES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")


def init(folder: Annotated[Path, Argument(help="folder, by default this one")] = Path()) -> None:
    """Lay out a project: Snakefile, config.yaml, overlays, the profile for SLURM, .gitignore.

    Raises:
        UserError: one of them is there already; nothing is written then.
    """
    names = ("Snakefile", ".gitignore", *COPIED)
    if there := [name for name in names if (folder / name).exists()]:
        raise UserError(f"{folder.absolute()} has {', '.join(there)} already; name another folder")
    write_text(folder / "Snakefile", SNAKEFILE)
    write_text(folder / ".gitignore", IGNORED)
    for path in (PROJECT / name for name in COPIED):
        for source in [path] if path.is_file() else filter(Path.is_file, path.rglob("*")):
            target = folder / source.relative_to(PROJECT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)  # without the rights: a package may be read-only
    print(f"{folder.absolute()}: edit config.yaml, then: snakemake --cores all results/table3.csv")


def run(
    arguments: Annotated[list[str] | None, Argument(help="what snakemake takes")] = None,
) -> None:
    """Become Snakemake, with the package's Snakefile where there is none.

    An argument such as workflow/config/paper.yaml that is not here is the package's own.
    """
    os.execv(sys.executable, snakemake_command(arguments or []))


def snakemake_command(given: list[str]) -> list[str]:
    """Return Snakemake's command line, with the package's own files where none are here."""
    found = [str(find_path(a)) if a.startswith("workflow/") else a for a in given]
    named = any(a in ("-s", "--snakefile") or a.startswith("--snakefile=") for a in given)
    if not named and not any(Path(name).exists() for name in _SNAKEFILES):
        found = ["--snakefile", str(PROJECT / "Snakefile"), *found]
    return [sys.executable, "-m", "snakemake", *found]
