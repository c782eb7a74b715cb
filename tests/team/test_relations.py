"""Relations of all real rows hold in all new rows: a column is computed."""

import numpy as np
import pandas as pd
import pytest

from t2sampler import SanityFilter, TeamThenTrimSampler
from t2sampler.constraints import Product
from t2sampler.generators import StatisticalTeam
from t2sampler.team import Component, Plan

pytestmark = pytest.mark.usefixtures("few_trees")

N, N_RARE = 240, 60
DAY = pd.Timedelta("1D")
RNG = np.random.default_rng(5)  # drawn from here only, so that tests may run alone
PIECES, PRICE = RNG.integers(1, 12, N), RNG.lognormal(3, 0.5, N).round(2)
CAME = pd.Series(pd.Timestamp("2022-01-01") + RNG.integers(0, 500, N) * DAY)
LEFT = CAME + RNG.integers(1, 60, N) * DAY
BORN = CAME - RNG.integers(7000, 30_000, N) * DAY
KG, METRES = RNG.normal(75, 12, N).round(1), RNG.normal(1.72, 0.09, N).round(2)
START, HOURS = RNG.integers(0, 20, N), RNG.integers(1, 5, N)
TIMES = RNG.integers(0, 1440, (2, N)) * DAY / 1440


def draw_rows(X, y):
    # Labels are noise here, and no filter should have a say.
    sampler = TeamThenTrimSampler(cost="passthrough", random_state=0)
    return sampler.fit_resample(X, y)[0][len(X) :]


def total():
    X = pd.DataFrame({"total": (PIECES * PRICE).round(2)})
    X = X.assign(pieces=PIECES, price=PRICE)
    return X, lambda d: np.isclose(d.total, d.pieces * d.price)


def unit_price():
    X = pd.DataFrame({"each": (PRICE / PIECES).round(2)})
    X = X.assign(pieces=PIECES, total=PRICE)
    return X, lambda d: abs(d.each - d.total / d.pieces) <= 0.005001


def unrounded_ratio():
    X = pd.DataFrame({"pieces": PIECES, "each": PRICE / PIECES, "total": PRICE})
    return X, lambda d: np.isclose(d.each, d.total / d.pieces)


def bmi():
    X = pd.DataFrame({"kg": KG, "m": METRES})
    X["bmi"] = (X.kg / X.m**2).round(1)
    return X, lambda d: abs(d.bmi - d.kg / d.m**2) <= 0.05001


def tax_and_sum():
    X = pd.DataFrame({"net": PRICE, "tax": (0.19 * PRICE).round(2)})
    X["gross"] = (X.net + X.tax).round(2)

    def holds(d):
        is_tax = abs(d.tax - 0.19 * d.net) <= 0.005001
        return is_tax & np.isclose(d.gross, d.net + d.tax)

    return X, holds


def hours_of_work():
    X = pd.DataFrame({"start": START, "hours": HOURS})
    return X.assign(end=X.start + X.hours), lambda d: d.end == d.start + d.hours


def number_of_days():
    X = pd.DataFrame({"stay": (LEFT - CAME).dt.days, "came": CAME, "left": LEFT})
    return X, lambda d: d.stay == (d.left - d.came).dt.days


def span_of_days():
    X = pd.DataFrame({"left": LEFT, "stay": LEFT - CAME, "came": CAME})
    return X, lambda d: d.stay == d.left - d.came


def completed_days():
    came, left = (CAME + TIMES[0], LEFT + TIMES[1])
    X = pd.DataFrame({"left": left, "stay": (left - came).dt.days, "came": came})
    return X, lambda d: d.stay == (d.left - d.came).dt.days


def local_midnights():
    came, left = (x.dt.tz_localize("Europe/Berlin") for x in (CAME, LEFT))
    X = pd.DataFrame({"left": left, "stay": left - came, "came": came})

    def holds(d):
        return (d.stay == d.left - d.came) & (d.left == d.left.dt.normalize())

    return X, holds


def age():
    X = pd.DataFrame({"came": CAME, "born": BORN})

    def count_years(d):
        birthday = d.born.dt.month * 100 + d.born.dt.day
        early = (d.came.dt.month * 100 + d.came.dt.day) < birthday
        return d.came.dt.year - d.born.dt.year - early

    return X.assign(age=count_years(X)), lambda d: d.age == count_years(d)


TABLES = [total, unit_price, unrounded_ratio, bmi, tax_and_sum, hours_of_work]
TABLES += [number_of_days, span_of_days, completed_days, local_midnights, age]


@pytest.mark.parametrize("with_gaps", [False, True])
@pytest.mark.parametrize("make", TABLES)
def test_relations_of_real_rows_hold_in_new_rows(make, with_gaps):
    X, holds = make()
    assert holds(X).all()
    y = np.repeat(["often", "rare"], [N - N_RARE, N_RARE])
    if with_gaps:
        X = X[np.random.default_rng(1).random(N) > 0.25].reindex(range(N))
    order = np.random.default_rng(2).permutation(N)
    X = X.iloc[order].reset_index(drop=True).sample(frac=1, axis=1, random_state=3)

    new = draw_rows(X, y[order])

    gaps = new.isna()
    assert (gaps.all(axis=1) == gaps.any(axis=1)).all()
    assert holds(new[~gaps.any(axis=1)]).all()
    assert len(new) == N - 2 * N_RARE
    assert len(new.drop_duplicates()) > 10


@pytest.mark.parametrize("n_died", [60, 40, 25, 12, 8])
def test_nobody_dies_before_they_came(n_died):
    rng = np.random.default_rng(0)
    came = pd.Series(
        pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 500, 300), "D")
    )
    y = np.repeat(["home", "back"], [240, 60])
    died = (came + pd.to_timedelta(rng.integers(0, 30, 300), "D")).where(y == "back")
    X = pd.DataFrame({"died": died, "came": came, "born": came - 9000 * DAY})
    rows = np.r_[240 : 240 + n_died, 0:200]

    X_new, _ = TeamThenTrimSampler(random_state=0).fit_resample(
        X.iloc[rows].reset_index(drop=True), y[rows]
    )

    new = X_new[len(rows) :]
    assert new["died"].notna().all()
    assert (new["died"] >= new["came"]).all()
    assert (new["came"] - new["born"] == 9000 * DAY).all()


@pytest.mark.parametrize("place", ["plan", "filter"])
def test_a_rule_of_the_users_own_is_a_formula(place):
    x = np.random.default_rng(4).lognormal(size=40)
    X = pd.DataFrame({"y": 3 * x**0.5, "x": x})  # no search tries a root
    rule = Product("y", {"x": 0.5}, factor=3)
    plan = Plan([Component("all", ["y", "x"])], rules=[rule])
    given = {"generator": StatisticalTeam(plan=plan)}
    if place == "filter":
        given = {"sanity": SanityFilter([rule, "infer"])}

    sampler = TeamThenTrimSampler(cost="passthrough", random_state=0, **given)
    new = sampler.fit_resample(X, np.repeat([0, 1], [30, 10]))[0][40:]

    np.testing.assert_allclose(new["y"], 3 * new["x"] ** 0.5)
    assert not np.isin(new["x"], X["x"]).all()
    assert sampler.provenance_["origin"][40:].eq("generated").all()
