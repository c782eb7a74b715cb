"""Filter 1 of 3: trim rows that break a rule."""

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

    A row is kept if it obeys all rules: bounds of numbers, known categories, relations
    between columns. By default the rules are inferred from the real rows, and all real
    rows obey them.

    Parameters
    ----------
    constraints : "infer", sequence of rules or None, default="infer"
        "infer" infers rules from the real rows. A sequence contains rules of
        `t2sampler.constraints` (or any object with a ``name`` and a method ``holds``)
        and optionally the string "infer", which stands for the inferred ones; without
        it only the given rules count. None: no rules.
    margin : float in [0, 100], default=4.0
        Distance of inferred bounds from the real rows. If a tail is exponential, with
        the mean excess of its √n outermost values over the next one, a further row is
        beyond the bound with probability exp(-margin) / (n + 1). The bound is wider
        when fewer tail values are available.
    max_p_value : float in (0, 1), default=1e-06
        Probability of finding any relation if all columns are unrelated. Smaller values
        infer fewer relations.
    column_kinds : dict of column name to str, default=None
        What columns are; see `TeamThenTrimSampler`. None: inferred.

    Attributes
    ----------
    constraints_ : tuple of rules
        Given and inferred rules.
    n_real_violations_ : dict of str to int
        From a rule's name to the number of real rows that break it.
    schema_ : TableSchema
    sampling_strategy_ : dict
        Set by `fit_resample` only, as imbalanced-learn's cleaning samplers do.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where all column names are strings.

    Warns
    -----
    BrokenRuleWarning
        Real rows break a rule that was given. Candidates must obey it all the same.

    See Also
    --------
    CostAssessmentFilter : Trims rows that are probably mislabelled.
    DiversityFilter : Trims repeated rows, and batches that add no spread.

    Notes
    -----
    For row x with numbers :math:`x_l` and dummies :math:`x_{l,j}` the paper [1]_ (its
    section 2.2, sanity check) asks for

    .. math::
        l_l \le x_l \le u_l, \qquad \sum_j x_{l,j} = 1, \qquad
        \sum_l w_l x_l + \sum_{l,j} w_{l,j} x_{l,j} + b \ge 0 .

    It prints a disjunction of these; a conjunction is meant, and used here. A
    disjunction or an implication is one rule (`AnyOf`, `Implies`).

    Real rows may break a rule that looks like a definition (in COMPAS 0.04 % have more
    juvenile felonies than prior counts in all). So the violations among real rows are
    counted, and a rule is inferred only if no real row breaks it.

    A missing value breaks no rule but `NotMissing`; a value that cannot be compared
    breaks the rule. The reason of a trimmed row is the first rule it breaks. Time is
    linear in rows times rules.

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
        "column_kinds": [dict, None],
        "constraints": [StrOptions({INFER}), list, tuple, None],
        "margin": [Interval(Real, 0, 100, closed="both")],
        "max_p_value": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        constraints=INFER,
        *,
        margin=MARGIN,
        max_p_value=MAX_CHANCE,
        column_kinds=None,
    ):
        self.column_kinds = column_kinds
        self.constraints = constraints
        self.margin = margin
        self.max_p_value = max_p_value

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
        self.n_real_violations_ = {
            rule.name: int(np.sum(~_obeys(rule, rows.frame))) for rule in rules
        }
        _warn_of_violations(self.n_real_violations_, len(rows))

    def _infer(self, rows):
        return rows.infer_rules(margin=self.margin, max_chance=self.max_p_value)

    def _inspect(self, rows, batch):
        first = np.zeros(len(rows), dtype=np.intp)  # 0: breaks none
        n_broken = np.zeros(len(rows), dtype=np.intp)
        for place, rule in enumerate(self.constraints_, start=1):
            is_broken = ~_obeys(rule, rows.frame)
            first[is_broken & (first == 0)] = place
            n_broken += is_broken
        names = np.array(["", *(rule.name for rule in self.constraints_)], dtype=object)
        keep = first == 0
        number, ids = pd.factorize(batch)
        counts = {
            "n_rows": np.bincount(number, minlength=len(ids)),
            "n_kept": np.bincount(number[keep], minlength=len(ids)),
        }
        stats = pd.DataFrame(counts, index=pd.Index(ids))
        return Verdict(
            keep,
            names[first],
            scores={"n_broken_rules": n_broken},
            accepted=stats["n_kept"] > 0,
            stats=stats,
        )


def _is_infer(rule):
    # A rule may define `==` in its own way, so types are compared first.
    return isinstance(rule, str) and rule == INFER


def _obeys(rule, frame):
    return np.asarray(rule.holds(frame), dtype=bool)


def _warn_of_violations(n_violations, n_rows):
    for name, count in n_violations.items():
        if count:
            warnings.warn(
                f"{count} of {n_rows} real rows break the rule '{name}'. Correct the "
                "rule, or take it out of `constraints`; it stays in force as given.",
                BrokenRuleWarning,
                stacklevel=5,  # the line that called `fit`
            )
