"""All batches of a call in their duels: the rule of the paper, for the cost filter."""

import numpy as np

from t2sampler.filters._batches import MAX_ROWS, Candidates
from t2sampler.filters._cost_books import CostBooks
from t2sampler.filters._duel import Arena
from t2sampler.filters._information import null_threshold
from t2sampler.filters._prices import RealPrices


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
