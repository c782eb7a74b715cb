"""Rows get the errors that are asked for, and the others none."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from t2sampler.constraints import Bands, Linear
from t2sampler.datasets import flip_labels, inject_errors
from t2sampler.exceptions import SchemaError

KINDS = [
    "label_flip",
    "column_shuffle",
    "out_of_range",
    "broken_relation",
    "copy",
    "mode_collapse",
]


@pytest.fixture
def people():
    """Return 100 people whose age band follows from their age."""
    rng = np.random.RandomState(0)
    age = rng.randint(18, 80, 100)
    X = pd.DataFrame(
        {
            "age": age,
            "band": pd.Categorical(np.where(age < 40, "young", "old")),
            "income": rng.lognormal(10, 1, 100),
            "town": rng.choice(["A", "B", "C"], 100),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(age, unit="D"),
        },
        index=np.arange(100) + 500,
    )
    return X, pd.Series(np.where(X.income > 20_000, "yes", "no"), index=X.index)


@dataclass(frozen=True)
class BothAges:
    """A rule that is no `Rule`: any object with a name and ``holds`` will do."""

    name: str = "band follows from age"

    def holds(self, frame):
        return ((frame["age"] < 40) == (frame["band"] == "young")).to_numpy()


def n_differing(X, other):
    return X.ne(other).to_numpy().sum(axis=1)


@pytest.mark.parametrize("kind", [*KINDS, "mixed", ("label_flip", "copy")])
@pytest.mark.parametrize("rate", [0, 0.3, 1])
def test_truth_names_exactly_the_stated_share(people, kind, rate):
    X, y = people

    X_bad, y_bad, truth = inject_errors(X, y, rate, kind=kind, random_state=0)

    is_bad = truth != ""
    assert is_bad.sum() == 100 * rate
    pd.testing.assert_frame_equal(X_bad[~is_bad], X[~is_bad])
    pd.testing.assert_series_equal(y_bad[~is_bad], y[~is_bad])
    assert X_bad.dtypes.equals(X.dtypes)
    assert X_bad.index.equals(X.index)
    assert y_bad.dtype == y.dtype


def test_input_is_not_changed(people):
    X, y = people
    X_before, y_before = X.copy(), y.copy()

    inject_errors(X, y, 1, random_state=0)

    pd.testing.assert_frame_equal(X, X_before)
    pd.testing.assert_series_equal(y, y_before)


def test_several_kinds_have_equal_shares(people):
    _, _, truth = inject_errors(*people, 0.6, random_state=0)

    counts = pd.Series(truth).value_counts()
    assert counts.to_dict() == {"": 40} | dict.fromkeys(KINDS, 10)


def test_label_flip_changes_the_label_and_nothing_else(people):
    X, y = people

    X_bad, y_bad, truth = inject_errors(X, y, 0.4, kind="label_flip", random_state=0)

    pd.testing.assert_frame_equal(X_bad, X)
    assert ((y_bad != y) == (truth == "label_flip")).all()


def test_column_shuffle_keeps_values_and_loses_relations(people):
    X, y = people

    X_bad, y_bad, _ = inject_errors(X, y, 1, kind="column_shuffle", random_state=0)

    assert all(X_bad[name].isin(X[name]).all() for name in X)
    pd.testing.assert_series_equal(y_bad, y)
    assert (~BothAges().holds(X_bad)).mean() > 0.2  # .46 if independent
    assert len(X_bad.merge(X)) < 5


def test_out_of_range_leaves_the_range_in_one_column(people):
    X, y = people

    X_bad, y_bad, _ = inject_errors(X, y, 1, kind="out_of_range", random_state=0)

    assert (n_differing(X_bad, X) == 1).all()
    numbers = ["age", "income", "since"]
    outside = (X_bad[numbers] < X[numbers].min()) | (X_bad[numbers] > X[numbers].max())
    assert (outside.sum(axis=1) == 1).all()
    assert outside.any().all()  # every such column has its share
    reach = X.age.max() + 1.5 * np.ptp(X.age) + 1
    assert X_bad.age.max() <= reach
    pd.testing.assert_series_equal(y_bad, y)


def test_out_of_range_stays_within_the_dtype():
    X = pd.DataFrame({"byte": np.array([0, 200], dtype=np.uint8)})

    X_bad, _, truth = inject_errors(X, [0, 1], 1, kind="out_of_range", random_state=0)

    # Half the range beyond 200 is 300, and below 0 there is nothing.
    pd.testing.assert_frame_equal(X_bad, X)
    assert truth.tolist() == ["", ""]


@pytest.mark.parametrize(
    "values",
    [
        np.array([0, 2**53]),
        np.array([0, 2**31 - 1], dtype="int32"),
        np.array([-60_000, 60_000], dtype="float16"),
        np.array([-3e38, 3e38], dtype="float32"),
        pd.to_datetime(["1990-01-01", "2250-01-01"]).as_unit("ns"),
        pd.to_datetime(["1700-01-01", "1950-01-01"]).as_unit("ns"),
        pd.to_timedelta([0, 100_000], unit="D").as_unit("ns"),
    ],
    ids=lambda values: f"{values.dtype} {values[0]}",
)
def test_out_of_range_never_comes_round_again_into_it(values):
    X, y = pd.DataFrame({"a": np.resize(values, 200)}), pd.Series([0, 1] * 100)

    X_bad, _, truth = inject_errors(X, y, 1, kind="out_of_range", random_state=0)

    is_inside = X_bad["a"].between(X["a"].min(), X["a"].max())
    assert X_bad.dtypes.equals(X.dtypes)
    assert ((truth == "") == is_inside).all()
    assert X_bad[truth == ""].equals(X[truth == ""])


def test_broken_relation_changes_one_value_so_that_the_rule_breaks(people):
    X, y = people

    X_bad, y_bad, truth = inject_errors(
        X, y, 0.5, kind="broken_relation", random_state=0
    )

    is_bad = truth == "broken_relation"
    assert is_bad.sum() == 50
    assert (~BothAges().holds(X_bad) == is_bad).all()
    assert (n_differing(X_bad, X)[is_bad] == 1).all()
    assert all(X_bad[name].isin(X[name]).all() for name in X)
    pd.testing.assert_series_equal(y_bad, y)


@pytest.mark.parametrize(
    "rule",
    [BothAges(), Bands("band", "age", [(18, 39, "young"), (40, 80, "old")])],
    ids=["any object", "a rule"],
)
def test_given_rules_are_broken(people, rule):
    X, y = people[0].head(10), people[1].head(10)  # too few to find a relation in

    X_bad, _, truth = inject_errors(
        X, y, 1, kind="broken_relation", rules=[rule], random_state=0
    )

    assert (truth == "broken_relation").all()
    assert not BothAges().holds(X_bad).any()


def test_row_that_cannot_be_broken_stays_as_it_was():
    X = pd.DataFrame({"low": [1, 2], "high": [3, 4]})  # any pair keeps the order

    X_bad, _, truth = inject_errors(
        X, [0, 1], 1, kind="broken_relation", rules=[Linear({"high": 1, "low": -1})]
    )

    pd.testing.assert_frame_equal(X_bad, X)
    assert truth.tolist() == ["", ""]


def test_copies_are_real_rows_with_their_labels(people):
    X, y = people
    real = X.head(5), y.head(5)

    X_bad, y_bad, truth = inject_errors(
        X.tail(40), y.tail(40), 0.5, kind="copy", real=real, random_state=0
    )

    copies = X_bad.assign(y=y_bad)[truth == "copy"]
    assert len(copies) == len(copies.merge(real[0].assign(y=real[1]))) == 20


def test_collapsed_rows_repeat_at_most_three(people):
    X, y = people

    X_bad, y_bad, truth = inject_errors(X, y, 0.5, kind="mode_collapse", random_state=0)

    modes = X_bad.assign(y=y_bad)[truth == "mode_collapse"].drop_duplicates()
    assert 1 < len(modes) <= 3
    untouched = X_bad.assign(y=y_bad)[truth == ""]
    assert len(modes.merge(untouched)) == len(modes)


def test_real_rows_are_the_source_of_shuffled_values(people):
    X, y = people
    real = X.head(5), y.head(5)

    X_bad, _, _ = inject_errors(
        X, y, 1, kind="column_shuffle", real=real, random_state=0
    )

    assert all(X_bad[name].isin(real[0][name]).all() for name in X)


def test_mixed_leaves_out_what_the_table_does_not_allow():
    X = pd.DataFrame({"town": ["A", "B"] * 10})

    _, _, truth = inject_errors(X, ["same"] * 20, 1, random_state=0)

    assert set(truth) == {"column_shuffle", "copy", "mode_collapse"}


@pytest.mark.parametrize("rate", [0.25, 1])
def test_arrays_and_lists_come_back_as_they_came(rate):
    X, y = np.arange(40, dtype=np.float32).reshape(20, 2), [0, 1] * 10

    X_bad, y_bad, truth = inject_errors(X, y, rate, random_state=0)

    assert isinstance(X_bad, np.ndarray)
    assert X_bad.dtype == np.float32
    assert isinstance(y_bad, list)
    assert (truth != "").sum() == 20 * rate


def test_every_kind_of_column_keeps_its_dtype(mixed_table):
    X, y = mixed_table

    X_bad, y_bad, truth = inject_errors(X, y, 1, random_state=0)

    assert X_bad.dtypes.equals(X.dtypes)
    assert (y_bad.dtype, len(truth)) == (y.dtype, 60)


def test_same_seed_same_errors(people):
    first = inject_errors(*people, 0.5, random_state=3)
    second = inject_errors(*people, 0.5, random_state=3)

    pd.testing.assert_frame_equal(first[0], second[0])
    assert first[2].tolist() == second[2].tolist()


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(["a", "b", "c"] * 20, index=range(5, 65), dtype="category"),
        pd.Series([True, False] * 30, name="label"),
        np.array(["no", "yes"] * 30),
        [0, 1, 2] * 20,
    ],
    ids=["category", "bool", "array", "list"],
)
def test_flipped_labels_are_other_labels_of_the_same_form(y):
    flipped, is_flipped = flip_labels(y, 0.25, random_state=0)

    assert type(flipped) is type(y)
    assert ((np.asarray(flipped) != np.asarray(y)) == is_flipped).all()
    assert is_flipped.sum() == 15
    assert set(flipped) == set(y)
    if isinstance(y, pd.Series):
        assert flipped.dtype == y.dtype
        assert flipped.index.equals(y.index)


def test_flips_do_not_look_at_the_class():
    y = np.repeat([0, 1], [9000, 1000])

    flipped, is_flipped = flip_labels(y, 0.4, random_state=0)

    # Hypergeometric: 400 of the rare class, standard deviation 15.
    assert abs(is_flipped[y == 1].sum() - 400) < 75
    assert is_flipped.sum() == 4000
    assert flipped.sum() == 1000 + is_flipped[y == 0].sum() - is_flipped[y == 1].sum()


def test_flips_go_to_every_other_class():
    y = np.zeros(3000, dtype=int)
    y[:2] = 1, 2

    flipped, _ = flip_labels(y, 1, random_state=0)

    # Each of the two others with probability one half, standard deviation 27.
    assert abs((flipped == 1).sum() - 1500) < 150
    assert (flipped == 0).sum() <= 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 1.5}, r"'rate' .* in the range \[0.0, 1.0\]. Got 1.5"),
        ({"rate": 0.5, "kind": "typo"}, "'mixed' or kinds among .* got 'typo'"),
        ({"rate": 0.5, "kind": ()}, r"'mixed' or kinds among .* got \(\)"),
        ({"rate": 0.5, "kind": "label_flip"}, "two labels or more, got one"),
        ({"rate": 0.5, "kind": "out_of_range"}, "a column of numbers, got none"),
        ({"rate": 0.5, "kind": "broken_relation"}, "found none in 4 real rows"),
    ],
)
def test_what_cannot_be_done_is_refused(settings, message):
    X, y = pd.DataFrame({"town": list("ABCD")}), ["same"] * 4

    with pytest.raises(ValueError, match=message):
        inject_errors(X, y, **settings)


@pytest.mark.parametrize("rate", [1.5, -0.1, float("nan"), None, "half"])
def test_rate_must_be_a_share(rate):
    with pytest.raises(ValueError, match="'rate' parameter of flip_labels must be"):
        flip_labels([0, 1], rate)


def test_real_rows_of_another_form_are_refused(people):
    X, y = people
    real = X.astype({"age": float}), y

    with pytest.raises(SchemaError, match="expected the columns and dtypes of `X`"):
        inject_errors(X, y, 0.5, real=real)
