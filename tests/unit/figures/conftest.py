"""What several figures are drawn from, made once."""

from pathlib import Path

import pytest
from figure_inputs import score_files

from asft.tables.table2 import ScoreFile


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ScoreFile]]:
    """table2.csv and the score files that it was made from."""
    return score_files(tmp_path_factory.mktemp("judged"))
