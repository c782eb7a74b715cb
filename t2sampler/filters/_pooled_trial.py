"""The trial of candidates by models of real rows and candidates together."""

from dataclasses import dataclass, replace

import numpy as np

from t2sampler.filters._coherence import find_incoherence
from t2sampler.filters._course import (
    MOST_INCOHERENT,
    Course,
    Findings,
    choose_course,
    least_gain,
    rank_error,
    rank_gain,
    source_weight,
)
from t2sampler.filters._pool import CrossFit, make_pool
from t2sampler.filters._selection import (
    ROUNDING,
    credible_probability,
    find_suspects,
    row_keys,
)

N_ROUNDS = 2  # in which sources are weighed by how far they agree with the rest
SUSPECT_WEIGHT = 0.3


@dataclass(frozen=True)
class TrialRules:
    """Settings of a trial; see `CostAssessmentFilter`."""

    estimator: object
    tau: object
    tau_coef: float
    max_suspects: float
    origin: object
    seed: int


@dataclass(frozen=True)
class Ruling:
    """What a trial says of some rows.

    Attributes
    ----------
    keep : bool ndarray of shape (n_rows,)
    own : ndarray of shape (n_rows,)
        Probability of each row's label, by models that did not see the row.
    usual : ndarray of shape (n_rows,)
        What rows of that label get on average.
    """

    keep: np.ndarray
    own: np.ndarray
    usual: np.ndarray


class Trial:
    """Real rows and candidates judged by each other, once and for all.

    Parameters
    ----------
    real, new : Side
    n_labels : int
    rules : TrialRules

    Attributes
    ----------
    findings : Findings
    tau : float
        See `choose_course`.
    course : Course
    n_labels, n_told : int
        Labels it knows, and candidates that those it knows stand for.
    prints : ndarray of shape (n_candidates,)
        To know the candidates by.
    max_suspects : float
    """

    def __init__(self, real, new, n_labels, rules):
        self._rules = rules
        self.n_labels, self.n_told = n_labels, new.weights.sum()
        self.prints = new.prints()
        self.max_suspects = rules.max_suspects
        self._pool = pool = make_pool(real, new, n_labels)
        codes, is_real = pool.codes, pool.is_real
        self._lacks_class = not np.isin(codes[is_real], codes[~is_real]).all()
        learned = is_real | (not self._lacks_class)
        self._n_distinct = _count_distinct(pool, learned)
        judges = self._fit(learned)
        self.findings = self._find(judges)
        self.tau = self._find_tau()
        self.course = choose_course(self.findings, self.tau, rules.max_suspects)
        if self.course == Course.POOLED:
            judges = self._weigh(judges)
        self._judges = judges
        self._usual = credible_probability(judges.probability, codes)

    def rule(self, X, codes):
        """Return the ruling on candidates, of the pool or like them.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_encoded)
        codes : int ndarray of shape (n_rows,)
        """
        probability = self._judges.judge(X, row_keys(X))
        own = probability[np.arange(len(codes)), codes]
        keep = np.full(len(codes), self.course != Course.NONE)
        if self.course in (Course.POOLED, Course.REAL):
            keep = ~self._suspect(probability, codes, self._usual)
        return Ruling(keep, own, self._usual[codes])

    def _fit(self, weights):
        rules = self._rules
        return CrossFit(self._pool, weights, rules.estimator, rules.seed)

    def _suspect(self, probability, codes, usual=None):
        # A label that one distinct row has is unknown to whoever judges that row.
        is_known = self._n_distinct[codes] >= 2
        return is_known & find_suspects(probability, codes, usual)

    def _find(self, judges):
        pool, rules = self._pool, self._rules
        codes, is_real = pool.codes, pool.is_real
        suspects = self._suspect(judges.probability, codes)
        findings = Findings(
            n_real=int(is_real.sum()),
            n_new=round(self.n_told),
            suspects=self._share(suspects, ~is_real),
            suspects_real=self._share(
                suspects, is_real & np.isin(codes, codes[~is_real])
            ),
            gain=self._find_gain(judges),
            error=rank_error(codes[is_real]),
            incoherence=MOST_INCOHERENT,
            lacks_class=self._lacks_class,
        )
        # Where the gain is above whatever may be asked, a forest need not be grown.
        found = 0.0
        if findings.gain <= least_gain(findings, rules.tau_coef):
            found = find_incoherence(pool.X, is_real, rules.origin, rules.seed)
        return replace(findings, incoherence=found)

    def _share(self, is_so, rows):
        weights = self._pool.weights[rows]
        return float(np.average(is_so[rows], weights=weights)) if rows.any() else 0.0

    def looks_usual(self, X, codes):
        """Tell whether candidates have as few suspects as is usual, or as known ones.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_encoded)
        codes : int ndarray of shape (n_rows,)
        """
        probability = self._judges.judge(X, row_keys(X))
        share = self._suspect(probability, codes, self._usual).mean()
        found = self.findings
        known = max(found.suspects, found.suspects_real, self.max_suspects)
        chance = np.sqrt(known * (1 - known) / len(codes))
        return share <= known + 2 * chance + ROUNDING

    def _find_gain(self, judges):
        """Return how well each side's models rank the labels of the other."""
        codes, is_real = self._pool.codes, self._pool.is_real
        of_real = judges if self._lacks_class else self._fit(is_real)
        # Where candidates lack a class, real rows of it stand in.
        side = ~is_real | ~np.isin(codes, codes[~is_real])
        of_new = self._fit(side)
        there = rank_gain(of_new.probability[is_real], codes[is_real])
        back = rank_gain(of_real.probability[side], codes[side])
        return (there + back) / 2

    def _find_tau(self):
        rules = self._rules
        if rules.tau != "auto":
            return float(rules.tau)
        return least_gain(self.findings, rules.tau_coef)

    def _weigh(self, judges):
        """Fit again, each source weighed by how far it agrees with the rest."""
        pool = self._pool
        for _ in range(N_ROUNDS):
            probability = judges.probability
            is_wrong = probability.argmax(axis=1) != pool.codes
            weights = np.ones(len(pool.codes))
            n_classes = len(np.unique(pool.codes))
            weights[pool.is_real] = source_weight(is_wrong, pool.is_real, n_classes)
            weights[find_suspects(probability, pool.codes)] *= SUSPECT_WEIGHT
            judges = self._fit(weights)
        return judges


def _count_distinct(pool, rows):
    """Return how many distinct rows each label has among some."""
    pairs = np.column_stack([pool.keys, pool.codes.astype(np.uint64)])[rows]
    labels = np.unique(pairs, axis=0)[:, 1].astype(int)
    return np.bincount(labels, minlength=pool.n_labels)
