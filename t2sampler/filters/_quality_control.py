"""QualityControl: the three filters one after the other, for rows of any generator."""

from copy import deepcopy
from dataclasses import dataclass
from numbers import Number

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from t2sampler._brief import BriefRepr, fill
from t2sampler._kinds import merge_kinds
from t2sampler._params import (
    DefaultPartsMixin,
    DocLinkMixin,
    StrOptions,
    check_is_fitted,
    count_rows,
    draw_seed,
    remember_features,
)
from t2sampler._records import put_beside
from t2sampler._table import Rows, Table, open_candidates, open_frame, read_table
from t2sampler.filters._base import BaseFilter, open_batch
from t2sampler.filters._cost import CostAssessmentFilter
from t2sampler.filters._diversity import DiversityFilter
from t2sampler.filters._sanity import SanityFilter
from t2sampler.filters._sequence import FILTERS, FilterResult, apply_filters

IS_FILTER = [StrOptions({"passthrough"}), BaseFilter, None]


@dataclass(frozen=True, repr=False)
class TrimReport(BriefRepr):
    """What became of the candidates.

    Attributes
    ----------
    batches : DataFrame
        A row per batch: rows drawn, trimmed by each filter and accepted; the figures
        its verdict rests on; the verdict in words.
    left_out : DataFrame
        Every trimmed candidate: its values, label, batch, who trimmed it and why.
    notes : tuple of str
        What the filters found in the candidates as a whole, and what they did.
    """

    batches: pd.DataFrame
    left_out: pd.DataFrame
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        drawn = int(self.batches["n_drawn"].sum())
        accepted = int(self.batches["n_accepted"].sum())
        passed = int(self.batches["accepted"].sum())
        trimmed = ", ".join(
            f"{int(self.batches[f'trimmed_{name}'].sum()):,} by {name}"
            for name in FILTERS
        )
        totals = (
            f"{drawn:,} candidates in {len(self.batches):,} batches: {accepted:,} "
            f"accepted, in {passed:,} batches; trimmed {trimmed}"
        )
        return fill("\n".join([totals, *self.notes]))


@dataclass(frozen=True, repr=False)
class TrimResult(BriefRepr):
    """The candidates that passed, and the fate of all.

    Attributes
    ----------
    X, y : dataframe and series, or arrays, as the real rows were given
        Accepted rows; rows of twins at the end, where the cost filter keeps them.
    keep : list of bool ndarray
        One mask per batch over its own rows.
    report : TrimReport
    """

    X: object
    y: object
    keep: list[NDArray[np.bool_]]
    report: TrimReport


