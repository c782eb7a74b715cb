"""Dates of one kind, such as month ends and working days, and the local clock."""

from collections.abc import Iterator
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DAY = 86_400 * 10**9  # nanoseconds
MAX_SKIPPED = DAY // 12  # clocks are put forward by two hours at most
# Probability at which dates without a pattern are mistaken for ones that have it.
MAX_CHANCE = 0.01
MAX_SPAN = 1000 * 366  # days between the first and the last date
MONTH_STEPS = 1, 2, 3, 6, 12  # every month, ..., quarter, half-year and year
N_DAY_PATTERNS = 33  # see `_find_month_days`: 28 fixed days and five others

Days = NDArray[np.int64]
Pattern = tuple[NDArray[np.bool_], float]


def find_days(moments: Days) -> Days:
    r"""Return the days a column's dates keep to, from the first to the last date.

    Patterns are weekdays (working days, one fixed day, any others) and days of the
    month (a fixed one, the last, the first or last working day, twice a month), of
    every month, second month, quarter, half-year or year. A pattern that all n
    distinct days keep counts if unrelated days are unlikely to keep it:

    .. math:: k s^n \le 0.01

    for the share s that it has of all days from the first to the last, and k patterns
    of its kind that were tried. So it takes 14 working days over some weeks (their
    share is 5/7), three firsts of months, or five firsts of quarters. Of the patterns
    that count, the one with the fewest days is taken.

    Parameters
    ----------
    moments : int ndarray of shape (n_dates,)
        Nanoseconds of the local clock since 1970.

    Returns
    -------
    days : int ndarray
        Days since 1970; empty where any day may occur.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-31", periods=9, freq="ME")
    >>> find_days(dates.astype("datetime64[ns]").asi8)[:3].astype("datetime64[D]")
    array(['2024-01-31', '2024-02-29', '2024-03-31'], dtype='datetime64[D]')
    """
    seen = np.unique(moments // DAY)
    none = np.empty(0, dtype=np.int64)
    if not seen.size or not 0 < seen[-1] - seen[0] <= MAX_SPAN:
        return none
    span = np.arange(seen[0], seen[-1] + 1)
    best = np.ones(len(span), dtype=bool)
    for allowed, n_patterns in _find_patterns(span, seen):
        if not allowed[seen - seen[0]].all() or allowed.sum() >= best.sum():
            continue
        if n_patterns * allowed.mean() ** len(seen) <= MAX_CHANCE:
            best = allowed
    return none if best.all() else span[best]


def _find_patterns(span: Days, seen: Days) -> Iterator[Pattern]:
    """Yield which days keep a pattern, and how many others there are like it."""
    weekday = (span + 3) % 7  # 1970 began on a Thursday
    yield weekday < 5, 1
    on_weekdays = np.unique((seen + 3) % 7)
    yield np.isin(weekday, on_weekdays), comb(7, len(on_weekdays))
    month = span.astype("datetime64[D]").astype("datetime64[M]")
    number = month.astype(np.int64)
    for allowed in _find_month_days(span, month, weekday):
        for step in MONTH_STEPS:
            in_step = number % step == number[0] % step
            yield allowed & in_step, N_DAY_PATTERNS * step


def _find_month_days(
    span: Days, month: NDArray[np.datetime64], weekday: Days
) -> list[NDArray[np.bool_]]:
    """Return which days keep a pattern of days of the month."""
    day = span - month.astype("datetime64[D]").astype(np.int64)
    left = (month + 1).astype("datetime64[D]").astype(np.int64) - 1 - span
    is_monday, is_friday = weekday == 0, weekday == 4
    is_working = weekday < 5
    patterns = [
        left == 0,
        is_working & ((day == 0) | (is_monday & (day <= 2))),
        is_working & ((left == 0) | (is_friday & (left <= 2))),
        (day == 0) | (day == 14),
        (day == 14) | (left == 0),
    ]
    # Not each month has a 29th.
    return [*patterns, day == day[0]] if day[0] < 28 else patterns


def to_wall_time(moments: Days, zone: object) -> Days:
    """Return UTC nanoseconds as the local clock of a zone shows them.

    The first moment of a day counts as midnight, even where clocks skip midnight.
    """
    local = (
        pd.DatetimeIndex(moments.astype("datetime64[ns]"))
        .tz_localize("UTC")
        .tz_convert(zone)
        .tz_localize(None)
    )
    wall: Days = local.asi8.copy()
    clock = wall % DAY
    early = np.flatnonzero((clock > 0) & (clock <= MAX_SKIPPED))
    midnights = wall[early] - clock[early]
    is_first = from_wall_time(midnights, zone).asi8 == moments[early]
    wall[early[is_first]] = midnights[is_first]
    return wall


def from_wall_time(moments: Days, zone: object) -> pd.DatetimeIndex:
    """Undo `to_wall_time`; of an hour that comes twice, the first is meant."""
    return pd.DatetimeIndex(moments.astype("datetime64[ns]")).tz_localize(
        zone, nonexistent="shift_forward", ambiguous=True
    )
