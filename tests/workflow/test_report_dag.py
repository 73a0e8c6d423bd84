"""The report as a rule: made once from finished results, again when one of them changes."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from report_results import small, write_results

ROOT = Path(__file__).parents[2]
SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")
INDEX = "results/made/report/index.html"


def snakemake(folder, *arguments):
    """The rule alone, on inputs that no other rule may make."""
    command = [SNAKEMAKE, "-s", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--cores", "1", *arguments, "--configfile", "made.yaml"]
    result = subprocess.run(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture
def folder(tmp_path):
    raw = small() | {"results": "results/made"}
    shutil.copy(ROOT / "config.yaml", tmp_path)
    (tmp_path / "made.yaml").write_text(yaml.safe_dump(raw))
    write_results(tmp_path / "results/made", raw)
    return tmp_path


def test_the_report_is_made_once_and_follows_its_inputs(folder):
    alone = ["--allowed-rules", "report"]
    snakemake(folder, INDEX, *alone)
    assert (folder / INDEX).is_file()
    assert (folder / "results/made/report/samples.html").is_file()
    assert "Nothing to be done" in snakemake(folder, INDEX, *alone)
    path = folder / "results/made/runs/base/completions/alpaca_en.jsonl"
    path.write_text(path.read_text().replace("base answers", "the base answers"))
    assert "rule report" in snakemake(folder, INDEX, *alone)
    data = folder / "results/made/report/assets/data/alpaca_en/0.js"
    assert "the base answers" in data.read_text()


TITLES = ["Table 1:", "Table 2:", "Paired differences of Table 2", "Table 3:"]
TITLES += [
    "Paired differences of Table 3",
    "Figure 1:",
    "Figure 2(a):",
    "Figure 2(b):",
    "Figure 3:",
]
TITLES += ["MT-Bench rating by category", "Score against tokens", "Training on hh_rlhf"]


@pytest.mark.parametrize("ending", ["html", "zip"])
def test_snakemakes_own_report_shows_tables_and_figures(folder, ending):
    snakemake(folder, INDEX, "--allowed-rules", "report")
    snakemake(folder, INDEX, "--report", f"report.{ending}")
    if ending == "html":
        page, names = (folder / "report.html").read_text(), []
        assert "data:image/png;" in page
    else:
        with zipfile.ZipFile(folder / "report.zip") as archive:
            names = archive.namelist()
            page = archive.read("report/report.html").decode()
        for name in ("index.html", "samples.html", "assets/page.css", "files/table3.csv"):
            assert [found for found in names if found.endswith(f"/{name}")], name
    for title in TITLES:
        assert title in page, title
    for category in ("Tables", "Figures"):
        assert f'"{category}": {{' in page


def test_all_asks_for_the_report(tmp_path):
    command = [SNAKEMAKE, "-n", "--cores", "2", "--config", f"results={tmp_path}/none"]
    output = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    assert f"{tmp_path}/none/report/index.html" in output.stdout + output.stderr
