"""Associations of columns, two by two."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association
from sklearn.feature_selection import f_classif

from t2sampler.exceptions import SchemaError
from t2sampler.metrics import correlation_distance


def against_nothing(frame):
    """Return the one association of two columns, by a table that has none."""
    blank = frame.copy()
    blank[frame.columns[1]] = frame.iloc[0, 1]
    return correlation_distance(frame, blank)


def test_numbers_agree_with_pandas():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 60, 4)) @ rng.normal(size=(4, 4))
    real[3, 1] = np.nan

    found = correlation_distance(real, synthetic)

    gaps = (pd.DataFrame(real).corr() - pd.DataFrame(synthetic).corr()).abs().to_numpy()
    assert found == pytest.approx(np.mean([gaps[p] for p in combinations(range(4), 2)]))


def test_a_number_and_a_category_agree_with_the_f_test():
    rng = np.random.default_rng(0)
    levels = rng.choice(list("abc"), 80)
    numbers = (levels == "a") + rng.normal(size=80)
    frame = pd.DataFrame({"level": levels, "number": numbers})

    found = against_nothing(frame)

    # F = (SSt - SSw) / (g - 1) / (SSw / (n - g)), hence SSw / SSt.
    f = f_classif(numbers.reshape(-1, 1), levels)[0][0]
    within = 1 / (1 + f * 2 / 77)
    assert found == pytest.approx(np.sqrt(1 - 79 / 77 * within))


def test_two_categories_agree_with_scipy():
    rng = np.random.default_rng(0)
    left = rng.choice(list("abc"), 80)
    right = np.where(rng.random(80) < 0.5, left, rng.choice(list("abcd"), 80))
    frame = pd.DataFrame({"left": left, "right": right})

    found = against_nothing(frame)

    counts = pd.crosstab(left, right).to_numpy()
    phi2 = association(counts, method="cramer") ** 2 * 2
    excess = phi2 - 2 * 3 / 79
    assert found == pytest.approx(np.sqrt(excess / (2 - 4 / 79)))


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"a": [0.0, 1.0, 3.5], "b": [0.0, 2.0, 7.0]}, id="numbers"),
        pytest.param({"a": list("uuvv"), "b": [0.5, 0.5, 1.5, 1.5]}, id="mixed"),
        pytest.param(
            {"a": [0.5, 0.5, 1.5, 1.5], "b": list("uuvv")}, id="mixed, turned"
        ),
        pytest.param({"a": list("uuvv"), "b": list("ssll")}, id="categories"),
    ],
)
def test_what_belongs_together_is_fully_associated(columns):
    assert against_nothing(pd.DataFrame(columns)) == pytest.approx(1)


def test_a_shuffled_column_loses_its_association():
    rng = np.random.default_rng(0)
    number = rng.normal(size=400)
    real = pd.DataFrame(
        {"n": number, "m": number, "level": np.where(number > 0, "u", "v")}
    )
    shuffled = real.assign(n=rng.permutation(number))

    assert correlation_distance(real, real) == 0
    # Of three pairs one drops from 1 to 0, one from about 0.8, one stays.
    assert correlation_distance(real, shuffled) == pytest.approx(1.8 / 3, abs=0.05)


def test_few_rows_alone_make_no_association():
    rng = np.random.default_rng(0)
    tables = [
        pd.DataFrame({name: rng.choice(list("abcdefgh"), n) for name in "xyz"})
        for n in (60, 5000)
    ]

    # Plain V of independent columns would be about 0.3 at 60 rows.
    assert correlation_distance(*tables) < 0.1


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"a": [1.0, 2.0], "b": [5.0, 5.0]}, id="constant"),
        pytest.param({"a": [1.0, None], "b": [None, 5.0]}, id="never both"),
        pytest.param({"a": list("uv"), "b": [1.0, 2.0]}, id="a level per row"),
        pytest.param({"a": list("uv"), "b": list("st")}, id="two rows"),
    ],
)
def test_what_cannot_be_told_is_no_association(columns):
    frame = pd.DataFrame(columns)

    assert against_nothing(frame) == 0


def test_huge_and_tiny_numbers_do_no_harm():
    numbers = np.array([1.0, 2.0, 4.0])
    real = pd.DataFrame({"a": numbers * 1e300, "b": numbers * 1e-300})

    assert correlation_distance(real, real.assign(b=-real["b"])) == pytest.approx(2)


def test_one_column_has_no_pairs():
    with pytest.raises(SchemaError, match="at least two columns to compare, got 1"):
        correlation_distance([[1.0], [2.0]], [[1.0]])
