"""The default rule of the cost filter: models of real rows and candidates together."""

import numpy as np
import pandas as pd

from t2sampler._encoding import hash_rows
from t2sampler._records import Verdict
from t2sampler.filters._cross_fit import (
    N_FOLDS,
    CrossFit,
    WeightedRows,
    assign_folds,
    fit_label_model,
    group_rows,
)
from t2sampler.filters._label_noise import (
    Action,
    PoolDiagnostics,
    auc_above_chance,
    auc_standard_error,
    balance_sources,
    choose_action,
    class_thresholds,
    find_label_issues,
    noise_limit,
    required_gain,
    trust_in_real,
)

MAX_LEARNED = 1000  # rows of either side that models learn from
UNSURE = 0.15  # standard error of an AUC beyond which it says next to nothing


class PooledRule:
    """Trim candidates by models of the real rows and of all candidates so far.

    Parameters
    ----------
    estimator : classifier
    tau, tau_coef, max_noise_rate : float
        See `CostAssessmentFilter`.
    seed : int
    """

    def __init__(self, estimator, *, tau, tau_coef, max_noise_rate, seed):
        self.estimator = estimator
        self.tau = tau
        self.tau_coef = tau_coef
        self.max_noise_rate = max_noise_rate
        self.seed = seed

    def fit(self, X, codes):
        """Learn real rows: their encoded features, and labels as numbers from 0."""
        self._real = WeightedRows.of(X, codes).subsample(MAX_LEARNED, self.seed)
        self._earlier = WeightedRows.of(X[:0], codes[:0])
        return self

    def add_candidates(self, X, codes):
        """Judge later candidates together with these."""
        rows = self._earlier.join(WeightedRows.of(X, codes))
        self._earlier = rows.subsample(MAX_LEARNED, self.seed)

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
        keep = np.zeros(len(codes), dtype=bool)
        costs = np.full(len(codes), np.nan)
        reasons = np.full(len(codes), "label is missing", dtype=object)
        judged = np.flatnonzero(codes >= 0)
        rows = WeightedRows.of(X[judged], codes[judged])
        chosen = rows.subsample(MAX_LEARNED, self.seed)
        pool = Pool(self).fit(self._real, self._earlier.join(chosen))
        own, keep[judged] = pool.judge(rows)
        # The last bits of a product depend on how many rows are multiplied at once.
        costs[judged] = np.round(1 - own, 12)
        reasons[keep] = ""
        for row in judged[~keep[judged]]:
            reasons[row] = pool.explain(labels[row], codes[row], 1 - costs[row])
        number, ids = pd.factorize(batch, use_na_sentinel=False)
        index = pd.Index(ids.tolist(), name="batch")
        n_kept = np.bincount(number[keep], minlength=len(ids))
        found = pool.diagnostics
        stats = {
            "n_rows": np.bincount(number, minlength=len(ids)),
            "n_kept": n_kept,
            "gain": found.gain,
            # Without a gain there is nothing that tau could bound.
            "tau": np.nan if np.isnan(found.gain) else pool.tau,
            "noise_rate": found.noise_rate,
            "noise_limit": noise_limit(found, self.max_noise_rate),
        }
        return Verdict(
            keep,
            reasons,
            scores={"cost": costs},
            accepted=pd.Series(n_kept > 0, index=index),
            stats=pd.DataFrame(stats, index=index),
            notes=(pool.describe(),),
        )


