"""Any table in, the same kind out."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._table import Table, open_real_rows
from t2sampler.exceptions import SchemaError


def double(table):
    """Return the table with every row repeated, as a user would get it."""
    return table.append(table.frame, table.target, np.arange(len(table.frame)))


@pytest.mark.parametrize(
    "X",
    [
        pytest.param(np.arange(6).reshape(3, 2), id="int array"),
        pytest.param(np.ones((3, 2), dtype=np.float32), id="float32 array"),
        pytest.param(
            np.array([["a", 1], ["b", 2], ["c", 3]], dtype=object), id="object"
        ),
        pytest.param(np.array([["a"], ["bc"], ["d"]]), id="text array"),
        pytest.param([[1, "a"], [2, "b"], [3, "c"]], id="mixed list"),
        pytest.param(pd.DataFrame({"a": [1, 2, 3], 5: list("xyz")}), id="mixed names"),
    ],
)
def test_container_and_dtype_come_back(X):
    X_res, y_res = double(Table(X, [0, 1, 1]))

    assert type(X_res) is type(X)
    assert y_res == [0, 1, 1, 0, 1, 1]
    if isinstance(X, np.ndarray):
        assert X_res.dtype == X.dtype
        np.testing.assert_array_equal(X_res[:3], X)
    elif isinstance(X, list):
        assert X_res[:3] == X
    else:
        pd.testing.assert_frame_equal(X_res.iloc[:3], X)


def test_sparse_columns_come_back_sparse():
    X = pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 0.0, 1.5]), "b": [1, 2, 3]})

    X_res, _ = double(Table(X, [0, 1, 1]))

    assert X_res.dtypes.equals(X.dtypes)


@pytest.mark.parametrize(
    "y",
    [
        pytest.param(pd.Series([True, False, True], name="ill"), id="bool"),
        pytest.param(pd.Series([1, 2, 2], dtype="Int64"), id="nullable"),
        pytest.param(pd.Series(list("aba"), dtype="category"), id="category"),
        pytest.param(pd.DataFrame({"ill": ["a", "b", "a"]}), id="frame"),
        pytest.param(np.array(["no", "yes", "no"]), id="text array"),
    ],
)
def test_labels_come_back_as_they_were(y):
    _, y_res = double(Table(np.ones((3, 1)), y))

    assert type(y_res) is type(y)
    if isinstance(y, np.ndarray):
        assert y_res.dtype == y.dtype
    elif isinstance(y, pd.Series):
        pd.testing.assert_series_equal(y_res.iloc[:3], y)
    else:
        pd.testing.assert_frame_equal(y_res.iloc[:3], y)


def test_series_and_dataframe_share_the_index():
    X = pd.DataFrame({"a": [1, 2]}, index=["u", "v"])

    X_res, y_res = double(Table(X, pd.Series([0, 1], index=["u", "v"])))

    assert y_res.index.equals(X_res.index)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        pytest.param(pd.DataFrame({"a": []}), [], "0 sample", id="no rows"),
        pytest.param(
            pd.DataFrame({"a": [[1], [2]]}), [0, 1], "'a' holds a list", id="nested"
        ),
        pytest.param(
            pd.DataFrame({"a": [1.0, np.inf]}),
            [0, 1],
            "'a' contains infinity",
            id="inf",
        ),
        pytest.param(
            pd.DataFrame({"a": pd.Series([1, np.inf], dtype=object)}),
            [0, 1],
            "'a' contains infinity",
            id="inf object",
        ),
        pytest.param(
            pd.DataFrame([[1, 2]], columns=["a", "a"]), [0], "unique column", id="names"
        ),
        pytest.param(
            np.ones((2, 1)), pd.Series(["a", None]), "1 missing", id="missing label"
        ),
        pytest.param(
            np.ones((2, 1)),
            pd.Series([1, "b"], dtype=object),
            "mix of int and str",
            id="labels of two types",
        ),
        pytest.param(
            pd.DataFrame({"a": np.array(["1500-01-01"], dtype="datetime64[s]")}),
            [0],
            "'a' holds times beyond",
            id="far dates",
        ),
        pytest.param(np.ones((2, 1)), [0, 1, 1], "inconsistent numbers", id="lengths"),
        pytest.param(np.ones((2, 1)), [(1, 2), (3, 4)], "got a tuple", id="tuples"),
        pytest.param(np.ones((2, 1)), pd.Series([(1,), (2,)]), "a tuple", id="tuple"),
        pytest.param(np.ones((2, 1)), pd.Series([{1}, {2}]), "got a set", id="sets"),
        pytest.param(np.ones((2, 1)), pd.Series([[1], [2]]), "got a list", id="lists"),
        pytest.param(np.ones((2, 1)), [0.5, 1.5], "continuous", id="continuous"),
        pytest.param(np.ones((2, 1)) * 1j, [0, 1], "Complex data", id="complex"),
        pytest.param(
            pd.DataFrame({"a": [1j, 2]}), [0, 1], "Complex data", id="complex frame"
        ),
    ],
)
def test_a_table_that_cannot_be_handled_says_so(X, y, message):
    with pytest.raises(ValueError, match=message):
        open_real_rows(X, y)


def test_schema_errors_are_ours():
    with pytest.raises(SchemaError, match="drop it"):
        open_real_rows(pd.DataFrame({"a": [{}, {}]}), [0, 1])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param([1.0, 1.7e308], "'a' holds numbers beyond", id="huge"),
        pytest.param(pd.Series([(1, 2), (3, 4)]), "'a' holds a tuple", id="tuple"),
    ],
)
def test_cells_that_cannot_be_handled_are_named(values, message):
    with pytest.raises(SchemaError, match=message):
        open_real_rows(pd.DataFrame({"a": values}), [0, 1])


def test_the_columns_keep_their_name_and_kind():
    X = pd.DataFrame({"a": [1, 2], "b": [3, 4]}).rename_axis(columns="feature")
    X.columns = pd.CategoricalIndex(X.columns)

    X_res, _ = double(Table(X, [0, 1]))

    pd.testing.assert_frame_equal(X_res.iloc[:2], X)
