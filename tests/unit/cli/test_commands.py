"""A step's parameters are its command's flags; a command is imported when it is called."""

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
from typer.testing import CliRunner

from asft.cli.commands import COMMANDS
from asft.cli.flags import flags_of
from asft.errors import UserError

RULES = Path(__file__).parents[3] / "workflow/rules"


class RunFile(NamedTuple):
    method: str
    seed: int
    path: Path


def call(step, *words):
    app = typer.Typer()
    app.command()(flags_of(step))
    return CliRunner().invoke(app, words, catch_exceptions=False)


def test_a_parameter_is_a_flag_and_its_line_the_help():
    """All that a new flag needs is the parameter."""
    given = {}

    def step(out: Path, history: list[RunFile] | None = None, warm_up: float = 0.1) -> None:
        """Do something.

        Args:
            warm_up: share of the steps
                with a lower rate
        """
        given.update(locals())

    files = ["--history", "dpo,1=a/b.csv", "--history=sft,2=c=d.csv"]
    assert call(step, "--out", "x", *files, "--warm-up", "0.2").exit_code == 0
    runs = [RunFile("dpo", 1, Path("a/b.csv")), RunFile("sft", 2, Path("c=d.csv"))]
    assert given == {"out": Path("x"), "history": runs, "warm_up": 0.2, "given": given}
    assert call(step, "--out", "x").exit_code == 0
    assert given["warm_up"] == 0.1
    assert not given["history"]
    shown = " ".join(re.sub(r"[│╭╰─╮╯]", " ", call(step, "--help").output).split())
    assert "share of the steps with a lower rate" in shown
    assert call(step).exit_code == 2  # --out is required


def test_files_of_several_seeds_are_one_flag():
    given = {}

    def step(history: list[RunFile]) -> None:
        """Do something."""
        given["history"] = history

    files = ["--history", "dpo,1+22=a/{seed}/b{seed}.csv", "--history", "base,1=c/{seed}.csv"]
    assert call(step, *files).exit_code == 0
    paths = [Path("a/1/b1.csv"), Path("a/22/b22.csv")]
    runs = [RunFile("dpo", seed, path) for seed, path in zip((1, 22), paths, strict=True)]
    assert given["history"] == [*runs, RunFile("base", 1, Path("c/{seed}.csv"))]


@pytest.mark.parametrize(
    "words", ["dpo=a.csv", "dpo,1", "dpo,one=a.csv", "dpo,1,2=a.csv", "dpo,1+x={seed}"]
)
def test_a_labelled_path_of_another_form_is_named(words):
    def step(history: list[RunFile]) -> None:
        """Do something."""

    with pytest.raises(UserError, match="expected method,seed=path"):
        call(step, "--history", words)


def printed():
    """The commands of the rules, as their strings say: name → flags."""
    text = "".join(path.read_text() for path in RULES.glob("*.smk"))
    found = {}
    for block in re.findall(r"shell:\n((?:\s+\".*\"\n)+)", text):
        words = "".join(re.findall(r'"(.*)"', block)).removeprefix("asft --log {log} ")
        name = words.partition(" --")[0]
        found[name] = set(re.findall(r"--([\w-]+)", words))
    return found


@pytest.mark.parametrize(("name", "flags"), printed().items())
def test_a_rule_prints_flags_that_its_step_has(name, flags):
    names = ["plot mt-bench", "plot length"] if name == "plot {params.command}" else [name]
    for command in names:
        parameters = inspect.signature(COMMANDS[command].load()).parameters
        assert flags <= {parameter.replace("_", "-") for parameter in parameters}


def test_the_list_of_commands_imports_none_of_them():
    code = (
        "import sys; from asft.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'matplotlib', 'nltk', 'pandas', 'asft.training.train'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(f" {name} " in done.stdout for name in COMMANDS if " " not in name)
