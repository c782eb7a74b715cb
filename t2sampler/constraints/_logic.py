"""Rules composed of rules: `Implies`, `AllOf` and `AnyOf`."""

from dataclasses import dataclass

import numpy as np

from t2sampler.constraints import _rule_checks as checks
from t2sampler.constraints._rule import Rule, evaluate


@dataclass(frozen=True)
class Implies(Rule):
    """Where one rule holds, another must hold.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.constraints import Implies, OneOf
    >>> rule = Implies(OneOf("pregnant", [True]), OneOf("sex", ["F"]))
    >>> rule.name
    "if pregnant is one of True, then sex is one of 'F'"
    >>> rule.holds(pd.DataFrame({"pregnant": [True, False], "sex": ["M", "M"]}))
    array([False,  True])
    """

    if_: Rule
    then: Rule

    @property
    def name(self):
        return f"if {_format_part(self.if_)}, then {_format_part(self.then)}"

    @property
    def columns(self):
        return _all_columns((self.if_, self.then))

    def check(self, schema):
        for rule in (self.if_, self.then):
            checks.check_rule(rule, schema)

    def evaluate(self, frame):
        # In Kleene's logic: not A, or B.
        return np.maximum(-evaluate(self.if_, frame), evaluate(self.then, frame))


@dataclass(frozen=True, init=False)
class _Compound(Rule):
    """Base class of `AllOf` and `AnyOf`."""

    rules: tuple

    def __init__(self, *rules):
        object.__setattr__(self, "rules", rules)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.rules))})"

    @property
    def name(self):
        return self._word.join(map(_format_part, self.rules))

    @property
    def columns(self):
        return _all_columns(self.rules)

    def check(self, schema):
        checks.check_not_empty(self, self.rules, "rule")
        for rule in self.rules:
            checks.check_rule(rule, schema)

    def evaluate(self, frame):
        return self._combine.reduce([evaluate(rule, frame) for rule in self.rules])


class AllOf(_Compound):
    """All of the given rules hold: ``AllOf(rule, another, ...)``."""

    _word = " and "
    _combine = np.minimum


class AnyOf(_Compound):
    """At least one of the given rules holds: ``AnyOf(rule, another, ...)``.

    Examples
    --------
    >>> import pandas as pd
    >>> from t2sampler.constraints import AnyOf, Between
    >>> rule = AnyOf(Between("age", high=17), Between("age", low=65))
    >>> rule.holds(pd.DataFrame({"age": [10, 40, 70]}))
    array([ True, False,  True])
    """

    _word = " or "
    _combine = np.maximum


def _format_part(rule):
    is_compound = isinstance(rule, _Compound | Implies)
    return f"({rule.name})" if is_compound else rule.name


def _all_columns(rules):
    columns = [column for rule in rules for column in getattr(rule, "columns", ())]
    return tuple(dict.fromkeys(columns))
