"""Hints come from uniforms alone, and spread as the real values do, or wider."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.team._anchors import BAND, PER_COLUMN, Anchors


@pytest.fixture
def table(rng):
    """Return 200 rows: skewed, constant, gappy, dated, rare levels; 30 of class b."""
    n_rows = 200
    y = np.repeat(["a", "b"], [170, 30])
    X = pd.DataFrame(
        {
            "wide": rng.lognormal(0, 1, n_rows) + 50 * (y == "b"),
            "same": np.full(n_rows, 7),
            "gappy": np.where(
                rng.random(n_rows) < 0.3, np.nan, rng.normal(size=n_rows)
            ),
            "level": np.where(y == "a", "u", rng.choice(["u", "v"], n_rows)),
            "day": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 99, n_rows), "D"),
            "flag": rng.random(n_rows) < 0.5,
        }
    )
    return X, pd.Series(y)


def draw(briefing, names, label, n_rows=2000, seed=0):
    columns = [c for c in briefing.columns if c.name in names]
    width = PER_COLUMN * len(columns)
    uniforms = np.random.default_rng(seed).random((n_rows, width))
    labels = np.full(n_rows, label)
    return Anchors(briefing, columns).draw(labels, uniforms)


@pytest.mark.parametrize(
    ("n_columns", "n_hints"), [(1, 1), (2, 1), (3, 1), (4, 2), (6, 3)]
)
def test_at_most_half_of_the_columns_and_others_in_every_row(
    make_briefing, table, n_columns, n_hints
):
    X, y = table
    hints = draw(make_briefing(X, y), list(X)[:n_columns], 0)

    assert {len(hint) for hint in hints} == {n_hints}
    counts = pd.Series([key for hint in hints for key in hint]).value_counts()
    assert len(counts) == n_columns
    assert counts.min() > 0.8 * counts.max()


def test_bands_hold_their_share_of_the_class_and_reach_beyond_it(make_briefing, table):
    X, y = table
    own = X["wide"][y == "b"]

    bands = np.array([hint["c1"] for hint in draw(make_briefing(X, y), ["wide"], 1)])

    held = [((own >= low) & (own <= high)).mean() for low, high in bands]
    assert np.mean(held) == pytest.approx(BAND, abs=0.08)
    assert bands.min() > 49  # of its class, not of the table
    assert bands[:, 1].max() > own.max()
    middles = bands.mean(axis=1)
    for q in (0.25, 0.5, 0.75):
        assert (middles < own.quantile(q)).mean() == pytest.approx(q, abs=0.1)


def test_bounds_stay_on_their_side_of_zero(make_briefing, table):
    X, y = table

    lows = [hint["c1"][0] for hint in draw(make_briefing(X, y), ["wide"], 0)]

    assert min(lows) >= 0


def test_levels_and_gaps_come_as_often_as_in_the_class(make_briefing, table):
    X, y = table
    briefing = make_briefing(X, y)

    levels = pd.Series([hint["c4"] for hint in draw(briefing, ["level"], 0)])
    gaps = [hint["c3"] is None for hint in draw(briefing, ["gappy"], 0)]

    assert 0 < (levels == "v").mean() < 0.05  # no real row of this class has it
    assert np.mean(gaps) == pytest.approx(X["gappy"][y == "a"].isna().mean(), abs=0.03)


def test_small_classes_and_new_ones_take_the_whole_table(make_briefing, table):
    X, y = table
    few = y.mask(np.arange(200) < 3, "c")
    briefing = make_briefing(X, few, ["new"])

    for label in ("c", "new"):
        code = briefing.label.levels.index(label)
        bands = np.array([hint["c1"] for hint in draw(briefing, ["wide"], code)])
        assert bands.max() > 50 > bands.min()
        assert {hint["c4"] for hint in draw(briefing, ["level"], code)} == {"u", "v"}


def test_a_constant_is_a_value_and_dates_are_text(make_briefing, table):
    briefing = make_briefing(*table)

    assert draw(briefing, ["same"], 0)[0] == {"c2": 7}
    low, high = draw(briefing, ["day"], 0)[0]["c5"]
    assert "2023-12" <= low < high <= "2024-05"


def test_hints_are_a_function_of_the_uniforms(make_briefing, table):
    X, y = table
    briefing = make_briefing(X, y)

    some = draw(briefing, list(X), 0, n_rows=50)

    assert some == draw(briefing, list(X), 0, n_rows=50)
    assert some != draw(briefing, list(X), 0, n_rows=50, seed=1)
    assert some[:10] == draw(briefing, list(X), 0, n_rows=10)
