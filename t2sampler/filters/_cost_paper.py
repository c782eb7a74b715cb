"""The paper's rule of the cost filter: batches compared with twins of real rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from t2sampler._records import Verdict
from t2sampler.filters._cost_null import ROWS, NullDistribution, draw_twins
from t2sampler.filters._cost_selection import (
    prediction_cost,
    rank_in_batch,
    selection_bounds,
)
from t2sampler.filters._cross_fit import (
    cross_val_probability,
    fit_label_model,
    stratified_subsample,
)
from t2sampler.filters._information import UNSEEN_CLASS, ParameterEntropy, rotate
from t2sampler.filters._newton import (
    MAX_CELLS,
    PaddedSamples,
    Sample,
    add_intercept,
)

MAX_REAL = 1000  # rows of D the gain is measured with; each may stand for several
MAX_ROWS = 16_384  # candidates that are compared at a time
DIGITS = 10  # of a gain; beyond lies the rounding of matrix products
STATS = ["n_rows", "n_kept", "gain", "tau", "information", "information_of_twin"]


@dataclass(frozen=True)
class EncodedBatches:
    """Encoded candidates of neighbouring batches, batch by batch.

    Attributes
    ----------
    ids : list
    batch : int ndarray of shape (n_rows,)
        Each row's batch, counted from 0.
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
        Labels; those that no real row has come last.
    """

    ids: list
    batch: np.ndarray
    X: np.ndarray
    codes: np.ndarray

    @property
    def sizes(self):
        """Rows of each batch."""
        return np.bincount(self.batch, minlength=len(self.ids))


@dataclass(frozen=True)
class ComparisonResult:
    """What batches and their twins are worth.

    Attributes
    ----------
    costs : ndarray of shape (n_rows,)
    rank : int ndarray of shape (n_rows,)
        Rank of each candidate's cost within its batch and twin.
    bounds : tuple of int ndarray of shape (n_batches,)
        Ranks, first and stop, that are kept.
    keep : bool ndarray of shape (n_rows,)
        Chosen by cost.
    twin : int ndarray of shape (n_rows,)
        Positions of the twins' real rows.
    keep_twin : bool ndarray of shape (n_rows,)
        Chosen by cost.
    gain, gain_of_twin : ndarray of shape (n_batches,)
        Eq. 6.
    """

    costs: np.ndarray
    rank: np.ndarray
    bounds: tuple
    keep: np.ndarray
    twin: np.ndarray
    keep_twin: np.ndarray
    gain: np.ndarray
    gain_of_twin: np.ndarray


class TwinRule:
    """Keep batches that are more informative about a model of D than their twins.

    Parameters
    ----------
    estimator, alpha, beta, tau, tau_coef, n_bootstrap, keep_twin
        See `CostAssessmentFilter`.
    by_label : bool
        Whether a twin has the labels of its batch.
    seed : int
    """

    def __init__(
        self,
        estimator,
        *,
        alpha,
        beta,
        tau,
        tau_coef,
        n_bootstrap,
        keep_twin,
        by_label,
        seed,
    ):
        self.estimator = estimator
        self.alpha = alpha
        self.beta = beta
        self.tau = tau
        self.tau_coef = tau_coef
        self.n_bootstrap = n_bootstrap
        self.keep_twin = keep_twin
        self.by_label = by_label
        self.seed = seed

    def fit(self, X, codes):
        """Learn real rows: their encoded features, and labels as numbers from 0."""
        self._X, self._codes = X, codes
        self._n_known = int(codes.max()) + 1
        self._model = fit_label_model(
            self.estimator, X, codes, self._n_known, self.seed
        )
        self._costs = prediction_cost(self._model.predict_proba(X), codes)
        self._accepted = X[:0], codes[:0]
        self._learn_reference()
        return self

    def extend_reference(self, X, codes, twin):
        """Add accepted rows, and the real rows of their twin, to D."""
        old_X, old_codes = self._accepted
        self._accepted = (
            np.concatenate([old_X, X, self._X[twin]]),
            np.concatenate([old_codes, codes, self._codes[twin]]),
        )
        self._learn_reference()

    def inspect(self, X, codes, batch):
        """Return the verdict on candidates.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_encoded)
        codes : int ndarray of shape (n_rows,)
            -1: no label.
        batch : ndarray of shape (n_rows,)
        """
        number, ids = pd.factorize(batch, use_na_sentinel=False)
        ids = ids.tolist()
        keep, costs = np.zeros(len(codes), dtype=bool), np.full(len(codes), np.nan)
        reasons = np.full(len(codes), "label is missing", dtype=object)
        stats, accepted = np.empty((len(ids), len(STATS))), np.zeros(len(ids), bool)
        twins = {}
        # As many batches side by side as keep the arrays of their models small.
        max_batches = max(16, MAX_CELLS // (X.shape[1] + 1) ** 2)
        for part, rows in split_batches(number, MAX_ROWS, max_batches):
            rows = rows[codes[rows] >= 0]
            batches = EncodedBatches(
                ids[part], number[rows] - part.start, X[rows], codes[rows]
            )
            result = self._compare(batches)
            stats[part], accepted[part] = self._decide(batches, result)
            costs[rows] = result.costs
            keep[rows] = result.keep & accepted[number[rows]]
            reasons[rows] = explain(batches, result, stats[part])
            for t in np.flatnonzero(accepted[part] & self.keep_twin):
                is_kept = (batches.batch == t) & result.keep_twin
                twins[batches.ids[t]] = result.twin[is_kept]
        reasons[keep] = ""
        index = pd.Index(ids, name="batch")
        stats = pd.DataFrame(stats, index, STATS)
        return Verdict(
            keep,
            reasons,
            {"cost": costs},
            pd.Series(accepted, index),
            stats.astype({"n_rows": int, "n_kept": int}),
            twins,
        )

    def _learn_reference(self):
        """Fit the models of D: the real rows, and accepted rows added to them."""
        X = np.concatenate([self._X, self._accepted[0]])
        codes = np.concatenate([self._codes, self._accepted[1]])
        self._n_classes = int(codes.max()) + 1
        rng = np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(ROWS,))
        )
        # The null costs two Newton steps per draw on all of these rows.
        rows, weights = stratified_subsample(codes, MAX_REAL, rng)
        sample = Sample(add_intercept(X[rows]), codes[rows], weights)
        self._information = ParameterEntropy().fit(sample, self._n_classes)
        if self.tau != "auto":
            return
        narrow = rotate(sample)  # the null is made of rows of D alone
        information = self._information
        if narrow is not sample:
            information = ParameterEntropy().fit(narrow, self._n_classes)
        is_real = rows < len(self._X)
        self._null = NullDistribution(
            information,
            # Accepted rows have no cost of their own, and no twin draws them.
            np.where(is_real, self._costs[np.where(is_real, rows, 0)], 1.0),
            weights * is_real,
            alpha=self.alpha,
            beta=self.beta,
            n_bootstrap=self.n_bootstrap,
            seed=self.seed,
        )

    def _compare(self, batches):
        """Choose rows of batches and twins by cost, and measure what both are worth."""
        batch, sizes = batches.batch, batches.sizes
        costs = self._find_costs(batches)
        twin = draw_twins(batches, self._codes, self.by_label, self.seed)
        # Twins stand last, so that of equal costs the candidates' rank first.
        both = np.concatenate([batch, batch])
        rank = rank_in_batch(np.concatenate([costs, self._costs[twin]]), both)
        first, stop = selection_bounds(sizes, self.alpha, self.beta)
        keep = (rank >= first[both]) & (rank < stop[both])
        keep_candidate, keep_twin = np.split(keep, 2)
        chosen = PaddedSamples.of(
            add_intercept(
                np.concatenate([batches.X[keep_candidate], self._X[twin[keep_twin]]])
            ),
            np.concatenate(
                [batches.codes[keep_candidate], self._codes[twin[keep_twin]]]
            ),
            (both[keep], (rank - first[both])[keep]),
            stop - first,
        )
        place = np.arange(len(batch)) - (np.cumsum(sizes) - sizes)[batch]
        twins = PaddedSamples.of(
            add_intercept(self._X[twin]), self._codes[twin], (batch, place), sizes
        )
        gains = self._find_gains(chosen, twins, batches)
        return ComparisonResult(
            costs,
            rank[: len(batch)],
            (first, stop),
            keep_candidate,
            twin,
            keep_twin,
            *gains,
        )

    def _find_costs(self, batches):
        """Return Eq. 5 by the model of the real rows.

        It gives labels that no real row has no probability. Rows of such a label are
        scored by a model cross-fitted on their batch and D.
        """
        costs = prediction_cost(self._model.predict_proba(batches.X), batches.codes)
        is_new = batches.codes >= self._n_known
        reference = self._information.real
        for number in np.unique(batches.batch[is_new]):
            own = np.flatnonzero(batches.batch == number)
            X = np.concatenate([batches.X[own], reference.X[:, 1:]])
            codes = np.concatenate([batches.codes[own], reference.codes])
            probability = cross_val_probability(self.estimator, X, codes, self.seed)
            fair = prediction_cost(probability, codes)[: len(own)]
            costs[own[is_new[own]]] = fair[is_new[own]]
        return costs

    # A second thread slows many small products down several times on a busy machine.
    @threadpool_limits.wrap(limits=1, user_api="blas")
    def _find_gains(self, chosen, twins, batches):
        """Return Eq. 6 for both sides.

        For a label that D does not have, the parameters get one more model, of that
        label against the rest, on both sides.
        """
        gains = [self._information.gain(side) for side in (chosen, twins)]
        for label in np.unique(batches.codes[batches.codes >= self._n_classes]):
            sets = np.unique(batches.batch[batches.codes == label])
            for gain, side in zip(gains, (chosen, twins), strict=True):
                part = side.take(sets).relabel(label, UNSEEN_CLASS)
                gain[sets] += self._information.gain_of_unseen(part)
        return np.round(gains, DIGITS)

    def _decide(self, batches, result):
        """Return the figures of each batch, and which batches are accepted."""
        n_batches = len(batches.ids)
        n_kept = np.bincount(batches.batch[result.keep], minlength=n_batches)
        gap = result.gain - result.gain_of_twin
        if self.tau == "auto":
            mean, deviation = self._find_moments(batches).T
            tau = mean + self.tau_coef * deviation
        else:
            tau = np.full(n_batches, float(self.tau))
        # The chosen rows may all be the twin's: then there is no batch to accept.
        accepted = (n_kept > 0) & (gap > tau)
        sides = result.gain, result.gain_of_twin
        return np.column_stack([batches.sizes, n_kept, gap, tau, *sides]), accepted

    def _find_moments(self, batches):
        """Return mean and standard deviation of each batch's null, (n_batches, 2)."""
        any_label = self._n_classes  # stands last among the labels of a composition
        label = np.full(len(batches.codes), any_label)
        if self.by_label:
            label = np.minimum(batches.codes, any_label)
        shape = len(batches.ids), any_label + 1
        flat = np.bincount(
            batches.batch * shape[1] + label, minlength=shape[0] * shape[1]
        )
        found, which = np.unique(flat.reshape(shape), axis=0, return_inverse=True)
        moments = [self._null.moments(tuple(labels)) for labels in found.tolist()]
        return np.array(moments)[which.ravel()]


