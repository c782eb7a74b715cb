"""The default rule of the cost filter: models of real rows and candidates together."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd

from t2sampler._encoding import hash_rows
from t2sampler._records import Verdict
from t2sampler.filters._cross_fit import (
    N_FOLDS,
    CrossFit,
    assign_folds,
    auc_above_chance,
    auc_standard_error,
    class_thresholds,
    find_label_issues,
    group_rows,
    source_weight,
    stratified_subsample,
)
from t2sampler.filters._shuffle_test import shuffle_test

MAX_REAL, MAX_CANDIDATES = 1000, 1000  # rows of either side that models learn from
MAX_ROWS = 16_384  # scored at a time: kernels of more may not fit into memory
MAX_DEVIATIONS = 10.0  # from the mean; how far a value lies beyond does not matter
GROWTH = 2  # models are refitted when earlier candidates have become so many times more
N_REFITS, ISSUE_WEIGHT = 2, 0.3
MAX_SHUFFLE_Z = 2  # standard errors; more say no more about the labels
MAX_CREDIT = 3  # standard errors below chance that a pool without issues may have
UNSURE = 0.15  # standard error of an AUC beyond which it says next to nothing


class Action(StrEnum):
    """What is done with the candidates; the value says so in a note."""

    ALL = "kept all candidates"
    POOLED = "trimmed candidates that models of all rows find mislabelled"
    REAL = "trimmed candidates that models of the real rows find mislabelled"
    NONE = "trimmed all candidates"


@dataclass(frozen=True)
class PoolDiagnostics:
    """What a pool of real rows and candidates shows before anything is decided.

    Attributes
    ----------
    n_real, n_candidates : int
        Rows that models learned from.
    noise_rate, noise_rate_real : float
        Shares of candidates, and of real rows of their classes, with a label issue.
    gain : float
        How well the models of each side rank the labels of the other, in AUC above one
        half; NaN where there is nothing to rank.
    error : float
        Standard error of ``gain`` where labels have nothing to do with features.
    shuffle_z : float
        From `shuffle_test`; 0 where the gain is beyond whatever may be required.
    lacks_class : bool
        Whether real rows have a class that no candidate has. A pool then learns one
        side of the class boundary from candidates and the other from real rows.
    """

    n_real: int
    n_candidates: int
    noise_rate: float
    noise_rate_real: float
    gain: float
    error: float
    shuffle_z: float = 0.0
    lacks_class: bool = False


def required_gain(diagnostics, tau_coef):
    r"""Return the gain that a pool has to exceed.

    .. math:: \tau = \sigma \left(\min(\max(z, 0), 2) - 3 c (1 - 2 s)\right)

    for the standard error of the gain, z of the shuffle test, the noise rate s and c =
    ``tau_coef``. A pool with few label issues is accepted even if its AUC on the real
    rows is slightly below chance; a noisier pool, or one whose columns depend on each
    other less than those of the real rows, needs a higher AUC.

    Examples
    --------
    >>> found = PoolDiagnostics(20, 50, 0.2, noise_rate_real=0.1, gain=0, error=0.1)
    >>> round(required_gain(found, tau_coef=1), 3)
    -0.18
    """
    doubt = np.clip(diagnostics.shuffle_z, 0, MAX_SHUFFLE_Z)
    credit = MAX_CREDIT * tau_coef * (1 - 2 * diagnostics.noise_rate)
    return float(diagnostics.error * (doubt - credit))


def choose_action(diagnostics, tau, max_noise_rate):
    """Decide what is done with the candidates.

    Parameters
    ----------
    diagnostics : PoolDiagnostics
    tau : float
        Gain up to which no candidate is kept.
    max_noise_rate : float
        Noise rate below which all are kept; 1 keeps them in any case.

    Returns
    -------
    action : Action

    Examples
    --------
    >>> found = PoolDiagnostics(20, 50, 0.4, noise_rate_real=0.1, gain=0, error=0.1)
    >>> choose_action(found, tau=-0.05, max_noise_rate=0.1).name
    'POOLED'
    """
    if max_noise_rate >= 1:
        return Action.ALL
    if diagnostics.gain <= tau:
        return Action.NONE
    if diagnostics.noise_rate < noise_limit(diagnostics, max_noise_rate):
        return Action.ALL
    return Action.REAL if diagnostics.lacks_class else Action.POOLED


def noise_limit(diagnostics, max_noise_rate):
    """Return the noise rate below which all candidates are kept."""
    return max(max_noise_rate, diagnostics.noise_rate_real + 1e-9)


class WeightedRows(NamedTuple):
    """Real rows, or candidates, each of which may stand for several.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
    """

    X: np.ndarray
    codes: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, X, codes):
        """Return rows of weight 1; values far off are drawn in."""
        # One absurd number must not rule a linear model.
        X = np.clip(X, -MAX_DEVIATIONS, MAX_DEVIATIONS)
        return cls(X, codes, np.ones(len(codes)))

    def join(self, other):
        """Return the rows of both."""
        return WeightedRows(*map(np.concatenate, zip(self, other, strict=True)))

    def subsample(self, limit, rng):
        """Return about ``limit`` rows at most, every label among them."""
        rows, weights = stratified_subsample(self.codes, limit, rng)
        return WeightedRows(
            self.X[rows], self.codes[rows], self.weights[rows] * weights
        )


class PooledRule:
    """Trim candidates by models of the real rows and of all candidates so far.

    Parameters
    ----------
    estimator : classifier
    tau, tau_coef, max_noise_rate : float
        See `CostAssessmentFilter`.
    origin : int ndarray of shape (n_encoded,)
        The table's column that each encoded one comes from.
    seed : int
    """

    def __init__(self, estimator, *, tau, tau_coef, max_noise_rate, origin, seed):
        self.estimator = estimator
        self.tau = tau
        self.tau_coef = tau_coef
        self.max_noise_rate = max_noise_rate
        self.origin = origin
        self.seed = seed

    def fit(self, X, codes):
        """Learn real rows: their encoded features, and labels as numbers from 0."""
        self._real = WeightedRows.of(X, codes).subsample(MAX_REAL, self._rng())
        self._earlier = self._base = WeightedRows.of(X[:0], codes[:0])
        self._models = []
        return self

    def add_candidates(self, X, codes):
        """Judge later candidates together with these."""
        if not len(codes):
            return
        rows = WeightedRows.of(X, codes)
        is_like_base = self._reuse_model(rows) is not None
        self._earlier = self._earlier.join(rows).subsample(MAX_CANDIDATES, self._rng())
        n_rows, n_base = self._earlier.weights.sum(), self._base.weights.sum()
        if not is_like_base or n_rows > GROWTH * n_base:
            self._base = self._earlier

    def inspect(self, X, codes, batch, labels):
        """Return the verdict on candidates.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_encoded)
        codes : int ndarray of shape (n_rows,)
            -1: no label.
        batch : ndarray of shape (n_rows,)
        labels : sequence of shape (n_rows,)
            As they are written in reasons.
        """
        rows = np.flatnonzero(codes >= 0)
        candidates = WeightedRows.of(X[rows], codes[rows])
        model = self._reuse_model(candidates)
        if model is None:
            chosen = candidates.subsample(MAX_CANDIDATES, self._rng())
            model = self._fit_model(self._earlier.join(chosen))
        own, is_issue = model.score(candidates)
        keep = np.zeros(len(codes), dtype=bool)
        keep[rows] = model.choose(is_issue)
        costs = np.full(len(codes), np.nan)
        # The last bits of a product depend on how many rows are multiplied at once.
        costs[rows] = np.round(1 - own, 12)
        reasons = np.full(len(codes), "label is missing", dtype=object)
        reasons[keep] = ""
        for row in rows[~keep[rows]]:
            reasons[row] = model.explain(labels[row], codes[row], 1 - costs[row])
        number, ids = pd.factorize(batch, use_na_sentinel=False)
        index = pd.Index(ids.tolist(), name="batch")
        n_kept = np.bincount(number[keep], minlength=len(ids))
        stats = {
            "n_rows": np.bincount(number, minlength=len(ids)),
            "n_kept": n_kept,
            "gain": model.diagnostics.gain,
            # Without a gain there is nothing that tau could bound.
            "tau": np.nan if np.isnan(model.diagnostics.gain) else model.tau,
            "noise_rate": model.diagnostics.noise_rate,
            "noise_limit": noise_limit(model.diagnostics, self.max_noise_rate),
        }
        return Verdict(
            keep,
            reasons,
            {"cost": costs},
            pd.Series(n_kept > 0, index=index),
            pd.DataFrame(stats, index=index),
            notes=(model.describe(),),
        )

    def _reuse_model(self, rows):
        """Return the models fitted before, if they may score these rows, else None.

        A wave no larger than all earlier candidates, with a similar share of label
        issues, needs no models of its own.
        """
        if not 0 < len(rows.codes) <= self._earlier.weights.sum():
            return None
        model = self._fit_model(self._base)
        is_known = rows.codes.max() < model.n_labels
        return model if is_known and model.is_usual(model.score(rows)[1]) else None

    def _fit_model(self, candidates):
        # The last two are kept, only to save time: `add_candidates` and the next wave
        # ask for the models that `inspect` has just fitted. No verdict depends on it.
        known = [
            model
            for model in self._models
            if all(map(np.array_equal, model.candidates, candidates))
        ]
        model = known[0] if known else PoolModel(self).fit(self._real, candidates)
        others = [other for other in self._models if other is not model]
        self._models = [*others[-1:], model]
        return model

    def _rng(self):
        return np.random.default_rng(self.seed)


class PoolModel:
    """Cross-fitted models of one pool, and the decision about its candidates.

    Parameters
    ----------
    rule : PooledRule
        Its settings.

    Attributes
    ----------
    candidates : WeightedRows
    n_labels : int
    diagnostics : PoolDiagnostics
    tau : float
    action : Action
    """

    def __init__(self, rule):
        self.rule = rule

    def fit(self, real, candidates):
        """Fit models of real rows and candidates, both WeightedRows; decide."""
        self.candidates = candidates
        self._X, self._codes, self._weights, self._hashes = map(
            np.concatenate, zip(_sort(real), _sort(candidates), strict=True)
        )
        codes = self._codes
        self.n_labels = int(codes.max()) + 1
        self._is_real = is_real = np.arange(len(codes)) < len(real.codes)
        groups = group_rows(self._hashes, self._hashes[is_real])
        self._folds = assign_folds(groups, codes, N_FOLDS)
        lacks_class = not np.isin(codes[is_real], codes[~is_real]).all()
        # A pool would learn the classes that candidates have from the very candidates
        # in question, if these outnumber the real rows of the class they lack.
        learned = is_real | (not lacks_class)
        self._n_distinct = self._count_distinct(learned)
        self._models = self._cross_fit(learned)
        self.diagnostics = self._diagnose(lacks_class)
        self.tau = self.rule.tau
        if self.tau == "auto":
            self.tau = required_gain(self.diagnostics, self.rule.tau_coef)
        self.action = choose_action(
            self.diagnostics, self.tau, self.rule.max_noise_rate
        )
        if self.action == Action.POOLED:
            self._refit_by_source()
        self._thresholds = class_thresholds(self._models.probability_, codes)
        self._scored = None
        return self

    def score(self, rows):
        """Return the probability of each label, and whether it is a label issue."""
        # Kept only to save time: the rows of a wave are asked for three times.
        if self._scored and all(map(np.array_equal, self._scored[0], rows)):
            return self._scored[1]
        own, is_issue = np.zeros(len(rows.codes)), np.zeros(len(rows.codes), dtype=bool)
        for start in range(0, len(rows.codes), MAX_ROWS):
            part = slice(start, start + MAX_ROWS)
            X, codes = rows.X[part], rows.codes[part]
            probability = self._models.predict_proba(X, self._find_folds(hash_rows(X)))
            own[part] = probability[np.arange(len(codes)), codes]
            is_issue[part] = self._find_issues(probability, codes, self._thresholds)
        self._scored = rows, (own, is_issue)
        return own, is_issue

    def is_usual(self, is_issue):
        """Tell whether issues are as few as is usual, or as in the pool."""
        found = self.diagnostics
        rate = max(found.noise_rate, found.noise_rate_real, self.rule.max_noise_rate)
        error = np.sqrt(rate * (1 - rate) / len(is_issue))
        return is_issue.mean() <= rate + 2 * error + 1e-9

    def choose(self, is_issue):
        """Return which candidates are kept."""
        if self.action in (Action.POOLED, Action.REAL):
            return ~is_issue
        return np.full(len(is_issue), self.action == Action.ALL)

    def explain(self, label, code, probability):
        """Return why a candidate was trimmed, in words and numbers."""
        if self.action == Action.NONE:
            return (
                "candidates contradict the real rows: cross-AUC "
                f"{self.diagnostics.gain + 0.5:.2f}, required above "
                f"{max(0, self.tau + 0.5):.2f}"
            )
        by = "the real rows" if self.action == Action.REAL else "the other rows"
        return (
            f"label {label!r} has probability {probability:.2f} under models of {by} "
            f"(mean of that label: {self._thresholds[code]:.2f})"
        )

    def describe(self):
        """Return what was found in the pool and what was done, in one paragraph."""
        found, limit = self.diagnostics, self.rule.max_noise_rate
        parts = [
            f"Cost filter: {found.noise_rate:.0%} of {found.n_candidates:,} candidates "
            f"are probably mislabelled (real rows: {found.noise_rate_real:.0%}; "
            f"threshold: {limit:.0%})."
        ]
        if not np.isnan(found.gain):
            required = max(0, self.tau + 0.5)
            parts.append(
                "Cross-AUC between real rows and candidates: "
                f"{found.gain + 0.5:.2f} (required: above {required:.2f}; standard "
                f"error {found.error:.2f})."
            )
            if found.error > UNSURE:
                parts.append(
                    f"{found.n_real:,} real rows are too few to confirm or refute the "
                    "candidates."
                )
        elif found.noise_rate >= limit:
            parts.append("No class of the candidates can be told from another.")
        if found.shuffle_z >= MAX_SHUFFLE_Z:
            parts.append(
                "Columns of the candidates depend on each other less than those of the "
                f"real rows ({found.shuffle_z:.1f} standard errors)."
            )
        return " ".join([*parts, f"Action: {self.action.value}."])

    def _find_folds(self, hashes):
        """Return the fold of the pool's equal row; other rows go by their hash."""
        order = np.argsort(self._hashes)
        at = np.searchsorted(self._hashes[order], hashes).clip(max=len(order) - 1)
        is_here = self._hashes[order][at] == hashes
        others = (hashes % np.uint64(N_FOLDS)).astype(int)
        return np.where(is_here, self._folds[order][at], others)

    def _count_distinct(self, rows):
        """Return how many distinct rows each label has among some."""
        pairs = np.column_stack([self._hashes, self._codes.astype(np.uint64)])[rows]
        labels = np.unique(pairs, axis=0)[:, 1].astype(int)
        return np.bincount(labels, minlength=self.n_labels)

    def _cross_fit(self, weights):
        model = CrossFit(self.rule.estimator, self.n_labels, self.rule.seed)
        return model.fit(self._X, self._codes, self._folds, self._weights * weights)

    def _find_issues(self, probability, codes, thresholds=None):
        # Models that did not see the only row of a label know nothing of that label.
        is_known = self._n_distinct[codes] >= 2
        return is_known & find_label_issues(probability, codes, thresholds)

    def _diagnose(self, lacks_class):
        codes, is_real = self._codes, self._is_real
        is_issue = self._find_issues(self._models.probability_, codes)
        is_shared = is_real & np.isin(codes, codes[~is_real])
        found = PoolDiagnostics(
            n_real=int(is_real.sum()),
            n_candidates=round(self.candidates.weights.sum()),
            noise_rate=self._share(is_issue, ~is_real),
            noise_rate_real=self._share(is_issue, is_shared),
            gain=self._find_gain(lacks_class),
            error=auc_standard_error(codes[is_real]),
            shuffle_z=MAX_SHUFFLE_Z,
            lacks_class=lacks_class,
        )
        # Where the gain is above whatever may be required, no forest need be grown.
        shuffle_z = 0.0
        if found.gain <= required_gain(found, self.rule.tau_coef):
            shuffle_z = shuffle_test(self._X, is_real, self.rule.origin, self.rule.seed)
        return replace(found, shuffle_z=shuffle_z)

    def _share(self, is_so, rows):
        weights = self._weights[rows]
        return float(np.average(is_so[rows], weights=weights)) if rows.any() else 0.0

    def _find_gain(self, lacks_class):
        """Return how well the models of each side rank the labels of the other."""
        codes, is_real = self._codes, self._is_real
        real_models = self._models if lacks_class else self._cross_fit(is_real)
        # Where candidates lack a class, real rows of it stand in.
        side = ~is_real | ~np.isin(codes, codes[~is_real])
        candidate_models = self._cross_fit(side)
        auc_on_real = auc_above_chance(
            candidate_models.probability_[is_real], codes[is_real]
        )
        auc_on_candidates = auc_above_chance(
            real_models.probability_[side], codes[side]
        )
        return (auc_on_real + auc_on_candidates) / 2

    def _refit_by_source(self):
        """Fit again, each source weighted by how far its labels agree with the rest."""
        codes, is_real = self._codes, self._is_real
        for _ in range(N_REFITS):
            probability = self._models.probability_
            is_wrong = probability.argmax(axis=1) != codes
            weights = np.ones(len(codes))
            n_classes = len(np.unique(codes))
            weights[is_real] = source_weight(is_wrong, is_real, n_classes)
            weights[find_label_issues(probability, codes)] *= ISSUE_WEIGHT
            self._models = self._cross_fit(weights)


def _sort(rows):
    """Return the parts of rows and their hashes, in an order of the rows' own."""
    hashes = hash_rows(rows.X)
    order = np.lexsort((rows.codes, hashes))
    return [part[order] for part in (*rows, hashes)]
