"""What a run would meet, before it begins: `asft doctor` in the place of `asft run`."""

from argparse import ArgumentParser
from contextlib import chdir
from pathlib import Path
from typing import Annotated

from typer import Argument

from asft.files import write_text


def doctor(
    arguments: Annotated[list[str] | None, Argument(help="what `asft run` takes")] = None,
    html: Path | None = None,
) -> None:
    """Examine machine, keys, servers, model and data; a problem would stop a run.

    Of what `asft run` takes, --configfile, --config and --directory count.

    Args:
        html: also write the findings to this HTML file

    Raises:
        SystemExit: 1, where there is a problem.
    """
    from asft.doctor import examine, page_of, print_examination

    parser = ArgumentParser(prog="asft doctor", add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", type=Path, default=[])
    parser.add_argument("--config", "-C", nargs="*", default=[])
    parser.add_argument("--directory", "-d", type=Path, default=Path())
    given, _ = parser.parse_known_args(arguments or [])
    with chdir(given.directory):
        found = examine(given.configfile, given.config)
    if html:  # first: what reads the other may have read enough
        write_text(html, page_of(found))
    print_examination(found)
    if found.count("problem"):
        raise SystemExit(1)
