# What `snakemake --report` shows.


def embedded(path, caption):
    """A table that `snakemake --report` shows."""
    return report(path, caption=f"../report/{caption}.rst", category="Tables")


def shown(path, caption):
    """A figure that `snakemake --report` shows."""
    return report(path, caption=f"../report/{caption}.rst", category="Figures")


def embedded_folder(path):
    """The report's folder, which `snakemake --report` takes into a zip; html refuses any folder."""
    if not any(argument.endswith(".zip") for argument in sys.argv):
        return directory(path)
    return report(
        directory(path),
        htmlindex="index.html",
        caption="../report/report.rst",
        category="Report",
    )
