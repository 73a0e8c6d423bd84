"""The forest plot of differences, from the tables' files."""

import pandas as pd
import pytest
from figure_inputs import ABOUT, SETTINGS, TABLE2, TABLE3, differences

from asft.errors import UserError
from asft.figures.differences import plot_differences, read_differences


@pytest.mark.parametrize("verdicts", [True, False])
def test_differences_of_both_tables(tmp_path, verdicts):
    plot_differences(*differences(tmp_path, verdicts), SETTINGS, ABOUT, tmp_path / "figure.pdf")
    table = pd.read_csv(tmp_path / "figure.csv")
    assert list(table["table"]) == [2, 3, 3]  # a pair without a difference is not drawn
    assert list(table["difference"]) == [-3, 0.5, 0.5]
    assert ("verdict" in table) == verdicts  # taken from the tables, never made up


def test_differences_of_table_3_alone_and_none_at_all(tmp_path):
    table2, table3 = differences(tmp_path, True)
    assert set(read_differences(None, table3)["table"]) == {3}
    table2.write_text(f"{TABLE2}\n")
    table3.write_text(f"{TABLE3}\n")
    plot_differences(table2, table3, SETTINGS, ABOUT, tmp_path / "figure.pdf")
    assert pd.read_csv(tmp_path / "figure.csv").empty


def test_files_that_are_no_differences(tmp_path):
    table2, table3 = differences(tmp_path, False)
    table3.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"table3.differences.csv: no column 'dataset'"):
        read_differences(table2, table3)
    table3.write_text("")
    with pytest.raises(UserError, match="empty"):
        read_differences(table2, table3)
    with pytest.raises(UserError, match="no such file"):
        read_differences(table2, tmp_path / "none.csv")
