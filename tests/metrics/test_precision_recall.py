"""Alpha-precision, beta-recall and authenticity against hand values and loops."""

import numpy as np
import pytest

from t2sampler.exceptions import SchemaError
from t2sampler.metrics import alpha_precision, authenticity, beta_recall

ALPHAS = np.arange(30) / 29


def draw(n_rows, seed, n_columns=3):
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns))


def area(curve):
    gap = sum(abs(alpha - value) for alpha, value in zip(ALPHAS, curve, strict=True))
    return 1 - gap / 15


def unit(real, synthetic):
    """Scale to [0, 1] by the real rows, column by column."""
    low, high = real.min(axis=0), real.max(axis=0)
    return (real - low) / (high - low), (synthetic - low) / (high - low)


def slow_precision(real, synthetic):
    real, synthetic = unit(real, synthetic)
    centre = real.mean(axis=0)
    far = [np.linalg.norm(row - centre) for row in real]
    radii = [np.quantile(far, alpha) for alpha in ALPHAS]
    return [
        np.mean([np.linalg.norm(s - centre) <= r for s in synthetic]) for r in radii
    ]


def slow_recall(real, synthetic):
    real, synthetic = unit(real, synthetic)
    reached, spread = [], []
    for i, row in enumerate(real):
        others = np.delete(real, i, axis=0)
        to_synthetic = np.linalg.norm(synthetic - row, axis=1)
        reached.append(to_synthetic.min() <= np.linalg.norm(others - row, axis=1).min())
        nearest = synthetic[to_synthetic.argmin()]
        spread.append(np.linalg.norm(nearest - synthetic.mean(axis=0)))
    radii = [np.quantile(spread, alpha) for alpha in ALPHAS]
    pairs = list(zip(reached, spread, strict=True))
    return [np.mean([hit and far <= r for hit, far in pairs]) for r in radii]


def test_precision_and_recall_agree_with_loops():
    real, synthetic = draw(40, 0), 0.7 * draw(40, 1)

    precision = alpha_precision(real, synthetic)
    recall = beta_recall(real, synthetic)

    assert precision == pytest.approx(area(slow_precision(real, synthetic)))
    assert recall == pytest.approx(area(slow_recall(real, synthetic)))


def test_a_copy_scores_what_its_quantiles_do():
    real = draw(40, 0)

    # The ball of the quantile alpha holds the rows up to number floor(39 alpha) + 1.
    expected = area([(int(39 * k / 29 + 1e-9) + 1) / 40 for k in range(30)])
    assert alpha_precision(real, real) == pytest.approx(expected, abs=1e-3)
    assert beta_recall(real, real) == pytest.approx(expected, abs=1e-3)
    assert authenticity(real, real) == 0


def test_rows_far_away_are_neither_precise_nor_recalling_but_authentic():
    real = draw(40, 0)

    assert alpha_precision(real, real + 100) == pytest.approx(0)
    assert beta_recall(real, real + 100) == pytest.approx(0)
    assert authenticity(real, real + 100) == 1


def test_rows_that_are_all_typical_are_not_precise():
    # In every ball: the gaps are 1 - alpha, which add up to the sum of alpha.
    real = draw(40, 0)

    assert alpha_precision(real, np.tile(real.mean(axis=0), (9, 1))) < 0.1


def test_mode_collapse_costs_recall():
    real, fresh = draw(300, 0), draw(300, 1)

    assert beta_recall(real, np.tile(fresh[:3], (100, 1))) < 0.1
    assert beta_recall(real, fresh) == pytest.approx(0.5, abs=0.1)
    assert authenticity(real, fresh) == pytest.approx(0.5, abs=0.1)
    assert alpha_precision(real, fresh) > 0.9


def test_recall_compares_equally_many_rows():
    real, synthetic = draw(30, 0), draw(500, 1)

    values = [beta_recall(real, synthetic, random_state=seed) for seed in range(8)]

    # All 500 rows would reach nearly every real row.
    assert np.mean(values) == pytest.approx(0.5, abs=0.2)
    assert area(slow_recall(real, synthetic)) > 0.8


@pytest.mark.parametrize("metric", [alpha_precision, beta_recall, authenticity])
def test_same_seed_same_value_on_some_of_the_rows(metric):
    real, synthetic = draw(200, 0), draw(200, 1)

    values = [metric(real, synthetic, max_rows=50, random_state=s) for s in (0, 0, 1)]

    assert values[0] == values[1] != values[2]


def test_max_rows_none_takes_all_rows():
    real, synthetic = draw(40, 0), draw(40, 1)

    for metric in (alpha_precision, beta_recall, authenticity):
        assert metric(real, synthetic, max_rows=None) == metric(real, synthetic)


def test_one_row_has_no_neighbours():
    with pytest.raises(ValueError, match="`real` must have at least 2 rows to have ne"):
        beta_recall([[1.0]], [[1.0], [2.0]])
    with pytest.raises(ValueError, match="`synthetic` must have at least 2 rows"):
        beta_recall([[1.0], [2.0]], [[1.0]])
    with pytest.raises(ValueError, match="`real` must have at least 2 rows to have ne"):
        authenticity([[1.0]], [[1.0], [2.0]])
    with pytest.raises(SchemaError, match="at least one row"):
        authenticity([[1.0]], [])


def test_a_copy_of_distinct_rows_is_complete_and_of_one_row_is_not():
    rows = draw(50, 0)

    assert beta_recall(rows, rows) >= 1 - 1 / 50
    assert alpha_precision(rows, rows) >= 1 - 1 / 50
    same = np.ones((20, 2))
    assert alpha_precision(same, same) == beta_recall(same, same) == 0
