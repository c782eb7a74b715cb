"""What candidates cost a model of the real rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from t2sampler._records import Verdict
from t2sampler.filters._batches import MAX_ROWS, ROWS, Candidates
from t2sampler.filters._cost_null import Null, TwinPool
from t2sampler.filters._cost_selection import (
    assign_folds,
    choose_rows,
    prediction_cost,
    rank_in_batch,
    row_keys,
    selection_bounds,
)
from t2sampler.filters._cross_fit import N_FOLDS, cross_probability, fit_judge
from t2sampler.filters._information import NOBODY, compress, make_gauge, null_threshold
from t2sampler.filters._newton import Rows, Stack, add_intercept, one_thread


class RealPrices:
    """Costs by a model fitted on the real rows, Eq. 5.

    A label no real row has would always cost 1; its rows are judged by a model
    cross-fitted on real rows and their batch.

    Parameters
    ----------
    estimator : classifier or None
    X : ndarray of shape (n_real, n_encoded)
    codes : int ndarray of shape (n_real,)
    seed : int

    Attributes
    ----------
    of_real : ndarray of shape (n_real,)
        Costs of the real rows.
    """

    def __init__(self, estimator, X, codes, seed):
        self._estimator, self._seed = estimator, seed
        self._n_known = int(codes.max()) + 1
        self._judge = fit_judge(estimator, X, codes, self._n_known, seed)
        self.of_real = prediction_cost(self._judge.probability(X), codes)

    def of_candidates(self, candidates, real):
        """Return the costs of candidates.

        Parameters
        ----------
        candidates : Candidates
        real : Rows
            For labels that no real row has.
        """
        X, codes, batch = candidates.X, candidates.codes, candidates.batch
        costs = prediction_cost(self._judge.probability(X), codes)
        is_new = codes >= self._n_known
        for number in np.unique(batch[is_new]):
            own = np.flatnonzero(batch == number)
            together = np.concatenate([X[own], real.X[:, 1:]])
            labels = np.concatenate([codes[own], real.codes])
            fair = cross_costs(self._estimator, together, labels, self._seed)
            own_new = is_new[own]
            costs[own[own_new]] = fair[: len(own)][own_new]
        return costs


def cross_costs(estimator, X, codes, seed):
    """Return Eq. 5 for rows that are judged by models which did not see them."""
    n_labels = int(codes.max()) + 1
    probability = cross_probability(estimator, X, codes, n_labels, seed)
    return prediction_cost(probability, codes)


STATS = ["n_rows", "n_kept", "gain", "tau", "information", "information_of_twin"]


class CostBooks:
    """What became of the candidates of a call, entered some batches at a time.

    Parameters
    ----------
    wave : Wave
    """

    def __init__(self, wave):
        n_rows, n_batches = len(wave.order), len(wave.ids)
        self._ids = wave.ids
        self._keep = np.zeros(n_rows, dtype=bool)
        self._reasons = np.full(n_rows, "label is missing", dtype=object)
        self._costs = np.full(n_rows, np.nan)
        self._accepted = np.zeros(n_batches, dtype=bool)
        self._stats = np.full((n_batches, len(STATS)), np.nan)
        self._twins = {}

    def enter(self, candidates, outcome, tau):
        """Enter neighbouring batches.

        Parameters
        ----------
        candidates : Candidates
        outcome : Outcome
        tau : ndarray of shape (n_batches,)
        """
        batch, sizes, rows = candidates.batch, candidates.sizes, candidates.rows
        n_kept = np.bincount(batch[outcome.keep], minlength=len(sizes))
        gap = outcome.gain - outcome.gain_of_twin
        accepted = (n_kept > 0) & ((gap > tau) | np.isnan(gap))
        self._costs[rows] = outcome.costs
        self._keep[rows] = outcome.keep & accepted[batch]
        self._reasons[rows] = _reasons(candidates, outcome, gap, tau)
        self._reasons[self._keep] = ""
        first = candidates.numbers.start
        part = slice(first, candidates.numbers.stop)
        self._accepted[part] = accepted
        self._stats[part] = np.column_stack(
            [sizes, n_kept, gap, tau, outcome.gain, outcome.gain_of_twin]
        )
        stops = np.cumsum(sizes)
        for t in np.flatnonzero(accepted):
            own = slice(stops[t] - sizes[t], stops[t])
            merged = outcome.twin[own][outcome.keep_twin[own]]
            self._twins[self._ids[first + t]] = merged

    def close(self, keep_twin):
        """Return the verdict."""
        index = pd.Index(self._ids, name="batch")
        stats = pd.DataFrame(self._stats, index=index, columns=STATS)
        return Verdict(
            self._keep,
            self._reasons,
            {"cost": self._costs},
            pd.Series(self._accepted, index=index),
            stats.astype({"n_rows": int, "n_kept": int}),
            self._twins if keep_twin else {},
        )


def _reasons(candidates, outcome, gap, tau):
    """Say of every row why it would be dropped: by its cost, or with its batch."""
    batch, n_both = candidates.batch, 2 * candidates.sizes
    first, stop = outcome.bounds
    tails = {
        "cheap": (outcome.rank < first[batch], "cheapest", first),
        "dear": (outcome.rank >= stop[batch], "dearest", n_both - stop),
    }
    pairs = zip(gap.tolist(), tau.tolist(), strict=True)
    lost = [f"batch: gain over twin {g:.3g} <= tau {t:.3g}" for g, t in pairs]
    reasons = np.array(lost, dtype=object)[batch]
    for word, (chosen, most, n_most) in tails.items():
        pairs = zip(n_most.tolist(), n_both.tolist(), strict=True)
        ends = [f"among the {n} {most} of {n_all}" for n, n_all in pairs]
        pairs = zip(outcome.costs[chosen].tolist(), batch[chosen].tolist(), strict=True)
        reasons[chosen] = [f"too {word}: cost {c:.2f}, {ends[t]}" for c, t in pairs]
    return reasons


MAX_REAL = 1000  # real rows the gain is measured with; each may stand for several
DIGITS = 10  # of a gain; beyond lies the rounding of matrix products


@dataclass(frozen=True)
class Outcome:
    """What a duel came to.

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
        Eq. 6; NaN where the real rows cannot tell.
    """

    costs: np.ndarray
    rank: np.ndarray
    bounds: tuple
    keep: np.ndarray
    twin: np.ndarray
    keep_twin: np.ndarray
    gain: np.ndarray
    gain_of_twin: np.ndarray


class Arena:
    """Real rows as both sides of every duel see them.

    Parameters
    ----------
    X : ndarray of shape (n_real, n_encoded)
    codes : int ndarray of shape (n_real,)
    costs : ndarray of shape (n_real,)
    rules : Rules
    grown : tuple of ndarray, default=None
        Features and labels of accepted rows that D has grown by.
    """

    def __init__(self, X, codes, costs, rules, grown=None):
        self.rules = rules
        self._X, self._codes = X, codes
        self._pool = TwinPool(codes, rules.by_label)
        rng = np.random.default_rng(
            np.random.SeedSequence(rules.seed, spawn_key=(ROWS,))
        )
        all_codes = codes if grown is None else np.concatenate([codes, grown[1]])
        self.n_classes = int(all_codes.max()) + 1
        rows, weights = choose_rows(all_codes, MAX_REAL, rng)
        is_real = rows < len(X)
        chosen = X[rows[is_real]]
        if grown is not None:
            chosen = np.concatenate([chosen, grown[0][rows[~is_real] - len(X)]])
        self._keys = row_keys(chosen)
        folds = assign_folds(self._keys, all_codes[rows], N_FOLDS)
        self.real = Rows(add_intercept(chosen), all_codes[rows], weights, folds)
        self.gauge = self._make_gauge(self.real)
        self._costs = np.where(is_real, costs[np.where(is_real, rows, 0)], 1.0)
        self._chances = weights * is_real
        self._null = None

    @property
    def null(self):
        """The null of the gap, worked out as it is asked for."""
        if self._null is None:
            rules, narrow = self.rules, self.real
            if rules.estimator is None or rules.information == "parameter":
                narrow = compress(self.real)
            gauge = self.gauge if narrow is self.real else self._make_gauge(narrow)
            self._null = Null(gauge, self._costs, self._chances, rules)
        return self._null

    @property
    def max_batches(self):
        """Batches that are judged side by side."""
        return max(16, 4_000_000 // (self._X.shape[1] + 1) ** 2)

    def duel(self, candidates, costs, real_costs):
        """Let batches duel with their twins.

        Parameters
        ----------
        candidates : Candidates
        costs : ndarray of shape (n_rows,)
        real_costs : ndarray of shape (n_real,)

        Returns
        -------
        outcome : Outcome
        """
        batch, sizes = candidates.batch, candidates.sizes
        twin = self._pool.draw(candidates, self.rules.seed)
        both = np.concatenate([batch, batch])
        rank = rank_in_batch(np.concatenate([costs, real_costs[twin]]), both)
        first, stop = selection_bounds(sizes, self.rules.alpha, self.rules.beta)
        keep = (rank >= first[both]) & (rank < stop[both])
        ours, theirs = np.split(keep, 2)
        chosen = self._stack(
            np.concatenate([candidates.X[ours], self._X[twin[theirs]]]),
            np.concatenate([candidates.codes[ours], self._codes[twin[theirs]]]),
            (both[keep], (rank - first[both])[keep]),
            stop - first,
        )
        place = np.arange(len(batch)) - (np.cumsum(sizes) - sizes)[batch]
        twins = self._stack(self._X[twin], self._codes[twin], (batch, place), sizes)
        with one_thread():
            gains = self._gains(chosen, twins, candidates)
        return Outcome(
            costs, rank[: len(batch)], (first, stop), ours, twin, theirs, *gains
        )

    def null_moments(self, candidates):
        """Return mean and standard deviation of each batch's null, (n_batches, 2)."""
        codes, n_batches = candidates.codes, len(candidates.sizes)
        label = np.minimum(codes, self.n_classes)  # the last one: of any class
        if not self.rules.by_label:
            label = np.full(len(codes), self.n_classes)
        shape = n_batches, self.n_classes + 1
        flat = np.bincount(
            candidates.batch * shape[1] + label, minlength=shape[0] * shape[1]
        )
        makes, which = np.unique(flat.reshape(shape), axis=0, return_inverse=True)
        moments = [self.null.moments(tuple(make)) for make in makes.tolist()]
        return np.array(moments)[which.ravel()]

    def _gains(self, chosen, twins, candidates):
        """Return Eq. 6 for both sides.

        A label that D does not have: the parameters get one more model, of that label
        against the rest, on both sides. The gauges on real rows cannot see it, since
        no real row has it: there its rows count for nothing, and where a batch offers
        nothing else its gain is NaN.
        """
        batch, codes = candidates.batch, candidates.codes
        if self.rules.information != "parameter":
            chosen = chosen.below(self.n_classes)
            gains = [self.gauge.gain(side) for side in (chosen, twins)]
            known = np.bincount(batch[codes < self.n_classes], minlength=len(chosen))
            gains[0][known == 0] = np.nan
            return np.round(gains, DIGITS)
        gains = [self.gauge.gain(side) for side in (chosen, twins)]
        for label in np.unique(codes[codes >= self.n_classes]):
            sets = np.unique(batch[codes == label])
            for gain, side in zip(gains, (chosen, twins), strict=True):
                some = side.take(sets).relabel(label, NOBODY)
                gain[sets] += self.gauge.gain_of_new(some)
        return np.round(gains, DIGITS)

    def _stack(self, X, codes, cells, sizes):
        folds = np.full(len(X), -1)
        if self.rules.information == "validation":
            folds = _folds_of(row_keys(X), self._keys, self.real.folds)
        weights = np.ones(len(X))
        return Stack.of(Rows(add_intercept(X), codes, weights, folds), cells, sizes)

    def _make_gauge(self, real):
        rules = self.rules
        return make_gauge(
            rules.information, real, self.n_classes, rules.estimator, rules.seed
        )


