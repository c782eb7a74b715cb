"""Numbers stay on the grid they live on."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._grid import find_grid
from t2sampler._schema import learn_column

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("numbers", "step"),
    [
        pytest.param(np.arange(30), 1.0, id="integers"),
        pytest.param(np.arange(30) / 100, 0.01, id="prices"),
        pytest.param(np.arange(30) / 2, 0.5, id="half steps"),
        pytest.param(np.arange(30) * 100, 100.0, id="hundreds"),
        pytest.param(np.array([20, 30, 50]), 1.0, id="too few to believe in tens"),
        pytest.param(RNG.normal(size=30).round(8), 1e-8, id="eight decimals"),
        pytest.param(RNG.normal(size=30), 0.0, id="any number"),
        pytest.param(np.array([]), 0.0, id="nothing"),
    ],
)
def test_step_is_found(numbers, step):
    assert find_grid(numbers.astype(float), np.dtype(float)).step == pytest.approx(step)


def test_snap_moves_to_the_nearest_value_and_leaves_missing_ones():
    grid = find_grid(np.arange(20) / 4, np.dtype(float))

    snapped = grid.snap(np.array([0.3, 1.12, np.nan]))

    np.testing.assert_array_equal(snapped, [0.25, 1.0, np.nan])


def test_snap_writes_decimals_without_rounding_dust():
    grid = find_grid(np.arange(40) / 10, np.dtype(float))

    assert grid.snap(np.array([0.29999, 2.71])).tolist() == [0.3, 2.7]


def test_measured_scores_stay_among_the_seen_values():
    scores = np.array([-0.67825, 0.80523, 1.93886])

    grid = find_grid(np.repeat(scores, 10), np.dtype(float))

    assert grid.snap(np.array([-5.0, 0.7, 9.0])).tolist() == scores.tolist()


def test_single_precision_prices_are_prices():
    prices = np.array([1.1, 2.35, 7.0], dtype=np.float32)

    grid = find_grid(prices.astype(float), np.dtype(np.float32))

    assert grid.decimals == 2


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float[pyarrow]"])
def test_short_floats_keep_their_step_and_their_digits(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    values = pd.Series((np.arange(60) / 10).tolist(), dtype=dtype)

    column = learn_column(values, "x")

    assert column.grid.step == pytest.approx(0.1)
    assert column.encode(values).tolist() == (np.arange(60) / 10).tolist()


def test_sums_of_prices_are_prices():
    a, b = RNG.integers(0, 1000, size=(2, 200)) / 10
    column = learn_column(pd.Series(a + b), "total")

    assert column.grid.step == pytest.approx(0.1)
    assert column.encode(pd.Series([0.1 + 0.2, 0.15])).tolist() == [0.3, 0.15]
