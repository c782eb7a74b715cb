"""The joint of two columns."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.exceptions import SchemaError
from t2sampler.metrics import cross_modal_distance


def test_categories_agree_with_a_crosstab(draw):
    real, synthetic = draw(90, 0), draw(70, 1)

    found = cross_modal_distance(real, synthetic, ("level", "size"))

    joints = [
        pd.crosstab(table["level"].fillna("?"), table["size"], normalize="all")
        for table in (real, synthetic)
    ]
    assert found == pytest.approx(joints[0].sub(joints[1]).abs().to_numpy().sum() / 2)


def test_numbers_agree_with_a_histogram_of_real_quantiles():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 200, 2))

    found = cross_modal_distance(real, synthetic, (0, 1), n_bins=4)

    edges = [
        [-np.inf, *np.quantile(real[:, j], [0.25, 0.5, 0.75]), np.inf] for j in (0, 1)
    ]
    joints = [np.histogramdd(table, edges)[0] / 200 for table in (real, synthetic)]
    assert found == pytest.approx(np.abs(joints[0] - joints[1]).sum() / 2)


def test_a_shuffled_column_raises_the_distance_and_a_copy_does_not():
    paid = np.tile([0, 1], 50)
    real = pd.DataFrame({"paid": paid, "mood": np.where(paid, "glad", "sad")})

    shuffled = real.assign(mood=np.tile(["sad", "sad", "glad", "glad"], 25))

    assert cross_modal_distance(real, real, ("paid", "mood")) == 0
    # Half of the rows are in cells that should be empty.
    assert cross_modal_distance(real, shuffled, ("paid", "mood")) == 0.5


def test_few_distinct_numbers_stay_apart_and_missing_ones_too():
    real = pd.DataFrame({"n": [1.0] * 19 + [np.nan], "level": ["a"] * 20})
    others = pd.DataFrame({"n": [2.0] + [1.0] * 19, "level": ["a"] * 20})

    assert cross_modal_distance(real, others, ("n", "level")) == 0.05


def test_missing_numbers_are_a_level_beside_the_bins():
    real = pd.DataFrame({"n": [*np.arange(20.0), *[np.nan] * 20], "level": ["a"] * 40})
    others = real.assign(n=[*np.arange(20.0), *np.arange(20.0)])

    assert cross_modal_distance(real, others, ("n", "level"), n_bins=5) == 0.5


@pytest.mark.parametrize("columns", ["ab", ("a",), ("a", "b", "c"), None])
def test_columns_must_be_two(columns):
    frame = pd.DataFrame({"a": [1.0], "b": [2.0]})

    with pytest.raises(ValueError, match="`columns` must be a pair of column names"):
        cross_modal_distance(frame, frame, columns)


def test_unknown_columns_are_refused():
    frame = pd.DataFrame({"a": [1.0], "b": [2.0]})

    with pytest.raises(SchemaError, match=r"two of \['a', 'b'\], got \['mood'\]"):
        cross_modal_distance(frame, frame, ("a", "mood"))


def test_one_bin_is_too_few():
    with pytest.raises(ValueError, match=r"'n_bins' .* in the range \[2, inf\)"):
        cross_modal_distance([[1.0, 2.0]], [[1.0, 2.0]], (0, 1), n_bins=1)
