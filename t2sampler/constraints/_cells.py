"""Cells as rules compare them: numbers, positions of levels, and values as text.

A cell is *missing*, *readable*, or neither: text where a number belongs. Numbers are
floats; dates and durations are seconds. A date without a time zone counts as UTC.
"""

import datetime
import numbers

import numpy as np
import pandas as pd

from t2sampler._schema import to_number

OTHER, MISSING = -1, -2  # positions of cells that have none of the levels
KINDS = {"M": "datetime", "m": "timedelta"} | dict.fromkeys("biuf", "number")


def to_builtin(value):
    """Return a value as a Python or pandas scalar; lists become tuples of them."""
    if isinstance(value, tuple | list):
        return tuple(to_builtin(part) for part in value)
    if isinstance(value, np.datetime64 | datetime.date):  # includes datetime.datetime
        return pd.Timestamp(value)
    if isinstance(value, np.timedelta64 | datetime.timedelta):
        return pd.Timedelta(value)
    return value.item() if isinstance(value, np.generic) else value


def kind_of(value):
    """Return "number", "datetime", "timedelta", or None for anything else."""
    if value is pd.NaT:
        return None
    if isinstance(value, np.datetime64 | datetime.date):
        return "datetime"
    if isinstance(value, np.timedelta64 | datetime.timedelta):
        return "timedelta"
    # `decimal.Decimal` is no `numbers.Real`; its method `adjusted` identifies it.
    is_number = isinstance(value, numbers.Real | np.bool_) or hasattr(value, "adjusted")
    return "number" if is_number else None


def as_number(value):
    """Return one cell as a float, dates and durations in seconds; NaN: unreadable."""
    kind = kind_of(value)
    if kind is None:
        return np.nan
    try:
        if kind == "number":
            return float(value)
        read = pd.Timestamp if kind == "datetime" else pd.Timedelta
        return read(value).as_unit("ns").value / 1e9
    except (OverflowError, ValueError):  # too large for a float or nanoseconds; NaT
        return np.nan


def read_numbers(values, kind=None):
    """Return a column as floats.

    Parameters
    ----------
    values : Series of shape (n_rows,)
    kind : {"number", "datetime", "timedelta"}, default=None
        The kind a cell must have; None allows each.

    Returns
    -------
    numbers : ndarray of shape (n_rows,)
        NaN where a cell is missing or unreadable.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        cells = read_numbers(pd.Series(dtype.categories), kind)
        return np.append(cells, np.nan)[values.cat.codes.to_numpy()]
    if dtype.kind in KINDS:
        fits = kind in (None, KINDS[dtype.kind])
        return to_number(values) if fits else np.full(len(values), np.nan)
    # Objects are read once per distinct value.
    codes, cells = pd.factorize(values)
    found = [
        as_number(cell) if kind in (None, kind_of(cell)) else np.nan for cell in cells
    ]
    return np.append(found, np.nan)[codes]


def find_levels(values, levels):
    """Return the position of each cell among levels, `OTHER` or `MISSING`.

    1 is the level 1.0, but neither "1" nor True.

    Parameters
    ----------
    values : Series of shape (n_rows,)
    levels : sequence
        Their order gives the positions.

    Returns
    -------
    positions : int ndarray of shape (n_rows,)
    """
    place = {level_key(level): i for i, level in enumerate(levels)}
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, cells = values.cat.codes.to_numpy(), values.dtype.categories
    elif values.dtype == object and "mixed" in pd.api.types.infer_dtype(values):
        # `factorize` would put 1, 1.0 and True together.
        codes, cells = pd.factorize(_to_objects(map(level_key, values)))
        codes[values.isna().to_numpy()] = -1
        cells = [cell for _, cell in cells]
    else:
        codes, cells = pd.factorize(values)
    found = [place.get(level_key(cell), OTHER) for cell in cells]
    return np.array([*found, MISSING], dtype=np.intp)[codes]


def level_key(value):
    """Return a key that differs for True and 1, which a dict takes for equal."""
    return isinstance(value, bool | np.bool_), value


def format_column(name):
    """Return a column's name for a sentence, where a bare number would be a value."""
    return name if isinstance(name, str) else f"column {name!r}"


def format_value(value):
    """Return a value for a sentence: text quoted, dates without a time of zero."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, pd.Timestamp | pd.Timedelta):
        return str(value).removesuffix(" 00:00:00")
    return repr(value)


def format_values(values, most=6):
    """Return a list of values for a sentence, cut if it is long."""
    words = [format_value(value) for value in values[:most]]
    more = len(values) - most
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def _to_objects(cells):
    """Return a flat array of objects, which numpy would make of tuples only by hand."""
    cells = list(cells)
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array
