"""What the real table looks like: kind, levels, bounds and resolution of each column.

Inside the package a table also travels as *codes*: one float matrix in which a number
stands for itself, a category for its position among the column's levels, a date for
seconds since the column's earliest one, and NaN for a missing value. Dates with a time
zone count by its local clock, so that a midnight stays one when clocks change.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._calendar import DAY, find_days, from_wall_time, to_wall_time
from t2sampler._column_checks import check_column
from t2sampler._forms import BlankForm, Form, find_form
from t2sampler._grid import Grid, find_grid
from t2sampler._kinds import check_kind, check_kinds, infer_kind
from t2sampler._personal_data import find_personal_data
from t2sampler.exceptions import SchemaError

EXACT = 2.0**62  # nanoseconds, about 146 years
LIMITS = -9.2e18, 9.2e18  # nanoseconds since 1970 that 64 bits hold
UNSEEN = -1.0  # the code of a level that no real row has
ANY_NUMBER, AS_IT_IS = Grid(), Form(None)
BLANK_KINDS = ("text", "id", "private")


@dataclass(frozen=True)
class ColumnSchema:
    """What is known of one column.

    Attributes
    ----------
    name : hashable
    kind : str
        "number", "bool", "category", "datetime", "timedelta"; "text" (free text), "id"
        (names of the rows), "private" (what identifies a person): their values stay
        outside, and no model sees them; "empty" (no value at all).
    dtype : pandas or numpy dtype
        In which the package holds the column.
    levels : tuple
        Values of a category or bool, in their order.
    is_ordered : bool
        The user declared the order of the levels.
    low, high : float
        Smallest and largest code; NaN without values.
    missing : float in [0, 1]
        Share of missing values.
    grid : Grid
        The values a number may take: all, multiples of a step, or a short list.
    origin : int
        What code 0 of a datetime or timedelta stands for, in nanoseconds; of the local
        clock where there is a time zone.
    form : Form
        What the user's column stores.
    is_given : bool
        The user said the kind.
    reason : str
        What personal data a column was found to hold, if any.
    """

    name: Hashable
    kind: str
    dtype: object
    levels: tuple = ()
    is_ordered: bool = False
    low: float = np.nan
    high: float = np.nan
    missing: float = 0.0
    grid: Grid = ANY_NUMBER
    origin: int = 0
    form: Form = AS_IT_IS
    is_given: bool = False
    reason: str = ""

    @property
    def is_numeric(self) -> bool:
        """True where differences between codes mean something."""
        return self.kind in ("number", "datetime", "timedelta")

    @property
    def is_modelled(self) -> bool:
        """False for ids, private, free text and empty columns: no model sees them."""
        return self.kind not in (*BLANK_KINDS, "empty")

    def read(self, values: pd.Series) -> pd.Series:
        """Return the user's values in the dtype the package holds them in.

        Raises
        ------
        SchemaError
            Values that cannot be read, or that no column can hold.
        """
        values = self.form.read(values)
        check_column(values, self.name)
        return values

    def encode(self, values: pd.Series) -> NDArray[np.float64]:
        """Return codes of shape (n_rows,); an unseen level becomes `UNSEEN`."""
        if not self.is_modelled:
            return np.full(len(values), np.nan)
        if self.kind in ("category", "bool"):
            return _level_codes(values, self._level_index)
        if self.kind == "number":
            numbers = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
            return self.grid.dust_off(numbers)
        codes = _seconds_since(clock_nanoseconds(values), self.origin)
        codes[values.isna().to_numpy()] = np.nan
        return codes

    @cached_property
    def _level_index(self):
        return pd.Index(self.levels, dtype=_level_dtype(self))

    def snap(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move numbers to the nearest value the column can hold."""
        if not self.is_numeric:
            return codes
        snapped = self.grid.snap(np.clip(codes, self.low, self.high))
        # The last day may come earlier than at the time of day that is kept.
        return np.clip(snapped, self.low, self.high) if self.grid.days else snapped

    def decode(self, codes: NDArray[np.float64]) -> pd.Series:
        """Return values in the column's own dtype; NaN becomes its missing value.

        Raises
        ------
        SchemaError
            A missing value, or an unseen level, that the dtype cannot hold.
        """
        missing = np.isnan(codes)
        if missing.any() and not self.can_be_missing:
            raise SchemaError(
                f"Column {self.name!r} of dtype {self.dtype} cannot hold the "
                f"{int(missing.sum())} missing values drawn for it. Give it a nullable "
                "dtype, or fill them in."
            )
        if self.kind in ("category", "bool"):
            return self._decode_levels(codes, missing)
        if self.kind in ("datetime", "timedelta"):
            return self._decode_times(codes, missing)
        return self._decode_numbers(codes)

    @property
    def can_be_missing(self) -> bool:
        """True where the dtype has a place for missing values."""
        return not (isinstance(self.dtype, np.dtype) and self.dtype.kind in "iub")

    def _decode_levels(self, codes, missing):
        positions = np.where(missing, 0, codes).astype(np.intp)
        if positions.size and not 0 <= positions.min() <= positions.max() < len(
            self.levels
        ):
            raise SchemaError(f"Column {self.name!r} got a level no real row has.")
        values = pd.Series(self._level_index.take(positions).array)
        if missing.any():
            values = values.mask(missing)
        return values.astype(self.dtype).rename(self.name)

    def _decode_times(self, codes, missing):
        filled = np.where(missing, 0.0, codes)
        moments = _moments_at(filled, self.origin)
        if self.kind == "timedelta":
            times = pd.Series(moments.astype("timedelta64[ns]"))
        else:
            zone = find_zone(self.dtype)
            times = pd.Series(
                moments.astype("datetime64[ns]")
                if zone is None
                else from_wall_time(moments, zone)
            )
        return times.mask(missing).astype(self.dtype).rename(self.name)

    def _decode_numbers(self, codes):
        is_float = isinstance(self.dtype, np.dtype) and self.dtype.kind == "f"
        if not is_float and self.grid.is_integer:
            codes = np.round(codes)
        if self.dtype == object and self.grid.is_integer:
            whole = [None if np.isnan(code) else int(code) for code in codes]
            return pd.Series(whole, dtype=object, name=self.name)
        return pd.Series(codes, name=self.name).astype(self.dtype)


