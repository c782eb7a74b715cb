"""Rules by which one column follows from others: `Product` and `Elapsed`."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from t2sampler._calendar import DAY
from t2sampler._schema import clock_nanoseconds, nanoseconds
from t2sampler.constraints import _rule_checks as checks
from t2sampler.constraints._cells import (
    format_column,
    format_value,
    read_numbers,
    to_builtin,
)
from t2sampler.constraints._linear import ROUNDING, float_spacing
from t2sampler.constraints._rule import Rule, to_answer
from t2sampler.exceptions import ConstraintError

UNITS = {  # nanoseconds
    "seconds": 10**9,
    "minutes": 60 * 10**9,
    "hours": 3600 * 10**9,
    "days": DAY,
    "weeks": 7 * DAY,
}
CALENDAR_UNITS = "months", "years", "calendar years"


@dataclass(frozen=True)
class Product(Rule):
    """A number is a product of powers of others, up to a tolerance.

    ``abs(column - factor * product of x ** power) <= tolerance``

    Parameters
    ----------
    column : hashable
        Name of the column that follows from the others.
    powers : dict
        From a column's name to its power: -1 divides by it, 2 squares it.
    factor : float, default=1.0
    tolerance : float >= 0, default=0.0
        Half a unit of the last place that the column is rounded to; 0 allows for the
        rounding of floats alone.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.constraints import Product
    >>> rule = Product("bmi", {"weight": 1, "height": -2}, tolerance=0.05)
    >>> rule.name
    'bmi = weight / height^2, within 0.05'
    >>> people = {"bmi": [24.2, 25], "weight": [70, 70], "height": [1.7, 1.7]}
    >>> rule.holds(pd.DataFrame(people))
    array([ True, False])
    """

    column: Hashable
    powers: dict
    factor: float = 1.0
    tolerance: float = 0.0

    def __post_init__(self):
        powers = {to_builtin(k): to_builtin(p) for k, p in dict(self.powers).items()}
        object.__setattr__(self, "powers", powers)

    def __hash__(self):
        powers = tuple(self.powers.items())
        return hash((self.column, powers, self.factor, self.tolerance))

    @property
    def name(self):
        factor = [] if self.factor == 1 else [format_value(float(self.factor))]
        above = factor + [_format_power(k, p) for k, p in self.powers.items() if p > 0]
        below = [f" / {_format_power(k, -p)}" for k, p in self.powers.items() if p <= 0]
        text = f"{format_column(self.column)} = {' * '.join(above) or '1'}"
        return text + "".join(below) + _format_tolerance(self.tolerance)

    @property
    def columns(self):
        return (self.column, *self.powers)

    def check(self, schema):
        checks.check_not_empty(self, self.powers, "power")
        checks.check_finite(self, [*self.powers.values(), self.factor, self.tolerance])
        for name in self.columns:
            checks.check_numeric(self, checks.find_column(self, schema, name))
        if self.column in self.powers:
            raise ConstraintError(
                f"Product expected other columns than {self.column!r} among its "
                "powers. Name those that the column follows from."
            )

    def evaluate(self, frame):
        values = [frame[name] for name in self.columns]
        missing = np.any([v.isna().to_numpy() for v in values], axis=0)
        with np.errstate(all="ignore"):
            error = np.abs(read_numbers(values[0]) - self.solve(frame, self.column))
            slack = ROUNDING * max(float_spacing(v.dtype) for v in values)
            slack = slack * np.abs(read_numbers(values[0])) + self.tolerance
        return to_answer(error <= slack * (1 + 1e-9), missing)

    def solve(self, frame, name):
        """Return the numbers of one column that follow from those of the others."""
        product = np.full(len(frame), float(self.factor))
        with np.errstate(all="ignore"):
            for other, power in self.powers.items():
                if other != name:
                    product = product * read_numbers(frame[other]) ** float(power)
            if name == self.column:
                return product
            ratio = read_numbers(frame[self.column]) / product
            return np.sign(ratio) * np.abs(ratio) ** (1 / self.powers[name])


@dataclass(frozen=True)
class Elapsed(Rule):
    """A number or duration is the time from one date to another.

    Parameters
    ----------
    column : hashable
        Name of the column that follows from the dates.
    start, end : hashable or Timestamp
        Names of the columns of dates; a Timestamp is the same date in all rows.
    unit : str or number, default="days"
        "seconds", "minutes", "hours", "days", "weeks", or a number of days. "months"
        and "years" count birthdays, "calendar years" the turns of the year.
    whole : bool, default=False
        Only completed units count, as in an age. Units of the calendar always do.
    offset : float, default=0.0
        What is added: 1 where both the first and the last day count.
    tolerance : float >= 0, default=0.0
        Of the number, if it is rounded.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.constraints import Elapsed
    >>> rule = Elapsed("age", "born", pd.Timestamp("2024-06-01"), "years")
    >>> rule.name
    'age = whole years from born to 2024-06-01'
    >>> born = pd.to_datetime(["2000-06-01", "2000-06-02"])
    >>> rule.holds(pd.DataFrame({"age": [24, 24], "born": born}))
    array([ True, False])
    """

    column: Hashable
    start: Hashable
    end: Hashable
    unit: object = "days"
    whole: bool = False
    offset: float = 0.0
    tolerance: float = 0.0

    @property
    def name(self):
        unit = self.unit if isinstance(self.unit, str) else f"{self.unit} days"
        whole = "whole " if self.whole or unit in ("months", "years") else ""
        start, end = (
            format_value(day) if _is_fixed(day) else format_column(day)
            for day in (self.start, self.end)
        )
        offset = f" + {format_value(float(self.offset))}" if self.offset else ""
        text = f"{format_column(self.column)} = {whole}{unit} from {start} to {end}"
        return text + offset + _format_tolerance(self.tolerance)

    @property
    def columns(self):
        dates = [day for day in (self.start, self.end) if not _is_fixed(day)]
        return (self.column, *dates)

    @property
    def is_exact(self):
        """Whether each date follows from the other one and the time elapsed."""
        return not (self.whole or self.unit in CALENDAR_UNITS or self.tolerance)

    def check(self, schema):
        if isinstance(self.unit, str) and self.unit not in (*UNITS, *CALENDAR_UNITS):
            raise ConstraintError(
                f"Elapsed expected a unit among {(*UNITS, *CALENDAR_UNITS)}, or a "
                f"number of days, got {self.unit!r}. Choose one."
            )
        checks.check_finite(self, [self.offset, self.tolerance])
        target, *dates = (checks.find_column(self, schema, n) for n in self.columns)
        checks.check_numeric(self, target)
        for column in dates:
            if checks.check_numeric(self, column) not in ("datetime", None):
                raise ConstraintError(
                    f"Elapsed expected dates in column {column.name!r}, got "
                    f"{column.kind}. Name columns of dates as `start` and `end`."
                )

    def evaluate(self, frame):
        values = frame[self.column]
        missing = np.any([frame[n].isna().to_numpy() for n in self.columns], axis=0)
        numbers = read_numbers(values)
        expected = self.solve(frame, self.column)
        tolerance = self.tolerance
        if values.dtype.kind == "m":
            expected, tolerance = expected / 1e9, tolerance * self._size / 1e9
        slack = ROUNDING * float_spacing(values.dtype) * np.abs(expected) + tolerance
        return to_answer(np.abs(numbers - expected) <= slack * (1 + 1e-9), missing)

    @property
    def _size(self):
        """Nanoseconds of a unit."""
        return UNITS.get(self.unit) or round(self.unit * DAY)

    def solve(self, frame, name):
        """Return one column that follows from the others: numbers, or nanoseconds."""
        if name == self.column:
            return self._find_time(frame)
        values = frame[self.column]
        if values.dtype.kind == "m":
            elapsed = nanoseconds(values) - round(self.offset * self._size)
        else:
            elapsed = (read_numbers(values) - self.offset) * self._size
            elapsed = np.round(np.nan_to_num(elapsed)).astype(np.int64)
        is_end = name == self.end
        known = self._read(frame, self.start if is_end else self.end)
        return known + elapsed if is_end else known - elapsed

    def _find_time(self, frame):
        """Return the time elapsed: in units, or in nanoseconds for durations."""
        start, end = self._read(frame, self.start), self._read(frame, self.end)
        if self.unit in CALENDAR_UNITS:
            return count_turns(start, end, self.unit) + self.offset
        elapsed = end - start + round(self.offset * self._size)
        is_duration = frame[self.column].dtype.kind == "m"
        if self.whole:
            units = elapsed // self._size
            return units * self._size if is_duration else units
        return elapsed if is_duration else elapsed / self._size

    def _read(self, frame, day):
        """Return nanoseconds since 1970, of the local clock where days are counted."""
        if _is_fixed(day):
            return np.int64(day.as_unit("ns").value)
        values = frame[day]
        if values.dtype.kind != "M":  # cells of candidates may be anything
            seconds = read_numbers(values, "datetime")
            return np.nan_to_num(seconds * 1e9).astype(np.int64)
        read = clock_nanoseconds if self.unit in CALENDAR_UNITS else nanoseconds
        return read(values)


def count_turns(start, end, unit):
    """Return completed months or years, or turns of the year, between moments."""
    months, days = zip(*map(_split_date, (start, end)), strict=True)
    if unit == "calendar years":
        return months[1] // 12 - months[0] // 12
    completed = months[1] - months[0] - (days[1] < days[0])
    return completed // (12 if unit == "years" else 1)


def _split_date(moments):
    """Return months since 1970, and the day of the month, of nanoseconds."""
    days = (moments // DAY).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    return months.astype(np.int64), (days - months).astype(np.int64)


def _is_fixed(day):
    return isinstance(day, pd.Timestamp)


def _format_power(name, power):
    power = "" if power == 1 else f"^{format_value(power)}"
    return format_column(name) + power


def _format_tolerance(tolerance):
    return f", within {format_value(float(tolerance))}" if tolerance else ""