class QualityControl(DefaultPartsMixin, DocLinkMixin, BaseEstimator):
    """Trim rows that any generator has drawn, by three filters in a row.

    Sanity looks at single rows; cost asks whether labels and features belong together;
    diversity, whether rows repeat and how far a batch spreads. Each filter sees what
    the ones before it have kept.

    Parameters
    ----------
    sanity : SanityFilter, "passthrough" or None, default=None
        An instance is cloned, "passthrough" switches the filter off, None stands for
        the default filter.
    cost : CostAssessmentFilter, "passthrough" or None, default=None
        Or another filter of labels, such as `DataMapsFilter`.
    diversity : DiversityFilter, "passthrough" or None, default=None
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    random_state : int, RandomState instance or None, default=None
        Gives every filter whose ``random_state`` is None a seed.

    Attributes
    ----------
    sanity_, cost_, diversity_ : fitted filter or None
        None where switched off.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where all column names are strings.

    See Also
    --------
    SanityFilter : What a row must obey.
    CostAssessmentFilter : What a batch must teach.
    DiversityFilter : What a batch must add to the spread of the real rows.

    Notes
    -----
    Batches are numbered 0, 1, … in the order they come. No language model is asked.

    Examples
    --------
    Two batches, the second with numbers far out of bounds:

    >>> import numpy as np
    >>> from t2sampler import QualityControl
    >>> rng = np.random.default_rng(0)
    >>> X, X_new = rng.normal(size=(50, 2)), rng.normal(size=(10, 2))
    >>> y, y_new = (X[:, 0] > 0).astype(int), (X_new[:, 0] > 0).astype(int)
    >>> control = QualityControl(cost="passthrough", diversity="passthrough")
    >>> result = control.fit(X, y).trim([(X_new, y_new), (X_new + 99, y_new)])
    >>> result.X.shape
    (10, 2)
    >>> print(result.report)
    20 candidates in 2 batches: 10 accepted, in 1 batches; trimmed 10 by sanity, \
0 by cost,
    0 by diversity
    """

    _default_parts = {
        "sanity": SanityFilter,
        "cost": CostAssessmentFilter,
        "diversity": DiversityFilter,
    }
    _parameter_constraints: dict = {
        **dict.fromkeys(FILTERS, IS_FILTER),
        "column_kinds": [dict, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        sanity=None,
        cost=None,
        diversity=None,
        column_kinds=None,
        random_state=None,
    ):
        self.column_kinds = column_kinds
        self.sanity = sanity
        self.cost = cost
        self.diversity = diversity
        self.random_state = random_state

    def fit(self, X_real, y_real=None):
        """Learn from real rows only.

        Parameters
        ----------
        X_real : dataframe or array-like of shape (n_rows, n_features)
        y_real : array-like of shape (n_rows,), default=None
            Their labels; None only where ``X_real`` are ``Rows``.

        Returns
        -------
        self : estimator
        """
        self._validate_params()
        if isinstance(X_real, Rows):
            rows, self._table = X_real, Table(X_real.frame, X_real.target)
        else:
            self._table = Table(X_real, y_real)
            parts = [self, *(getattr(self, name) for name in FILTERS)]
            kinds = (getattr(part, "column_kinds", None) for part in parts)
            rows = read_table(self._table, kinds=merge_kinds(*kinds))
        self._frame, self._target = self._table.frame, self._table.target
        self._no_rows, self.schema_ = rows.take(np.zeros(len(rows), bool)), rows.schema
        remember_features(self, self._table.given[0], self._frame)
        rng = np.random.default_rng(draw_seed(self.random_state))
        for name in FILTERS:
            part = self._fit_part(name, int(rng.integers(2**31 - 1)), rows)
            setattr(self, f"{name}_", part)
        return self

    def trim(self, batches):
        """Judge batches and return the rows that pass.

        Parameters
        ----------
        batches : iterable of (X, y)
            Rows drawn together; a batch may be empty.

        Returns
        -------
        result : TrimResult
        """
        check_is_fitted(self)
        X, y, sizes = self._open_batches(batches)
        batch = np.repeat(np.arange(len(sizes)), sizes)
        result = self.inspect(X, y, batch=batch)
        out = ~result.keep
        figures = {
            "batch": batch[out],
            "label": y[out].to_numpy(dtype=object),
            "fate": result.trimmed_by[out],
            "reason": result.reasons[out],
        }
        left_out = put_beside(pd.DataFrame(figures), X[out])
        twins = np.concatenate([np.zeros(0, dtype=int), *result.twins.values()])
        X = pd.concat([X[result.keep], self._frame.iloc[twins]], ignore_index=True)
        y = pd.concat([y[result.keep], self._target.iloc[twins]], ignore_index=True)
        masks = np.split(result.keep, np.cumsum(sizes, dtype=int))[:-1]
        report = TrimReport(result.batches, left_out, result.notes)
        return TrimResult(*self._as_given(X, y), masks, report)

    def inspect(self, X_new, y_new=None, *, batch=None) -> FilterResult:
        """Judge candidates without changing them, or what the filters know.

        Parameters
        ----------
        X_new : dataframe or array-like of shape (n_new, n_features)
        y_new : array-like of shape (n_new,), default=None
            Their labels; None only where ``X_new`` are ``Rows``.
        batch : array-like of shape (n_new,), default=None
            An id per row; None means that all rows are one batch.

        Returns
        -------
        result : FilterResult
        """
        rows, filters = self._open(X_new, y_new), self._filters()
        if any(part.update_reference for part in filters.values()):
            filters = deepcopy(filters)
        return apply_filters(filters, rows, open_batch(batch, len(rows)))

    def inspect_next(self, X_new, y_new=None, *, batch=None) -> FilterResult:
        """Judge the next candidates of a run; later ones are judged beside these.

        Parameters
        ----------
        X_new : dataframe or array-like of shape (n_new, n_features)
        y_new : array-like of shape (n_new,), default=None
            Their labels; None only where ``X_new`` are ``Rows``.
        batch : array-like of shape (n_new,), default=None
            An id per row; None means that all rows are one batch.

        Returns
        -------
        result : FilterResult
        """
        rows, filters = self._open(X_new, y_new), self._filters()
        result = apply_filters(filters, rows, open_batch(batch, len(rows)))
        is_seen = np.ones(len(rows), dtype=bool)
        for name, part in filters.items():
            part.add_candidates(rows.take(is_seen))
            is_seen &= result.trimmed_by != name
        return result

    def _fit_part(self, name, seed, rows):
        part = getattr(self, name)
        if isinstance(part, str):
            return None
        part = self._default_parts[name]() if part is None else clone(part)
        if part.get_params(deep=False).get("random_state", seed) is None:
            part.set_params(random_state=seed)
        return part.fit(rows)

    def _open(self, X_new, y_new):
        check_is_fitted(self)
        if count_rows(X_new) == 0:
            return self._no_rows
        return open_candidates(X_new, y_new, self.schema_, type(self).__name__)

    def _filters(self):
        """Return the filters that are not switched off, by name."""
        filters = {name: getattr(self, f"{name}_") for name in FILTERS}
        return {name: part for name, part in filters.items() if part is not None}

    def _open_batches(self, batches):
        frames, targets = [self._frame.iloc[:0]], [self._target.iloc[:0]]
        sizes = []
        for X, y in batches:
            sizes.append(count_rows(X))
            if sizes[-1] != len(y):
                raise ValueError(
                    f"Batch {len(sizes) - 1} expected one label per row, got "
                    f"{sizes[-1]} rows and {len(y)} labels. Give both the same length."
                )
            if sizes[-1]:
                frames.append(X if isinstance(X, pd.DataFrame) else open_frame(X))
                targets.append(pd.Series(y).reset_index(drop=True))
        for given in targets[1:]:
            _check_labels(given, self._target)
        start = 1 if len(frames) > 1 else 0  # no rows: the real columns, empty
        return (
            pd.concat(frames[start:], ignore_index=True),
            pd.concat(targets[start:], ignore_index=True),
            sizes,
        )

    def _as_given(self, X, y):
        """Return accepted rows in the containers and dtypes of the real rows."""
        given_X, given_y = self._table.given
        dtypes = self._frame.dtypes
        X = pd.DataFrame({name: _cast(X[name], dtypes[name]) for name in dtypes.index})
        y = _cast(y, self._target.dtype).rename(self._target.name)
        as_X, as_y = self._table.in_containers(X, y)
        return (
            X if isinstance(given_X, pd.DataFrame) else as_X,
            y if isinstance(given_y, pd.Series | pd.DataFrame) else as_y,
        )


def _check_labels(given, real):
    """Refuse labels that are those of the real rows in another type."""
    given, real = given.dropna().unique().tolist(), real.dropna().unique().tolist()
    looks, known_looks = (set(map(_spell, labels)) for labels in (given, real))
    if looks & known_looks and not set(map(_kind, given)) & set(map(_kind, real)):
        raise ValueError(
            "Labels of candidates expected the type of the real ones, such as "
            f"{real[0]!r}, got {given[0]!r}. Give candidates labels of that type."
        )


def _spell(label):
    return str(int(label)) if isinstance(label, bool) else str(label)


def _kind(label):
    """Return what a label is: truth, number or anything else."""
    kinds = (kind for kind in (bool, Number) if isinstance(label, kind))
    return next(kinds, object)


def _cast(values, dtype):
    """Return values in a dtype; as they are, where that would change one of them."""
    if values.dtype == dtype:
        return values
    if isinstance(dtype, pd.CategoricalDtype):
        known = values.isin(dtype.categories) | values.isna()
        return values.astype(dtype) if known.all() else values
    try:
        cast = values.astype(dtype)
    except (TypeError, ValueError):
        return values
    same = cast.astype(object) == values.astype(object)
    return cast if (same | (cast.isna() & values.isna())).all() else values