@dataclass(frozen=True)
class TableSchema:
    """What is known of a table and its labels.

    Attributes
    ----------
    columns : tuple of ColumnSchema
        In the order of the table.
    target : ColumnSchema or None
        The labels, always as a category; levels that no real row has come last.
    n_rows : int
    n_per_label : dict
        Real rows per label; 0 for labels only asked for.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler._schema import TableSchema
    >>> real = pd.DataFrame({"price": [1.25, 3.5, None], "size": ["S", "M", "S"]})
    >>> schema = TableSchema.learn(real)
    >>> [(column.kind, column.missing > 0) for column in schema.columns]
    [('number', True), ('category', False)]
    >>> schema.columns[1].levels
    ('M', 'S')
    """

    columns: tuple[ColumnSchema, ...]
    target: ColumnSchema | None
    n_rows: int
    n_per_label: dict

    @classmethod
    def learn(cls, frame, target=None, new_labels=(), kinds=None) -> "TableSchema":
        """Learn the schema of real rows; never looks at candidates.

        Parameters
        ----------
        frame : DataFrame
            As the user stores it.
        target : Series, default=None
        new_labels : sequence, default=()
        kinds : dict of column name to kind, default=None
            Kinds that the user has given; others are inferred.
        """
        kinds = check_kinds(kinds, frame.columns)
        columns = tuple(
            learn_column(frame[name], name, kinds.get(name)) for name in frame.columns
        )
        if target is None:
            return cls(columns, None, len(frame), {})
        labels = learn_target(target, new_labels)
        codes = labels.encode(target).astype(int)
        counts = np.bincount(codes, minlength=len(labels.levels))
        per_label = dict(zip(labels.levels, counts.tolist(), strict=True))
        return cls(columns, labels, len(frame), per_label)

    def read(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the user's rows in the dtypes of the package."""
        columns = {c.name: c.read(frame[c.name]) for c in self.columns}
        return _as_frame(columns, frame.index, self.names)

    def write(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows of the package in the user's dtypes; undoes `read`."""
        columns = {c.name: c.form.write(frame[c.name]) for c in self.columns}
        return _as_frame(columns, frame.index, self.names)

    def describe_kinds(self) -> str:
        """Return the kinds of all columns as text, those that were inferred marked.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"zip": [10115, 80331], "age": [31, 52]})
        >>> print(TableSchema.learn(frame, kinds={"zip": "category"}).describe_kinds())
        category  zip
        number    age (inferred)
        """
        kinds = sorted({column.kind for column in self.columns})
        width = max(map(len, kinds), default=0)
        lines = []
        for kind in kinds:
            names = [
                f"{column.name}{'' if column.is_given else ' (inferred)'}"
                for column in self.columns
                if column.kind == kind
            ]
            lines.append(f"{kind:<{width}}  {', '.join(names)}")
        return "\n".join(lines)

    @property
    def names(self) -> list:
        """Column names, in order."""
        return [column.name for column in self.columns]

    @property
    def label_values(self) -> NDArray[Any]:
        """Every label in its own type, in the order of the codes."""
        codes = np.arange(len(self.target.levels), dtype=float)
        return self.target.decode(codes).to_numpy()

    @property
    def modelled(self) -> list[int]:
        """Positions of the columns that models see."""
        return [j for j, column in enumerate(self.columns) if column.is_modelled]

    def encode(self, frame) -> NDArray[np.float64]:
        """Return codes of shape (n_rows, n_columns), in column-major memory."""
        codes = np.empty((len(frame), len(self.columns)), order="F")
        for j, column in enumerate(self.columns):
            codes[:, j] = column.encode(frame[column.name])
        return codes

    def decode(self, codes) -> pd.DataFrame:
        """Return a dataframe in the real table's own dtypes."""
        values = {c.name: c.decode(codes[:, j]) for j, c in enumerate(self.columns)}
        return _as_frame(values, pd.RangeIndex(len(codes)), self.names)


def _as_frame(columns, index, names):
    frame = pd.DataFrame(columns, index=index)
    frame.columns = pd.Index(names) if names else frame.columns
    return frame


def learn_column(
    values: pd.Series, name: Hashable, kind: str | None = None
) -> ColumnSchema:
    """Learn one column from its real values, as the user stores them.

    Parameters
    ----------
    values : Series
    name : hashable
    kind : str, default=None
        That the user has given; None: inferred.
    """
    is_given = kind is not None
    reason = None if is_given else find_personal_data(values, name)
    if reason is not None:
        kind = "private"
    form: Form = BlankForm(values.dtype)
    if kind not in BLANK_KINDS:
        form = find_form(values, name, kind)
        read = form.read(values)
        check_column(read, name)
        kind = infer_kind(read, name) if kind is None else check_kind(read, name, kind)
    if kind in BLANK_KINDS:
        form = BlankForm(values.dtype)
        read = form.read(values)
    missing = float((values if kind in BLANK_KINDS else read).isna().mean())
    column = ColumnSchema(
        name,
        kind,
        read.dtype,
        missing=missing,
        form=form,
        is_given=is_given,
        reason=reason or "",
    )
    return _learn_values(column, read, read.dropna())


def _learn_values(column, values, present):
    """Return the column with its levels, or its bounds and its grid."""
    kind = column.kind
    if kind == "category":
        ordered = bool(getattr(values.dtype, "ordered", False))
        return replace(column, levels=_levels(values, present), is_ordered=ordered)
    if kind == "bool":
        return replace(column, levels=(False, True))
    if kind in BLANK_KINDS or present.empty:
        return column
    return _learn_numbers(column, values, present)


def learn_target(target: pd.Series, new_labels=()) -> ColumnSchema:
    """Learn the labels as a category, whatever their dtype."""
    levels = _levels(target, target)
    levels += tuple(label for label in new_labels if label not in levels)
    ordered = bool(getattr(target.dtype, "ordered", False))
    return ColumnSchema(
        target.name, "category", target.dtype, levels=levels, is_ordered=ordered
    )


def find_zone(dtype):
    """Return the time zone of a dtype of pandas or Arrow; None where it has none."""
    return getattr(getattr(dtype, "pyarrow_dtype", dtype), "tz", None)


def to_number(values: pd.Series) -> NDArray[np.float64]:
    """Return numbers as they are, and dates and durations in seconds."""
    if values.dtype.kind in "Mm":
        seconds = nanoseconds(values) / 1e9
        seconds[values.isna().to_numpy()] = np.nan
        return seconds
    return pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)


def _learn_numbers(column, values, present):
    if column.is_numeric and column.kind != "number":
        moments = clock_nanoseconds(present)
        column = replace(column, origin=int(moments.min()))
        seconds = _seconds_since(moments, column.origin)
        grid = find_grid(seconds, np.dtype(float))
        if column.kind == "datetime":
            days = _seconds_since(find_days(moments) * DAY, column.origin)
            grid = replace(grid, days=tuple(days.tolist()))
    else:
        numbers = pd.to_numeric(present).to_numpy(dtype=float)
        size = values.dtype.itemsize if values.dtype.kind == "f" else 8
        grid = find_grid(numbers, np.dtype(f"f{size}"))
    codes = replace(column, grid=grid).encode(present)
    return replace(column, low=codes.min(), high=codes.max(), grid=grid)


def _levels(values, present):
    if isinstance(values.dtype, pd.CategoricalDtype):
        seen = set(present.unique())
        return tuple(level for level in values.dtype.categories if level in seen)
    levels = list(present.unique())
    try:
        return tuple(sorted(levels))
    except TypeError:  # levels of types that do not compare keep their order
        return tuple(levels)


def _level_codes(values, levels):
    if isinstance(values.dtype, pd.CategoricalDtype):
        positions = levels.get_indexer(values.dtype.categories)
        codes = np.append(positions, UNSEEN)[values.cat.codes.to_numpy()]
    else:
        if isinstance(values.dtype, pd.ArrowDtype):  # pandas 2 finds none of its times
            values = values.astype(object)
        # With its dtype: pandas 2 would infer one from objects.
        codes = levels.get_indexer(pd.Index(values, dtype=values.dtype))
    codes = codes.astype(float)
    codes[values.isna().to_numpy()] = np.nan
    return codes


def _level_dtype(column):
    """Keep pandas from guessing a dtype for levels of objects and nullable numbers."""
    if column.dtype == object:
        return object
    is_nullable = column.dtype.kind in "iu" and not isinstance(column.dtype, np.dtype)
    return column.dtype if is_nullable else None


def _seconds_since(moments, origin):
    """Return float seconds; to the nanosecond within 146 years, and never wrapped."""
    rough = moments.astype(float) - origin
    return np.where(np.abs(rough) < EXACT, moments - origin, rough) / 1e9


def _moments_at(seconds, origin):
    """Undo `_seconds_since`."""
    steps = np.round(seconds * 1e9)
    is_near = np.abs(steps) < EXACT
    exact = origin + np.where(is_near, steps, 0).astype(np.int64)
    rough = np.clip(origin + steps, *LIMITS).astype(np.int64)
    return np.where(is_near, exact, rough)


def clock_nanoseconds(values):
    """Return nanoseconds since 1970, of the local clock where there is a zone."""
    zone = find_zone(values.dtype)
    moments = nanoseconds(values)
    if zone is None:
        return moments
    # What stands for a missing moment lies at the limit, where no clock can be set.
    return to_wall_time(np.where(values.isna(), 0, moments), zone)


def nanoseconds(values):
    """Return nanoseconds since 1970, of UTC where there is a zone, or of durations."""
    unit = "datetime64[ns]" if values.dtype.kind == "M" else "timedelta64[ns]"
    if find_zone(values.dtype) is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    return values.astype(unit).to_numpy().astype(np.int64)
