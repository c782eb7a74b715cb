"""The one contract every filter obeys: learn from real rows, then judge candidates."""

from abc import abstractmethod

import numpy as np
import pandas as pd

from t2sampler._params import (
    BaseSampler,
    check_is_fitted,
    check_sampling_strategy,
    remember_features,
)
from t2sampler._records import Verdict
from t2sampler._schema import TableSchema
from t2sampler._table import open_frame, open_table
from t2sampler.exceptions import SchemaError


class BaseFilter(BaseSampler):
    """Learn what real rows look like, then judge candidates.

    A filter is a step of an imbalanced-learn pipeline (`fit_resample`) and a tool of
    its own (`fit`, `inspect`, `trim`). A subclass writes two methods: ``_fit(frame,
    target)`` learns from real rows, ``_inspect(frame, target, batch)`` returns a
    `Verdict`. Both get dataframes with a RangeIndex; neither may change them.
    """

    _sampling_type = "bypass"

    @abstractmethod
    def _fit(self, frame, target):
        """Learn from real rows; ``self.schema_`` is already there."""

    @abstractmethod
    def _inspect(self, frame, target, batch):
        """Judge candidates; ``batch`` is an id per row."""

    def fit(self, X, y):
        """Learn from real rows only.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_rows, n_features)
            Real rows.
        y : array-like of shape (n_rows,)
            Their labels.

        Returns
        -------
        self : estimator
        """
        self._validate_params()
        table = open_table(X, y)
        remember_features(self, X, table.frame)
        self.schema_ = TableSchema.learn(table.frame, table.target)
        self._fit(table.frame, table.target)
        return self

    def inspect(self, X_new, y_new, *, batch=None) -> Verdict:
        """Judge candidates without changing them.

        Parameters
        ----------
        X_new : dataframe or array-like of shape (n_new, n_features)
        y_new : array-like of shape (n_new,)
        batch : array-like of shape (n_new,), default=None
            An id per row; None means that all rows are one batch. A rule that pools
            candidates sees all rows of the call.

        Returns
        -------
        verdict : Verdict
        """
        check_is_fitted(self)
        if len(X_new) == 0:
            return Verdict(np.zeros(0, dtype=bool), np.zeros(0, dtype=object))
        frame = self._open_candidates(X_new)
        target = pd.Series(y_new).reset_index(drop=True)
        batch = np.zeros(len(frame), dtype=int) if batch is None else np.asarray(batch)
        for name, length in (("y_new", len(target)), ("batch", len(batch))):
            if length != len(frame):
                raise ValueError(
                    f"`{name}` must have one value per row of `X_new`: expected "
                    f"{len(frame)}, got {length}."
                )
        return self._inspect(frame, target, batch)

    def trim(self, X_new, y_new):
        """Return the candidates that `inspect` keeps, as one batch.

        Parameters
        ----------
        X_new : dataframe or array-like of shape (n_new, n_features)
        y_new : array-like of shape (n_new,)

        Returns
        -------
        X_kept, y_kept : as given, with fewer rows
        """
        keep = self.inspect(X_new, y_new).keep
        return select_rows(X_new, keep), select_rows(y_new, keep)

    def fit_resample(self, X, y, *, synthetic_mask=None):
        """Drop rows as a step of an imbalanced-learn pipeline.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,)
        synthetic_mask : bool array-like of shape (n_rows,), default=None
            True where a row was generated. The filter learns from the other rows, and
            drops masked rows only. Without a mask, see the notes of the class. No
            class is ever emptied.

        Returns
        -------
        X_kept, y_kept : as given, with fewer rows

        Raises
        ------
        ValueError
            The mask has another length than ``X``, or no row is real.
        """
        self._validate_params()
        table = open_table(X, y)
        self.sampling_strategy_ = check_sampling_strategy(
            "auto", table.target.to_numpy(), self._sampling_type
        )
        if synthetic_mask is None:
            self.fit(X, y)
            keep = self._keep_unmasked(table.frame, table.target)
        else:
            mask = _check_mask(synthetic_mask, len(table.frame))
            keep = self._keep_masked(table, mask)
            remember_features(self, X, table.frame)
        keep = _spare_classes(keep, table.target)
        return select_rows(X, keep), select_rows(y, keep)

    def _keep_masked(self, table, mask):
        real = table.frame[~mask], table.target[~mask]
        self.fit(*real)
        verdict = self.inspect(table.frame[mask], table.target[mask])
        keep = ~mask
        keep[mask] = verdict.keep
        return keep

    def _keep_unmasked(self, frame, target):
        """Judge the very rows the filter was fitted on; by default as one batch."""
        return self.inspect(frame, target).keep

    def _fit_resample(self, X, y, **params):
        """Satisfy imbalanced-learn's base class; `fit_resample` does the work."""
        return self.fit_resample(X, y, **params)

    def _open_candidates(self, X_new):
        """Return candidates as a dataframe with the real table's columns, in order."""
        frame = open_frame(X_new)
        names = self.schema_.names
        if set(frame.columns) != set(names) or len(frame.columns) != len(names):
            missing = [name for name in names if name not in frame.columns]
            surplus = [name for name in frame.columns if name not in names]
            raise SchemaError(
                f"{type(self).__name__} expected the {len(names)} columns it was "
                f"fitted on, got {len(frame.columns)}: missing {missing}, unknown "
                f"{surplus}. Give candidates the columns of the real table."
            )
        return frame[names]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.string = tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def select_rows(values, keep):
    """Return the rows of a dataframe, series, array or list where ``keep`` is True."""
    if isinstance(values, pd.DataFrame | pd.Series):
        return values.iloc[np.flatnonzero(keep)]
    if isinstance(values, list):
        return [value for value, is_kept in zip(values, keep, strict=True) if is_kept]
    return np.asarray(values)[keep]


def _check_mask(mask, n_rows):
    mask = np.asarray(mask).ravel()
    if not np.isin(mask.astype(object), [True, False]).all():
        raise ValueError(
            f"`synthetic_mask` must hold True or False for every row, got {mask!r:.80}."
            " Pass the `synthetic_mask_` of the sampler that made this table."
        )
    mask = mask.astype(bool)
    if len(mask) != n_rows:
        raise ValueError(
            f"`synthetic_mask` must have one value per row: expected {n_rows}, got "
            f"{len(mask)}. Pass the `synthetic_mask_` of the sampler that made this "
            "table."
        )
    if mask.all():
        raise ValueError(
            "`synthetic_mask` is True everywhere, so there is no real row to learn "
            "from. Pass the table together with its real rows."
        )
    return mask


def _spare_classes(keep, target):
    """Keep all rows of a class that would otherwise vanish."""
    kept = set(target[keep])
    return keep | ~target.isin(kept).to_numpy()
