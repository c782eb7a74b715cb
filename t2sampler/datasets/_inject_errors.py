"""Errors put into a table on purpose, with the truth about which rows have one."""

from dataclasses import dataclass, field
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._forms import Form
from t2sampler._params import Interval, check_random_state, validate_params
from t2sampler._schema import ColumnSchema, learn_column
from t2sampler._table import Table
from t2sampler.datasets._confirmed_rules import find_confirmed_rules
from t2sampler.exceptions import SchemaError

MAX_MODES = 3  # distinct rows that a collapsed generator repeats
MAX_DRAWS = 50  # attempts at breaking a rule
DAY_S = 86_400  # distance kept from the last nanosecond, since rounding could pass it
MIN_EXCESS, MAX_EXCESS = 0.5, 1.5  # distance beyond the range, as a share of the range
RATE = [Interval(Real, 0, 1, closed="both")]


@validate_params({"rate": RATE}, prefer_skip_nested_validation=True)
def flip_labels(y, rate, *, random_state=None):
    """Change the labels of a share of the rows, irrespective of class.

    Parameters
    ----------
    y : Series or array-like of shape (n_rows,)
    rate : float in [0, 1]
        Share of rows whose label changes, rounded to whole rows. With more than two
        classes each other class is equally likely.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    y_flipped : as given
        Container, dtype and index of ``y``.
    is_flipped : bool ndarray of shape (n_rows,)
        True where the label changed.

    Examples
    --------
    >>> from t2sampler.datasets import flip_labels
    >>> y, is_flipped = flip_labels(["yes", "no", "no", "yes"], 0.5, random_state=0)
    >>> y
    ['yes', 'no', 'yes', 'no']
    >>> is_flipped
    array([False, False,  True,  True])
    """
    X = np.zeros((len(y), 1))
    _, flipped, truth = inject_errors(
        X, y, rate, kind="label_flip", random_state=random_state
    )
    return flipped, truth == "label_flip"


@validate_params({"rate": RATE}, prefer_skip_nested_validation=True)
def inject_errors(
    X, y, rate, *, kind="mixed", real=None, rules=None, random_state=None
):
    """Corrupt a share of the rows as faulty generators do, and say which and how.

    Kinds of errors:

    - "label_flip": the label becomes another one.
    - "column_shuffle": each value comes from a different real row; the label stays.
    - "out_of_range": a number, or a date, lies beyond all real ones, by half to one
      and a half times their range.
    - "broken_relation": one value is replaced by that of another real row so that a
      rule breaks that holds in all real rows.
    - "copy": the row is a real row.
    - "mode_collapse": the row is one of at most three repeated rows.

    Parameters
    ----------
    X : dataframe or array-like of shape (n_rows, n_features)
    y : Series or array-like of shape (n_rows,)
    rate : float in [0, 1]
        Share of rows to corrupt, rounded to whole rows.
    kind : str or tuple of str, default="mixed"
        One kind, or several with equal shares. "mixed": all kinds that the table
        allows.
    real : pair (X, y) or None, default=None
        The real rows, with the columns and dtypes of ``X`` and ``y``. None: the table
        itself.
    rules : sequence of rules or None, default=None
        Rules to break; see `t2sampler.constraints`. None: rules that are learnt from
        one half of ``real`` and confirmed by the other half, which takes 20 rows or
        more.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X_corrupted, y_corrupted : as given
        Containers, dtypes and index of ``X`` and ``y``.
    truth : ndarray of shape (n_rows,), of str
        The kind of error in each row; "" where there is none. A row keeps its values
        and "" if no draw broke a rule, or if its dtype has no room beyond the range. A
        shuffled row has its kind even where the new values form a possible row.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.datasets import inject_errors
    >>> X, y = pd.DataFrame({"age": [30, 40, 50, 60]}), pd.Series([0, 0, 1, 1])
    >>> X_bad, _, truth = inject_errors(X, y, 0.5, kind="out_of_range", random_state=0)
    >>> truth.tolist()
    ['', '', 'out_of_range', 'out_of_range']
    >>> X_bad["age"].between(30, 60).tolist()
    [True, True, False, False]
    """
    kinds = _read_kinds(kind)
    rng = check_random_state(random_state)
    table = Table(X, y)
    real = table if real is None else _open_real(real, table)
    if rules is None and "broken_relation" in kinds:
        rules = find_confirmed_rules(real.frame, rng)
    order = rng.permutation(len(table.frame))
    rows, clean = np.split(order, [round(rate * len(order))])
    corrupted = CorruptedTable.from_tables(table, real, tuple(rules or ()), clean)
    kinds = _possible_kinds(kinds, corrupted, is_asked=kind != "mixed")
    for i, name in enumerate(kinds):
        done = ERRORS[name](corrupted, np.sort(rows[i :: len(kinds)]), rng)
        corrupted.truth[done] = name
    X_bad, y_bad = table.in_containers(*corrupted.build())
    for values, given in ((X_bad, X), (y_bad, y)):
        if isinstance(values, pd.DataFrame | pd.Series):
            values.index = given.index if hasattr(given, "index") else values.index
    return X_bad, y_bad, corrupted.truth


