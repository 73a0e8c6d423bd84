"""Where rouge-score measures nothing: by the letters of the references."""

import pytest

from asft.metrics.scripts import NOTHING_LEFT, dropped_script


@pytest.mark.parametrize(
    ("references", "script"),
    [
        (["Столица Франции - Париж."], "CYRILLIC"),
        (["法国的首都是巴黎，它位于塞纳河畔。"], "CJK"),
        (["Η πρωτεύουσα της Γαλλίας"], "GREEK"),
        (["В 2024 году - NATO и 5 других."], "CYRILLIC"),  # what is left is not the text
        (["The capital (Москва) has 12 million."], ""),
        (["aé бв"], ""),  # as many Latin letters as others
        (["Thủ đô của nước Pháp là Paris"], ""),  # Latin, though letters are dropped
        (["42"], ""),
        ([""], NOTHING_LEFT),
        (["👍 ..."], NOTHING_LEFT),
        (["Париж", "Paris"], ""),  # the best of several counts
        (["Париж", "!"], "CYRILLIC"),
    ],
)
def test_the_script_that_is_dropped(references: list[str], script: str) -> None:
    assert dropped_script(references) == script
