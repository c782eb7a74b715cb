"""Six ways of spoiling rows, most of them by saying whose value a cell takes."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, learn_column

MAX_MODES = 3  # rows that a collapsed generator keeps repeating
MAX_DRAWS = 50  # attempts at breaking a relation
DAY_S = 86_400  # lest rounding leads beyond the last nanosecond
LEAST, MOST = 0.5, 1.5  # how far out of range, as a share of the range


@dataclass(frozen=True)
class Workpiece:
    """A table being spoiled.

    Attributes
    ----------
    pool : DataFrame of shape (n_rows + n_real, n_features)
        The rows of the table, then the real rows.
    labels : Series of shape (n_rows + n_real,)
    origin : int ndarray of shape (n_rows, n_features)
        The row of the pool from which each cell takes its value.
    label_origin : int ndarray of shape (n_rows,)
    clean : int ndarray
        Rows of the table that nobody touches.
    rules : tuple
        Relations to break.
    numbers : tuple of ColumnSchema
        Columns with a range, as the real rows have it.
    written : list of (row numbers, Series)
        Values that come from no row.
    truth : object ndarray of shape (n_rows,)
    """

    pool: pd.DataFrame
    labels: pd.Series
    origin: NDArray[np.intp]
    label_origin: NDArray[np.intp]
    clean: NDArray[np.intp]
    rules: tuple
    numbers: tuple[ColumnSchema, ...]
    truth: NDArray[np.object_]
    written: list = field(default_factory=list)

    @classmethod
    def begin(cls, table, real, rules, clean):
        """Return a workpiece in which every cell still has its own value."""
        n_rows, n_columns = table.frame.shape
        schemas = (learn_column(real.frame[name], name) for name in real.frame)
        own = np.arange(n_rows)
        return cls(
            pool=pd.concat([table.frame, real.frame], ignore_index=True),
            labels=pd.concat([table.target, real.target], ignore_index=True),
            origin=np.repeat(own[:, None], n_columns, axis=1),
            label_origin=own.copy(),
            clean=clean,
            rules=rules,
            numbers=tuple(schema for schema in schemas if schema.is_numeric),
            truth=np.full(n_rows, "", dtype=object),
        )

    def draw_real(self, shape, rng):
        """Return random row numbers, within the pool, of real rows."""
        return rng.randint(len(self.origin), len(self.pool), shape)

    def finish(self):
        """Return the spoiled table: its frame and its labels."""
        columns = [
            self.pool.iloc[self.origin[:, j], j].reset_index(drop=True)
            for j in range(self.pool.shape[1])
        ]
        frame = pd.concat(columns, axis=1)
        for rows, values in self.written:
            column = frame[values.name].copy()
            column.iloc[rows] = values.array
            frame[values.name] = column
        return frame, self.labels.iloc[self.label_origin].reset_index(drop=True)


def find_obstacle(kind, piece):
    """Return why a kind of error cannot be made, None where it can."""
    if kind == "label_flip" and piece.labels.nunique() < 2:
        return "'label_flip' expected two labels or more, got one. Leave it out."
    if kind == "out_of_range" and not piece.numbers:
        return "'out_of_range' expected a column of numbers, got none. Leave it out."
    if kind == "broken_relation" and not piece.rules:
        n_real = len(piece.pool) - len(piece.origin)
        return (
            f"'broken_relation' expected relations, found none in {n_real} real rows. "
            "Give them as `rules`, or give more real rows."
        )
    return None


def flip_label(piece, rows, rng):
    """Give each row one of the other labels."""
    codes, levels = pd.factorize(piece.labels)
    _, holders = np.unique(codes, return_index=True)  # a row of each label
    shifts = rng.randint(1, len(levels), len(rows))
    piece.label_origin[rows] = holders[(codes[rows] + shifts) % len(levels)]
    return rows


def shuffle_columns(piece, rows, rng):
    """Draw every cell of a row from a real row of its own."""
    piece.origin[rows] = piece.draw_real((len(rows), piece.origin.shape[1]), rng)
    return rows


def leave_range(piece, rows, rng):
    """Move one number of each row below or above all real ones."""
    choice = rng.randint(len(piece.numbers), size=len(rows))
    done = []
    for i, column in enumerate(piece.numbers):
        chosen = rows[choice == i]
        codes = _draw_beyond(column, len(chosen), rng)
        fits = ~np.isnan(codes)
        done.append(chosen[fits])
        piece.written.append((chosen[fits], column.decode(codes[fits])))
    return np.concatenate(done)


def break_relation(piece, rows, rng):
    """Take one value of another real row, such that a rule breaks."""
    ways = [
        (rule, name)
        for rule in piece.rules
        for name in getattr(rule, "columns", piece.pool.columns)
    ]
    left = rows
    for _ in range(MAX_DRAWS):
        choice = rng.randint(len(ways), size=len(left))
        broken = [
            _try_to_break(piece, left[choice == i], *way, rng)
            for i, way in enumerate(ways)
        ]
        left = np.setdiff1d(left, np.concatenate(broken))
        if not left.size:
            break
    return np.setdiff1d(rows, left)


def copy_real(piece, rows, rng):
    """Replace each row, label and all, by a real row."""
    return _replace(piece, rows, piece.draw_real(len(rows), rng))


def collapse(piece, rows, rng):
    """Replace each row, label and all, by one of a few others."""
    others = piece.clean if piece.clean.size else rows
    modes = rng.permutation(others)[:MAX_MODES]
    return _replace(piece, rows, modes[rng.randint(len(modes), size=len(rows))])


ERRORS = {
    "label_flip": flip_label,
    "column_shuffle": shuffle_columns,
    "out_of_range": leave_range,
    "broken_relation": break_relation,
    "copy": copy_real,
    "mode_collapse": collapse,
}


def _replace(piece, rows, sources):
    piece.origin[rows] = sources[:, None]
    piece.label_origin[rows] = sources
    return rows


def _try_to_break(piece, rows, rule, name, rng):
    """Redraw one column; return the rows in which the rule breaks by that."""
    if not rows.size:
        return rows
    sources = piece.draw_real(len(rows), rng)
    trial = piece.pool.iloc[rows].reset_index(drop=True)
    trial[name] = piece.pool[name].iloc[sources].reset_index(drop=True)
    broken = ~rule.holds(trial)
    piece.origin[rows[broken], piece.pool.columns.get_loc(name)] = sources[broken]
    return rows[broken]


def _draw_beyond(column, n_rows, rng):
    """Return codes beyond a column's range; NaN where its dtype has no room."""
    span = (column.high - column.low) or max(1.0, abs(column.high))
    distance = rng.uniform(LEAST, MOST, n_rows) * span
    if column.grid.is_integer:
        distance = np.ceil(distance)
    least, most = _limits(column)
    below, above = column.low - distance, column.high + distance
    can_go_down, can_go_up = below >= least, above <= most
    goes_up = can_go_up & (~can_go_down | (rng.uniform(size=n_rows) < 0.5))
    codes = np.where(goes_up, above, below)
    return np.where(can_go_down | can_go_up, codes, np.nan)


def _limits(column):
    """Return the smallest and largest code the column's dtype can hold."""
    dtype = getattr(column.dtype, "numpy_dtype", column.dtype)
    if column.kind in ("datetime", "timedelta"):
        bounds = np.iinfo(np.int64)  # nanoseconds, from 1970 and from the origin
        least = max(bounds.min, bounds.min - column.origin) / 1e9 + DAY_S
        most = min(bounds.max, bounds.max - column.origin) / 1e9 - DAY_S
        return least, most
    if getattr(dtype, "kind", "") == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        most = float(bounds.max)
        return bounds.min, np.nextafter(most, 0) if most > bounds.max else most
    return -np.inf, np.inf
