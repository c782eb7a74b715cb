"""Containers: a table or labels as pandas, and new rows behind the user's own object.

Real rows are never converted there and back: new rows are brought into the container
and the dtypes of the user's object, and appended to it.
"""

from functools import partial

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.dependencies import get_pyarrow
from scipy import sparse
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from t2sampler._index import extend_index
from t2sampler._params import check_target_type
from t2sampler.exceptions import SchemaError

MAX_DENSE = 2 * 2**30  # bytes of a sparse table when each of its zeros is stored


def open_container(X):
    """Return a container with ``frame``, ``X`` as a dataframe in its dtypes.

    Parameters
    ----------
    X : DataFrame of pandas, polars or any library that narwhals opens, pyarrow Table, \
array, scipy sparse matrix or list of rows

    Returns
    -------
    container : object
        ``frame`` has a RangeIndex; ``append(new, donors)`` returns ``X`` with rows
        behind it: ``new`` is like ``frame``, and ``donors`` has the position of the
        real row that is nearest to each.

    Raises
    ------
    SchemaError
        A sparse table that is too large to be made dense, or rows of several lengths.
    ValueError, TypeError
        scikit-learn's own checks of shapes and dtypes, and containers that are not
        read.
    """
    if isinstance(X, pd.DataFrame):
        return _PandasTable(X)
    if sparse.issparse(X):
        return _SparseTable(X)
    if isinstance(X, list | tuple) and _is_nested(X):
        return _RowList(X)
    table = nw.from_native(X, pass_through=True)
    if isinstance(table, nw.LazyFrame):
        raise TypeError(
            f"Expected a dataframe that is in memory, got a {type(X).__name__}. Call "
            "`.collect()` first."
        )
    return _ArrowTable(table) if isinstance(table, nw.DataFrame) else _Array(X)


class _PandasTable:
    def __init__(self, X):
        _check_shape(X.shape)
        self.X, self.sparse = X, {}
        for name, dtype in X.dtypes.items():
            if isinstance(dtype, pd.SparseDtype):
                self.sparse[name] = dtype
        if self.sparse:
            _check_dense(len(X), [dtype.subtype for dtype in self.sparse.values()])
            X = X.astype({name: dtype.subtype for name, dtype in self.sparse.items()})
        self.frame = X.reset_index(drop=True)

    def append(self, new, donors):
        new = new.astype(self.sparse).set_axis(self.X.columns, axis=1)
        joined = pd.concat([self.X, new], ignore_index=True) if len(new) else self.X
        return joined.set_axis(extend_index(self.X.index, donors))


class _Array:
    def __init__(self, X):
        _check_array_kind(X)
        self.X = check_array(X, dtype=None, ensure_all_finite=False)
        self.frame = pd.DataFrame(self.X.astype(self.X.dtype.newbyteorder("=")))

    def append(self, new, donors):
        if self.X.dtype == object:
            columns = [_spell(self.X[:, j], self.frame[j], new[j]) for j in new]
            new = pd.DataFrame(dict(enumerate(columns)), dtype=object)
        return _append_values(self.X, new)


class _SparseTable:
    def __init__(self, X):
        check_array(X, accept_sparse=True, dtype=None, ensure_all_finite=False)
        _check_dense(X.shape[0], [X.dtype] * X.shape[1])
        self.X, self.frame = X, pd.DataFrame(X.toarray())

    def append(self, new, donors):
        new = sparse.csr_matrix(new.to_numpy(dtype=self.X.dtype))
        joined = sparse.vstack([self.X, new], format=self.X.format, dtype=self.X.dtype)
        return type(self.X)(joined)


class _RowList:
    def __init__(self, X):
        lengths = sorted(set(map(len, X)))
        if len(lengths) > 1:
            raise SchemaError(
                f"Expected rows of one length, got rows of {lengths[0]} to "
                f"{lengths[-1]} values. Write None for a value that is missing."
            )
        _check_shape((len(X), lengths[0]))
        self.X = X
        self.frame = pd.DataFrame(X).set_axis(range(lengths[0]), axis=1)

    def append(self, new, donors):
        columns = [
            _spell([row[j] for row in self.X], self.frame[j], new[j]) for j in new
        ]
        row = type(self.X[0])
        make = getattr(row, "_make", row)  # a namedtuple takes its values one by one
        return self.X + type(self.X)(map(make, zip(*columns, strict=True)))


def _spell(real, column, new):
    """Return new values the way real ones are written: 3 for 3.0, None for NaN."""
    is_missing = column.isna().to_numpy()
    if not is_missing.any():
        return new.tolist()
    gap = real[is_missing.argmax()]
    known = (real[i] for i in np.flatnonzero(~is_missing))
    counts = new.dtype.kind == "f" and all(isinstance(value, int) for value in known)
    return [
        gap if is_gap else int(value) if counts else value
        for value, is_gap in zip(new.tolist(), new.isna(), strict=True)
    ]


