"""Dates keep to their kind of days, and midnights to the local clock."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from t2sampler import TeamThenTrimSampler
from t2sampler._calendar import find_days
from t2sampler._schema import TableSchema, learn_column
from t2sampler.generators import StatisticalTeam
from t2sampler.team._conditions import read_conditions

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # clocks skipped midnight
    "America/Havana",  # midnight comes twice
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of summer time
    "-03:30",
    ZoneInfo("Africa/Cairo"),
]
KINDS = {
    "first of the month": ("MS", 90, lambda d: d.dt.is_month_start),
    "end of the month": ("ME", 90, lambda d: d.dt.is_month_end),
    "start of the quarter": ("QS", 60, lambda d: d.dt.is_quarter_start),
    "end of the quarter": ("QE", 60, lambda d: d.dt.is_quarter_end),
    "quarters from February on": (
        "QS-FEB",
        60,
        lambda d: (d.dt.day == 1) & (d.dt.month % 3 == 2),
    ),
    "start of the year": ("YS", 40, lambda d: d.dt.is_year_start),
    "end of a business year": (
        "YE-MAR",
        40,
        lambda d: d.dt.is_month_end & (d.dt.month == 3),
    ),
    "twice a month": ("SMS", 90, lambda d: d.dt.day.isin([1, 15])),
    "middle and end of the month": (
        "SME",
        90,
        lambda d: (d.dt.day == 15) | d.dt.is_month_end,
    ),
    "last working day": (
        "BME",
        90,
        lambda d: d == d + pd.offsets.BMonthEnd(0),
    ),
    "Wednesdays": ("W-WED", 90, lambda d: d.dt.day_of_week == 2),
    "working days": ("B", 500, lambda d: d.dt.day_of_week < 5),
}


def draw_dates(dates, n=160):
    """Return the dates of the rows that the sampler adds."""
    rng = np.random.default_rng(7)
    y = np.repeat(["stays", "leaves"], [n - n // 4, n // 4])
    order = rng.permutation(n)
    X = pd.DataFrame({"fee": rng.lognormal(3, 0.5, n).round(2), "day": dates})
    X = X.iloc[order].reset_index(drop=True)
    # Labels have no say in what a date looks like; to learn them takes most of a fit.
    team = StatisticalTeam(keep_fraction=None)
    sampler = TeamThenTrimSampler(team, cost="passthrough", random_state=0)
    new, _ = sampler.fit_resample(X, y[order])
    return new["day"][n:]


@pytest.mark.parametrize("zone", [None, "Europe/Madrid"])
@pytest.mark.parametrize("kind", list(KINDS))
def test_new_dates_are_of_the_kind_of_the_real_ones(kind, zone):
    freq, n_periods, is_kind = KINDS[kind]
    dates = pd.date_range("2003-05-07", periods=n_periods, freq=freq, tz=zone)
    chosen = pd.Series(np.random.default_rng(3).choice(dates, 160))
    assert is_kind(chosen.dt.tz_localize(None)).all()

    new = draw_dates(chosen)

    assert len(new) == 80
    assert is_kind(new.dt.tz_localize(None)).all()


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_midnights_of_any_zone_stay_midnights(zone):
    rng = np.random.default_rng(1)
    days = pd.Timestamp("2014-02-01") + pd.to_timedelta(rng.integers(0, 900, 160), "D")
    real = pd.Series(days).dt.tz_localize(
        zone, nonexistent="shift_forward", ambiguous=True
    )

    new = draw_dates(real)

    midnights = new.dt.tz_localize(None).dt.normalize()
    first = midnights.dt.tz_localize(zone, nonexistent="shift_forward", ambiguous=True)
    pd.testing.assert_series_equal(new, first)
    assert new.dtype == real.dtype
    assert new.nunique() > 20


@pytest.mark.parametrize("dtype", ["datetime64[s]", "timestamp[ms][pyarrow]"])
def test_working_days_keep_their_time_of_day(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    rng = np.random.default_rng(2)
    days = pd.Series(rng.choice(pd.bdate_range("2022-01-03", periods=300), 160))
    times = days + pd.to_timedelta(rng.integers(8 * 3600, 18 * 3600, 160), "s")

    new = draw_dates(times.astype(dtype)).astype("datetime64[ns]")

    assert (new.dt.day_of_week < 5).all()
    assert (new - new.dt.normalize()).nunique() > 40
    assert new.between(times.min(), times.max()).all()


def test_gaps_stay_among_dates_of_a_kind():
    dates = pd.Series(pd.date_range("2010-01-01", periods=160, freq="MS"))

    new = draw_dates(dates.where(np.arange(160) % 3 > 0))

    assert 0 < new.isna().mean() < 0.6
    assert (new.dropna().dt.day == 1).all()


@pytest.mark.parametrize(
    ("dates", "is_found"),
    [
        pytest.param(
            pd.bdate_range("2024-01-02", periods=140)[::9], True, id="16 days"
        ),
        pytest.param(
            pd.bdate_range("2024-01-02", periods=117)[::9], False, id="13 days"
        ),
        pytest.param(
            np.repeat(pd.bdate_range("2024-01-01", periods=9), 9), False, id="repeats"
        ),
        pytest.param(pd.date_range("2024-01-01", periods=3, freq="MS"), True, id="1st"),
        pytest.param(pd.date_range("2024-01-01", periods=1), False, id="one date"),
        pytest.param(pd.date_range("2024-01-01", periods=99), False, id="all days"),
        pytest.param(pd.to_datetime([]), False, id="no date"),
        pytest.param(
            pd.to_datetime(["1700-01-01", "2200-06-09"]), False, id="far apart"
        ),
    ],
)
def test_a_kind_needs_evidence(dates, is_found):
    moments = pd.DatetimeIndex(dates).as_unit("ns").asi8
    days = find_days(np.random.default_rng(0).permutation(moments))

    assert (len(days) > 0) == is_found


def test_random_dates_are_rarely_of_a_kind():
    n_found = 0
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        days = 12_000 + rng.integers(0, rng.integers(30, 4000), rng.integers(2, 60))
        n_found += len(find_days(days * 86_400 * 10**9)) > 0

    assert n_found <= 20  # each kind of pattern has a chance of 1 %


def test_codes_are_whole_days_where_clocks_change():
    days = pd.Series(pd.date_range("2024-03-01", periods=60, tz="Europe/Berlin"))
    column = learn_column(days, "day")

    codes = column.encode(days)

    assert (codes == np.arange(60) * 86_400.0).all()
    pd.testing.assert_series_equal(column.decode(codes), days, check_names=False)


def test_an_hour_that_comes_twice_or_never_is_no_error():
    hours = pd.Series(pd.date_range("2024-01-01", "2025-01-01", freq="h", tz="UTC"))
    local = hours.dt.tz_convert("Europe/Berlin")
    column = learn_column(local, "at")

    back = column.decode(column.encode(local))
    skipped = column.decode(column.encode(local) + 1800)

    assert (abs(back - local) <= pd.Timedelta("1h")).all()
    assert (back == local).mean() > 0.999
    assert skipped.notna().all()


@pytest.mark.parametrize("freq", ["ME", "B"])
def test_conditions_on_dates_of_a_kind_are_met(freq):
    dates = pd.Series(pd.date_range("2020-01-01", periods=40, freq=freq))
    schema = TableSchema.learn(pd.DataFrame({"day": dates + pd.Timedelta("9h")}))
    low, high = dates[10], dates[12] + pd.Timedelta("1D")

    condition = read_conditions({"day": (low, high)}, schema)["day"]
    codes = np.linspace(schema.columns[0].low, schema.columns[0].high, 300)
    moved = condition.project(schema.columns[0].snap(codes), np.zeros(300))
    days = schema.columns[0].decode(moved)

    assert set(days) <= set(dates[10:13] + pd.Timedelta("9h"))
    assert condition.holds(moved).all()
