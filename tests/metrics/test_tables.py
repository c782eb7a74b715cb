"""Tables are compared, or refused with a word on what to do."""

import inspect

import numpy as np
import pandas as pd
import pytest

from t2sampler import metrics
from t2sampler.exceptions import SchemaError
from t2sampler.metrics._tables import open_tables

PAIRWISE = [
    metrics.alpha_precision,
    metrics.authenticity,
    metrics.beta_recall,
    metrics.correlation_distance,
    metrics.detection_score,
    metrics.distance_to_closest_record,
    metrics.duplicate_rate,
    metrics.marginal_distance,
    metrics.nearest_neighbor_distance_ratio,
]


def by_name(function):
    return function.__name__


@pytest.mark.parametrize("metric", PAIRWISE, ids=by_name)
def test_every_metric_takes_mixed_tables(metric, draw):
    value = float(metric(draw(60, 0), draw(50, 1)))

    assert metric.low <= value <= metric.high


@pytest.mark.parametrize("metric", PAIRWISE, ids=by_name)
def test_every_metric_takes_arrays_with_gaps(metric):
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 60, 3))
    real[0, 0] = synthetic[3, 1] = np.nan

    value = float(metric(real, synthetic))

    assert metric.low <= value <= metric.high


@pytest.mark.parametrize("metric", PAIRWISE, ids=by_name)
def test_the_order_of_columns_does_not_matter(metric, draw):
    real, synthetic = draw(60, 0), draw(50, 1)
    is_random = "random_state" in inspect.signature(metric).parameters
    settings = {"random_state": 0} if is_random else {}

    values = [
        float(metric(real, table, **settings))
        for table in (synthetic, synthetic[synthetic.columns[::-1]])
    ]

    assert values[0] == values[1]  # columns are matched by name


@pytest.mark.parametrize("metric", PAIRWISE, ids=by_name)
def test_other_columns_are_refused(metric, draw):
    real = draw(60, 0)
    other = real.rename(columns={"price": "cost"})

    with pytest.raises(SchemaError, match=r"\['price'\] missing and \['cost'\] added"):
        metric(real, other)


@pytest.mark.parametrize("metric", PAIRWISE, ids=by_name)
@pytest.mark.parametrize("empty", ["real", "synthetic"])
def test_no_rows_are_refused(metric, empty, draw):
    tables = {"real": draw(60, 0), "synthetic": draw(60, 1)}
    tables[empty] = tables[empty].head(0)

    with pytest.raises(SchemaError, match=f"`{empty}` must have at least one row"):
        metric(**tables)


def test_no_rows_are_refused_in_lists_and_none_too():
    with pytest.raises(SchemaError, match="`synthetic` must have at least one row"):
        open_tables(real=[[1.0]], synthetic=[])
    with pytest.raises(TypeError, match="`synthetic` must be a table, got None"):
        open_tables(real=[[1.0]], synthetic=None)


def test_arrays_are_named_after_the_real_columns():
    real = pd.DataFrame({"a": [1.0, 2.0], "b": ["u", "v"]})

    tables = open_tables(real=real, synthetic=[[3.0, "v"]])

    assert tables.codes[1].tolist() == [[3.0, 1.0]]


def test_levels_of_all_tables_have_codes_of_their_own():
    real = pd.DataFrame({"a": ["u", "v", "u"]})
    others = pd.DataFrame({"a": ["w", None, "x"]})

    tables = open_tables(real=real, synthetic=others)

    assert tables.schema.columns[0].levels == ("u", "v", "w", "x")
    np.testing.assert_array_equal(tables.codes[1][:, 0], [2, np.nan, 3])


def test_zero_and_one_stand_for_bools():
    real = pd.DataFrame({"a": [True, False]})
    others = pd.DataFrame({"a": [1.0, 0.0, None]})

    tables = open_tables(real=real, synthetic=others)

    np.testing.assert_array_equal(tables.codes[1][:, 0], [1, 0, np.nan])


@pytest.mark.parametrize("metric", PAIRWISE, ids=by_name)
@pytest.mark.parametrize("scale", [1e-300, 1e-13, 1e300])
def test_units_do_not_matter_however_large_or_small(metric, scale):
    rng = np.random.default_rng(0)
    tables = rng.normal(size=(2, 40, 2))
    is_random = "random_state" in inspect.signature(metric).parameters
    settings = {"random_state": 0} if is_random else {}

    plain, scaled = (
        float(metric(*(pd.DataFrame(t) for t in (tables * [size, 1])), **settings))
        for size in (1.0, scale)
    )

    assert np.isclose(plain, scaled, atol=0.02)


@pytest.mark.parametrize("metric", PAIRWISE, ids=by_name)
def test_rows_beyond_all_measure_are_far_and_not_infinitely(metric):
    real = np.random.default_rng(0).normal(size=(40, 2))

    value = float(metric(real, real * [1e300, 1]))

    assert np.isfinite(value)
    assert metric.low <= value <= metric.high


def test_a_column_that_only_one_table_fills_tells_them_apart(draw):
    synthetic = draw(60, 1)
    real = draw(60, 0).assign(price=np.nan)

    assert metrics.marginal_distance(real, synthetic).by_column["price"] > 0.85
    assert metrics.duplicate_rate(real, real.assign(price=1.0)).copies == 0
    assert float(metrics.detection_score(real, synthetic, random_state=0)) > 0.9
    empty = synthetic.assign(price=np.nan)
    assert "price" not in metrics.marginal_distance(real, empty).by_column


def test_text_where_numbers_should_be_is_refused():
    real = pd.DataFrame({"a": [1.5, 2.5]})

    with pytest.raises(SchemaError, match="'a' of `synthetic` must hold a number"):
        open_tables(real=real, synthetic=pd.DataFrame({"a": ["many", "few"]}))


def test_identifiers_alone_cannot_be_compared():
    real = pd.DataFrame({"id": range(30)})

    with pytest.raises(SchemaError, match=r"got only \{'id': 'id'\}"):
        open_tables(real=real, synthetic=real)


@pytest.mark.parametrize("max_rows", [1, 2.5, True, "all"])
def test_max_rows_must_be_a_count(max_rows):
    with pytest.raises(ValueError, match=r"'max_rows' .* in the range \[2, inf\) or"):
        metrics.alpha_precision([[1.0]], [[2.0]], max_rows=max_rows)
