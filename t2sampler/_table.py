"""Tables: any array-like in, a dataframe and codes inside, the same container out."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.preprocessing import label_binarize
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from t2sampler._encoding import TableEncoder
from t2sampler._params import check_target_type
from t2sampler._schema import TableSchema
from t2sampler.constraints._infer import MARGIN, MAX_CHANCE, infer_constraints
from t2sampler.exceptions import SchemaError

INFINITE = (np.inf, -np.inf)
HUGE = 1e305  # sums and differences of larger numbers overflow
NESTED = (list, dict, set, tuple, np.ndarray)


@dataclass(frozen=True)
class Table:
    """A user's ``X`` and ``y`` as dataframe and series, and the way back.

    ``frame`` and ``target`` share a plain RangeIndex; the user's own index
    comes back with `restore`.
    """

    frame: pd.DataFrame
    target: pd.Series
    X: object  # as the user gave it
    y: object
    is_one_vs_all: bool

    def restore(self, frame, target):
        """Return the table in the user's containers, dtypes and index.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_features)
            Real rows first, in the order they came in.
        target : Series of shape (n_rows,)

        Returns
        -------
        X, y : as given
        """
        n_new = len(frame) - len(self.frame)
        X = _restore_X(self.X, frame, n_new)
        y = self._restore_y(target, n_new)
        if isinstance(X, pd.DataFrame) and isinstance(y, pd.Series | pd.DataFrame):
            y.index = X.index
        return X, y

    def _restore_y(self, target, n_new):
        if isinstance(self.y, pd.Series):
            return target.set_axis(extend_index(self.y.index, n_new))
        values = self._one_vs_all(target) if self.is_one_vs_all else target
        if isinstance(self.y, pd.DataFrame):
            index = extend_index(self.y.index, n_new)
            return pd.DataFrame(values).set_axis(index).set_axis(self.y.columns, axis=1)
        if self.is_one_vs_all:
            return values
        values = target.to_numpy(dtype=object)
        as_list = isinstance(self.y, list)
        return (
            values.tolist() if as_list else as_dtype(values, np.asarray(self.y).dtype)
        )

    def _one_vs_all(self, target):
        return label_binarize(target, classes=np.unique(self.target))


def open_table(X, y):
    """Check ``X`` and ``y`` and return them as a `Table`.

    Parameters
    ----------
    X : dataframe, array-like or list of shape (n_rows, n_features)
    y : series, array-like or list of shape (n_rows,), or one-vs-all indicators

    Raises
    ------
    SchemaError
        No rows, infinite values, nested values, repeated column names, or labels
        that are missing.
    ValueError, TypeError
        scikit-learn's own checks of shapes, sparse matrices and continuous labels.
    """
    frame = open_frame(X)
    target, is_one_vs_all = open_target(y)
    if len(frame) != len(target):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"{[len(frame), len(target)]}. Give one label per row."
        )
    return Table(frame, target, X, y, is_one_vs_all)


def open_frame(X):
    """Return ``X`` as a dense dataframe with a RangeIndex; dtypes stay."""
    if isinstance(X, pd.DataFrame):
        frame = X
        if min(X.shape) == 0:
            check_array(np.empty(X.shape))  # raises scikit-learn's own message
    elif isinstance(X, list) and _is_nested(X):
        frame = pd.DataFrame(X)
    else:
        array = check_array(X, dtype=None, ensure_all_finite=False)
        frame = pd.DataFrame(array)
    frame = _densify(frame).reset_index(drop=True)
    _check_columns(frame)
    return frame


def open_target(y):
    """Return labels as a series in their dtype, and whether they were one-vs-all."""
    if isinstance(y, pd.DataFrame) and y.shape[1] == 1:
        y = y.iloc[:, 0]
    if isinstance(y, pd.Series):
        target = y.reset_index(drop=True)
        if isinstance(target.dtype, pd.SparseDtype):
            target = target.sparse.to_dense()
        is_one_vs_all = False
        if target.dtype.kind == "f":
            check_classification_targets(target.to_numpy(dtype=float))
    else:
        check_classification_targets(y)
        values, is_one_vs_all = check_target_type(
            np.asarray(y), indicate_one_vs_all=True
        )
        target = pd.Series(column_or_1d(values))
    n_missing = int(target.isna().sum())
    if n_missing:
        raise SchemaError(
            f"Input y contains NaN: expected a label for every row, got {n_missing} "
            "missing. Drop those rows, or give them a label of their own."
        )
    _check_labels_compare(target)
    return target, is_one_vs_all


def _check_labels_compare(target):
    """Refuse labels that have no order: every count and every report sorts them."""
    try:
        sorted(target.unique())
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in target})
        raise SchemaError(
            f"Expected labels that can be sorted, got a mix of {' and '.join(kinds)}. "
            "Give all labels one type."
        ) from error


def extend_index(index, n_new):
    """Add labels for new rows: integers go on from max + 1, others are named."""
    if n_new == 0:
        return index
    if isinstance(index, pd.RangeIndex) and index.step == 1:
        return pd.RangeIndex(index.start, index.stop + n_new, name=index.name)
    if pd.api.types.is_integer_dtype(index.dtype):
        start = int(index.max()) + 1
        new = pd.Index(np.arange(start, start + n_new))
        return index.append(new).rename(index.name)
    first = _count_generated(index)
    return _extend_names(index, [f"generated-{first + i}" for i in range(n_new)])


def _count_generated(index):
    """Return the number from which names of generated rows are free."""
    names = index.get_level_values(0).astype(str)
    numbers = names[names.str.fullmatch(r"generated-\d+")].str.removeprefix(
        "generated-"
    )
    return int(numbers.astype(int).max()) + 1 if len(numbers) else 0


def _extend_names(index, names):
    if isinstance(index, pd.MultiIndex):
        blanks = ("",) * (index.nlevels - 1)
        rows = [*index, *((name, *blanks) for name in names)]
        return pd.MultiIndex.from_tuples(rows, names=index.names)
    dtype = index.dtype if isinstance(index.dtype, pd.StringDtype) else object
    return pd.Index([*index, *names], dtype=dtype, name=index.name)


def _restore_X(X, frame, n_new):
    if isinstance(X, pd.DataFrame):
        sparse = {
            name: dtype
            for name, dtype in X.dtypes.items()
            if isinstance(dtype, pd.SparseDtype)
        }
        frame = frame.astype(sparse).set_axis(extend_index(X.index, n_new))
        return frame.set_axis(X.columns, axis=1)  # their name, and their own dtype
    if isinstance(X, list):
        return frame.to_numpy(dtype=object).tolist()
    return as_dtype(frame.to_numpy(dtype=object), np.asarray(X).dtype)


def as_dtype(values, dtype):
    """Cast objects back to an array's dtype; text gets the width it needs."""
    if dtype.kind == "U":  # has no missing value
        values = np.where(pd.isna(values), "", values)
    return values.astype(dtype.kind if dtype.kind in "US" else dtype)


