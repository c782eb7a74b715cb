"""Tables at the edge of what can be learned from."""

import numpy as np
import pandas as pd
import pytest

from t2sampler import TeamThenTrimSampler, grow
from t2sampler.exceptions import GeneratorError, SchemaError

pytestmark = [
    pytest.mark.usefixtures("few_trees"),
    pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning"),
]


def resample(X, y, **params):
    sampler = TeamThenTrimSampler(**{"max_batches": 20, "random_state": 0} | params)
    X_res, y_res = sampler.fit_resample(X, y)
    assert X_res.dtypes.equals(X.dtypes)
    pd.testing.assert_frame_equal(X_res.iloc[: len(X)], X)
    return X_res, pd.Series(y_res)


def table(n_rows, n_columns=3):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n_rows, n_columns))).add_prefix("x")
    X["kind"] = rng.choice(list("uvw"), n_rows)
    return X


@pytest.mark.parametrize("n_minor", [1, 2])
def test_five_rows(n_minor):
    y = pd.Series(["a"] * (5 - n_minor) + ["b"] * n_minor)

    _, y_res = resample(table(5), y)

    assert set(y_res.value_counts()) == {5 - n_minor}


def test_one_row_in_the_rare_class():
    _, y_res = resample(table(60), pd.Series([0] * 59 + [1]))

    assert y_res.value_counts().to_dict() == {0: 59, 1: 59}


def test_a_missing_class_needs_another_generator():
    with pytest.raises(GeneratorError, match=r"(?s)HR.*LLMTeam"):
        resample(table(20), pd.Series(["LR"] * 15 + ["MR"] * 5), new_classes={"HR": 5})


@pytest.mark.parametrize(
    "y",
    [
        pytest.param(pd.Series(["no"] * 30 + ["yes"] * 10), id="text"),
        pytest.param(pd.Series([False] * 30 + [True] * 10), id="bool"),
        pytest.param(pd.Series([0] * 30 + [1] * 10, dtype="boolean"), id="boolean"),
        pytest.param(pd.Series([0] * 30 + [1] * 10, dtype="category"), id="category"),
        pytest.param(pd.Series([0.0] * 30 + [1.0] * 10), id="float"),
        pytest.param(pd.Series(["a"] * 20 + ["b"] * 10 + ["c"] * 10), id="three"),
    ],
)
def test_labels_of_any_kind(y):
    _, y_res = resample(table(40), y)

    assert y_res.dtype == y.dtype
    assert y_res.value_counts().nunique() == 1


def test_columns_of_two_levels():
    X = table(40)[["kind", "x0"]]
    X.columns = pd.MultiIndex.from_tuples([("b", "kind"), ("a", 0)], names=["u", None])

    X_res, _ = resample(X, pd.Series([0] * 30 + [1] * 10))

    assert X_res.columns.equals(X.columns)
    assert X_res.columns.names == ["u", None]


def test_a_column_without_a_name():
    X = table(20)[["x1", "x0"]].set_axis([np.nan, 1.0], axis=1)

    with pytest.raises(SchemaError, match=r"name for every column, got nan"):
        resample(X, pd.Series([0] * 15 + [1] * 5))


@pytest.mark.parametrize("name", ["aaa", "zzz"])
def test_the_year_of_a_date(name):
    X = table(40)
    X["day"] = pd.Timestamp("2021-03-01") + pd.to_timedelta(7 * X.index, "D")
    X[name] = X["day"].dt.year

    X_res, _ = resample(X, pd.Series([0] * 30 + [1] * 10))

    assert X_res[name].eq(X_res["day"].dt.year).all()


@pytest.mark.parametrize("column", ["x0", "kind"])
def test_one_column(column):
    _, y_res = resample(table(40)[[column]], pd.Series([0] * 30 + [1] * 10))

    assert y_res.value_counts().to_dict() == {0: 30, 1: 30}


def test_two_hundred_columns():
    _, y_res = resample(table(60, 199), pd.Series([0] * 45 + [1] * 15))

    assert y_res.value_counts().to_dict() == {0: 45, 1: 45}


def test_columns_without_values_or_without_variety():
    X = table(40).assign(
        nothing=np.nan, none=pd.Series([None] * 40, dtype=object), one=1
    )

    X_res, _ = resample(X, pd.Series([0] * 30 + [1] * 10))

    assert X_res[["nothing", "none"]].isna().all(axis=None)
    assert (X_res["one"] == 1).all()


@pytest.mark.parametrize(
    "n_rows", [5_000, pytest.param(100_000, marks=pytest.mark.slow)]
)
def test_many_rows(n_rows):
    y = pd.Series(np.arange(n_rows) % 10 == 0)

    _, y_res = resample(table(n_rows), y, batch_size=1000, max_batches=None)

    assert y_res.value_counts().to_dict() == {False: 0.9 * n_rows, True: 0.9 * n_rows}


def test_balanced_tables_can_be_enlarged():
    _, y_res = resample(table(40), pd.Series([0, 1] * 20), sampling_strategy=grow(1.5))

    assert y_res.value_counts().to_dict() == {0: 30, 1: 30}


def test_random_labels_of_many_classes():
    y = pd.Series(np.repeat(np.arange(12), np.arange(2, 14)))

    _, y_res = resample(table(len(y)), y)

    assert set(y_res.value_counts()) == {13}
