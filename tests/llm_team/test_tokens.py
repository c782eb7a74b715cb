"""Rows cost at most half the paper's input tokens, and a quarter of its output."""

import pandas as pd
import pytest
import tokens


@pytest.mark.parametrize("way", tokens.WAYS)
def test_a_row_costs_less_than_in_the_paper(way):
    rows = pd.DataFrame(tokens.measure(way, seed=0))

    table = tokens.compare(rows).set_index("worker")

    assert list(table.index) == [*tokens.WORKERS, "all"]
    # 832 + 1831 + 2457 + 2533 and 387 + 887 + 1483 + 1507, for ten rows
    assert table.loc["all", "input, paper"] == 765.3
    assert table.loc["all", "output, paper"] == 426.4
    assert table.loc["all", "input ratio"] <= 0.5
    assert table.loc["all", "output ratio"] <= 0.25