def split_batches(number, max_rows, max_batches):
    """Yield neighbouring batches and their rows, as many as fit, one batch at least.

    Parameters
    ----------
    number : int ndarray of shape (n_rows,)
        Each row's batch, counted from 0.
    max_rows, max_batches : int

    Yields
    ------
    part : slice
        Of the batches.
    rows : int ndarray
        Batch by batch, within a batch as they came.

    Examples
    --------
    >>> import numpy as np
    >>> for part, rows in split_batches(np.array([0, 1, 0, 2]), 3, 9):
    ...     print(part.start, part.stop, rows.tolist())
    0 2 [0, 2, 1]
    2 3 [3]
    """
    sizes, order = np.bincount(number), np.argsort(number, kind="stable")
    stops = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        begin = stops[first] - sizes[first]
        last = int(np.searchsorted(stops, begin + max_rows, side="right"))
        last = max(first + 1, min(last, first + max_batches))
        yield slice(first, last), order[begin : stops[last - 1]]
        first = last


def explain(batches, result, stats):
    """Return why each row is trimmed if it is: by its cost, or with its batch.

    Parameters
    ----------
    batches : EncodedBatches
    result : ComparisonResult
    stats : ndarray of shape (n_batches, 6)
        Its columns are `STATS`.
    """
    batch, n_both = batches.batch, 2 * batches.sizes
    first, stop = result.bounds
    tails = {
        "low": (result.rank < first[batch], "lowest", first),
        "high": (result.rank >= stop[batch], "highest", n_both - stop),
    }
    figures = stats[:, [STATS.index("gain"), STATS.index("tau")]].tolist()
    by_batch = [f"batch: gain over twin {g:.3g} <= tau {t:.3g}" for g, t in figures]
    reasons = np.array(by_batch, dtype=object)[batch]
    for word, (is_tail, most, n_most) in tails.items():
        pairs = zip(n_most.tolist(), n_both.tolist(), strict=True)
        ends = [f"among the {n} {most} of {n_all}" for n, n_all in pairs]
        pairs = zip(result.costs[is_tail], batch[is_tail], strict=True)
        reasons[is_tail] = [f"cost too {word}: {c:.2f}, {ends[t]}" for c, t in pairs]
    return reasons
