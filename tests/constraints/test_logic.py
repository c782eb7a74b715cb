"""Rules of rules, where some values are missing."""

import numpy as np
import pandas as pd

from t2sampler.constraints import (
    AllOf,
    AnyOf,
    Between,
    Implies,
    OneOf,
)


def test_implication_is_broken_only_where_both_sides_are_known(held):
    rule = Implies(OneOf("pregnant", [True]), OneOf("sex", ["F"]))
    pregnant = pd.array([True, True, False, None, True], dtype="boolean")

    answers = held(rule, pregnant=pregnant, sex=["F", "M", "M", "M", None])

    assert answers == [True, False, True, True, True]


def test_kleene_logic_of_any_and_all(held):
    low, high = Between("x", high=0), Between("y", low=9)
    known, missing = [-1.0, 1.0], [np.nan, np.nan]

    # A missing value may still decide: unknown or False passes, unknown and False not.
    assert held(AnyOf(low, high), x=known, y=[1, 1]) == [True, False]
    assert held(AnyOf(low, high), x=known, y=missing) == [True, True]
    assert held(AllOf(low, high), x=known, y=missing) == [True, False]
    assert held(AllOf(low, high), x=known, y=[9, 9]) == [True, False]
