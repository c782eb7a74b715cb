"""Filter 3 of 3: trim repeated rows, and batches that add no spread."""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from t2sampler._params import HasMethods, Interval, StrOptions, as_rng
from t2sampler._records import Verdict
from t2sampler.filters._base import BaseFilter
from t2sampler.filters._cluster_entropy import (
    choose_clusters,
    entropy_gain,
    gain_threshold,
)
from t2sampler.filters._duplicates import DuplicateCounter

MAX_ROUTED = 2_000  # real rows the router is fitted on


class DiversityFilter(BaseFilter):
    r"""Trim repeated rows, and batches that add no spread.

    A candidate that occurs more often than the real rows suggest is trimmed: generators
    that have collapsed write a few rows over and over.

    The real rows are clustered; a classifier, the *router*, learns the clusters and
    assigns each candidate to one. With a threshold, a batch is kept if it raises the
    entropy of the cluster sizes by so much. By default there is no threshold, since
    batches drawn from the true distribution seldom reach one.

    .. math::

        H_c(D) &= -\sum_m p_D(m) \log p_D(m) \\
        \Delta H_c(D_t) &= H_c(D_{ori} \cup D_t) - H_c(D_{ori}) & (7)

    where :math:`p_D(m)` is the share of cluster m.

    Parameters
    ----------
    n_clusters : int or sequence of int, default=(3, 4, 5)
        Numbers of clusters to choose from, by the best mean silhouette of k-means on
        the encoded features. A table with fewer distinct rows has fewer clusters; with
        one cluster every batch passes.
    entropy_threshold : float in [0, inf) or None, default=None
        Share of ``entropy_scale`` that :math:`\Delta H_c` must reach. None: every
        batch passes, and its gain is reported. The paper uses 0.3.
    entropy_scale : str, default="reachable"
        What the threshold is a share of; the paper's "30 %" leaves it open.
        "reachable": the largest gain that a batch of that many rows can reach.
        "headroom": log M less the entropy of the real rows, a third of which a batch of
        ten reaches only if there are few real rows. "relative": the entropy of the real
        rows; a third more is nearly always beyond log M. "absolute": one nat.
    max_repeats : int >= 0, "auto" or None, default="auto"
        How many times a candidate with its label may be repeated. Columns of names and
        free text are not compared, and copies of real rows are never trimmed. "auto":
        no row may have a larger share of the candidates of its label than the most
        frequent real row has of the real rows of that label (if one occurs twice), or
        than it would have if columns were independent. None: no limit, as in the paper.
    router : classifier or None, default=None
        A clone is fitted on the encoded features. None: a small multilayer perceptron,
        fitted on at most 2,000 real rows.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    schema_ : TableSchema
    encoder_ : TableEncoder
    n_clusters_ : int
    counts_ : int ndarray of shape (n_clusters,)
        Real rows per cluster.
    router_ : classifier or None
        None with one cluster.

    See Also
    --------
    SanityFilter : Trims rows that break a rule.
    CostAssessmentFilter : Trims rows that are probably mislabelled.

    Notes
    -----
    A sampler draws in waves, and repeats are counted over all of them. The gain of a
    batch is that of its rows that are not trimmed as repeats; twin rows do not count.

    If no gain is possible, because the clusters are as even as whole rows allow, a
    batch passes if it loses no more than any batch of its size must.

    `fit_resample` without a mask keeps all rows, since there is no batch.

    The silhouette is quadratic in the rows, so it is computed on 2,000 of them.

    References
    ----------
    .. [1] Rousseeuw, "Silhouettes: a graphical aid to the interpretation and
       validation of cluster analysis", J. Comput. Appl. Math. 20, 1987.

    Examples
    --------
    Nine real rows in ten lie on the left; more of the same are trimmed, rows on the
    right are kept:

    >>> import numpy as np
    >>> from t2sampler.filters._diversity import DiversityFilter
    >>> X = np.r_[np.linspace(-9, -8, 18), 8.0, 9.0][:, None]
    >>> y = np.arange(20) % 2
    >>> trim = DiversityFilter(n_clusters=2, entropy_threshold=0.3, random_state=0)
    >>> trim = trim.fit(X, y)
    >>> left, right = np.linspace(-8.6, -8.4, 5), np.linspace(8.4, 8.6, 5)
    >>> trim.inspect(left[:, None], y[:5]).keep.tolist()
    [False, False, False, False, False]
    >>> trim.inspect(right[:, None], y[:5]).keep.tolist()
    [True, True, True, True, True]

    Of five equal rows one is kept:

    >>> trim.inspect(np.full((5, 1), 8.55), np.zeros(5)).keep.tolist()
    [True, False, False, False, False]
    """

    _parameter_constraints: dict = {
        "column_kinds": [dict, None],
        "n_clusters": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "entropy_threshold": [Interval(Real, 0, None, closed="left"), None],
        "entropy_scale": [
            StrOptions({"reachable", "headroom", "relative", "absolute"})
        ],
        "max_repeats": [
            Interval(Integral, 0, None, closed="left"),
            StrOptions({"auto"}),
            None,
        ],
        "router": [HasMethods(["fit", "predict"]), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_clusters=(3, 4, 5),
        entropy_threshold=None,
        entropy_scale="reachable",
        max_repeats="auto",
        router=None,
        column_kinds=None,
        random_state=None,
    ):
        self.column_kinds = column_kinds
        self.n_clusters = n_clusters
        self.entropy_threshold = entropy_threshold
        self.entropy_scale = entropy_scale
        self.max_repeats = max_repeats
        self.router = router
        self.random_state = random_state

    def _validate_params(self):
        super()._validate_params()
        options = np.atleast_1d(self.n_clusters)
        is_whole = options.ndim == 1 and options.size and options.dtype.kind in "iu"
        if not is_whole or options.min() < 1:
            raise ValueError(
                "`n_clusters` expected a whole number >= 1 or a sequence of such, got "
                f"{self.n_clusters!r}. The default is (3, 4, 5)."
            )

    def _fit(self, rows):
        rng = as_rng(self.random_state)
        self.encoder_ = rows.encoder
        self._counter = DuplicateCounter().fit(*self._find_keys(rows))
        X = self.encoder_.transform_codes(rows.codes)
        options = np.atleast_1d(self.n_clusters).tolist()
        labels, self.n_clusters_ = choose_clusters(X, options, rng)
        self.counts_ = np.bincount(labels, minlength=self.n_clusters_)
        self.router_ = None
        if self.n_clusters_ > 1:
            self.router_ = self._fit_router(X, labels, rng)

    def _fit_router(self, X, labels, rng):
        if self.router is not None:
            router = clone(self.router)
            if "random_state" in router.get_params():
                router.set_params(random_state=int(rng.integers(2**31 - 1)))
            return router.fit(X, labels)
        rows = rng.permutation(len(X))[:MAX_ROUTED]
        # Every cluster must be among them, or the router would lack a class.
        rows = np.union1d(rows, np.unique(labels, return_index=True)[1])
        router = MLPClassifier(
            (16,),
            solver="lbfgs",
            max_iter=100,
            random_state=int(rng.integers(2**31 - 1)),
        )
        with warnings.catch_warnings():
            # The regions are learned long before the loss stops falling.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return router.fit(X[rows], labels[rows])

    def _add_candidates(self, rows):
        self._counter.add(*self._find_keys(rows))

    def _inspect(self, rows, batch):
        cluster = np.zeros(len(rows), dtype=int)
        if self.router_ is not None:
            cluster = self.router_.predict(self.encoder_.transform_codes(rows.codes))
        repeats = self._explain_repeats(rows)
        is_new = repeats == ""
        number, ids = pd.factorize(batch, use_na_sentinel=False)
        counts = np.zeros((len(ids), self.n_clusters_), dtype=int)
        np.add.at(counts, (number[is_new], cluster[is_new]), 1)
        gain, n_left = entropy_gain(self.counts_, counts), counts.sum(axis=1)
        sizes, which = np.unique(n_left, return_inverse=True)
        threshold = np.array([self._find_threshold(size) for size in sizes])[which]
        passed = gain >= threshold - 1e-9  # an even batch may just reach it
        by_batch = [
            "" if is_passed else f"batch: entropy gain {found:.3g} < {needed:.3g}"
            for found, needed, is_passed in zip(gain, threshold, passed, strict=True)
        ]
        index = pd.Index(ids.tolist(), name="batch")
        figures = {
            "n_rows": np.bincount(number, minlength=len(ids)),
            "entropy_gain": gain,
            "threshold": threshold,
        }
        return Verdict(
            passed[number] & is_new,
            np.where(is_new, np.array(by_batch, dtype=object)[number], repeats),
            {"cluster": cluster},
            pd.Series(passed & (n_left > 0), index=index),
            pd.DataFrame(figures, index),
        )

    def _explain_repeats(self, rows):
        """Return why rows are repeated too often, "" for those that are not."""
        reasons = np.full(len(rows), "", dtype=object)
        if self.max_repeats is None:
            return reasons
        limit = None if self.max_repeats == "auto" else 1 + self.max_repeats
        keys = self._find_keys(rows)
        is_excess, number, allowed = self._counter.find_excess(*keys, limit)
        for row in np.flatnonzero(is_excess):
            reasons[row] = (
                f"repeated row: occurrence {number[row]}, "
                f"at most {allowed[row]} allowed"
            )
        return reasons

    def _find_keys(self, rows):
        """Return codes of the columns that tell rows apart, and of the labels."""
        is_used = [column.is_modelled for column in self.schema_.columns]
        labels = np.nan_to_num(rows.labels, nan=-1).astype(int)
        return rows.codes[:, is_used], labels

    def _find_threshold(self, n_rows):
        if self.entropy_threshold is None:
            return -np.inf
        return gain_threshold(
            self.counts_, int(n_rows), self.entropy_threshold, self.entropy_scale
        )

    def _keep_unmasked(self, rows):
        return np.ones(len(rows), dtype=bool)