@dataclass(frozen=True)
class CorruptedTable:
    """A table that is being corrupted: for every cell, the row its value comes from.

    Positions instead of values keep each column's dtype, whatever is exchanged.

    Attributes
    ----------
    pool : DataFrame of shape (n_rows + n_real, n_features)
        The rows of the table, then the real rows.
    labels : Series of shape (n_rows + n_real,)
    origin : int ndarray of shape (n_rows, n_features)
        The row of the pool from which each cell takes its value.
    label_origin : int ndarray of shape (n_rows,)
    clean : int ndarray
        Rows of the table that get no error.
    rules : tuple
        Rules to break.
    numbers : tuple of ColumnSchema
        Numeric columns with the range of the real rows.
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
    def from_tables(cls, table, real, rules, clean):
        """Return a table in which every cell still has its own value."""
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
            numbers=tuple(c for c in schemas if c.is_numeric and type(c.form) is Form),
            truth=np.full(n_rows, "", dtype=object),
        )

    def draw_real(self, shape, rng):
        """Return random positions, within the pool, of real rows."""
        return rng.randint(len(self.origin), len(self.pool), shape)

    def build(self):
        """Return the frame and the labels."""
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


# The functions below change the given rows, and return those that have an error now.


def _flip_label(corrupted, rows, rng):
    """Give each row one of the other labels."""
    codes, levels = pd.factorize(corrupted.labels)
    _, holders = np.unique(codes, return_index=True)  # a row of each label
    shifts = rng.randint(1, len(levels), len(rows))  # 0 would keep the label
    corrupted.label_origin[rows] = holders[(codes[rows] + shifts) % len(levels)]
    return rows


def _mix_real_rows(corrupted, rows, rng):
    """Draw each value of a row from a different real row."""
    shape = len(rows), corrupted.origin.shape[1]
    corrupted.origin[rows] = corrupted.draw_real(shape, rng)
    return rows


def _leave_range(corrupted, rows, rng):
    """Move one number of each row below or above all real ones."""
    choice = rng.randint(len(corrupted.numbers), size=len(rows))
    done = []
    for i, column in enumerate(corrupted.numbers):
        chosen = rows[choice == i]
        codes = _draw_beyond(column, len(chosen), rng)
        fits = ~np.isnan(codes)
        done.append(chosen[fits])
        corrupted.written.append((chosen[fits], column.decode(codes[fits])))
    return np.concatenate(done)


def _break_rule(corrupted, rows, rng):
    """Replace one value of each row by that of a real row, so that a rule breaks."""
    # A rule without `columns` may be any object with `holds`: try every column.
    ways = [
        (rule, name)
        for rule in corrupted.rules
        for name in getattr(rule, "columns", corrupted.pool.columns)
    ]
    left = rows
    for _ in range(MAX_DRAWS):
        choice = rng.randint(len(ways), size=len(left))
        broken = [
            _try_to_break(corrupted, left[choice == i], *way, rng)
            for i, way in enumerate(ways)
        ]
        left = np.setdiff1d(left, np.concatenate(broken))
        if not left.size:
            break
    return np.setdiff1d(rows, left)


def _copy_real_row(corrupted, rows, rng):
    """Replace each row and its label by a real row."""
    return _replace(corrupted, rows, corrupted.draw_real(len(rows), rng))


def _collapse_modes(corrupted, rows, rng):
    """Replace each row and its label by one of a few other rows."""
    # With rate 1 no row is clean; then a few of the corrupted rows are repeated.
    others = corrupted.clean if corrupted.clean.size else rows
    modes = rng.permutation(others)[:MAX_MODES]
    return _replace(corrupted, rows, modes[rng.randint(len(modes), size=len(rows))])


ERRORS = {
    "label_flip": _flip_label,
    "column_shuffle": _mix_real_rows,
    "out_of_range": _leave_range,
    "broken_relation": _break_rule,
    "copy": _copy_real_row,
    "mode_collapse": _collapse_modes,
}


def _read_kinds(kind):
    """Return the kinds of errors that are asked for."""
    is_several = isinstance(kind, tuple | list)
    kinds = tuple(kind) if is_several else (kind,)
    if kinds == ("mixed",):
        return tuple(ERRORS)
    unknown = [name for name in kinds if name not in ERRORS]
    if unknown or not kinds:
        raise ValueError(
            f"`kind` expected 'mixed' or kinds among {list(ERRORS)}, got {kind!r}. "
            "Give one, or a tuple of several."
        )
    return kinds


def _open_real(real, table):
    """Open the real rows; they must have the form of the table to corrupt."""
    real = Table(*real)
    same = real.frame.dtypes.equals(table.frame.dtypes)
    if not same or real.target.dtype != table.target.dtype:
        raise SchemaError(
            "`real` expected the columns and dtypes of `X` and `y`, got "
            f"{_format_dtypes(real)} beside {_format_dtypes(table)}. Give both in the "
            "same form."
        )
    return real


def _format_dtypes(table):
    columns = {name: str(dtype) for name, dtype in table.frame.dtypes.items()}
    return f"{columns} with labels of {table.target.dtype}"


def _possible_kinds(kinds, corrupted, *, is_asked):
    """Return the kinds the table allows; raise if one that was asked for is not."""
    obstacles = {name: _find_obstacle(name, corrupted) for name in kinds}
    first = next(filter(None, obstacles.values()), None)
    if is_asked and first:
        raise ValueError(first)
    return [name for name in kinds if not obstacles[name]]


def _find_obstacle(kind, corrupted):
    """Return why the table does not allow a kind of error, None where it does."""
    if kind == "label_flip" and corrupted.labels.nunique() < 2:
        return "'label_flip' expected two labels or more, got one. Leave it out."
    if kind == "out_of_range" and not corrupted.numbers:
        return "'out_of_range' expected a column of numbers, got none. Leave it out."
    if kind == "broken_relation" and not corrupted.rules:
        n_real = len(corrupted.pool) - len(corrupted.origin)
        return (
            f"'broken_relation' expected relations, found none in {n_real} real rows. "
            "Give them as `rules`, or give more real rows."
        )
    return None


def _replace(corrupted, rows, sources):
    """Replace rows and their labels by other rows of the pool."""
    corrupted.origin[rows] = sources[:, None]
    corrupted.label_origin[rows] = sources
    return rows


def _try_to_break(corrupted, rows, rule, name, rng):
    """Redraw one column; return the rows in which the rule breaks by that."""
    if not rows.size:
        return rows
    sources = corrupted.draw_real(len(rows), rng)
    trial = corrupted.pool.iloc[rows].reset_index(drop=True)
    trial[name] = corrupted.pool[name].iloc[sources].reset_index(drop=True)
    broken = ~rule.holds(trial)
    column = corrupted.pool.columns.get_loc(name)
    corrupted.origin[rows[broken], column] = sources[broken]
    return rows[broken]


def _draw_beyond(column, n_rows, rng):
    """Return codes beyond a column's range; NaN where its dtype has no room."""
    span = (column.high - column.low) or max(1.0, abs(column.high))
    distance = rng.uniform(MIN_EXCESS, MAX_EXCESS, n_rows) * span
    if column.grid.is_integer:
        distance = np.ceil(distance)
    least, most = _dtype_limits(column)
    below, above = column.low - distance, column.high + distance
    can_go_down, can_go_up = below >= least, above <= most
    goes_up = can_go_up & (~can_go_down | (rng.uniform(size=n_rows) < 0.5))
    codes = np.where(goes_up, above, below)
    return np.where(can_go_down | can_go_up, codes, np.nan)


def _dtype_limits(column):
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
        # 2**63 - 1 rounds up to a float that the dtype cannot hold.
        return bounds.min, np.nextafter(most, 0) if most > bounds.max else most
    return -np.inf, np.inf
