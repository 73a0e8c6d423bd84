"""The LaTeX tables through a real LaTeX, where one is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
import table2_scores
import table3_scores

LATEX = shutil.which("pdflatex")
DOCUMENT = r"""\documentclass[10pt]{article}
\usepackage{booktabs}\usepackage[margin=2.5cm]{geometry}
\begin{document}
\input{table}
\end{document}
"""


@pytest.mark.optional
@pytest.mark.skipif(not LATEX, reason="no pdflatex here")
@pytest.mark.parametrize("table", [table3_scores, table2_scores])
def test_it_compiles_and_fits_the_page(table: object, tmp_path: Path) -> None:
    out = table.run(tmp_path, table.jobs(tmp_path))  # type: ignore[attr-defined]
    shutil.copyfile(out.with_suffix(".tex"), tmp_path / "table.tex")
    (tmp_path / "page.tex").write_text(DOCUMENT)
    done = subprocess.run(
        [str(LATEX), "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert (tmp_path / "page.pdf").stat().st_size > 1000
