"""Rules by which one column determines another: `Lookup` and `Bands`."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from t2sampler.constraints import _rule_checks as checks
from t2sampler.constraints._cells import (
    MISSING,
    as_number,
    find_levels,
    format_column,
    format_value,
    kind_of,
    read_numbers,
    to_builtin,
)
from t2sampler.constraints._rule import Rule, to_answer

MAX_PARTS = 5  # of a table or of bands, written out in the rule's name


@dataclass(frozen=True)
class Lookup(Rule):
    """A column's level determines the value of another column.

    Parameters
    ----------
    column : hashable
        The determined column.
    by : hashable
        The column that determines it.
    table : dict, or tuple of (level, value) pairs
        Levels that are not listed allow any value.
    """

    column: Hashable
    by: Hashable
    table: tuple

    def __post_init__(self):
        pairs = self.table.items() if isinstance(self.table, dict) else self.table
        object.__setattr__(self, "table", to_builtin(tuple(pairs)))

    @property
    def name(self):
        pairs = [
            f"{format_value(level)}: {format_value(value)}"
            for level, value in self.table
        ]
        return _format_dependency(self, pairs)

    @property
    def columns(self):
        return (self.by, self.column)

    def check(self, schema):
        checks.check_not_empty(self, self.table, "entry")
        levels, values = zip(*self.table, strict=True)
        checks.check_levels(self, checks.find_column(self, schema, self.by), levels)
        column = checks.find_column(self, schema, self.column)
        checks.check_levels(self, column, values)

    def evaluate(self, frame):
        levels, values = zip(*self.table, strict=True)
        place = find_levels(frame[self.by], levels)
        wanted, found = _match(frame[self.column], values)
        return to_answer(
            wanted[place.clip(0)] == found, (place < 0) | (found == MISSING)
        )


@dataclass(frozen=True)
class Bands(Rule):
    """The band in which a number lies determines the value of another column.

    Parameters
    ----------
    column : hashable
        The determined column.
    by : hashable
        The number, date or duration that determines it.
    bands : tuple of (low, high, value)
        In rising order. A number between two bands, or beyond the outer ones, allows
        the value of each adjacent band.

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
        object.__setattr__(self, "bands", to_builtin(tuple(self.bands)))

    @property
    def name(self):
        parts = [
            f"{format_value(low)} to {format_value(high)}: {format_value(value)}"
            for low, high, value in self.bands
        ]
        return _format_dependency(self, parts)

    @property
    def columns(self):
        return (self.by, self.column)

    def check(self, schema):
        checks.check_not_empty(self, self.bands, "band")
        by = checks.find_column(self, schema, self.by)
        for low, high, _ in self.bands:
            checks.check_bounds(self, by, low, high)
        for (_, high, _), (low, _, _) in zip(self.bands, self.bands[1:], strict=False):
            checks.check_bounds(self, by, high, low)
        column = checks.find_column(self, schema, self.column)
        checks.check_levels(self, column, [value for _, _, value in self.bands])

    def evaluate(self, frame):
        lows, highs, values = zip(*self.bands, strict=True)
        numbers = read_numbers(frame[self.by], kind_of(lows[0]))
        last = len(lows) - 1
        # Inside a band both neighbours are that band; in a gap they differ.
        at_or_below = np.searchsorted(_as_numbers(lows), numbers, side="right") - 1
        at_or_above = np.searchsorted(_as_numbers(highs), numbers, side="left")
        wanted, found = _match(frame[self.column], values)
        holds = (wanted[at_or_below.clip(0)] == found) | (
            wanted[at_or_above.clip(None, last)] == found
        )
        is_missing = frame[self.by].isna().to_numpy() | (found == MISSING)
        return to_answer(holds & ~np.isnan(numbers), is_missing)


def _match(column, values):
    """Return, as numbers of distinct values, those of the entries and of the cells."""
    distinct = tuple(dict.fromkeys(values))
    as_column = pd.Series(values, dtype=object)
    return find_levels(as_column, distinct), find_levels(column, distinct)


def _as_numbers(bounds):
    return np.array([as_number(bound) for bound in bounds])


def _format_dependency(rule, parts):
    more = [f"{len(parts) - MAX_PARTS} more"] if len(parts) > MAX_PARTS else []
    listed = ", ".join(parts[:MAX_PARTS] + more)
    return (
        f"{format_column(rule.column)} follows from {format_column(rule.by)} ({listed})"
    )
