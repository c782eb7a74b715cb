"""Rows of a table: a dataframe beside its codes, each of which is computed once."""

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema
from t2sampler._table import open_frame, open_table
from t2sampler.constraints._infer import MARGIN, MAX_CHANCE, infer_constraints
from t2sampler.exceptions import SchemaError


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
    if schema is not None:
        return Rows(X, y, schema)
    table = open_table(X, y)
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
