"""Quotas, growth and labels no real row has."""

import pickle

import numpy as np
import pandas as pd
import pytest

from t2sampler.sampling._labels import add_levels, grow, rows_to_add


def test_grow_multiplies_every_class_and_can_be_pickled():
    strategy = pickle.loads(pickle.dumps(grow(1.5)))

    assert rows_to_add(strategy, pd.Series(list("aaaabb")), {}) == {"a": 2, "b": 1}


@pytest.mark.parametrize("factor", [1e12, 1e300])
def test_more_rows_than_memory_are_refused(factor):
    with pytest.raises(ValueError, match=r"asks for .* rows"):
        grow(factor)([0, 1])


@pytest.mark.parametrize("factor", [np.inf, np.nan])
def test_no_number_is_no_factor(factor):
    with pytest.raises(ValueError, match="at least 1 and finite"):
        grow(factor)


def test_grow_never_shrinks():
    with pytest.raises(ValueError, match=r"at least 1 and finite, got 0\.5"):
        grow(0.5)


def test_one_class_is_accepted_only_with_new_ones():
    y = pd.Series(["a", "a"])

    assert rows_to_add("auto", y, {"b": 3}) == {}
    with pytest.raises(ValueError, match="more than 1 class"):
        rows_to_add("auto", y, {})


def test_categories_are_extended_and_keep_their_order():
    y = pd.Series(pd.Categorical(["lo"], categories=["lo", "mid"], ordered=True))

    extended = add_levels(y, {"hi": 1})

    assert extended.cat.categories.tolist() == ["lo", "mid", "hi"]
    assert extended.cat.ordered


@pytest.mark.parametrize(
    ("y", "label"),
    [
        pytest.param(pd.Series([True, False]), "maybe", id="bool"),
        pytest.param(pd.Series([0, 1]), "two", id="int"),
        pytest.param(pd.Series([0, 1], dtype=np.int8), 300, id="too large"),
        pytest.param(pd.Series([0, 2]), True, id="bool in int"),
        pytest.param(pd.Series(["a", "b"]), 1.5, id="number in text"),
        pytest.param(pd.Series([1, 2], dtype="Int8"), 128, id="nullable"),
    ],
)
def test_a_label_the_dtype_cannot_hold_is_refused(y, label):
    with pytest.raises(ValueError, match="cannot hold"):
        add_levels(y, {label: 1})


def test_a_class_that_is_there_already_is_refused():
    with pytest.raises(ValueError, match="class a, but y holds it already"):
        add_levels(pd.Series(["a", "b"]), {"a": 1})
