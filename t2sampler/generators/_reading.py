"""Other people's rows, read by the real table's columns or refused with a reason."""

from collections.abc import Hashable

import numpy as np
import pandas as pd

from t2sampler._schema import UNSEEN, find_zone


def read_rows(frame, columns):
    """Read rows cell by cell; nothing is rounded, cast or guessed into place.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Holds at least the columns asked for.
    columns : sequence of ColumnSchema
        Those no model may see are left missing.

    Returns
    -------
    codes : float ndarray of shape (n_rows, n_columns)
    reasons : object ndarray of shape (n_rows,)
        What is wrong with a row's first unreadable cell; "" where nothing is.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler._schema import TableSchema
    >>> schema = TableSchema.learn(pd.DataFrame({"n": [1, 2], "kind": ["u", "v"]}))
    >>> new = pd.DataFrame({"n": [7, 3.7, 1], "kind": ["u", "u", "w"]})
    >>> print(*read_rows(new, schema.columns)[1][1:], sep="; ")
    n: 3.7 is no whole number; kind: 'w' is no known level
    """
    codes = np.full((len(frame), len(columns)), np.nan)
    reasons = np.full(len(frame), "", dtype=object)
    for j, column in enumerate(columns):
        if not column.is_learnable:
            continue
        values = frame[column.name].reset_index(drop=True)
        codes[:, j], faults = _read_column(values, column)
        for fault, rows in faults.items():
            for row in np.flatnonzero(rows & (reasons == "")):
                shown = _show(values[row])
                reasons[row] = f"{column.name}: {shown} {fault}".replace("  ", " ")
    return codes, reasons


def _read_column(values, column):
    """Return codes, and which rows have which fault."""
    read = _read_levels if column.levels else _read_times
    read = _read_numbers if column.kind == "number" else read
    codes, faults = read(values, column)
    if not column.can_be_missing:
        faults["cannot be missing"] = values.isna().to_numpy()
    return codes, faults


def _read_levels(values, column):
    if values.dtype == object:
        values = values.map(lambda cell: cell if isinstance(cell, Hashable) else "")
    codes = column.encode(values)
    return codes, {"is no known level": codes == UNSEEN}


def _read_numbers(values, column):
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    faults = {
        "is no number": np.isnan(numbers) & values.notna().to_numpy(),
        "is not finite": np.isinf(numbers),
    }
    dtype = getattr(column.dtype, "numpy_dtype", column.dtype)
    if getattr(dtype, "kind", "O") != "f" and column.grid.is_integer:
        faults["is no whole number"] = numbers != np.round(numbers)
        faults["is no whole number"] &= np.isfinite(numbers)
    if getattr(dtype, "kind", "O") in "iu":
        limits = np.iinfo(dtype)
        beyond = (numbers < limits.min) | (numbers > limits.max)
        faults[f"does not fit {column.dtype}"] = beyond
    return numbers, faults


def _read_times(values, column):
    if column.kind == "timedelta":
        times = pd.to_timedelta(values, errors="coerce")
    else:
        times = _read_dates(values, find_zone(column.dtype))
    faults = {f"is no {column.kind}": (times.isna() & values.notna()).to_numpy()}
    return column.encode(times), faults


def _read_dates(values, zone):
    """Return dates, with a time zone exactly where the column has one."""
    is_text = values.dtype.kind not in "M"
    options = {"format": "mixed"} if is_text else {}
    dates = pd.to_datetime(values, errors="coerce", **options)
    if zone is None:
        return dates if dates.dt.tz is None else dates.dt.tz_convert("UTC")
    if dates.dt.tz is None:
        return dates.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return dates.dt.tz_convert(zone)


def _show(cell):
    """Return a cell as text; nothing where there is none."""
    if isinstance(cell, str | bytes):
        return f"{cell!r:.40}"
    is_missing = cell is None or cell is pd.NA or cell is pd.NaT or cell != cell
    return "" if is_missing else f"{cell!s:.40}"
