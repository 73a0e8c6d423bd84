"""The commands that draw figures and build the report."""

from pathlib import Path

import typer

from asft.commands import Settings

app = typer.Typer()
plot_app = typer.Typer(no_args_is_help=True, help="One figure: pdf, png and the numbers as csv.")
app.add_typer(plot_app, name="plot")


@app.command()
def report(
    settings: Settings,
    results: Path = typer.Option(help="the experiment's folder"),
    out: Path = typer.Option(help="a folder; what it holds is replaced"),
) -> None:
    """A static report; open its index.html."""
    from asft.steps.report import report as step

    step(settings, results, out)
