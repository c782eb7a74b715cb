"""Conditions on generated columns, as ranges or sets of codes."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import UNSEEN, ColumnSchema, TableSchema, find_zone
from t2sampler.exceptions import GeneratorError

Codes = NDArray[np.float64]
COLLECTIONS = (list, set, frozenset, np.ndarray, pd.Index, pd.Series)


@dataclass(frozen=True)
class Condition:
    """The codes that one column may take.

    Attributes
    ----------
    column : ColumnSchema
    description : str
        The condition as the user would write it, for messages.
    low, high : float
        The closed range; both are equal for a single value.
    values : tuple of float
        The only values; empty where every value of the range will do. NaN: missing.
    """

    column: ColumnSchema
    description: str
    low: float
    high: float
    values: tuple[float, ...] = ()

    def holds(self, codes: Codes) -> NDArray[np.bool_]:
        """Return which codes meet the condition."""
        if not self.values:
            return (codes >= self.low) & (codes <= self.high)
        holds = np.isin(codes, self.values)
        if np.isnan(self.values).any():
            holds |= np.isnan(codes)
        return holds

    def distance(self, codes: Codes) -> Codes:
        """Return how far codes are from the condition: 0 where it is met, at most 1."""
        holds = self.holds(codes)
        width = self.column.high - self.column.low
        if not self.column.is_numeric or np.isnan(self.low) or not width > 0:
            return np.where(holds, 0.0, 1.0)
        distance = np.maximum(self.low - codes, codes - self.high).clip(min=0) / width
        # Within the range but not among the values: a little away from the condition.
        distance = np.where(np.isnan(distance), 1.0, distance.clip(1e-9, 1))
        return np.where(holds, 0.0, distance)

    def project(self, codes: Codes, uniforms: Codes) -> Codes:
        """Return codes that meet the condition: numbers the nearest, levels any."""
        if self.values:
            values = np.array(self.values)
            choice = (uniforms * len(values)).astype(np.intp)
            if self.column.is_numeric and not np.isnan(values).any():
                distance = np.abs(np.nan_to_num(codes, nan=self.low)[:, None] - values)
                choice = distance.argmin(axis=1)
            inside = values[choice]
        else:
            inside = _snap_within(self.column, codes, self.low, self.high)
        return np.where(self.holds(codes), codes, inside)


def read_conditions(
    given: Mapping[Hashable, object], schema: TableSchema
) -> dict[Hashable, Condition]:
    """Return the condition of each column that has one.

    Parameters
    ----------
    given : mapping of column name to condition
        A value; a pair (low, high) of numbers, dates or ordered categories, both ends
        included and None for an open end; or a list or set of values.
    schema : TableSchema

    Raises
    ------
    GeneratorError
        A column that is unknown or never written, or a condition that no row can meet.
    """
    if not isinstance(given, Mapping):
        raise GeneratorError(
            f"Expected `given` as a dict of column name to condition, got {given!r}."
        )
    columns = {column.name: column for column in schema.columns}
    for name in given:
        if name not in columns or not columns[name].is_modelled:
            known = [c.name for c in schema.columns if c.is_modelled]
            raise GeneratorError(
                f"Expected conditions on columns that the team writes, got {name!r}. "
                f"It writes {known}; names, ids, free text and empty columns are not "
                "copied from real rows."
            )
    return {name: _read(columns[name], spec) for name, spec in given.items()}


def _read(column: ColumnSchema, spec: object) -> Condition:
    description = f"{column.name!r}: {spec!r}"
    if isinstance(spec, tuple):
        return _read_range(column, spec, description)
    choices = list(spec) if isinstance(spec, COLLECTIONS) else [spec]
    if not choices:
        raise _infeasible(description, "at least one value", "an empty list")
    values = tuple(_read_value(column, value, description) for value in choices)
    present = [value for value in values if not np.isnan(value)]
    low, high = (min(present), max(present)) if present else (np.nan, np.nan)
    return Condition(column, description, low, high, values)


def _read_range(
    column: ColumnSchema, spec: tuple[object, ...], description: str
) -> Condition:
    if len(spec) != 2:
        raise _infeasible(description, "a pair (low, high)", f"{len(spec)} values")
    if not (column.is_numeric or column.is_ordered):
        raise _infeasible(
            description, "a value or a list of values", "a range of unordered levels"
        )
    top = column.high if column.is_numeric else len(column.levels) - 1.0
    bottom = column.low if column.is_numeric else 0.0
    low, high = (
        end if wanted is None else _encode(column, wanted, description)
        for wanted, end in zip(spec, (bottom, top), strict=True)
    )
    # The team leaves no bounds of the real rows, so an open end stops at them, too.
    low, high = max(low, bottom), min(high, top)
    if low <= high:
        low, high = _snap_within(column, np.array([low, high]), low, high)
    if not low <= high:
        raise _infeasible(
            description, f"a range that meets {_describe(column)}", "none in it"
        )
    if column.is_numeric:
        return Condition(column, description, low, high)
    # Levels are listed: between the codes of two there is nothing to move to.
    return Condition(
        column, description, low, high, tuple(np.arange(low, high + 1).tolist())
    )


def _read_value(column: ColumnSchema, value: object, description: str) -> float:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        if column.missing > 0:
            return np.nan
        raise _infeasible(description, "a value, since no real row misses one", "none")
    code = _encode(column, value, description)
    is_outside = column.is_numeric and not column.low <= code <= column.high
    if is_outside or column.snap(np.array([code]))[0] != code:
        raise _infeasible(description, _describe(column), f"{value!r}")
    return code


def _encode(column: ColumnSchema, value: object, description: str) -> float:
    """Return the code of one value."""
    if isinstance(value, np.floating):  # a short float by the digits it shows
        value = float(str(value))
    try:
        if column.kind in ("datetime", "timedelta"):
            make = pd.Timestamp if column.kind == "datetime" else pd.Timedelta
            moment = pd.Series([make(value)])
            zone = find_zone(column.dtype)
            if zone is not None and moment.dt.tz is None:
                moment = moment.dt.tz_localize(zone)
            code = float(column.encode(moment)[0])
        else:
            code = float(column.encode(pd.Series([value]))[0])
    except (TypeError, ValueError, AttributeError) as error:
        raise _infeasible(description, _describe(column), f"{value!r}") from error
    if (not column.is_numeric and code == UNSEEN) or np.isnan(code):
        raise _infeasible(description, _describe(column), f"{value!r}")
    return code


def _snap_within(column: ColumnSchema, codes: Codes, low: float, high: float) -> Codes:
    """Return the nearest values the column can hold between two codes; NaN if none."""
    inside = column.snap(np.clip(np.nan_to_num(codes, nan=low), low, high))
    grid = column.grid
    for sign in (1, -1):  # rounding may lead across a bound
        beyond = (inside < low) if sign > 0 else (inside > high)
        moved = column.snap(inside + sign * grid.step)
        if grid.days:
            moved = grid.move_by_days(inside, sign)
        inside = np.where(beyond, moved, inside)
    if grid.values:
        values = np.array(grid.values)
        values = values[(values >= low) & (values <= high)]
        if not values.size:
            return np.full(len(codes), np.nan)
        inside = values[np.abs(inside[:, None] - values).argmin(axis=1)]
    return np.where((inside >= low) & (inside <= high), inside, np.nan)


def _describe(column: ColumnSchema) -> str:
    if column.is_numeric:
        ends = column.decode(np.array([column.low, column.high]))
        step = f" in steps of {column.grid.step:g}" if column.grid.step else ""
        return f"values from {ends.iloc[0]} to {ends.iloc[1]}{step}, as in real rows"
    levels = [str(level) for level in column.levels[:10]]
    return f"levels that real rows have ({', '.join(levels)})"


def _infeasible(description: str, expected: str, got: str) -> GeneratorError:
    return GeneratorError(
        f"Condition {{{description}}} cannot be met: expected {expected}, got {got}. "
        "Drop the condition or widen it."
    )
