"""Rules by which one column follows from another."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from t2sampler.constraints import _checks as checks
from t2sampler.constraints._cells import (
    MISSING,
    as_number,
    call_column,
    describe,
    find_levels,
    kind_of,
    read_numbers,
    to_plain,
)
from t2sampler.constraints._rule import Rule, answer

MOST_PARTS = 5  # of a table or of bands, written out in the rule's name


@dataclass(frozen=True)
class Lookup(Rule):
    """A column's value follows from the level of another.

    Parameters
    ----------
    column : hashable
        The column that follows.
    by : hashable
        The column it follows from.
    table : dict, or tuple of (level, value) pairs
        Levels that are not listed allow any value.
    """

    column: Hashable
    by: Hashable
    table: tuple

    def __post_init__(self):
        pairs = self.table.items() if isinstance(self.table, dict) else self.table
        object.__setattr__(self, "table", to_plain(tuple(pairs)))

    @property
    def name(self):
        pairs = [f"{describe(level)}: {describe(value)}" for level, value in self.table]
        return _sentence(self, pairs)

    @property
    def columns(self):
        return (self.by, self.column)

    def check(self, schema):
        checks.check_some(self, self.table, "entry")
        levels, values = zip(*self.table, strict=True)
        checks.check_levels(self, checks.find_column(self, schema, self.by), levels)
        column = checks.find_column(self, schema, self.column)
        checks.check_levels(self, column, values)

    def judge(self, frame):
        levels, values = zip(*self.table, strict=True)
        place = find_levels(frame[self.by], levels)
        wanted, found = _match(frame[self.column], values)
        return answer(wanted[place.clip(0)] == found, (place < 0) | (found == MISSING))


@dataclass(frozen=True)
class Bands(Rule):
    """A column's value follows from the band in which a number lies.

    Parameters
    ----------
    column : hashable
        The column that follows.
    by : hashable
        The number, date or duration it follows from.
    bands : tuple of (low, high, value)
        In rising order. A number between two bands, or beyond the outer ones, may have
        the value of any band next to it.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.constraints import Bands
    >>> rule = Bands("adult", "age", [(0, 17, "no"), (18, 99, "yes")])
    >>> rule.holds(pd.DataFrame({"age": [17, 17, 40], "adult": ["no", "yes", "yes"]}))
    array([ True, False,  True])
    """

    column: Hashable
    by: Hashable
    bands: tuple

    def __post_init__(self):
        object.__setattr__(self, "bands", to_plain(tuple(self.bands)))

    @property
    def name(self):
        parts = [
            f"{describe(low)} to {describe(high)}: {describe(value)}"
            for low, high, value in self.bands
        ]
        return _sentence(self, parts)

    @property
    def columns(self):
        return (self.by, self.column)

    def check(self, schema):
        checks.check_some(self, self.bands, "band")
        by = checks.find_column(self, schema, self.by)
        for low, high, _ in self.bands:
            checks.check_bounds(self, by, low, high)
        for (_, high, _), (low, _, _) in zip(self.bands, self.bands[1:], strict=False):
            checks.check_bounds(self, by, high, low)
        column = checks.find_column(self, schema, self.column)
        checks.check_levels(self, column, [value for _, _, value in self.bands])

    def judge(self, frame):
        lows, highs, values = zip(*self.bands, strict=True)
        numbers = read_numbers(frame[self.by], kind_of(lows[0]))
        last = len(lows) - 1
        at_or_below = np.searchsorted(_as_numbers(lows), numbers, side="right") - 1
        at_or_above = np.searchsorted(_as_numbers(highs), numbers, side="left")
        wanted, found = _match(frame[self.column], values)
        holds = (wanted[at_or_below.clip(0)] == found) | (
            wanted[at_or_above.clip(None, last)] == found
        )
        is_missing = frame[self.by].isna().to_numpy() | (found == MISSING)
        return answer(holds & ~np.isnan(numbers), is_missing)


def _match(column, values):
    """Return which distinct value each entry of the table has, and each cell."""
    distinct = tuple(dict.fromkeys(values))
    as_column = pd.Series(values, dtype=object)
    return find_levels(as_column, distinct), find_levels(column, distinct)


def _as_numbers(bounds):
    return np.array([as_number(bound) for bound in bounds])


def _sentence(rule, parts):
    more = [f"{len(parts) - MOST_PARTS} more"] if len(parts) > MOST_PARTS else []
    listed = ", ".join(parts[:MOST_PARTS] + more)
    return f"{call_column(rule.column)} follows from {call_column(rule.by)} ({listed})"
