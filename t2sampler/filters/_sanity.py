"""Does a row obey the rules: ranges, categories, relations between columns."""

import warnings
from numbers import Real

import numpy as np
import pandas as pd

from t2sampler._params import Interval, StrOptions
from t2sampler._records import Verdict
from t2sampler.constraints._infer import MARGIN, MAX_CHANCE
from t2sampler.constraints._rule_checks import check_rule
from t2sampler.exceptions import BrokenRuleWarning
from t2sampler.filters._base import BaseFilter

INFER = "infer"


class SanityFilter(BaseFilter):
    r"""Trim rows that break a rule.

    A row is kept if it obeys all rules: numbers within bounds, categories among the
    known ones, relations between columns. By default the rules are learnt from the
    real rows, each of which obeys every one of them.

    Parameters
    ----------
    constraints : "infer", sequence of rules or None, default="infer"
        "infer" learns rules from the real rows. A sequence holds rules of
        `t2sampler.constraints` (or any object with a ``name`` and a method ``holds``),
        and may hold the word "infer", which stands for the learnt ones; without it only
        the given rules count. None: no rules.
    margin : float in [0, 100], default=4.0
        How far learnt bounds reach beyond the real rows. If a tail is exponential, with
        the mean excess of its √n outermost values over the next one, a further row
        passes its bound with probability exp(-margin) / (n + 1). The fewer the rows,
        the farther off the bounds: a few values tell little of a tail.
    max_chance : float in (0, 1), default=1e-06
        The probability with which a learnt relation may appear in a table of unrelated
        columns. Smaller values learn fewer relations.

    Attributes
    ----------
    constraints_ : tuple of rules
        The rules in force.
    n_broken_by_real_ : dict of str to int
        From a rule's name to the number of real rows that break it.
    schema_ : TableSchema
        What the real table looks like.
    sampling_strategy_ : dict
        Set by `fit_resample` only, as imbalanced-learn's cleaning samplers do.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where all column names are strings.

    Warns
    -----
    BrokenRuleWarning
        Real rows break a rule of yours. It stays in force.

    See Also
    --------
    CostAssessmentFilter : Trims rows that teach nothing or are likely wrong.
    DiversityFilter : Trims batches that repeat what is known.

    Notes
    -----
    For row x with numbers :math:`x_l` and dummies :math:`x_{l,j}` the paper [1]_ (its
    section 2.2, sanity check) asks for

    .. math::
        l_l \le x_l \le u_l, \qquad \sum_j x_{l,j} = 1, \qquad
        \sum_l w_l x_l + \sum_{l,j} w_{l,j} x_{l,j} + b \ge 0 .

    It prints a disjunction of these; a conjunction is meant, and used here. A
    disjunction or an implication is one rule (`AnyOf`, `Implies`).

    Real rows may break a rule that sounds definitional (in COMPAS 0.04 % have more
    juvenile felonies than prior counts in all). So the real rows that break a rule are
    counted, and a learnt rule is one that no real row breaks.

    A missing value breaks no rule but `NotMissing`; a value that cannot be compared
    breaks the rule. A dropped row is reported with the first rule it breaks. The cost
    is linear in rows times rules.

    References
    ----------
    .. [1] "Team, Then Trim", section 2.2, sanity check.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler import SanityFilter
    >>> from t2sampler.constraints import Implies, OneOf
    >>> real = pd.DataFrame({"sex": ["F", "M"] * 4, "pregnant": [True, False] * 4})
    >>> rule = Implies(OneOf("pregnant", [True]), OneOf("sex", ["F"]))
    >>> trim = SanityFilter([rule, "infer"]).fit(real, [0, 1] * 4)
    >>> new = pd.DataFrame({"sex": ["F", "M", "X"], "pregnant": [True, True, False]})
    >>> verdict = trim.inspect(new, [0, 0, 0])
    >>> for reason in verdict.reasons:
    ...     print(reason or "kept")
    kept
    if pregnant is one of True, then sex is one of 'F'
    sex is one of 'F', 'M'
    """

    _parameter_constraints = {
        "constraints": [StrOptions({INFER}), list, tuple, None],
        "margin": [Interval(Real, 0, 100, closed="both")],
        "max_chance": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, constraints=INFER, *, margin=MARGIN, max_chance=MAX_CHANCE):
        self.constraints = constraints
        self.margin = margin
        self.max_chance = max_chance

    def _fit(self, rows):
        given = self.constraints
        given = [given] if isinstance(given, str) else list(given or ())
        for rule in given:
            if not _is_infer(rule):
                check_rule(rule, self.schema_)
        rules = []
        for rule in given:
            rules += self._infer(rows) if _is_infer(rule) else [rule]
        self.constraints_ = tuple(rules)
        self.n_broken_by_real_ = {
            rule.name: int(np.sum(~_obey(rule, rows.frame))) for rule in rules
        }
        _warn_of_broken(self.n_broken_by_real_, len(rows))

    def _infer(self, rows):
        return rows.infer_rules(margin=self.margin, max_chance=self.max_chance)

    def _inspect(self, rows, batch):
        frame = rows.frame
        first = np.zeros(len(frame), dtype=np.intp)  # 0: breaks none
        n_broken = np.zeros(len(frame), dtype=np.intp)
        for place, rule in enumerate(self.constraints_, start=1):
            broken = ~_obey(rule, frame)
            first[broken & (first == 0)] = place
            n_broken += broken
        names = np.array(["", *(rule.name for rule in self.constraints_)], dtype=object)
        keep = first == 0
        stats = _count(batch, keep)
        return Verdict(
            keep,
            names[first],
            scores={"n_broken_rules": n_broken},
            accepted=stats["n_kept"] > 0,
            stats=stats,
        )


def _is_infer(rule):
    return isinstance(rule, str) and rule == INFER


def _obey(rule, frame):
    return np.asarray(rule.holds(frame), dtype=bool)


def _count(batch, keep):
    """Return rows and kept rows per batch, in order of first appearance."""
    codes, ids = pd.factorize(batch)
    counts = {
        "n_rows": np.bincount(codes, minlength=len(ids)),
        "n_kept": np.bincount(codes[keep], minlength=len(ids)),
    }
    return pd.DataFrame(counts, index=pd.Index(ids))


def _warn_of_broken(n_broken, n_rows):
    for name, count in n_broken.items():
        if count:
            warnings.warn(
                f"{count} of {n_rows} real rows break the rule '{name}'. Correct the "
                "rule, or take it out of `constraints`; it stays in force as given.",
                BrokenRuleWarning,
                stacklevel=4,
            )
