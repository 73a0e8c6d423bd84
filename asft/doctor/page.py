"""An examination as one HTML file: no script, nothing that is fetched."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from asft.doctor.rows import Examination
from asft.doctor.tokens import visible


def page_of(found: Examination) -> str:
    """Return the page; all texts are escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["visible"] = visible
    html = environment.get_template("doctor.html").render(found=found)
    # What no HTML file can hold: NUL, and halves of surrogate pairs.
    return html.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
