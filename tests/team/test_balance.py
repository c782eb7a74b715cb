"""The surest candidates, within the shares of levels that their class has."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.team._balance import N_ERRORS, ShareBalance, find_bounds


def calibrate(frame, drawn, margins, fraction):
    """Return the scores of candidates."""
    schema = TableSchema.learn(frame)
    codes = schema.encode(drawn)
    balance = ShareBalance(schema).fit(schema.encode(frame))
    balance.calibrate(codes, margins, fraction)
    uniforms = np.random.default_rng(3).random(len(drawn))
    return balance.score(codes, margins, uniforms)


def make_rows(n_rows, rng):
    """Return levels, gaps, spikes and numbers, and what a class would like of them."""
    frame = pd.DataFrame(
        {
            "stage": rng.choice(["low", "mid", "high"], n_rows, p=[0.1, 0.3, 0.6]),
            "gain": np.where(rng.random(n_rows) < 0.8, 0, rng.exponential(9, n_rows)),
            "children": rng.choice([3, 0, 1], n_rows, p=[0.05, 0.75, 0.2]),
            "dose": rng.normal(size=n_rows),
            "paid": rng.random(n_rows) < 0.1,
        }
    )
    frame.loc[rng.random(n_rows) < 0.15, "stage"] = None
    liked = 4 * (frame["stage"] == "high") - 3 * frame["paid"] + frame["dose"]
    liked += -2 * (frame["children"] == 3) - 3 * frame["stage"].isna()
    return frame, liked.to_numpy() + rng.normal(size=n_rows)


def list_marks(frame, real):
    """Return what a table's shares are told by, one column each."""
    marks = pd.get_dummies(frame[["stage", "children"]].astype(object), dummy_na=True)
    quarters = np.searchsorted(real["dose"].quantile([0.25, 0.5, 0.75]), frame["dose"])
    quarters = pd.get_dummies(quarters, prefix="dose").set_axis(frame.index)
    return marks.assign(paid=frame["paid"], gain=frame["gain"] > 0).join(quarters)


def test_every_level_keeps_its_share_and_the_surest_are_chosen(rng):
    real, _ = make_rows(400, rng)
    drawn, margins = make_rows(3000, rng)

    scores = calibrate(real, drawn, margins, 0.35)

    chosen = scores >= 0
    assert abs(chosen.mean() - 0.35) < 0.03
    expected = list_marks(real, real).mean()
    errors = np.sqrt(expected * (1 - expected) / 400)
    marks = list_marks(drawn, real)
    naive = marks[margins >= np.quantile(margins, 0.65)].mean()
    assert ((naive - expected).abs() > 4 * errors).sum() >= 4  # margins alone shift
    # One standard error, and what the noise adds to it.
    assert ((marks[chosen].mean() - expected).abs() < 2 * errors + 0.01).all()
    for _, rows in drawn.groupby("stage", dropna=False):
        own = chosen[rows.index]
        assert margins[rows.index][own].mean() > margins[rows.index].mean() + 0.3


def test_where_candidates_are_alike_a_part_of_each_is_chosen(rng):
    real = pd.DataFrame({"s": ["rare"] * 40 + ["often"] * 60})
    drawn = pd.DataFrame({"s": rng.choice(["rare", "often"], 2000, p=[0.4, 0.6])})
    margins = np.where(drawn["s"] == "rare", -1.0, 1.0)

    chosen = calibrate(real, drawn, margins, 0.4) >= 0

    assert 0.3 < (drawn["s"][chosen] == "rare").mean() < 0.45


def test_the_order_of_rows_and_columns_does_not_matter(rng):
    real, _ = make_rows(300, rng)
    drawn, margins = make_rows(900, rng)
    names = list(rng.permutation(real.columns))
    schema = TableSchema.learn(real)
    mixed = TableSchema.learn(real[names])
    i, j = rng.permutation(300), rng.permutation(900)

    first = ShareBalance(schema).fit(schema.encode(real))
    second = ShareBalance(mixed).fit(mixed.encode(real[names].iloc[i]))
    first.calibrate(schema.encode(drawn), margins, 0.3)
    second.calibrate(mixed.encode(drawn[names].iloc[j]), margins[j], 0.3)

    half = np.full(900, 0.5)
    scores = first.score(schema.encode(drawn), margins, half)
    others = second.score(mixed.encode(drawn[names]), margins, half)
    assert np.mean((scores >= 0) != (others >= 0)) < 0.01


def test_margins_stay_where_nothing_was_calibrated(rng):
    real, _ = make_rows(50, rng)
    drawn, margins = make_rows(60, rng)
    schema = TableSchema.learn(real)
    balance = ShareBalance(schema).fit(schema.encode(real))

    scores = balance.score(schema.encode(drawn), margins, np.full(60, 0.1))

    assert np.array_equal(scores, margins)
    assert (calibrate(real, drawn, np.full(60, 2.5), 0.5) == 2.5).all()


@pytest.mark.parametrize("n_rows", [30, 108, 5000])
def test_bounds_hold_the_share_and_narrow_with_the_rows(n_rows):
    counts = np.array([0, 1, n_rows // 3, n_rows])

    low, high = find_bounds(counts, n_rows)

    assert (low >= -1e-12).all()
    assert (high <= 1 + 1e-12).all()
    assert ((low - 1e-12 <= counts / n_rows) & (counts / n_rows <= high + 1e-12)).all()
    assert np.isclose((high - low)[2], 2 * N_ERRORS * np.sqrt(2 / 9 / n_rows), rtol=0.1)
