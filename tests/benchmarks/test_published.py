"""The published values agree with each other where the paper says one fact twice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "published.csv"


@pytest.fixture(scope="module")
def published():
    return pd.read_csv(FILE).set_index(["table", "row", "column"])["value"]


def test_every_cell_is_there_once(published):
    # Table 1: seven methods by six columns, five of them without the missing class.
    counts = {1: 7 * 6 - 5, 2: 7 * 3, 3: 7 * 4, 4: 18 * 3, 5: 21 * 3, 6: 5 * 3 + 2 * 3}

    assert published.index.is_unique
    assert published.groupby("table").size().to_dict() == counts
    assert published.notna().all()


@pytest.mark.parametrize("method", ["CLLM", "T2"])
@pytest.mark.parametrize("group", ["LR", "MR", "HR"])
def test_gains_of_table_6_are_differences_of_table_1(published, method, group):
    column = f"imbalance {group}"

    gain = published[1, method, column] - published[1, "D_ori", column]

    assert np.isclose(gain, published[6, method, f"gain {group}"], atol=0.005)
