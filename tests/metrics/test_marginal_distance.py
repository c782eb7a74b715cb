"""Column by column distances."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from t2sampler.metrics import marginal_distance


def test_numbers_agree_with_scipy_and_categories_with_counting(draw):
    real, synthetic = draw(90, 0), draw(70, 1)
    synthetic["price"] += 0.4

    found = marginal_distance(real, synthetic).by_column

    # A missing number stands above all others.
    price = ks_2samp(real["price"].fillna(99), synthetic["price"].fillna(99)).statistic
    shares = [
        table["level"].value_counts(normalize=True, dropna=False)
        for table in (real, synthetic)
    ]
    assert list(found) == list(real.columns)
    assert found["price"] == pytest.approx(price)
    assert found["day"] == pytest.approx(
        ks_2samp(*(table["day"].astype(int) for table in (real, synthetic))).statistic
    )
    assert found["level"] == pytest.approx(shares[0].sub(shares[1]).abs().sum() / 2)
    assert found["is_new"] == pytest.approx(
        abs(real["is_new"].mean() - synthetic["is_new"].mean())
    )


def test_a_shuffle_of_a_copy_is_no_distance_apart(draw):
    real = draw(50, 0)

    assert float(marginal_distance(real, real.sample(frac=1, random_state=0))) == 0


def test_other_values_are_a_whole_distance_apart():
    real = pd.DataFrame({"n": [0.0, 1.0], "level": ["a", "b"]})
    others = pd.DataFrame({"n": [5.0, 6.0], "level": ["x", "y"]})

    found = marginal_distance(real, others)

    assert found.by_column == {"n": 1.0, "level": 1.0}
    assert found.mean == 1


def test_missing_values_count():
    real = pd.DataFrame({"n": [0.0, 1.0, 2.0, 3.0], "level": list("aaaa")})
    others = pd.DataFrame({"n": [0.0, 1.0, 2.0, None], "level": [*"aa", None, None]})

    assert marginal_distance(real, others).by_column == {"n": 0.25, "level": 0.5}


def test_an_unseen_value_of_a_bool_column_counts():
    real = pd.DataFrame({"a": [True, False, True, False]})
    others = pd.DataFrame({"a": [True, False, "maybe", False]})

    found = marginal_distance(real, others)

    assert found.by_column["a"] == np.abs([0.5 - 0.25, 0, 0.25]).sum() / 2
