"""Candidates judged beside all others: the default rule of the cost filter."""

import numpy as np

from t2sampler.filters._batches import MAX_ROWS
from t2sampler.filters._pool import Side
from t2sampler.filters._pooled_books import write_verdict
from t2sampler.filters._pooled_trial import Ruling, Trial

MAX_REAL, MAX_NEW = 1000, 1000  # rows of either side that models learn from
GROWTH = 2  # of what is remembered, until models learn anew
FAR = 10.0  # deviations from the mean; beyond, how far does not matter


class Pooled:
    """Real rows, and candidates judged before.

    Parameters
    ----------
    X : ndarray of shape (n_real, n_encoded)
    codes : int ndarray of shape (n_real,)
    rules : TrialRules
    """

    def __init__(self, X, codes, rules):
        self._rules = rules
        self._real = _make_side(X, codes).thin(MAX_REAL, self._rng())
        self._known = _make_side(X[:0], codes[:0])
        self._trial = self._last = None

    def remember(self, X, codes):
        """Judge later candidates beside these."""
        both = self._known.join(_make_side(X, codes))
        self._known = both.thin(MAX_NEW, self._rng())
        if self._last is not None and np.array_equal(
            self._last.prints, self._known.prints()
        ):
            self._trial = self._last  # it was of these very rows

    def judge(self, take, codes, wave, names):
        """Return the verdict on the candidates of a call.

        Parameters
        ----------
        take : callable
            Returns the encoded candidates at some positions.
        codes : int ndarray of shape (n_rows,)
            -1: no label.
        wave : Wave
        names : sequence of shape (n_rows,)
            Labels as they are told.
        """
        rows = np.flatnonzero(codes >= 0)
        self._last = trial = self._find_trial(take, codes, rows)
        steps = range(0, len(rows), MAX_ROWS)
        parts = [rows[start : start + MAX_ROWS] for start in steps]
        rulings = [trial.rule(_clip(take(part)), codes[part]) for part in parts]
        pieces = zip(*((r.keep, r.own, r.usual) for r in rulings), strict=True)
        nothing = np.zeros(0, dtype=bool), np.zeros(0), np.zeros(0)
        ruling = Ruling(*map(np.concatenate, pieces)) if rulings else Ruling(*nothing)
        return write_verdict(wave, trial, ruling, rows, names)

    def _find_trial(self, take, codes, rows):
        """Return a trial of these rows and those before, or of those before alone.

        Rows that are not more than those known, and look like them, are judged by the
        models of these, which learn anew whenever the known rows have doubled.
        """
        n_known = self._known.weights.sum()
        n_labels = 1 + max(side.max(initial=0) for side in (self._real.codes, codes))
        n_labels = max(n_labels, 1 + self._known.codes.max(initial=0))
        if n_known + len(rows) <= GROWTH * n_known:
            if self._trial is None or n_known > GROWTH * self._trial.n_told:
                self._trial = Trial(self._real, self._known, n_labels, self._rules)
            if n_labels <= self._trial.n_labels and self._is_like(take, codes, rows):
                return self._trial
        chosen = Side(rows, codes[rows], np.ones(len(rows))).thin(MAX_NEW, self._rng())
        new = chosen._replace(X=_clip(take(chosen.X)))
        return Trial(self._real, self._known.join(new), n_labels, self._rules)

    def _is_like(self, take, codes, rows):
        some = rows[:MAX_ROWS]
        return not len(rows) or self._trial.looks_usual(_clip(take(some)), codes[some])

    def _rng(self):
        return np.random.default_rng(self._rules.seed)


def _make_side(X, codes):
    return Side(_clip(X), codes, np.ones(len(codes)))


def _clip(X):
    return np.clip(X, -FAR, FAR)
