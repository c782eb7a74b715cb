"""Forms: what a user's column stores, read as an everyday dtype, and written back.

Inside the package a column holds numbers, strings, booleans, categories, datetimes or
timedeltas in dtypes of NumPy or pandas. A form reads a column as one of these, and
writes new values as the user stores them. It leaves alone what it has read already.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from t2sampler._text_forms import find_text_form
from t2sampler.exceptions import SchemaError

NESTED = (list, dict, set, frozenset, tuple, np.ndarray, pd.Series, pd.DataFrame)
MIN_DATES = 5  # different ones, before whole numbers are taken for dates
ARROW_NESTED = ("list", "struct", "map", "binary", "union", "interval", "extension")


@dataclass(frozen=True)
class Form:
    """The form of a column that is read as it is.

    Attributes
    ----------
    dtype : dtype
        The user's.
    """

    dtype: Any

    def read(self, values: pd.Series) -> pd.Series:
        """Return the column in an everyday dtype."""
        return values

    def write(self, values: pd.Series) -> pd.Series:
        """Return new values in the user's dtype."""
        return values if values.dtype == self.dtype else values.astype(self.dtype)


@dataclass(frozen=True)
class BlankForm(Form):
    """The form of a column whose values stay outside: text, ids, private ones."""

    def read(self, values: pd.Series) -> pd.Series:
        """Return a column without any value."""
        return pd.Series(np.nan, index=values.index, dtype=object, name=values.name)

    def write(self, values: pd.Series) -> pd.Series:
        """Return missing values, or zeros where the dtype has none."""
        if isinstance(self.dtype, np.dtype) and self.dtype.kind in "iub":
            values = values.where(values.notna(), 0)
        return values.astype(self.dtype)


@dataclass(frozen=True)
class DigitsForm(Form):
    """Dates in the digits of whole numbers: 20210314 or, months, 202103.

    Attributes
    ----------
    pattern : str
        For `strftime`.
    """

    pattern: str

    def read(self, values: pd.Series) -> pd.Series:
        """Return datetimes."""
        return values if values.dtype.kind == "M" else _read_digits(values, self)

    def write(self, values: pd.Series) -> pd.Series:
        """Return whole numbers in the user's dtype."""
        digits = pd.to_numeric(values.dt.strftime(self.pattern))
        return digits.astype(self.dtype)


def _read_digits(values, form):
    text = values.astype("Int64").astype("string").astype(object)
    return pd.to_datetime(text, format=form.pattern)


def _find_digits_form(values):
    """Return the form of numbers that are all dates of the years 1900 to 2099.

    Of other whole numbers of that length one in hundreds is a date.
    """
    distinct = values.dropna().unique()
    if len(distinct) < MIN_DATES or not ((distinct % 1) == 0).all():
        return None
    for pattern, unit in (("%Y%m%d", 10_000), ("%Y%m", 100)):
        if not (distinct.min() >= 1900 * unit and distinct.max() < 2100 * unit):
            continue
        form = DigitsForm(values.dtype, pattern)
        try:
            form.read(pd.Series(distinct))
        except ValueError:
            return None
        return form
    return None


@dataclass(frozen=True)
class PeriodForm(Form):
    """Periods are read as their first moment."""

    def read(self, values: pd.Series) -> pd.Series:
        """Return datetimes."""
        return values.dt.to_timestamp() if values.dtype == self.dtype else values

    def write(self, values: pd.Series) -> pd.Series:
        """Return the periods that moments lie in."""
        return values.dt.to_period(self.dtype.freq)


@dataclass(frozen=True)
class IntervalForm(Form):
    """Intervals are read as ordered categories, written as strings."""

    levels: tuple[Any, ...]

    def read(self, values: pd.Series) -> pd.Series:
        """Return an ordered category; an interval that no real row has is missing."""
        if values.dtype != self.dtype:
            return values
        names = [str(level) for level in self.levels]
        places = {level: place for place, level in enumerate(self.levels)}
        codes = [places.get(value, -1) for value in values]  # intervals may overlap
        names = pd.Categorical.from_codes(codes, names, ordered=True)
        return pd.Series(names, index=values.index, name=values.name)

    def write(self, values: pd.Series) -> pd.Series:
        """Return the intervals of strings."""
        by_name = {str(level): level for level in self.levels}
        intervals = [by_name.get(value, np.nan) for value in values]
        array = pd.arrays.IntervalArray(intervals, dtype=self.dtype)
        return pd.Series(array, index=values.index, name=values.name)


