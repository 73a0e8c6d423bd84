"""Write the table of docs/methods.md: `python docs/methods.py`.

Its rows are those of the table of methods, its texts the docstrings of the losses: their first
line, the formula, which stands indented, and what stands behind "Source:". Gradients at the start
are autograd's, and the overlays those of workflow/config that have a row of the loss.
"""

import inspect
import re
from pathlib import Path

import torch
import yaml

from asft.losses import METHODS, CompletionLogps, Method, PairLogps, names_in
from asft.records import PairNumbers

PAGE = Path(__file__).with_suffix(".md")
OVERLAYS = PAGE.parents[1] / "workflow" / "config"
BEGIN, END = "<!-- python docs/methods.py -->\n", "<!-- end -->\n"
HEAD = "| method | loss of a pair | hyper-parameters | needs | source |\n|---|---|---|---|---|\n"
BEGIN_START = "<!-- python docs/methods.py: the start -->\n"
HEAD_START = "| method | at | loss | by s_w | by s_l | overlays |\n|---|---|---|---|---|---|\n"
# The point that the table of the start is for, and what stands in for hyper-parameters without a
# default.
SUMS = torch.tensor([-10.0, -24.0], dtype=torch.float64)  # of the chosen and rejected completion
TOKENS = torch.tensor([10.0, 20.0], dtype=torch.float64)
GIVEN = {"beta": 0.1, "gamma": 0.5, "alpha": 0.5, "delta": 1.0, "sft_weight": 0.1}


def with_table(page: str) -> str:
    """Return the page with its tables as they should be."""
    rows = [_row(name, method) for name, method in METHODS.items()]
    page = _between(page, BEGIN, [HEAD, *rows])
    overlays = _overlays()
    rows = [_start(name, method, overlays.get(name, [])) for name, method in METHODS.items()]
    return _between(page, BEGIN_START, [HEAD_START, *rows])


def _between(page: str, begin: str, lines: list[str]) -> str:
    before, _, rest = page.partition(begin)
    return "".join([before, begin, *lines, END, rest.partition(END)[2]])


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


def _overlays() -> dict[str, list[str]]:
    """Names of the overlays that have a row of each loss."""
    found: dict[str, list[str]] = {}
    for path in sorted(OVERLAYS.glob("*.yaml")):
        rows = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("methods", {})
        for loss in {x for name, row in rows.items() for x in names_in(row.get("loss") or name)}:
            found.setdefault(loss, []).append(path.stem)
    return found


def _start(name: str, method: Method, overlays: list[str]) -> str:
    given = {
        key: GIVEN[key] if default is inspect.Parameter.empty else default
        for key, default in method.hyperparameters().items()
    }
    sums = SUMS.clone().requires_grad_()
    value = method.loss(_policy(sums), _policy(SUMS), **given).squeeze()
    slopes = torch.autograd.grad(value, sums)[0].tolist()
    at = ", ".join(f"{key} {number:g}" for key, number in given.items()) or "—"
    cells = [f"`{name}`", at, *(f"{number:z.4g}" for number in (value.item(), *slopes))]
    return f"| {' | '.join([*cells, ', '.join(overlays) or '—'])} |\n"


def _sides(sums: torch.Tensor) -> list[CompletionLogps]:
    return [CompletionLogps(*side) for side in zip(sums[:, None], TOKENS[:, None], strict=True)]


def _policy(sums: torch.Tensor) -> PairLogps:
    """All that a loss may look at; tokens' distributions are as sharp as the tokens are likely."""
    one = torch.ones(1, dtype=torch.float64)
    chosen, rejected = _sides(sums)
    same = PairLogps(*_sides(sums.detach()))
    nothing = PairLogps(*_sides(0 * sums.detach()))
    return PairLogps(
        *(chosen, rejected, CompletionLogps(-5 * one, 4 * one)),
        mismatched=same,
        collisions=same,
        shared=PairLogps(chosen, CompletionLogps(rejected.sum / 2, rejected.tokens / 2)),
        divergences=nothing,
        numbers=PairNumbers(one, one, one, one),
        running=0 * one[0],
    )


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
