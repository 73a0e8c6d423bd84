"""Which figures an experiment has. Used while the Snakefile is parsed."""

from asft.config import Config


def figure_names(config: Config) -> list[str]:
    """File names below <results>, without their endings (pdf, png, csv)."""
    return []