def _is_nested(X):
    return bool(X) and all(isinstance(row, list | tuple) for row in X) and bool(X[0])


def _densify(frame):
    sparse = [isinstance(dtype, pd.SparseDtype) for dtype in frame.dtypes]
    if not any(sparse):
        return frame
    dense = {
        name: dtype.subtype
        for name, dtype, is_sparse in zip(frame, frame.dtypes, sparse, strict=True)
        if is_sparse
    }
    return frame.astype(dense)


def _check_columns(frame):
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()][0]
        raise SchemaError(
            f"Expected unique column names, got {repeated!r} more than once. Rename "
            "the columns."
        )
    for name, column in frame.items():
        kind = column.dtype.kind
        if kind == "c":
            raise SchemaError(
                f"Complex data not supported: column {name!r} is complex. Split it "
                "into its real and imaginary parts."
            )
        if kind == "f" and np.isinf(_as_floats(column)).any():
            raise SchemaError(
                f"Column {name!r} contains infinity. Replace infinite values by a "
                "number or by a missing value."
            )
        if kind == "f" and np.any(np.abs(_as_floats(column)) > HUGE):
            raise SchemaError(
                f"Column {name!r} holds numbers beyond {HUGE:g}. Replace what stands "
                "for a missing value by a missing value."
            )
        if kind in "Mm":
            _check_times(name, column)
        if column.dtype == object:
            _check_objects(name, column)


