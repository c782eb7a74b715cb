"""Three filters in a row: every candidate has one fate, and the books add up."""

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF
from sklearn.base import clone

from t2sampler._schema import TableSchema
from t2sampler._table import open_candidates
from t2sampler.filters._cost import CostAssessmentFilter
from t2sampler.filters._diversity import DiversityFilter
from t2sampler.filters._quality_control import QualityControl
from t2sampler.filters._sanity import SanityFilter
from t2sampler.filters._sequence import apply_filters

QUICK = CostAssessmentFilter(reference="real", n_bootstrap=50)
EASY = CostAssessmentFilter(reference="real", tau=-np.inf)


@pytest.fixture
def real(mixed_table):
    return mixed_table


def draw_batches(real, sizes, seed=0):
    """Return batches of real rows drawn again."""
    X, y = real
    rng = np.random.default_rng(seed)
    rows = [rng.integers(len(X), size=size) for size in sizes]
    return [(X.iloc[own], y.iloc[own]) for own in rows]


def as_rows(X, y, real):
    return open_candidates(X, y, TableSchema.learn(*real), "the test")


def test_every_candidate_has_exactly_one_fate(real):
    batches = draw_batches(real, [20, 0, 7, 20, 1])
    control = QualityControl(cost=QUICK, random_state=0).fit(*real)

    result = control.trim(batches)

    books = result.report.batches
    dropped = books[["trimmed_sanity", "trimmed_cost", "trimmed_diversity"]].sum(axis=1)
    assert (books["n_drawn"] == dropped + books["n_accepted"]).all()
    assert [len(mask) for mask in result.keep] == [20, 0, 7, 20, 1]
    assert sum(mask.sum() for mask in result.keep) == len(result.X) == len(result.y)
    assert len(result.report.left_out) == dropped.sum()
    assert (result.report.left_out["reason"] != "").all()
    assert set(result.report.left_out["fate"]) <= set(OFF)


def test_without_filters_all_rows_come_back_as_they_were(real):
    batches = draw_batches(real, [5, 3])

    result = QualityControl(**OFF).fit(*real).trim(batches)

    expected = pd.concat([X for X, _ in batches], ignore_index=True)
    pd.testing.assert_frame_equal(result.X, expected)
    assert result.X.dtypes.equals(real[0].dtypes)
    assert result.y.dtype == real[1].dtype
    assert result.report.batches["verdict"].tolist() == ["accepted", "accepted"]


@pytest.mark.parametrize("batches", [[], [0], [0, 0]], ids=["none", "one", "two"])
def test_nothing_in_nothing_out(batches, real):
    result = (
        QualityControl(cost=QUICK, random_state=0)
        .fit(*real)
        .trim(draw_batches(real, batches))
    )

    assert result.X.shape == (0, real[0].shape[1])
    assert result.X.dtypes.equals(real[0].dtypes)
    assert [len(mask) for mask in result.keep] == batches
    assert str(result.report).startswith("0 candidates")


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.str_])
def test_arrays_come_back_as_arrays(dtype):
    X, y = np.arange(12).reshape(6, 2).astype(dtype), np.array(["a", "b"] * 3)

    result = QualityControl(**OFF).fit(X, y).trim([(X[:4], y[:4]), (X[4:], y[4:])])

    assert (result.X == X).all()
    assert (result.y == y).all()
    assert result.X.dtype.kind == X.dtype.kind


def test_a_value_the_column_cannot_hold_is_not_bent():
    X = pd.DataFrame({"n": [1, 2, 3], "c": pd.Categorical(["u", "v", "u"])})
    new = pd.DataFrame({"n": [3.7], "c": ["w"]})

    result = QualityControl(**OFF).fit(X, [0, 1, 0]).trim([(new, [1])])

    assert result.X["n"].tolist() == [3.7]
    assert result.X["c"].tolist() == ["w"]


def test_rows_of_twins_come_last_where_they_are_kept(real):
    cost = clone(EASY).set_params(keep_twin=True)
    control = QualityControl(**{**OFF, "cost": cost}, random_state=0).fit(*real)

    result = control.trim(draw_batches(real, [10, 10]))

    # Half of ten candidates and ten twin rows, twice.
    assert len(result.X) == 20
    assert sum(mask.sum() for mask in result.keep) < 20
    assert result.X.dtypes.equals(real[0].dtypes)


def test_a_batch_that_fails_later_takes_its_twin_along(real):
    cost = clone(EASY).set_params(keep_twin=True, random_state=0)
    never = DiversityFilter(entropy_threshold=9, entropy_scale="absolute")
    filters = {"cost": cost.fit(*real), "diversity": never.fit(*real)}
    X, y = draw_batches(real, [10])[0]

    result = apply_filters(filters, as_rows(X, y, real), np.zeros(10))

    assert result.twins == {}
    assert result.batches["verdict"].tolist() == ["trimmed by diversity"]