class _ArrowTable:
    """A table that narwhals opens; Arrow carries its values to pandas and back."""

    def __init__(self, X):
        _check_shape(X.shape)
        self.X = X
        for name, dtype in X.schema.items():
            if dtype in (nw.Object, nw.Int128, nw.UInt128):
                raise SchemaError(
                    f"Column {name!r} is of dtype {dtype}, which Arrow cannot hold. "
                    "Cast it to another, or drop it."
                )
        try:
            table = X.to_arrow()
        except ImportError as error:
            raise ImportError(
                "A dataframe that is not of pandas is read by way of pyarrow, which is "
                "not installed. Run `pip install pyarrow`."
            ) from error
        self.schema = table.schema
        self.frame = _read_arrow(table)

    def append(self, new, donors):
        table = get_pyarrow().Table.from_pandas(new, self.schema, preserve_index=False)
        new = nw.from_arrow(table, backend=self.X.implementation)
        if new.columns != self.X.columns:  # polars names a column without a name
            new = new.rename(dict(zip(new.columns, self.X.columns, strict=True)))
        return nw.concat([self.X, new]).to_native()


def _read_arrow(table):
    """Return an Arrow table in pandas' dtypes of Arrow; dictionaries are categories."""
    coded = [field.name for field in table.schema if hasattr(field.type, "index_type")]
    plain = table.drop(coded) if coded else table
    plain = plain.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    columns = {
        name: _read_levels(table[name]) if name in coded else plain[name]
        for name in table.column_names
    }
    return pd.DataFrame(columns) if coded else plain


def _read_levels(column):
    levels = pd.Index(column.unify_dictionaries().chunk(0).dictionary.to_pandas())
    values = column.cast(column.type.value_type).to_pandas()
    return pd.Categorical(values, levels.dropna().unique(), column.type.ordered)


def _append_values(real, new):
    """Append a dataframe to an array; text gets the width it needs."""
    dtype = real.dtype
    if dtype.kind not in "US":
        return np.concatenate([real, new.to_numpy(dtype=dtype)], dtype=dtype)
    values = new.to_numpy(dtype=object)
    if dtype.kind == "U":  # has no missing value
        values = np.where(pd.isna(values), "", values)
    return np.concatenate([real, values.astype(dtype.kind)])


def _is_nested(X):
    return bool(X) and all(isinstance(row, list | tuple) for row in X) and bool(X[0])


def _check_shape(shape):
    if min(shape) == 0:
        check_array(np.empty(shape))  # raises scikit-learn's own message


def _check_dense(n_rows, dtypes):
    n_bytes = n_rows * sum(dtype.itemsize for dtype in dtypes)
    if n_bytes > MAX_DENSE:
        raise SchemaError(
            f"Expected a table that fits in memory, got {len(dtypes)} sparse columns "
            f"that take {n_bytes / 2**30:.1f} GiB when dense, more than "
            f"{MAX_DENSE / 2**30:.0f}. Put the sampler before the encoder."
        )


def _check_array_kind(X):
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError(
            "Expected missing values as NaN, got a masked array. Call "
            "`X.astype(float).filled(np.nan)`."
        )
    if getattr(getattr(X, "dtype", None), "names", None):
        raise TypeError(
            "Expected a table, got a structured array. Make it a dataframe: "
            "`pd.DataFrame(X)`."
        )
    pa = get_pyarrow()
    if pa is not None and isinstance(X, pa.RecordBatch):
        raise TypeError(
            "Expected a table, got a RecordBatch. Make it one: "
            "`pyarrow.Table.from_batches([X])`."
        )


def open_labels(y):
    """Return labels with ``series``, ``y`` as a series in its dtype.

    Parameters
    ----------
    y : Series, array, list, Array of pyarrow, dataframe of one column, or one-vs-all \
indicators in any container of `open_container`

    Returns
    -------
    labels : Labels
        ``append(new_labels, donors, index)`` returns ``y`` with labels behind it;
        ``index`` is that of the whole table, or None where it has none.
    """
    column = _read_column(y)
    if column is not None:
        return _ColumnLabels(*column)
    shape = np.shape(y) if isinstance(y, list | tuple) else getattr(y, "shape", ())
    return _Indicators(y) if len(shape) == 2 and shape[1] > 1 else _Values(y)


