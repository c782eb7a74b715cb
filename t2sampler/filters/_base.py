"""BaseFilter: learn from real rows, then judge candidates."""

from abc import abstractmethod

import numpy as np

from t2sampler._autologging import quiet_fits
from t2sampler._params import (
    BaseSampler,
    DocLinkMixin,
    check_is_fitted,
    check_sampling_strategy,
    count_rows,
    remember_features,
    select_rows,
)
from t2sampler._records import Verdict
from t2sampler._table import Table, open_candidates, open_real_rows, read_table


class BaseFilter(DocLinkMixin, BaseSampler):
    """Learn what real rows look like, then judge candidates.

    A filter is a step of an imbalanced-learn pipeline (`fit_resample`) and a tool of
    its own (`fit`, `inspect`, `trim`). A subclass writes two methods: ``_fit(rows)``
    learns from real rows, ``_inspect(rows, batch)`` returns a `Verdict` and changes
    nothing. Rows have a ``frame`` and a ``target`` with a RangeIndex, their ``codes``
    and ``labels`` as numbers, and the ``schema`` of the real table; no filter may
    change them. A filter whose verdict depends on earlier candidates also writes
    ``_add_candidates(rows)``; one for which the real rows grow by what was accepted
    writes ``_extend_reference(rows, twin)``.
    """

    _sampling_type = "bypass"
    _parameter_constraints: dict = {}
    column_kinds = None
    update_reference = False  # True: batches are judged one after the other

    def __init__(self):
        # Without this a filter would have the parameter `sampling_strategy`.
        pass

    @abstractmethod
    def _fit(self, rows):
        """Learn from real rows; ``self.schema_`` is already there."""

    @abstractmethod
    def _inspect(self, rows, batch):
        """Judge candidates; ``batch`` is an id per row."""

    def _add_candidates(self, rows):
        """Learn from candidates that were judged."""

    def _extend_reference(self, rows, twin):
        """Learn from accepted candidates and from the real rows merged with them."""

    @quiet_fits
    def fit(self, X, y=None, schema=None):
        """Learn from real rows only.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_rows, n_features)
            Real rows.
        y : array-like of shape (n_rows,), default=None
            Their labels; None only where ``X`` are ``Rows``.
        schema : TableSchema, default=None
            What is known of the table; None: learned here.

        Returns
        -------
        self : estimator
        """
        self._validate_params()
        rows = open_real_rows(X, y, schema, self.column_kinds)
        remember_features(self, rows.frame if rows is X else X, rows.frame)
        self.schema_ = rows.schema
        self._fit(rows)
        return self

    @quiet_fits
    def add_candidates(self, X_judged, y_judged=None):
        """Judge later candidates beside these; what was judged before stays so.

        Most filters judge by the real rows alone, and learn nothing here. See the notes
        of the class for those that do.

        Parameters
        ----------
        X_judged : dataframe or array-like of shape (n_rows, n_features)
            Candidates, kept or not.
        y_judged : array-like of shape (n_rows,), default=None

        Returns
        -------
        self : estimator
        """
        check_is_fitted(self)
        if count_rows(X_judged):
            self._add_candidates(self._open(X_judged, y_judged))
        return self

    def extend_reference(self, X_accepted, y_accepted=None, twin=()):
        """Let the real rows grow by an accepted batch, under ``update_reference``.

        Parameters
        ----------
        X_accepted : dataframe or array-like of shape (n_rows, n_features)
        y_accepted : array-like of shape (n_rows,), default=None
        twin : int array-like, default=()
            Positions of real rows that were merged with the batch.

        Returns
        -------
        self : estimator
        """
        check_is_fitted(self)
        rows = self._open(X_accepted, y_accepted)
        self._extend_reference(rows, np.asarray(twin, dtype=np.intp))
        return self

    @quiet_fits
    def inspect(self, X_new, y_new=None, *, batch=None) -> Verdict:
        """Judge candidates without changing them, or what the filter knows.

        Parameters
        ----------
        X_new : dataframe or array-like of shape (n_new, n_features)
        y_new : array-like of shape (n_new,), default=None
        batch : array-like of shape (n_new,), default=None
            An id per row; None means that all rows are one batch. A rule that pools
            candidates sees all rows of the call.

        Returns
        -------
        verdict : Verdict
        """
        check_is_fitted(self)
        if count_rows(X_new) == 0:
            return Verdict(np.zeros(0, dtype=bool), np.zeros(0, dtype=object))
        rows = self._open(X_new, y_new)
        return self._inspect(rows, open_batch(batch, len(rows)))

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
        """Trim rows as a step of an imbalanced-learn pipeline.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,)
        synthetic_mask : bool array-like of shape (n_rows,), default=None
            True where a row was generated. The filter learns from the other rows, and
            trims masked rows only. Without a mask, see the notes of the class. No
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
        table = Table(X, y)
        self.sampling_strategy_ = check_sampling_strategy(
            "auto", table.target.to_numpy(), self._sampling_type
        )
        if synthetic_mask is None:
            rows = read_table(table, kinds=self.column_kinds)
            self.fit(rows)
            keep = self._keep_unmasked(rows)
        else:
            mask = _check_mask(synthetic_mask, len(table.frame))
            keep = self._keep_masked(table, mask)
        remember_features(self, X, table.frame)
        keep = _spare_classes(keep, table.target)
        return select_rows(X, keep), select_rows(y, keep)

    def _keep_masked(self, table, mask):
        self.fit(table.frame[~mask], table.target[~mask])
        keep = ~mask
        keep[mask] = self.inspect(table.frame[mask], table.target[mask]).keep
        return keep

    def _keep_unmasked(self, rows):
        """Judge the very rows the filter was fitted on; by default as one batch."""
        return self.inspect(rows).keep

    def _open(self, X_new, y_new):
        return open_candidates(X_new, y_new, self.schema_, type(self).__name__)

    def _fit_resample(self, X, y, **params):
        """Satisfy imbalanced-learn's base class; `fit_resample` does the work."""
        return self.fit_resample(X, y, **params)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.string = tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def open_batch(batch, n_rows):
    """Return a batch id per row; all rows are one batch if none is given."""
    batch = np.zeros(n_rows, dtype=int) if batch is None else np.asarray(batch)
    if len(batch) != n_rows:
        raise ValueError(
            f"`batch` must have one value per row of `X_new`: expected {n_rows}, got "
            f"{len(batch)}."
        )
    return batch


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
