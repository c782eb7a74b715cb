"""Filter 3 of 3: do rows repeat, and does the batch reach where real rows are few?"""

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
from t2sampler.filters._batches import MAX_ROWS, find_batches
from t2sampler.filters._cluster_entropy import (
    choose_clusters,
    entropy_gain,
    gain_threshold,
)
from t2sampler.filters._duplicates import Repeats

MAX_ROUTED = 2_000  # real rows the router is fitted on
ROUNDING = 1e-9
STATS = ["n_rows", "entropy_gain", "threshold"]


class DiversityFilter(BaseFilter):
    r"""Trim rows that repeat, and batches that do not spread over the real rows.

    A candidate that occurs more often than real rows tell of is trimmed: generators
    that have collapsed write a few rows over and over.

    The real rows are clustered; a classifier, the *router*, learns which row belongs
    to which cluster, and routes each candidate to one. With a threshold, a batch is
    kept when it makes the clusters more even by so much; the default drops nothing,
    since batches drawn from the true distribution seldom do.

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
        batch passes, and its gain is told. 0.3 is the paper's.
    entropy_scale : str, default="reachable"
        What the threshold is a share of: "reachable", "headroom", "relative" or
        "absolute". The paper says "30 %" and not of what.
        "reachable": the largest gain a batch of that many rows can reach. "headroom":
        log M less the entropy of the real rows, which a batch of ten reaches a third
        of only when the real rows are few. "relative": the entropy of the real rows; a
        third more is nearly always beyond log M. "absolute": one nat.
    max_repeats : int >= 0, "auto" or None, default="auto"
        How many times a candidate may be repeated, label and all; columns of names and
        free text do not count, and copies of real rows are never trimmed. "auto": such
        that no row has a larger share of the candidates of its label than the most
        frequent row has of the real ones, where one occurs twice, or than independent
        columns would give it. None: any number of times, as in the paper.
    router : classifier or None, default=None
        A clone is fitted on the encoded features. None: a small multilayer perceptron,
        fitted on at most 2,000 real rows.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    schema_ : TableSchema
    encoder_ : TableEncoder
    n_clusters_ : int
    counts_ : int ndarray of shape (n_clusters_,)
        Real rows per cluster.
    router_ : classifier or None
        None with one cluster.

    See Also
    --------
    SanityFilter : What a row must obey.
    CostAssessmentFilter : What a batch must teach.

    Notes
    -----
    A sampler draws in waves; repeats are counted over all of them. Spread is that of
    rows that are left.

    The rows of :math:`D_t` are the candidates that are still there; twin rows do not
    count. Where nothing is to be gained, because all clusters are as even as whole
    rows allow, a batch passes if it loses no more than any batch of its size must.

    `fit_resample` without a mask keeps all rows: there is no batch to judge.

    The silhouette is quadratic in the rows, so it is taken of 2,000 of them.

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

    Of a row that comes five times one is kept:

    >>> trim.inspect(np.full((5, 1), 8.55), np.zeros(5)).keep.tolist()
    [True, False, False, False, False]
    """

    _parameter_constraints: dict = {
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
        random_state=None,
    ):
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
        self._repeats = Repeats(*self._code(rows))
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
        rows = np.union1d(rows, np.unique(labels, return_index=True)[1])
        router = MLPClassifier(
            (16,),
            solver="lbfgs",
            max_iter=100,
            random_state=int(rng.integers(2**31 - 1)),
        )
        with warnings.catch_warnings():
            # the regions are learned long before the loss stops falling
            warnings.simplefilter("ignore", ConvergenceWarning)
            return router.fit(X[rows], labels[rows])

    def _add_candidates(self, rows):
        """Count later candidates with these."""
        self._repeats.remember(*self._code(rows))

    def _inspect(self, rows, batch):
        wave = find_batches(batch)
        cluster = self._route(rows)
        number = np.empty(len(rows), dtype=int)
        number[wave.order] = np.repeat(np.arange(len(wave.ids)), wave.sizes)
        repeats = self._find_repeats(rows)
        single = repeats == ""
        flat = (number * self.n_clusters_ + cluster)[single]
        counts = np.bincount(flat, minlength=len(wave.ids) * self.n_clusters_)
        counts = counts.reshape(-1, self.n_clusters_)
        gain = entropy_gain(self.counts_, counts)
        n_left = counts.sum(axis=1)
        sizes, which = np.unique(n_left, return_inverse=True)
        threshold = np.array([self._threshold(size) for size in sizes])[which]
        passed = gain >= threshold - ROUNDING
        reasons = np.where(
            single, self._reasons(gain, threshold, passed)[number], repeats
        )
        index = pd.Index(wave.ids, name="batch")
        stats = pd.DataFrame(
            {"n_rows": wave.sizes, "entropy_gain": gain, "threshold": threshold}, index
        )
        return Verdict(
            passed[number] & single,
            reasons,
            {"cluster": cluster},
            pd.Series(passed & (n_left > 0), index=index),
            stats,
        )

    def _find_repeats(self, rows):
        """Return why rows are one too many, "" for those that are not."""
        reasons = np.full(len(rows), "", dtype=object)
        if self.max_repeats is None:
            return reasons
        most = None if self.max_repeats == "auto" else 1 + self.max_repeats
        codes = self._code(rows)
        excess, number, allowed = self._repeats.find_excess(*codes, most)
        for row in np.flatnonzero(excess):
            count = f"number {number[row]} of its kind, {allowed[row]} at most"
            reasons[row] = f"repeated row: {count}"
        return reasons

    def _code(self, rows):
        """Return codes of the columns that tell rows apart, and of the labels."""
        is_used = [column.is_modelled for column in self.schema_.columns]
        labels = np.nan_to_num(rows.labels, nan=-1)
        return rows.codes[:, is_used], labels.astype(int)

    def _route(self, rows):
        if self.router_ is None:
            return np.zeros(len(rows), dtype=int)
        starts = range(0, len(rows), MAX_ROWS)  # a matrix of all would be a large one
        parts = [rows.codes[start : start + MAX_ROWS] for start in starts]
        encoded = map(self.encoder_.transform_codes, parts)
        return np.concatenate([self.router_.predict(X) for X in encoded])

    def _threshold(self, n_rows):
        if self.entropy_threshold is None:
            return -np.inf
        return gain_threshold(
            self.counts_, int(n_rows), self.entropy_threshold, self.entropy_scale
        )

    def _reasons(self, gain, threshold, accepted):
        reasons = [
            "" if passed else f"batch: entropy gain {found:.3g} < {needed:.3g}"
            for found, needed, passed in zip(gain, threshold, accepted, strict=True)
        ]
        return np.array(reasons, dtype=object)

    def _keep_unmasked(self, rows):
        return np.ones(len(rows), dtype=bool)
