"""Tables: any array-like in, a dataframe and codes inside, the same container out."""

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from t2sampler._containers import open_container, open_labels
from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema
from t2sampler.constraints._infer import MARGIN, MAX_CHANCE, infer_constraints
from t2sampler.exceptions import SchemaError


class Table:
    """A user's ``X`` and ``y`` as dataframe and series, and the way back.

    Parameters
    ----------
    X : dataframe, array-like or list of shape (n_rows, n_features)
    y : series, array-like or list of shape (n_rows,), or one-vs-all indicators

    Attributes
    ----------
    frame : DataFrame
        In the user's dtypes, with a RangeIndex.
    target : Series
        The labels, with the same index.
    is_one_vs_all : bool
        The user's labels are indicators.
    given : tuple
        ``X`` and ``y``.

    Raises
    ------
    SchemaError
        No rows, repeated column names, or labels that are missing.
    ValueError, TypeError
        scikit-learn's own checks of shapes, and of continuous labels.
    """

    def __init__(self, X, y):
        if y is None:
            raise ValueError(
                "The table requires y to be passed, but the target y is None. Give one "
                "label per row."
            )
        _check_label_type(y)
        self.given = X, y
        self._X, self._y = open_container(X), open_labels(y)
        self.frame, self.target = self._X.frame, self._y.series
        self.is_one_vs_all = self._y.is_one_vs_all
        _check_names(self.frame)
        if self.target.dtype == np.float16:  # pandas cannot look labels up in it
            raise SchemaError(
                "Expected labels of a dtype that pandas can index, got float16. "
                "Convert them: `y.astype('float32')`."
            )
        if len(self.frame) != len(self.target):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"{[len(self.frame), len(self.target)]}. Give one label per row."
            )

    @property
    def index_repeats(self):
        """True where new rows take the index label of a donor."""
        index = getattr(self.given[0], "index", None)
        if not isinstance(index, pd.Index):
            return False
        is_text = pd.api.types.infer_dtype(index, skipna=True) == "string"
        return not (is_text or pd.api.types.is_integer_dtype(index.dtype))

    def in_containers(self, frame, labels):
        """Return other rows in the user's containers, without the real ones.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_features)
            In the user's dtypes.
        labels : Series of shape (n,)
        """
        joined = self.append(frame, labels, np.zeros(len(frame), dtype=np.intp))
        return tuple(_take_last(whole, len(frame)) for whole in joined)

    def append(self, new, labels, donors):
        """Return the user's table with new rows behind the real ones.

        Parameters
        ----------
        new : DataFrame of shape (n_new, n_features)
            In the user's dtypes.
        labels : Series of shape (n_new,)
        donors : int ndarray of shape (n_new,)
            Positions of real rows, of which a new row takes the index label where
            that means something.

        Returns
        -------
        X, y : as given
        """
        X = self._X.append(new, donors)
        index = X.index if isinstance(X, pd.DataFrame) else None
        return X, self._y.append(labels, donors, index)


def _check_label_type(y):
    """Refuse labels of several values each, before they are taken for a table."""
    nested = (tuple, set, frozenset, dict)
    nested += (list,) if isinstance(y, pd.Series) else ()
    is_column = isinstance(y, list | pd.Series)
    first = next(iter(y), None) if is_column else None
    if isinstance(first, nested):
        raise SchemaError(
            f"Expected plain labels, got a {type(first).__name__}. Make one value of "
            "each: `y = [' '.join(map(str, label)) for label in y]`."
        )


def _take_last(values, n_rows):
    if sparse.issparse(values):
        return values.tocsr()[values.shape[0] - n_rows :].asformat(values.format)
    first = (values.shape[0] if hasattr(values, "shape") else len(values)) - n_rows
    return values.iloc[first:] if hasattr(values, "iloc") else values[first:]


def open_frame(X):
    """Return ``X`` as a dense dataframe with a RangeIndex; dtypes stay."""
    frame = open_container(X).frame
    _check_names(frame)
    return frame


def _check_names(frame):
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()][0]
        raise SchemaError(
            f"Expected unique column names, got {repeated!r} more than once. Rename "
            "the columns."
        )
    if frame.columns.dtype.kind == "f" and frame.columns.hasnans:
        raise SchemaError(
            "Expected a name for every column, got nan for one. Rename the columns."
        )


class Rows:
    """Real rows or candidates on their way through generator and filters.

    A table is opened, described and encoded once, by whoever receives it from the user;
    all others get these rows.

    Parameters
    ----------
    frame : DataFrame with a RangeIndex
        Columns in the order of the schema and in its dtypes; those of text, ids and
        private values are blank.
    target : Series
        Labels, with the same index.
    schema : TableSchema
        Learned from the real rows.
    """

    def __init__(self, frame: pd.DataFrame, target: pd.Series, schema: TableSchema):
        self.frame, self.target, self.schema = frame, target, schema
        self._rules = {}
        self.given_rules = ()  # the user's own, by which a generator may compute

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


def open_real_rows(X, y, schema=None, kinds=None):
    """Return real rows as `Rows`; those that are opened already as they are.

    Parameters
    ----------
    X, y : table and labels, or `Rows` and None
    schema : TableSchema, default=None
        None: learned here.
    kinds : dict of column name to kind, default=None
        Kinds of columns that the user has given.
    """
    return X if isinstance(X, Rows) else read_table(Table(X, y), schema, kinds)


def read_table(table, schema=None, kinds=None):
    """Return the rows of a `Table`; see `open_real_rows`."""
    if schema is None:
        schema = TableSchema.learn(table.frame, table.target, kinds=kinds)
    return Rows(schema.read(table.frame), table.target, schema)


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
    return Rows(schema.read(frame), target, schema)
