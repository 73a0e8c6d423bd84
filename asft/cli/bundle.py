"""What a paper's appendix needs of an experiment, as one archive; the same results, the same bytes.

Reads  config.yaml and overlays, and below <results> the tables, figures, cards and settings
Writes OUT, a .tar.gz
By hand: asft bundle --out appendix.tar.gz
"""

import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from asft import __version__
from asft.cli.outgoing import refuse_keys, without_paths
from asft.config import (
    Config,
    experiments,
    figure_files,
    find_path,
    load,
    lock_file,
    read_config,
    record_files,
    report_inputs,
    table_files,
)
from asft.errors import UserError
from asft.files import atomic, file_sha256

TOP = "appendix"  # the folder in the archive, whatever its name: names are in its bytes
README = """\
# {model}: tables, figures and provenance

{note}

| here | what |
|---|---|
| `{results}/table*.csv`, `.tex` | the tables and all paired differences, with intervals |
| `{results}/figure*.pdf`, `.csv` | the figures, and the numbers drawn in each |
| `{results}/runs/` | settings and cost of each run |
| `{results}/models/`, `data/`, `benchmarks/` | their cards |
| `config/` | the configuration: `0-config.yaml`, and overlays that change what stands before them |
| `environment.txt` | the packages that were installed where this archive was made |
| `requirements.lock` | those of the project's lock, where there is one |
| `sha256.txt` | digests of the answers, verdicts and scores that the numbers come from |

Made by asft {version}. Computed again, where `0-config.yaml` is `config.yaml`, by
`snakemake --cores all{overlays}`.
{lacking}"""


def bundle(out: Path, configfile: list[Path] | None = None) -> None:
    """Pack tables, figures, configs and provenance of an experiment into one archive.

    Args:
        out: a .tar.gz file
        configfile: overlays over config.yaml, as the run had them

    Raises:
        UserError: there is no table yet, or a file holds a key.
    """
    if not out.name.endswith((".tar.gz", ".tgz")):
        raise UserError(f"--out: {out}: name a .tar.gz file")
    overlays = configfile or []
    raw = read_config(overlays)
    config, parts = load(raw), [load(own) for own in experiments(raw).values()]
    results = Path(config.results)
    files, lacking = _made(config, parts)
    if not any(name.endswith(".csv") for name in files):
        raise UserError(
            f"{results}: no table yet; make one: snakemake --cores all {results}/table3.csv"
        )
    files |= _surroundings(overlays)
    files["sha256.txt"] = "".join(_digests([config, *parts])).encode()
    files["README.md"] = _readme(config, overlays, lacking).encode()
    refuse_keys(files.items(), config)
    with atomic(out) as temporary:
        temporary.write_bytes(_packed(files))
    print(f"{out}: {len(files)} files")
    if lacking:
        print(f"not made yet, so not in it: {', '.join(lacking)}")


def _made(config: Config, parts: list[Config]) -> tuple[dict[str, bytes], list[str]]:
    """What there is of tables, figures and records, by its name in the archive; what is missing."""
    found: dict[str, bytes] = {}
    lacking = []
    top = Path(config.results).parent
    for each in parts or [config]:
        results = Path(each.results)
        drawn = [name for name in figure_files(each) if not name.endswith("png")]
        tables = [*table_files(each), *(["search.csv"] if each.search else [])]
        tables += [f"table{n}.tex" for n in (1, 2, 3, 4)]
        for name in [*tables, *drawn, *record_files(each)]:
            path = results / name
            if path.is_file():
                found[path.relative_to(top).as_posix()] = _content(path)
            elif not name.endswith(".tex"):
                lacking.append(f"{path}")
    for path in sorted(Path(config.results).glob("[tf]*.*")) if parts else []:
        if path.suffix in (".csv", ".tex", ".pdf"):
            found[path.relative_to(top).as_posix()] = path.read_bytes()
    return found, lacking


def _content(path: Path) -> bytes:
    """A file's bytes; settings and cards without paths of this machine."""
    if path.suffix in (".yaml", ".json"):
        return without_paths(path.read_text(encoding="utf-8")).encode()
    return path.read_bytes()


def _surroundings(overlays: list[Path]) -> dict[str, bytes]:
    """Configs, packages and, in a checkout, the lock."""
    configs = [(n, find_path(f"{path}")) for n, path in enumerate((Path("config.yaml"), *overlays))]
    found = {f"config/{n}-{path.name}": _content(path) for n, path in configs if path.is_file()}
    installed = {f"{each.name}=={each.version}\n" for each in distributions()}
    found["environment.txt"] = "".join(sorted(installed, key=str.casefold)).encode()
    lock = lock_file()
    return found | ({lock.name: lock.read_bytes()} if lock else {})


def _digests(configs: list[Config]) -> Iterator[str]:
    """A line of sha256sum for each small file that the report reads, and has been made."""
    for config in configs:
        results = Path(config.results)
        for name in sorted(report_inputs(config)):
            if (results / name).is_file():
                place = (results / name).relative_to(results.parent).as_posix()
                yield f"{file_sha256(results / name)}  {place}\n"


def _readme(config: Config, overlays: list[Path], lacking: list[str]) -> str:
    names = [f"config/{n}-{path.name}" for n, path in enumerate(overlays, 1)]
    given = f" --configfile {' '.join(names)}" if names else ""
    missing = "".join(f"- `{name}`\n" for name in lacking)
    facts: dict[str, Any] = {"model": config.model, "note": " ".join(config.note.split())}
    return README.format(
        **facts,
        results=Path(config.results).name,
        version=__version__,
        overlays=given,
        lacking=f"\nNot made when this was packed:\n\n{without_paths(missing)}" if missing else "",
    )


def _packed(files: Mapping[str, bytes]) -> bytes:
    """The archive: files by name, without times, owners and rights of this machine."""
    plain, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(f"{TOP}/{name}")  # of time 0, owner 0, mode 644
            entry.size = len(files[name])
            archive.addfile(entry, io.BytesIO(files[name]))
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(plain.getvalue())
    return packed.getvalue()
