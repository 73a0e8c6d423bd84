"""Write the table of docs/methods.md: `python docs/methods.py`.

Its rows are those of the table of methods, its texts the docstrings of the losses: their first
line, the formula, which stands indented, and what stands behind "Source:".
"""

import inspect
import re
from pathlib import Path

from asft.losses import METHODS, Method

PAGE = Path(__file__).with_suffix(".md")
BEGIN, END = "<!-- python docs/methods.py -->\n", "<!-- end -->\n"
HEAD = "| method | loss of a pair | hyper-parameters | needs | source |\n|---|---|---|---|---|\n"


def with_table(page: str) -> str:
    """Return the page with the table as it should be."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    rows = [_row(name, method) for name, method in METHODS.items()]
    return "".join([before, BEGIN, HEAD, *rows, END, after])


def _row(name: str, method: Method) -> str:
    text = inspect.getdoc(method.loss)
    formula = re.search(r"^    (.+)$", text, re.MULTILINE)[1]
    source = re.search(r"^Source: (.+)", text, re.MULTILINE | re.DOTALL)[1]
    summary = text.partition("\n")[0]
    cells = [f"`{name}`", f"{summary}<br>`{formula}`", _hyperparameters(method), _needs(method)]
    return f"| {' | '.join([*cells, ' '.join(source.split())])} |\n"


def _hyperparameters(method: Method) -> str:
    found = []
    for name, default in method.hyperparameters().items():
        given = "" if default is inspect.Parameter.empty else f" = {default:g}"
        limit = f" ({method.limits[name].words})" if name in method.limits else ""
        found.append(f"`{name}{given}`{limit}")
    return "<br>".join(found) or "none"


def _needs(method: Method) -> str:
    needs = {
        "the reference": method.needs_reference and not method.needs_model,
        "the reference model beside the policy": method.needs_model,
        "tokens' KL divergences": method.needs_divergences,
        "the prompt's log-probability": method.needs_prompt,
        "the step's other pairs": method.looks_at == "batch",
        "a running mean over steps": method.running is not None,
        "mismatched completions": method.needs_mismatched,
        "tokens' distributions": method.needs_collisions,
        "sums over the shared length": method.needs_shared,
        "the data's score margin": method.needs_margin,
        "chosen completions alone": not method.paired,
    }
    found = ", ".join(words for words, asked in needs.items() if asked) or "the pair"
    return found + ("; takes rows of one labelled completion" if method.takes_singles else "")


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