def _check_times(name, column):
    """Refuse what nanoseconds, in which times are counted here, cannot hold."""
    try:
        column.dt.as_unit("ns")
    except NotImplementedError as error:
        raise SchemaError(
            f"Column {name!r} expected dates with a time of day, got {column.dtype}. "
            "Convert it: `X[name].astype('datetime64[s]')`."
        ) from error
    except (pd.errors.OutOfBoundsDatetime, pd.errors.OutOfBoundsTimedelta) as error:
        raise SchemaError(
            f"Column {name!r} holds times beyond the years 1677 to 2262. Replace what "
            "stands for a missing value by a missing value, or give years as numbers."
        ) from error


def _as_floats(column):
    return column.to_numpy(dtype=float, na_value=0)


def _check_objects(name, column):
    kinds = set(map(type, column.array))
    nested = [kind for kind in kinds if issubclass(kind, NESTED)]
    if nested:
        raise SchemaError(
            f"Column {name!r} holds a {nested[0].__name__} in a cell. Expand it into "
            "plain columns, or drop it."
        )
    if kinds & {float, np.float64, np.float32} and column.isin(INFINITE).any():
        raise SchemaError(
            f"Column {name!r} contains infinity. Replace infinite values by a number "
            "or by a missing value."
        )


class Rows:
    """Real rows or candidates on their way through generator and filters.

    A table is opened, described and encoded once, by whoever receives it from the user;
    all others get these rows.

    Parameters
    ----------
    frame : DataFrame with a RangeIndex
        Columns in the order of the schema.
    target : Series
        Labels, with the same index.
    schema : TableSchema
        Learned from the real rows.
    """

    def __init__(self, frame: pd.DataFrame, target: pd.Series, schema: TableSchema):
        self.frame, self.target, self.schema = frame, target, schema
        self._rules = {}

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def codes(self) -> NDArray[np.float64]:
        """Codes of the columns, a float ndarray of shape (n_rows, n_columns)."""
        return self.schema.encode(self.frame)

    @cached_property
    def labels(self) -> NDArray[np.float64]:
        """Codes of the labels, a float ndarray of shape (n_rows,)."""
        return self.schema.target.encode(self.target)

    @cached_property
    def encoder(self) -> TableEncoder:
        """The `TableEncoder` fitted on these rows; ask real rows only."""
        return TableEncoder(self.schema).fit_codes(self.codes)

    def infer_rules(self, margin=MARGIN, max_chance=MAX_CHANCE):
        """Return the rules that all rows obey; see `infer_constraints`."""
        if (margin, max_chance) not in self._rules:
            self._rules[margin, max_chance] = infer_constraints(
                self.frame, self.schema, margin=margin, max_chance=max_chance
            )
        return self._rules[margin, max_chance]

    def take(self, mask: NDArray[np.bool_]) -> "Rows":
        """Return the rows that a mask is True for; their codes come along."""
        if mask.all():
            return self
        part = Rows(
            self.frame[mask].reset_index(drop=True),
            self.target[mask].reset_index(drop=True),
            self.schema,
        )
        for name in {"codes", "labels"} & vars(self).keys():
            setattr(part, name, getattr(self, name)[mask])
        return part


def open_real_rows(X, y, schema=None):
    """Return real rows as `Rows`; those that are opened already as they are."""
    if isinstance(X, Rows):
        return X
    table = open_table(X, y)
    if schema is None:
        schema = TableSchema.learn(table.frame, table.target)
    return Rows(table.frame, table.target, schema)


def open_candidates(X_new, y_new, schema, who):
    """Return candidates as `Rows` with the real table's columns, in its order.

    Raises
    ------
    SchemaError
        Columns are missing or unknown; ``who`` expected others.
    ValueError
        Not one label per row.
    """
    if isinstance(X_new, Rows):
        return X_new
    frame = open_frame(X_new)
    names = schema.names
    if set(frame.columns) != set(names) or len(frame.columns) != len(names):
        missing = [name for name in names if name not in frame.columns]
        surplus = [name for name in frame.columns if name not in names]
        raise SchemaError(
            f"{who} expected the {len(names)} columns it was fitted on, got "
            f"{len(frame.columns)}: missing {missing}, unknown {surplus}. Give "
            "candidates the columns of the real table."
        )
    target = pd.Series(y_new).reset_index(drop=True)
    if len(target) != len(frame):
        raise ValueError(
            "`y_new` must have one value per row of `X_new`: expected "
            f"{len(frame)}, got {len(target)}."
        )
    return Rows(frame[names], target, schema)
