"""A row costs less than published teams pay, at twenty rows a question."""

import pandas as pd
import pytest
import tokens


@pytest.mark.parametrize(
    ("way", "most_input", "most_output"),
    [
        ("one worker", 180, 75),
        pytest.param("one worker, labels checked", 180, 109, marks=pytest.mark.slow),
        pytest.param(
            "three workers, labels last", 766 / 2, 426 / 4, marks=pytest.mark.slow
        ),
    ],
)
def test_a_row_costs_less_than_published(way, most_input, most_output):
    rows = pd.DataFrame(tokens.measure(way, seed=1))

    table = tokens.compare(rows).query("way == @way")

    total = table.iloc[-1]
    assert len(table) == max(1, rows["worker"].nunique() + 1) - (len(rows) == 1)
    assert 0 < total["input"] + total["schema"] <= most_input
    assert 0 < total["output"] <= most_output
    assert total["cached"] > 0
