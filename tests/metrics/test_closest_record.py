"""Distances to the closest record, and their ratios."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from t2sampler.metrics import (
    distance_to_closest_record,
    nearest_neighbor_distance_ratio,
)


def draw(n_rows, seed, n_columns=3):
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns))


def scale(real, *others):
    centre, spread = real.mean(axis=0), real.std(axis=0)
    return [(table - centre) / spread for table in (real, *others)]


def test_distances_agree_with_all_pairs():
    real, synthetic, holdout = tables = draw(40, 0), draw(30, 1), draw(40, 2)
    a, b, c = scale(*tables)

    found = distance_to_closest_record(real, synthetic, holdout)

    to_real, to_holdout = cdist(b, a).min(axis=1), cdist(b, c).min(axis=1)
    baseline = cdist(c, a).min(axis=1)
    assert found.to_real == pytest.approx(np.median(to_real))
    assert found.to_real_low == pytest.approx(np.quantile(to_real, 0.05))
    assert found.to_holdout == pytest.approx(np.median(to_holdout))
    assert found.to_holdout_low == pytest.approx(np.quantile(to_holdout, 0.05))
    assert found.baseline == pytest.approx(np.median(baseline))
    assert found.baseline_low == pytest.approx(np.quantile(baseline, 0.05))
    assert found.share_closer == np.mean(to_real < to_holdout)
    assert float(found) == found.to_real


def test_a_copy_is_nothing_apart_and_a_shift_is():
    # Two real rows of standard deviation 1: moved by 7, the nearest is 5 or 7 away.
    real = np.array([[0.0], [2.0]])

    assert distance_to_closest_record(real, real).to_real == 0
    assert distance_to_closest_record(real, real + 7).to_real == pytest.approx(6)


def test_without_held_out_rows_their_figures_are_missing():
    found = distance_to_closest_record(draw(20, 0), draw(20, 1))

    missing = [found.to_holdout, found.baseline, found.baseline_low, found.share_closer]
    assert np.isnan(missing).all()


def test_more_real_rows_do_not_draw_the_share_to_them():
    # Fresh rows are as near to seen as to unseen ones, though fewer are held out.
    found = distance_to_closest_record(
        draw(900, 0), draw(300, 1), draw(100, 2), random_state=0
    )

    assert found.share_closer == pytest.approx(0.5, abs=0.1)


def test_equal_distances_count_half():
    real, holdout = np.array([[0.0], [4.0]]), np.array([[1.0], [3.0]])

    # 0.5 is between 0 and 1; 0 is a real row; 3 a held-out one; 2 nearer to held-out.
    found = distance_to_closest_record(real, [[0.5], [0.0], [3.0], [2.0]], holdout)

    assert found.share_closer == (0.5 + 1 + 0 + 0) / 4


def test_ratios_agree_with_all_pairs():
    real, synthetic, holdout = tables = draw(40, 0), draw(30, 1), draw(20, 2)
    a, b, c = scale(*tables)

    found = nearest_neighbor_distance_ratio(real, synthetic, holdout)

    for rows, median, low in [
        (b, found.median, found.low),
        (c, found.baseline, found.baseline_low),
    ]:
        near = np.sort(cdist(rows, a), axis=1)
        ratio = near[:, 0] / near[:, 1]
        assert median == pytest.approx(np.median(ratio))
        assert low == pytest.approx(np.quantile(ratio, 0.05))
    assert float(found) == found.median


def test_a_copy_has_ratio_zero_unless_it_repeats_many():
    real = np.array([[0.0], [1.0], [5.0], [5.0]])

    assert nearest_neighbor_distance_ratio(real, [[0.0]]).median == 0
    assert nearest_neighbor_distance_ratio(real, [[5.0]]).median == 1
    assert nearest_neighbor_distance_ratio(real, [[0.5]]).median == pytest.approx(1)
    assert np.isnan(nearest_neighbor_distance_ratio(real, [[0.5]]).baseline)


def test_a_ratio_needs_two_real_rows():
    with pytest.raises(ValueError, match="at least 2 rows to have a second nearest"):
        nearest_neighbor_distance_ratio([[1.0]], [[1.0]])


@pytest.mark.parametrize(
    "metric", [distance_to_closest_record, nearest_neighbor_distance_ratio]
)
def test_a_part_of_the_rows_speaks_for_all(metric):
    tables = draw(600, 0), draw(600, 1), draw(600, 2)

    some = [metric(*tables, max_rows=200, random_state=seed) for seed in (0, 0, 1)]

    assert some[0] == some[1] != some[2]
    assert float(some[0]) == pytest.approx(float(metric(*tables)), rel=0.2)