@dataclass(frozen=True)
class ArrowForm(Form):
    """Columns of Arrow are read in the dtypes of pandas."""

    def read(self, values: pd.Series) -> pd.Series:
        """Return nullable integers and booleans, and else what Arrow converts to."""
        if values.dtype != self.dtype:
            return values
        kind = self.dtype.kind
        if kind in "iub":
            name = self.dtype.numpy_dtype.name.replace("int", "Int").replace("uI", "UI")
            return values.astype("boolean" if kind == "b" else name)
        array = values.array.__arrow_array__()
        read = pd.Series(array.to_pandas().array, index=values.index, name=values.name)
        if read.dtype.kind == "f" and read.dtype.itemsize == 2:  # too short to add up
            return read.astype(np.float32)
        return read

    def write(self, values: pd.Series) -> pd.Series:
        """Return an Arrow column."""
        kind = self.dtype.pyarrow_dtype
        cells = values.astype(object).where(values.notna(), None).tolist()
        if hasattr(kind, "index_type"):  # a dictionary
            plain = pd.array(cells, dtype=pd.ArrowDtype(kind.value_type))
            codes = plain.__arrow_array__().dictionary_encode().cast(kind)
            array = pd.arrays.ArrowExtensionArray(codes)
        else:
            array = pd.array(cells, dtype=self.dtype)
        return pd.Series(array, index=values.index, name=values.name)


@dataclass(frozen=True)
class ObjectForm(Form):
    """Python objects of one type in an object column.

    Attributes
    ----------
    cell : str
        Name of the type: a key of `READERS` and `WRITERS`.
    missing : object
        What stands for a missing value.
    detail : object
        Decimal places of a `Decimal`, frequency of a `Period`.
    """

    cell: str
    missing: Any = None
    detail: Any = None

    def read(self, values: pd.Series) -> pd.Series:
        """Return numbers, datetimes or timedeltas."""
        if values.dtype != object:
            return values
        try:
            return READERS[self.cell](values)
        except (ValueError, TypeError) as error:
            raise SchemaError(
                f"Column {values.name!r} expected dates of one time zone within the "
                f"years 1677 to 2262, got others ({error}). Convert it: "
                f"`X[{values.name!r}] = pd.to_datetime(X[{values.name!r}], utc=True, "
                "errors='coerce')`."
            ) from error

    def write(self, values: pd.Series) -> pd.Series:
        """Return objects of the type."""
        write = WRITERS[self.cell]
        cells = [
            self.missing if pd.isna(value) else write(value, self.detail)
            for value in values
        ]
        return pd.Series(cells, index=values.index, name=values.name, dtype=object)


@dataclass(frozen=True)
class ChainedForm(Form):
    """A form within a form: Arrow's decimals are read as objects, then as numbers."""

    outer: Form
    inner: Form

    def read(self, values: pd.Series) -> pd.Series:
        """Return what the inner form reads in what the outer one reads."""
        if values.dtype != self.dtype:
            return values
        return self.inner.read(self.outer.read(values))

    def write(self, values: pd.Series) -> pd.Series:
        """Undo the inner form, then the outer one."""
        return self.outer.write(self.inner.write(values))


