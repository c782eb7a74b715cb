"""The trial of candidates by models of real rows and candidates together."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from t2sampler._records import Verdict
from t2sampler.filters._batches import MAX_ROWS
from t2sampler.filters._cost_selection import (
    ROUNDING,
    credible_probability,
    find_suspects,
    row_keys,
)
from t2sampler.filters._cross_fit import CrossFit, Side, make_pool
from t2sampler.filters._label_noise import (
    MOST_INCOHERENT,
    Course,
    Findings,
    choose_course,
    find_incoherence,
    least_gain,
    rank_error,
    rank_gain,
    source_weight,
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


WHO = {Course.POOLED: "did not see the row", Course.REAL: "know real rows alone"}
UNSURE = 0.15  # standard error of an AUC beyond which it says next to nothing
UNLIKE = 2.0  # standard errors from which columns are said to go together less


def write_verdict(wave, trial, ruling, rows, labels):
    """Return the verdict on the candidates of a call.

    Parameters
    ----------
    wave : Wave
    trial : Trial
    ruling : Ruling
        On the rows that have a label.
    rows : int ndarray of shape (n_labelled,)
        Where these stand in the call.
    labels : sequence of shape (n_rows,)
    """
    n_rows = len(wave.order)
    keep, costs = np.zeros(n_rows, dtype=bool), np.full(n_rows, np.nan)
    reasons = np.full(n_rows, "label is missing", dtype=object)
    keep[rows], costs[rows] = ruling.keep, np.round(1 - ruling.own, 12)
    reasons[rows] = ""
    labels = [labels[row] for row in rows]
    reasons[rows[~ruling.keep]] = list(give_reasons(trial, ruling, labels))
    number = np.empty(n_rows, dtype=int)
    number[wave.order] = np.repeat(np.arange(len(wave.ids)), wave.sizes)
    n_kept = np.bincount(number[keep], minlength=len(wave.ids))
    findings = trial.findings
    stats = pd.DataFrame(
        {
            "n_rows": wave.sizes,
            "n_kept": n_kept,
            "gain": findings.gain,
            "tau": np.nan if np.isnan(findings.gain) else trial.tau,
            "suspects": findings.suspects,
        },
        index=pd.Index(wave.ids, name="batch"),
    )
    accepted = pd.Series(n_kept > 0, index=stats.index)
    notes = (tell(trial),)
    return Verdict(keep, reasons, {"cost": costs}, accepted, stats, notes=notes)


def give_reasons(trial, ruling, labels):
    """Yield the reason of each dropped row, in words and numbers."""
    out = np.flatnonzero(~ruling.keep)
    if trial.course == Course.NONE:
        auc, least = trial.findings.gain + 0.5, max(0, trial.tau + 0.5)
        reason = (
            "candidates contradict the real rows: models of either side rank the "
            f"other's labels with AUC {auc:.2f}, not above {least:.2f}"
        )
        yield from [reason] * len(out)
        return
    rows = zip(out.tolist(), ruling.own[out], ruling.usual[out], strict=True)
    for row, own, usual in rows:
        yield (
            f"label {labels[row]!r} has probability {own:.2f} under models that "
            f"{WHO[trial.course]}, others of that label {usual:.2f} on average"
        )


def tell(trial):
    """Return what was found in a pool and what was done, in one paragraph."""
    findings = trial.findings
    return (
        f"Cost: of {findings.n_new:,} candidates, models that did not see them "
        f"disbelieve the label of {findings.suspects:.0%} (of real rows "
        f"{findings.suspects_real:.0%}; below {trial.max_suspects:.0%} is usual)."
        f"{_tell_gain(trial)}{_tell_incoherence(findings)} So {trial.course.value}."
    )


def _tell_gain(trial):
    findings = trial.findings
    found = f"AUC {findings.gain + 0.5:.2f}, ± {findings.error:.2f} by chance"
    if np.isnan(findings.gain):
        is_clear = findings.suspects < trial.max_suspects
        return "" if is_clear else " No class of theirs can be told from another."
    asked = f"more than {max(0, trial.tau + 0.5):.2f} is asked"
    if findings.error > UNSURE:
        return (
            f" {findings.n_real:,} real rows are too few to confirm or refute them "
            f"({found}; {asked})."
        )
    return (
        f" Real rows and candidates predict each other's labels with {found}; {asked}."
    )


def _tell_incoherence(findings):
    if findings.incoherence < UNLIKE:
        return ""
    return (
        " Their columns go together less than those of real rows "
        f"({findings.incoherence:.1f} standard errors)."
    )


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