def _folds_of(keys, real_keys, real_folds):
    """Return the fold of the real row that each row equals, -1 where there is none."""
    order = np.argsort(real_keys)
    at = np.minimum(np.searchsorted(real_keys[order], keys), len(order) - 1)
    same = real_keys[order][at] == keys
    return np.where(same, real_folds[order][at], -1)


class Duels:
    """Real rows, and the settings under which batches duel with their twins.

    Parameters
    ----------
    X : ndarray of shape (n_real, n_encoded)
    codes : int ndarray of shape (n_real,)
    rules : Rules

    Attributes
    ----------
    costs : ndarray of shape (n_real,)
    null : dict
        See `CostAssessmentFilter`.
    """

    def __init__(self, X, codes, rules):
        self._X, self._codes, self._rules = X, codes, rules
        self._prices = RealPrices(rules.estimator, X, codes, rules.seed)
        self.costs, self.null, self._grown = self._prices.of_real, {}, None
        self._arena = self._make_arena()

    def absorb(self, X, codes, twin):
        """Let D grow by accepted rows and by the real rows of their twin."""
        grown = [(X, codes), (self._X[twin], self._codes[twin])]
        if self._grown is not None:
            grown.insert(0, self._grown)
        self._grown = tuple(np.concatenate(part) for part in zip(*grown, strict=True))
        self._arena = self._make_arena()

    def judge(self, take, codes, wave, *, tau, tau_coef, keep_twin):
        """Return the verdict on the candidates of a call.

        Parameters
        ----------
        take : callable
            Returns the encoded candidates at some positions.
        codes : int ndarray of shape (n_rows,)
            -1: no label.
        wave : Wave
        tau : float or "auto"
        tau_coef : float
        keep_twin : bool
        """
        books = CostBooks(wave)
        for numbers, rows in wave.pieces(MAX_ROWS, self._arena.max_batches):
            candidates = _encode(take, codes, wave, numbers, rows)
            costs = self._prices.of_candidates(candidates, self._arena.real)
            outcome = self._arena.duel(candidates, costs, self._prices.of_real)
            books.enter(candidates, outcome, self._taus(candidates, tau, tau_coef))
        return books.close(keep_twin)

    def _taus(self, candidates, tau, tau_coef):
        if tau != "auto":
            return np.full(len(candidates.sizes), float(tau))
        moments = self._arena.null_moments(candidates)
        self.null = self._arena.null.known
        return null_threshold(*moments.T, tau_coef)

    def _make_arena(self):
        return Arena(self._X, self._codes, self.costs, self._rules, self._grown)


def _encode(take, codes, wave, numbers, rows):
    part = slice(numbers.start, numbers.stop)
    has_label = codes[rows] >= 0
    batch = np.repeat(np.arange(len(numbers)), wave.sizes[part])[has_label]
    rows = rows[has_label]
    sizes = np.bincount(batch, minlength=len(numbers))
    return Candidates(numbers, wave.ids[part], sizes, rows, take(rows), codes[rows])
