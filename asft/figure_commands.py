"""The commands that draw figures and build the report."""

import typer

app = typer.Typer()
plot_app = typer.Typer(no_args_is_help=True, help="One figure: pdf, png and the numbers as csv.")
app.add_typer(plot_app, name="plot")
