"""Copies and repeats are counted."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.metrics import duplicate_rate


def test_a_copy_is_all_copies():
    real = np.array([[0.5, 1.0], [2.0, 3.0]])

    found = duplicate_rate(real, real)

    assert (found.copies, found.repeats) == (1, 0)
    assert float(found) == found.copies


def test_missing_values_equal_each_other():
    real = pd.DataFrame({"n": [1.0, np.nan], "level": ["a", None]})

    assert duplicate_rate(real, real).copies == 1


def test_rates_agree_with_sets_of_rows():
    rng = np.random.default_rng(0)
    real, synthetic = rng.integers(0, 4, (100, 3)), rng.integers(0, 5, (80, 3))

    found = duplicate_rate(real.astype(float), synthetic.astype(float))

    seen = {tuple(row) for row in real}
    distinct = {tuple(row) for row in synthetic}
    alike = [sum((real == row).all(axis=1)) > 1 for row in real]
    assert found.copies == np.mean([tuple(row) in seen for row in synthetic])
    assert found.repeats == pytest.approx(1 - len(distinct) / len(synthetic))
    assert found.baseline_copies == np.mean(alike)
    assert found.baseline_repeats == pytest.approx(1 - len(seen) / len(real))


def test_mixed_rows_agree_with_pandas(draw):
    real, synthetic = draw(80, 0).drop(columns=["price", "day"]), draw(70, 1)
    synthetic = synthetic[real.columns]

    found = duplicate_rate(real, synthetic)

    merged = synthetic.fillna({"level": "?"}).merge(
        real.fillna({"level": "?"}).drop_duplicates().assign(seen=True), how="left"
    )
    assert found.copies == merged["seen"].notna().mean()
    assert found.repeats == synthetic.duplicated().mean()


def test_a_new_identifier_does_not_hide_a_copy():
    real = pd.DataFrame({"id": range(30), "n": np.linspace(0, 1, 30) ** 2})

    copied = real.assign(id=real["id"] + 30)

    assert duplicate_rate(real, copied).copies == 1


def test_unseen_levels_are_no_copies_but_may_repeat():
    real = pd.DataFrame({"level": ["a", "b"]})
    synthetic = pd.DataFrame({"level": ["x", "y", "x", "a"]})

    found = duplicate_rate(real, synthetic)

    assert (found.copies, found.repeats) == (0.25, 0.25)