def _read_column(y):
    """Return a column as a table, the way back, and its name; None for others."""
    if isinstance(y, pd.Series):
        return y.to_frame("y"), partial(_take_series, name=y.name), y.name
    pa = get_pyarrow()
    if pa is not None and isinstance(y, pa.Array):
        return pa.table({"y": y}), _take_array, None
    native = nw.from_native(y, pass_through=True, allow_series=True)
    if isinstance(native, nw.Series):
        name = native.name
        table = native.alias("y").to_frame().to_native()
        return table, partial(_take_native, name=name), name or None
    is_table = isinstance(y, pd.DataFrame) or isinstance(native, nw.DataFrame)
    is_column = is_table and y.shape[1] == 1
    return (y, _keep, native.columns[0]) if is_column else None


# The ways back; a fitted `QualityControl` has one, and can be pickled.


def _take_series(table, name):
    return table["y"].rename(name)


def _take_array(table):
    return table["y"].combine_chunks()


def _take_native(table, name):
    return nw.from_native(table)["y"].alias(name).to_native()


def _keep(table):
    return table


class _Labels:
    """Labels of real rows, checked."""

    is_one_vs_all = False

    def __init__(self, series):
        n_missing = int(series.isna().sum())
        if n_missing:
            raise SchemaError(
                f"Input y contains NaN: expected a label for every row, got {n_missing}"
                " missing. Drop those rows, or give them a label of their own."
            )
        if any(isinstance(label, tuple) for label in series):
            raise SchemaError(
                "Expected labels of one value each, got tuples. Make each a word: "
                "`y = pd.Series(y).map(str)`."
            )
        plain = series.infer_objects()
        if plain.dtype.kind == "f":
            check_classification_targets(plain.to_numpy(dtype=float))
        try:
            sorted(series.unique())  # every count and every report sorts them
        except TypeError as error:
            kinds = sorted({type(label).__name__ for label in series})
            raise SchemaError(
                "Expected labels that can be sorted, got a mix of "
                f"{' and '.join(kinds)}. Give all labels one type."
            ) from error
        self.series = series


class _ColumnLabels(_Labels):
    """A column of a dataframe, of pandas or another library."""

    def __init__(self, table, close, name):
        self.table, self.close = table, close
        column = open_container(table).frame.iloc[:, 0]
        self.column = column.name
        super().__init__(column.rename(name))

    def append(self, new_labels, donors, index=None):
        table = self.table
        if new_labels.dtype != self.series.dtype:  # more levels, for new classes
            table = _cast_column(table, new_labels.dtype)
        has_index = index is not None and isinstance(table, pd.DataFrame)
        if has_index:
            table = table.reset_index(drop=True)
        new = new_labels.to_frame(self.column)
        joined = open_container(table).append(new, donors)
        return self.close(joined.set_axis(index) if has_index else joined)


def _cast_column(table, dtype):
    """Give the levels of a categorical dtype to a table's only column."""
    if isinstance(table, pd.DataFrame):
        return table.astype(dtype)
    table = nw.from_native(table)
    name, *_ = table.columns
    if isinstance(table.schema[name], nw.Enum):
        levels = nw.Enum(dtype.categories.tolist())
        table = table.with_columns(nw.col(name).cast(levels))
    return table.to_native()


class _Values(_Labels):
    """A list or an array."""

    def __init__(self, y):
        self.y, values = y, np.asarray(y)
        if values.dtype != object:  # that there is no kind for dates, is no fault
            check_classification_targets(values)
            values = check_target_type(values)
        if isinstance(y, list | tuple) and _is_nested(y):  # rows of one label
            self.y = type(y)(column_or_1d(values).tolist())
        self.values = column_or_1d(values)
        super().__init__(pd.Series(self.values))

    def append(self, new_labels, donors, index=None):
        if isinstance(self.y, list | tuple):
            return self.y + type(self.y)(new_labels.tolist())
        return _append_values(self.values[:, None], new_labels.to_frame())[:, 0]


class _Indicators(_Labels):
    """One column per class, in any container."""

    is_one_vs_all = True

    def __init__(self, y):
        self.container = open_container(y)
        frame = self.container.frame
        values = np.column_stack([frame[name].to_numpy() for name in frame])
        codes, is_one_vs_all = values, False
        if values.dtype.kind in "biuf":  # pairs of words are no indicators
            codes, is_one_vs_all = check_target_type(values, indicate_one_vs_all=True)
        if not is_one_vs_all or ((values == values.max()).sum(axis=1) != 1).any():
            raise SchemaError(
                "Expected one label per row, or indicators of which one is 1 in every "
                f"row, got {values.shape[1]} columns of labels. Give one column."
            )
        super().__init__(pd.Series(codes))

    def append(self, new_labels, donors, index=None):
        first = self.series.drop_duplicates()  # a real row of each class
        rows = first.index[pd.Index(first).get_indexer(new_labels)]
        new = self.container.frame.iloc[rows].reset_index(drop=True)
        joined = self.container.append(new, donors)
        has_index = index is not None and isinstance(joined, pd.DataFrame)
        return joined.set_axis(index) if has_index else joined