def test_later_filters_see_what_earlier_ones_kept(real):
    X, y = draw_batches(real, [10])[0]
    filters = {
        "cost": clone(EASY).set_params(random_state=0).fit(*real),
        "diversity": DiversityFilter(random_state=0).fit(*real),
    }

    result = apply_filters(filters, as_rows(X, y, real), np.zeros(10))

    by_cost = result.trimmed_by == "cost"
    assert np.isfinite(result.scores["cost"]).all()
    assert (np.isnan(result.scores["cluster"]) == by_cost).all()


def test_growing_goes_batch_by_batch(real):
    cost = clone(EASY).set_params(update_reference=True, keep_twin=True)
    control = QualityControl(**{**OFF, "cost": cost}, random_state=0).fit(*real)
    batches = draw_batches(real, [10, 10, 10])

    first, again = (control.trim(batches) for _ in range(2))

    fixed = (
        clone(control).set_params(cost__update_reference=False).fit(*real).trim(batches)
    )
    gains = first.report.batches["gain"]
    assert gains.equals(again.report.batches["gain"])  # a trim leaves no trace
    assert gains[0] == fixed.report.batches["gain"][0]
    assert (gains[1:] != fixed.report.batches["gain"][1:]).all()


def test_same_seed_same_rows(real):
    batches = draw_batches(real, [20, 20])
    control = QualityControl(cost=QUICK, random_state=7)

    results = [clone(control).fit(*real).trim(batches) for _ in range(2)]

    pd.testing.assert_frame_equal(results[0].X, results[1].X)
    assert results[0].report.batches.equals(results[1].report.batches)


def test_bad_rows_are_dropped_by_sanity_first(real):
    X, y = draw_batches(real, [10])[0]
    number = X.select_dtypes("float").columns[0]
    X = X.assign(**{number: 1e9})

    result = QualityControl(cost=EASY, random_state=0).fit(*real).trim([(X, y)])

    assert (result.report.left_out["fate"] == "sanity").all()
    assert len(result.X) == 0


def test_nested_names_reach_parts_that_are_none():
    control = QualityControl().set_params(cost__beta=0.2, sanity="passthrough")

    assert control.cost.beta == 0.2
    with pytest.raises(ValueError, match="`sanity` is 'passthrough'"):
        control.set_params(sanity__margin=1.0)


def test_parts_are_cloned_and_seeded(real):
    diversity, sanity = DiversityFilter(random_state=3), SanityFilter()

    control = QualityControl(sanity=sanity, diversity=diversity, random_state=0)
    control.fit(*real)

    assert control.diversity_.random_state == 3
    assert control.cost_.random_state is not None
    assert not hasattr(diversity, "router_")
    assert not hasattr(sanity, "schema_")


def test_wrong_parts_are_refused_by_name(real):
    with pytest.raises(ValueError, match="'cost' parameter of QualityControl"):
        QualityControl(cost="off").fit(*real)


def test_labels_of_another_length_are_refused(real):
    X, y = draw_batches(real, [5])[0]
    control = QualityControl(**OFF).fit(*real)

    with pytest.raises(ValueError, match="Batch 1 expected one label per row, got 5"):
        control.trim([(X, y), (X, y[:3])])


@pytest.mark.parametrize("other", [str, bool])
def test_labels_of_another_type_are_refused(other):
    X, y = np.arange(20.0)[:, None], np.arange(20) % 2
    control = QualityControl(random_state=0).fit(X, y)

    with pytest.raises(ValueError, match="expected the type of the real ones"):
        control.trim([(X, y), (X, [other(label) for label in y])])


@pytest.mark.parametrize("trim", [SanityFilter(), DiversityFilter(random_state=0)])
def test_a_filter_opens_any_table_whose_schema_is_known(real, trim):
    X, y = real
    schema = TableSchema.learn(X, y)
    given = X.set_axis(np.arange(len(X))[::-1], axis=0)

    known = clone(trim).fit(given, y.tolist(), schema=schema)

    keep = known.inspect(X, y).keep
    assert known.schema_ is schema
    np.testing.assert_array_equal(keep, clone(trim).fit(X, y).inspect(X, y).keep)


def test_inspect_wants_a_batch_id_per_row(real):
    control = QualityControl(**OFF).fit(*real)

    with pytest.raises(ValueError, match="`batch` must have one value per row"):
        control.inspect(*real, batch=[0, 1])


def test_what_comes_next_is_judged_beside_what_came_before(real):
    """Five copies of a new row are few beside none, and too many beside five."""
    X, y = real
    row = X.iloc[[0]].assign(int64=1000)  # no real row has it
    copies = pd.concat([row] * 5), pd.Series([y.iloc[0]] * 5)
    diversity = DiversityFilter(max_repeats=4, entropy_threshold=None, random_state=0)
    control = QualityControl(**{**OFF, "diversity": diversity}).fit(X, y)

    first, again = (control.inspect(*copies).keep.sum() for _ in range(2))
    one, two = (control.inspect_next(*copies).keep.sum() for _ in range(2))

    assert (first, again) == (5, 5)
    assert (one, two) == (5, 0)