class Pool:
    """Real rows and candidates, their models, and the decision about the candidates.

    Parameters
    ----------
    rule : PooledRule
        Its settings.

    Attributes
    ----------
    diagnostics : PoolDiagnostics
    tau : float
    action : Action
    """

    def __init__(self, rule):
        self.rule = rule

    def fit(self, real, candidates):
        """Fit models of real rows and candidates, both WeightedRows; decide."""
        self._X, codes, self._weights, self._hashes = map(
            np.concatenate, zip(_open(real), _open(candidates), strict=True)
        )
        self._codes, self._n_labels = codes, int(codes.max()) + 1
        self._is_real = is_real = np.arange(len(codes)) < len(real.codes)
        self._groups = group_rows(self._hashes, self._hashes[is_real])
        self._folds = assign_folds(self._groups, codes, N_FOLDS)
        # A pool would learn the classes that candidates have from the very candidates
        # in question, if these outnumber the real rows of the class they lack.
        lacks_class = not np.isin(codes[is_real], codes[~is_real]).all()
        weights = is_real if lacks_class else balance_sources(codes, is_real)
        self._n_distinct = self._count_distinct(weights > 0)
        self._models = [self._cross_fit(weights)]
        self.diagnostics = found = self._diagnose(lacks_class, candidates)
        self.tau = self.rule.tau
        if self.tau == "auto":
            self.tau = required_gain(found, self.rule.tau_coef)
        self.action = choose_action(found, self.tau, self.rule.max_noise_rate)
        if self.action == Action.POOLED:
            self._models.append(self._cross_fit(is_real))
        self._thresholds = class_thresholds(self._probability, codes)
        return self

    def judge(self, rows):
        """Return the probability of each label, and whether the row is kept."""
        folds = self._find_folds(rows.X)
        probability = self._mix(*[m.predict_proba(rows.X, folds) for m in self._models])
        own = probability[np.arange(len(rows.codes)), rows.codes]
        if self.action in (Action.ALL, Action.NONE):
            return own, self.action == Action.ALL
        return own, ~self._find_issues(probability, rows.codes, self._thresholds)

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
            parts.append("Neither side can rank the labels of the other.")
        return " ".join([*parts, f"Action: {self.action.value}."])

    def _find_folds(self, X):
        """Return the fold of the pool's equal row; other rows go by their hash."""
        hashes, order = hash_rows(X), np.argsort(self._hashes)
        at = np.searchsorted(self._hashes[order], hashes).clip(max=len(order) - 1)
        is_here = self._hashes[order][at] == hashes
        others = (hashes % np.uint64(N_FOLDS)).astype(int)
        return np.where(is_here, self._folds[order][at], others)

    def _count_distinct(self, rows):
        """Return how many distinct rows each label has among some."""
        pairs = np.column_stack([self._hashes, self._codes.astype(np.uint64)])[rows]
        labels = np.unique(pairs, axis=0)[:, 1].astype(int)
        return np.bincount(labels, minlength=self._n_labels)

    def _cross_fit(self, weights):
        model = CrossFit(self.rule.estimator, self._n_labels, self.rule.seed)
        return model.fit(self._X, self._codes, self._folds, self._weights * weights)

    @property
    def _probability(self):
        """Of each label, for the rows of the pool."""
        return self._mix(*[model.probability_ for model in self._models])

    def _mix(self, pooled, real=None):
        """Return the weighted mean of probabilities, if there are two models."""
        if real is None:
            return pooled
        # Models of the real rows know nothing of a label that at most one of them has.
        only_pooled = pooled * (self._count_distinct(self._is_real) < 2)
        real = only_pooled + real * (1 - only_pooled.sum(axis=1, keepdims=True))
        trust = trust_in_real(self.diagnostics)
        return (1 - trust) * pooled + trust * real

    def _find_issues(self, probability, codes, thresholds=None):
        # Models that did not see the only row of a label know nothing of that label.
        is_known = self._n_distinct[codes] >= 2
        return is_known & find_label_issues(probability, codes, thresholds)

    def _diagnose(self, lacks_class, candidates):
        codes, is_real = self._codes, self._is_real
        is_issue = self._find_issues(self._probability, codes)
        is_shared = is_real & np.isin(codes, codes[~is_real])
        return PoolDiagnostics(
            n_real=int(is_real.sum()),
            n_candidates=round(candidates.weights.sum()),
            noise_rate=self._average(is_issue, ~is_real),
            noise_rate_real=self._average(is_issue, is_shared),
            gain=self._find_gain(lacks_class),
            error=auc_standard_error(codes[is_real]),
            lacks_class=lacks_class,
        )

    def _average(self, is_issue, rows):
        weights = self._weights[rows]
        return float(np.average(is_issue[rows], weights=weights)) if rows.any() else 0.0

    def _find_gain(self, lacks_class):
        """Return how well models of each side rank the labels of the other."""
        codes, is_real = self._codes, self._is_real
        if lacks_class:
            # The models are those of the real rows, of which those of that class stand
            # in for candidates; there is no other direction.
            side = ~is_real | ~np.isin(codes, codes[~is_real])
            return auc_above_chance(self._probability[side], codes[side])
        gains = [self._rank(is_real, ~is_real), self._rank(~is_real, is_real)]
        return np.mean([gain for gain in gains if not np.isnan(gain)] or [np.nan])

    def _rank(self, learned, ranked):
        """Return how well a model of some rows ranks the labels of others."""
        rule, X, codes = self.rule, self._X[learned], self._codes[learned]
        model = fit_label_model(rule.estimator, X, codes, self._n_labels, rule.seed)
        if len(model.classes) < 2:
            return np.nan
        # Copies of what the model has seen say nothing about it.
        ranked = ranked & ~np.isin(self._groups, self._groups[learned])
        probability = model.predict_proba(self._X[ranked])
        return auc_above_chance(probability, self._codes[ranked])


def _open(rows):
    """Return features, labels, weights and hashes, in an order of the rows' own."""
    # Either side weighs as much as it has rows here, whatever they stand for.
    weights = rows.weights / rows.weights.mean() if len(rows.weights) else rows.weights
    hashes = hash_rows(rows.X)
    order = np.lexsort((rows.codes, hashes))
    return [part[order] for part in (rows.X, rows.codes, weights, hashes)]
