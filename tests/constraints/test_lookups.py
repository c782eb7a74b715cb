"""Lookups and bands fix a level by another column."""

import numpy as np
import pandas as pd
import pytest

from t2sampler.constraints import (
    Bands,
    Lookup,
)

BANDS = Bands("band", "age", [(0, 17, "young"), (30, 64, "adult"), (65, 90, "old")])


def test_lookup_leaves_unlisted_levels_open(held):
    rule = Lookup("code", "city", {"Graz": 8010, "Wien": 1010})
    city = ["Graz", "Wien", "Linz", None, "Graz"]

    answers = held(rule, city=city, code=[8010, 8010, 1, 1, None])

    assert answers == [True, False, True, True, True]
    assert held(Lookup("a", "b", {"x": 1}), a=[1, 2, 2], b=["x", "x", None]) == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("age", "allowed"),
    [
        (17, {"young"}),
        (20, {"young", "adult"}),  # between two bands
        (30, {"adult"}),
        (64.5, {"adult", "old"}),
        (99, {"old"}),  # beyond the last one
        (-1, {"young"}),
        (np.nan, {"young", "adult", "old", "else"}),
        ("17", set()),
    ],
)
def test_bands(held, age, allowed):
    values = ["young", "adult", "old", "else"]

    answers = held(BANDS, age=pd.Series([age] * 4, dtype=object), band=values)

    assert answers == [value in allowed for value in values]