def find_form(values: pd.Series, name: Hashable, kind: str | None = None) -> Form:
    """Return the form of a column.

    Parameters
    ----------
    values : Series
    name : hashable
        For messages.
    kind : str or None
        The kind the user has given. Numbers and dates that are stored as text are not
        looked for where it is neither.

    Raises
    ------
    SchemaError
        Cells that hold tables, lists or bytes, and text that is almost a number or a
        date.
    """
    dtype = values.dtype
    form: Form = Form(dtype)
    if isinstance(dtype, pd.PeriodDtype):
        form = PeriodForm(dtype)
    elif isinstance(dtype, pd.IntervalDtype):
        levels = sorted(values.dropna().unique())
        form = IntervalForm(dtype, tuple(levels))
    elif isinstance(dtype, pd.ArrowDtype):
        form = _find_arrow_form(values, name, kind)
    elif dtype == np.dtype(object):
        form = _find_object_form(values, name, kind)
    elif isinstance(dtype, pd.StringDtype):
        form = find_text_form(values, name, kind) or form
    elif dtype.kind in "iuf" and kind in (None, "datetime"):
        form = _find_digits_form(values) or form
    return form


def _find_arrow_form(values, name, kind):
    text = str(values.dtype)
    if any(word in text.split("[pyarrow]")[0] for word in ARROW_NESTED):
        raise SchemaError(
            f"Column {name!r} holds {text.removesuffix('[pyarrow]')} cells. Expand it "
            "into plain columns, or drop it."
        )
    outer = ArrowForm(values.dtype)
    inner = find_form(outer.read(values), name, kind)
    return outer if type(inner) is Form else ChainedForm(values.dtype, outer, inner)


def _find_object_form(values, name, kind):
    is_missing = values.isna()
    present = values[~is_missing]
    types = set(map(type, present))
    nested = [kind for kind in types if issubclass(kind, NESTED)]
    if nested:
        raise SchemaError(
            f"Column {name!r} holds a {nested[0].__name__} in a cell. Expand it into "
            "plain columns, or drop it."
        )
    missing = values[is_missing].iloc[0] if is_missing.any() else None
    cell = next((cell for cell, kinds in CELLS.items() if types <= kinds), None)
    if cell is None or not types:
        return find_text_form(values, name, kind) or Form(values.dtype)
    detail = None
    if cell == "decimal":
        exponents = [value.as_tuple().exponent for value in present.unique()]
        detail = max([0, *(-e for e in exponents if isinstance(e, int))])
    elif cell == "period":
        detail = present.iloc[0].freqstr
    return ObjectForm(values.dtype, cell, missing, detail)


CELLS: dict[str, set[type]] = {
    "decimal": {Decimal},
    "date": {date},
    "timestamp": {pd.Timestamp},
    "datetime": {datetime, pd.Timestamp},
    "time": {time},
    "timedelta": {timedelta},
    "pandas timedelta": {pd.Timedelta, timedelta},
    "period": {pd.Period},
}


def _read_period(values):
    present = values.dropna()
    freq = present.iloc[0].freq
    return pd.Series(
        pd.PeriodIndex(values, freq=freq).to_timestamp(), index=values.index
    ).rename(values.name)


def _read_time(values):
    spans = values.map(
        lambda cell: timedelta(
            hours=cell.hour,
            minutes=cell.minute,
            seconds=cell.second,
            microseconds=cell.microsecond,
        ),
        na_action="ignore",
    )
    return pd.to_timedelta(spans)


def _write_time(value, _):
    return (datetime.min + min(value, pd.Timedelta("1D") - pd.Timedelta("1us"))).time()


READERS = {
    "decimal": lambda values: values.map(float, na_action="ignore").astype(float),
    "date": pd.to_datetime,
    "timestamp": pd.to_datetime,
    "datetime": pd.to_datetime,
    "time": _read_time,
    "timedelta": pd.to_timedelta,
    "pandas timedelta": pd.to_timedelta,
    "period": _read_period,
}
WRITERS = {
    "decimal": lambda value, decimals: Decimal(f"{value:.{decimals}f}"),
    "date": lambda value, _: value.date(),
    "timestamp": lambda value, _: value,
    "datetime": lambda value, _: value.to_pydatetime(warn=False),
    "time": _write_time,
    "timedelta": lambda value, _: value.to_pytimedelta(),
    "pandas timedelta": lambda value, _: value,
    "period": lambda value, freq: pd.Period(value, freq),
}
