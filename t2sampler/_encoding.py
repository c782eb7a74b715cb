"""TableEncoder: a mixed table as a float matrix for models, fitted on real rows."""

import numpy as np
import pandas as pd

from t2sampler._schema import TableSchema

MAX_LEVELS = 20  # one-hot columns per category; rarer levels share none
TINY, HUGE = 1e-100, 1e100  # numbers beyond are scaled before they are squared


class TableEncoder:
    """Encode a mixed table for distances and linear models.

    Numbers, dates and ordered categories are standardised (missing ones stand at the
    median, and have an indicator where real rows miss values too); other categories
    become one indicator per level, at most `MAX_LEVELS`; names, identifiers and empty
    columns are left out. A table with nothing to encode gives one column of zeros.

    Parameters
    ----------
    schema : TableSchema
        Learned from the real rows.

    Attributes
    ----------
    n_encoded_ : int
        Columns of the encoded matrix.
    origin_ : int ndarray of shape (n_encoded_,)
        Position of the table's column that each of these comes from.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler._encoding import TableEncoder
    >>> from t2sampler._schema import TableSchema
    >>> real = pd.DataFrame({"a": [0.0, 2.0], "b": ["u", "v"]})
    >>> TableEncoder(TableSchema.learn(real)).fit(real).transform(real).tolist()
    [[-1.0, 0.0], [1.0, 1.0]]
    """

    def __init__(self, schema: TableSchema):
        self.schema = schema

    def fit(self, frame):
        """Learn centres, scales and levels from real rows."""
        return self.fit_codes(self.schema.encode(self.schema.read(frame)))

    def fit_codes(self, codes):
        """Learn the same from codes of shape (n_rows, n_columns)."""
        self._parts = [
            (j, *_learn_part(column, codes[:, j]))
            for j, column in enumerate(self.schema.columns)
            if column.is_modelled
        ]
        self._parts = [part for part in self._parts if len(part[2])]
        origin = [j for j, _, parameters in self._parts for _ in parameters]
        self.origin_ = np.array(origin or [0])
        self.n_encoded_ = len(self.origin_)
        return self

    def transform(self, frame):
        """Return a float matrix of shape (n_rows, n_encoded_)."""
        return self.transform_codes(self.schema.encode(self.schema.read(frame)))

    def transform_codes(self, codes):
        """Return the same for codes of shape (n_rows, n_columns)."""
        encoded = np.zeros((len(codes), self.n_encoded_))
        start = 0
        for j, write, parameters in self._parts:
            stop = start + len(parameters)
            write(codes[:, j], parameters, encoded[:, start:stop])
            start = stop
        return encoded


def hash_rows(matrix):
    """Return 64 bits per row, the same for equal rows; NaN equals NaN, and 0 equals -0.

    Parameters
    ----------
    matrix : float ndarray of shape (n_rows, n_columns)

    Returns
    -------
    hashes : uint64 ndarray of shape (n_rows,)

    Examples
    --------
    >>> import numpy as np
    >>> hashes = hash_rows(np.array([[0.0, np.nan], [-0.0, np.nan], [1.0, 2.0]]))
    >>> len(np.unique(hashes))
    2
    """
    if not matrix.shape[1]:  # pandas 2 hashes no rows without cells
        return np.zeros(len(matrix), dtype=np.uint64)
    frame = pd.DataFrame(matrix + 0.0)  # -0.0 becomes 0.0, which has another hash
    return pd.util.hash_pandas_object(frame, index=False).to_numpy()


def _learn_part(column, codes):
    """Return how a column is written and one parameter per encoded column."""
    has_missing = bool(np.isnan(codes).any())
    if column.is_numeric or column.is_ordered:
        present = codes[~np.isnan(codes)]
        peak = np.abs(present).max(initial=0.0)
        unit = 1.0 if TINY < peak < HUGE else peak or 1.0  # lest squares overflow
        scale = (present / unit).std() * unit if present.size else 0.0
        if scale <= 1e-12 * peak:
            return _write_number, ["missing"] if has_missing else []
        centre = ((present / unit).mean() * unit, scale, np.median(present))
        return _write_number, [centre, *(["missing"] if has_missing else [])]
    levels = _frequent_levels(codes)
    if len(levels) == 2 and not has_missing:
        levels = levels[1:]  # the other indicator would be one minus this one
    elif len(levels) == 1 and not has_missing:
        levels = []
    return _write_levels, [*levels, *([np.nan] if has_missing else [])]


def _frequent_levels(codes):
    levels, counts = np.unique(codes[~np.isnan(codes)], return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
    return sorted(levels[frequent].tolist())


def _write_number(codes, parameters, out):
    missing = np.isnan(codes)
    for j, parameter in enumerate(parameters):
        if isinstance(parameter, str):
            out[:, j] = missing
        else:
            mean, scale, median = parameter
            out[:, j] = (np.where(missing, median, codes) - mean) / scale


def _write_levels(codes, parameters, out):
    for j, level in enumerate(parameters):
        out[:, j] = np.isnan(codes) if np.isnan(level) else codes == level
