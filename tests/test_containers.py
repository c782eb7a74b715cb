"""Any container in, the same one out: real rows as they were, new rows like them."""

import datetime as dt
from collections import namedtuple
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from doubles.donors import DAYS, TIMES, ZONE, append_donors
from scipy import sparse

from t2sampler import _containers
from t2sampler._containers import open_container, open_labels
from t2sampler.exceptions import SchemaError

NAPS = [dt.timedelta(hours=3), dt.timedelta(0), dt.timedelta(days=-2), dt.timedelta(1)]
CLOCKS = [time.time() for time in TIMES]
PRICES = [Decimal("19.90"), Decimal("-0.05"), Decimal("3.00"), Decimal("7.25")]
WORDS = ["Ulm", "", "Kiel ", "ß"]
VALUES = {  # dtype of polars: four values, in no order
    pl.Int8: [3, -128, 127, 0],
    pl.Int64: [2**62 + 1, -5, 7, 0],
    pl.UInt64: [2**64 - 1, 0, 2**63 + 1, 5],
    pl.Float32: [0.5, -2.25, 1e30, 0.0],
    pl.Float64: [0.1, -2.0, 1e300, 5e-324],
    pl.Boolean: [True, False, False, True],
    pl.String: WORDS,
    pl.Categorical: WORDS,
    pl.Enum(["ß", "zzz", "Kiel ", "Ulm", ""]): WORDS,
    pl.Binary: [b"\x00", b"", b"ab", b"\xff"],
    pl.Decimal(10, 2): PRICES,
    pl.Date: DAYS,
    pl.Time: CLOCKS,
    pl.Datetime("ms"): TIMES,
    pl.Datetime("us", "UTC"): TIMES,
    pl.Datetime("ns", ZONE): TIMES,
    pl.Duration("us"): NAPS,
    pl.List(pl.Int64): [[3, 1], [], [2], [None]],
    pl.Struct({"a": pl.Int64}): [{"a": 1}, {"a": None}, {"a": 3}, {"a": 0}],
    pl.Null: [None] * 4,
}
PANDAS = {  # dtype of pandas: four values, in no order
    "int16": [3, -128, 127, 0],
    "uint64": [2**64 - 1, 0, 2**63 + 1, 5],
    "float16": [0.5, -2.25, 4.0, 0.0],
    "bool": [True, False, False, True],
    "Int64": [2**62 + 1, -5, 7, 0],
    "UInt8": [255, 0, 7, 5],
    "Float32": [0.5, -2.25, 4.0, 0.0],
    "boolean": [True, False, False, True],
    "object": [3, "Ulm", TIMES[0], 0.5],
    "string[python]": WORDS,
    "string[pyarrow]": WORDS,
    "category": WORDS,
    "datetime64[s]": TIMES,
    f"datetime64[ns, {ZONE}]": TIMES,
    "timedelta64[ms]": NAPS,
    "period[M]": [pd.Period(day, "M") for day in DAYS],
    "interval[float64, left]": [pd.Interval(i, i + 0.5, "left") for i in (3, 0, 7, 1)],
    "Sparse[float64]": [0.0, 1.5, 0.0, np.nan],
    "Sparse[int64]": [0, 4, 0, 0],
    "Sparse[bool, False]": [False, True, False, False],
    "uint64[pyarrow]": [2**64 - 1, 0, 2**63 + 1, 5],
    "date32[pyarrow]": DAYS,
    "time64[us][pyarrow]": CLOCKS,
    pd.ArrowDtype(pa.decimal128(10, 2)): PRICES,
    "duration[ms][pyarrow]": NAPS,
    "null[pyarrow]": [None] * 4,
}
WITHOUT_GAPS = ("int16", "uint64", "bool", "Sparse[int64]", "Sparse[bool, False]")
SHAPES = {  # how the four values are used
    "values": lambda values: values,
    "gaps": lambda values: [values[0], None, values[2], None],
    "all missing": lambda values: [None] * 4,
    "constant": lambda values: values[:1] * 3,
    "one row": lambda values: values[1:2],
}


def choose_donors(n_rows):
    return [n_rows - 1, 0, n_rows - 1, n_rows // 2]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", VALUES, ids=str)
def test_every_dtype_of_polars_and_arrow(dtype, shape):
    values = SHAPES[shape](VALUES[dtype])
    X = pl.DataFrame(
        [pl.Series("b", range(len(values))), pl.Series("a", values, dtype=dtype)]
    )
    donors = choose_donors(len(values))

    X_res = append_donors(X, donors)
    arrow_res = append_donors(X.to_arrow(), donors)

    assert X_res.schema == X.schema
    assert X_res.equals(pl.concat([X, X[donors]]))
    assert arrow_res.schema.equals(X.to_arrow().schema, check_metadata=True)
    assert arrow_res.equals(pa.concat_tables([X.to_arrow(), X.to_arrow().take(donors)]))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", PANDAS, ids=str)
def test_every_dtype_of_pandas(dtype, shape):
    if dtype in WITHOUT_GAPS and shape in ("gaps", "all missing"):
        pytest.skip("has no missing value")
    values = SHAPES[shape](PANDAS[dtype])
    index = [f"row {i}" for i in range(len(values))]
    X = pd.DataFrame({"b": range(len(values))}, index=pd.Index(index, name="who"))
    X["a"] = pd.Series(values, index=X.index, dtype=dtype)
    donors = choose_donors(len(values))

    X_res = append_donors(X, donors)

    pd.testing.assert_frame_equal(X_res.iloc[: len(X)], X)
    copies = X_res.iloc[len(X) :].reset_index(drop=True)
    pd.testing.assert_frame_equal(copies, X.iloc[donors].reset_index(drop=True))


@pytest.mark.parametrize(
    "X",
    [
        pytest.param(np.array([[3, 1], [2, -7]], dtype="int8"), id="int8"),
        pytest.param(np.array([[3, 1], [2, 2**64 - 1]], dtype="uint64"), id="uint64"),
        pytest.param(np.array([[3.5, 1], [np.nan, 2]], dtype="float32"), id="float32"),
        pytest.param(np.array([[3.5, 1], [0, 2]], dtype=">f8"), id="big-endian"),
        pytest.param(np.asfortranarray([[3.5, 1], [0, 2]]), id="Fortran"),
        pytest.param(np.array([[True, False], [False, False]]), id="bool"),
        pytest.param(np.array([["Ulm", "x"], ["", "nan"]]), id="text"),
        pytest.param(np.array([[b"Ulm", b"x"], [b"y", b"zz"]]), id="bytes"),
        pytest.param(np.array([["Ulm", 3], [None, 0.5]], dtype=object), id="object"),
        pytest.param(np.array([DAYS[:2], DAYS[2:]], dtype="datetime64[D]"), id="days"),
        pytest.param(np.array([TIMES[:2], TIMES[2:]], dtype="datetime64[ns]"), id="ns"),
        pytest.param(np.array([NAPS[:2], NAPS[2:]], dtype="timedelta64[s]"), id="naps"),
    ],
)
def test_arrays(X):
    X_res = append_donors(X, [1, 0, 1])

    assert X_res.dtype == X.dtype
    np.testing.assert_array_equal(X_res, X[[0, 1, 1, 0, 1]])


def test_an_array_of_text_gets_the_width_it_needs():
    X = np.array([["Ulm"], ["Kiel"]])

    X_res = open_container(X).append(pd.DataFrame([["Hannover"]]), np.array([0]))

    assert X_res.tolist() == [["Ulm"], ["Kiel"], ["Hannover"]]


@pytest.mark.parametrize("kind", ["matrix", "array"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "bool"])
def test_sparse_matrices_keep_format_and_dtype(form, dtype, kind):
    dense = np.array([[0, 2, 0], [0, 0, 0], [1, 0, 3]]).astype(dtype)
    X = getattr(sparse, f"{form}_{kind}")(dense)

    X_res = append_donors(X, [2, 1])

    assert type(X_res) is type(X)
    assert X_res.dtype == X.dtype
    assert X_res.count_nonzero() == X.count_nonzero() + 2
    np.testing.assert_array_equal(X_res.toarray(), dense[[0, 1, 2, 2, 1]])


def test_zeros_and_gaps_that_a_sparse_matrix_stores_stay_stored():
    X = sparse.csr_matrix(([0.0, np.nan, 2.0], [1, 0, 1], [0, 2, 3]), shape=(2, 2))

    X_res = append_donors(X, [0])

    assert X_res.nnz == 3 + 1  # the new row stores its gap only
    np.testing.assert_array_equal(X_res.toarray(), [[np.nan, 0], [0, 2], [np.nan, 0]])


@pytest.mark.parametrize("kind", ["matrix", "columns"])
def test_what_is_too_large_to_be_dense_is_refused(monkeypatch, kind):
    monkeypatch.setattr(_containers, "MAX_DENSE", 1000 * 8 * 8 - 1)
    X = sparse.random(1000, 8, density=0.01, format="csc", random_state=0)
    X = pd.DataFrame.sparse.from_spmatrix(X) if kind == "columns" else X

    with pytest.raises(SchemaError, match="Put the sampler before the encoder"):
        open_container(X)


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "X",
    [
        pytest.param([[2, "b"], [1, None], [3, ""]], id="lists"),
        pytest.param([(2, "b"), (None, "a"), (3, "c")], id="tuples, a gap in integers"),
        pytest.param(([2.5, True], [0.5, None], [1.0, False]), id="tuple of lists"),
        pytest.param([Point(2, DAYS[0]), Point(1, DAYS[1]), Point(0, DAYS[2])], id="p"),
        pytest.param([[TIMES[0]], [None], [TIMES[1]]], id="times"),
        pytest.param([[None], [None], [None]], id="all missing"),
    ],
)
def test_lists_of_rows(X):
    X_res = append_donors(X, [2, 1])

    assert X_res == type(X)([*X, X[2], X[1]])
    assert X_res[:3] == X
    assert all(map(lambda a, b: a is b, X_res, X))  # the very rows
    assert [type(row) for row in X_res[3:]] == [type(X[0])] * 2
    assert [type(v) for v in X_res[3]] == [type(v) for v in X[2]] or X[0] == [TIMES[0]]


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(pd.Index(["b", "a"], name="feature"), id="named"),
        pytest.param(pd.Index([7, "a"]), id="mixed"),
        pytest.param(pd.CategoricalIndex(["b", "a"]), id="categories"),
        pytest.param(pd.MultiIndex.from_tuples([("x", 1), ("x", 0)]), id="two levels"),
        pytest.param(pd.DatetimeIndex(["2024", "2023"]), id="times"),
    ],
)
@pytest.mark.parametrize("donors", [[1], []], ids=["new", "nothing new"])
def test_column_names_stay(columns, donors):
    X = pd.DataFrame([[3, 1.5], [2, 0.5]], columns=columns)

    X_res = append_donors(X, donors)

    pd.testing.assert_index_equal(X_res.columns, columns, exact=True)
    pd.testing.assert_frame_equal(X_res.iloc[:2], X)


def test_metadata_and_required_fields_of_an_arrow_table_stay():
    field = pa.field("a", pa.int64(), nullable=False, metadata={"unit": "km"})
    schema = pa.schema([field], metadata={"source": "survey"})
    X = pa.table({"a": [3, 1]}, schema=schema)

    assert append_donors(X, [1]).schema.equals(schema, check_metadata=True)


def test_a_column_of_polars_without_a_name():
    X = pl.DataFrame({"": [3, 1], "b": [1.5, 0.5]})

    assert append_donors(X, [1]).equals(X[[0, 1, 1]])


def test_arrow_dictionaries_of_several_chunks():
    chunks = [pa.array(words).dictionary_encode() for words in (["b", None], ["a"])]
    X = pa.table({"a": pa.chunked_array(chunks)})

    X_res = append_donors(X, [2, 1])

    assert X_res.column("a").to_pylist() == ["b", None, "a", "a", None]
    assert X_res.schema == X.schema


@pytest.mark.parametrize(
    ("X", "message"),
    [
        pytest.param(pl.LazyFrame({"a": [1]}), r"Call `\.collect\(\)`", id="lazy"),
        pytest.param(
            pa.RecordBatch.from_arrays([pa.array([1])], ["a"]), "Table", id=""
        ),
        pytest.param(np.array([(1, 2)], dtype="i4,i4"), "pd.DataFrame", id="fields"),
        pytest.param(np.ma.masked_equal([[1, 2]], 2), r"\.filled", id="masked"),
        pytest.param([[1, 2], [3]], "rows of 1 to 2 values", id="ragged"),
        pytest.param(pl.DataFrame({"a": [1], "b": [object()]}), "'b' is", id="objects"),
        pytest.param(
            pl.DataFrame({"a": [1]}, schema={"a": pl.Int128}), "Int128", id="128 bits"
        ),
        pytest.param(pl.DataFrame({"a": []}), "0 sample", id="polars, no rows"),
        pytest.param(pl.DataFrame(), "0 sample", id="polars, nothing"),
        pytest.param(pa.table({"a": []}), "0 sample", id="arrow, no rows"),
        pytest.param([[]], "0 feature", id="no columns"),
        pytest.param([], "Expected 2D array", id="nothing"),
        pytest.param(np.ones((2, 2, 2)), "dim 3", id="3-d"),
        pytest.param(np.ones(3), "Expected 2D array", id="1-d"),
        pytest.param(pl.Series([1, 2]), "Expected 2D array", id="polars series"),
        pytest.param(np.ones((2, 1)) * 1j, "Complex data", id="complex"),
        pytest.param(sparse.csr_matrix((0, 3)), "0 sample", id="sparse, no rows"),
    ],
)
def test_what_cannot_be_opened_says_so(X, message):
    with pytest.raises((ValueError, TypeError), match=message):
        open_container(X)


LABELS = {
    "list": ["no", "yes", "no"],
    "tuple": (2, 1, 2),
    "list of days": [DAYS[0], DAYS[1], DAYS[0]],
    "text array": np.array(["no", "yes", "no"]),
    "bool array": np.array([True, False, True]),
    "object array": np.array(["no", "yes", "no"], dtype=object),
    "series": pd.Series(["no", "yes", "no"], index=[9, 3, 5], name="left"),
    "nullable": pd.Series([2, 1, 2], dtype="UInt8"),
    "days": pd.Series([DAYS[0], DAYS[1], DAYS[0]], dtype="date32[pyarrow]"),
    "sparse": pd.Series([2, 0, 2], dtype="Sparse[int64]", name=4),
    "levels": pd.Series(pd.Categorical(["b", "a", "b"], ["c", "b", "a"], ordered=True)),
    "column": pd.DataFrame({"left": ["no", "yes", "no"]}),
    "polars": pl.Series("left", ["no", "yes", "no"]),
    "polars without a name": pl.Series([DAYS[0], DAYS[1], DAYS[0]]),
    "polars enum": pl.Series("e", ["b", "a", "b"], dtype=pl.Enum(["c", "b", "a"])),
    "polars levels": pl.Series("e", ["b", "a", "b"], dtype=pl.Categorical),
    "polars column": pl.DataFrame({"left": [True, False, True]}),
    "arrow": pa.array([2, 1, 2], pa.uint8()),
    "arrow chunks": pa.chunked_array([["no", "yes"], ["no"]]),
    "arrow column": pa.table({"left": ["no", "yes", "no"]}),
    "indicators": np.array([[0, 1, 0], [1, 0, 0], [0, 1, 0]], dtype="int8"),
    "indicator rows": [[0, 1], [1, 0], [0, 1]],
    "indicator columns": pd.DataFrame({"b": [0, 1, 0], "a": [1, 0, 1]}),
    "polars indicators": pl.DataFrame({"b": [0, 1, 0], "a": [1, 0, 1]}),
    "arrow indicators": pa.table({"b": [0, 1, 0], "a": [1, 0, 1]}),
    "sparse indicators": sparse.csc_matrix([[0, 1], [1, 0], [0, 1]]),
}


def listed(y):
    """Return labels as a list, whatever holds them."""
    y = y.toarray() if sparse.issparse(y) else y
    y = y.to_pandas() if isinstance(y, pa.Table) else y
    y = y.to_numpy() if isinstance(y, pd.DataFrame | pl.DataFrame) else y
    return y.tolist() if hasattr(y, "tolist") else [*y]


@pytest.mark.parametrize("name", LABELS)
def test_labels_come_back_as_they_were(name):
    y = LABELS[name]
    labels = open_labels(y)
    donors = [2, 1, 1, 0]

    y_res = labels.append(labels.series.iloc[donors].set_axis([7, 8, 9, 1]), donors)

    assert type(y_res) is type(y)
    values = listed(y)
    assert listed(y_res) == values + [values[donor] for donor in donors]
    for attribute in ("dtype", "schema", "type", "name", "dtypes"):
        expected = getattr(y, attribute, None)
        assert np.all(getattr(y_res, attribute, None) == expected)
    assert labels.is_one_vs_all == ("indicator" in name)


@pytest.mark.parametrize("name", ["series", "column", "polars", "arrow column"])
def test_labels_have_the_name_of_their_column(name):
    assert open_labels(LABELS[name]).series.name == "left"


def test_rows_of_one_label_are_labels():
    labels = open_labels([["no"], ["yes"]])

    assert labels.append(labels.series.iloc[[1]], [1]) == ["no", "yes", "yes"]


@pytest.mark.parametrize("name", ["series", "column", "indicator columns"])
def test_labels_take_the_index_of_the_table(name):
    labels = open_labels(LABELS[name])
    index = pd.date_range("2024", periods=4, name="hour")

    y_res = labels.append(labels.series.iloc[[1]], np.array([1]), index)

    pd.testing.assert_index_equal(y_res.index, index)


@pytest.mark.parametrize("name", ["levels", "polars enum", "polars levels"])
def test_levels_make_room_for_new_classes(name):
    labels = open_labels(LABELS[name])
    wider = labels.series.cat.add_categories(["new"])
    new = wider.iloc[[0, 1]].set_axis([0, 1])
    new.iloc[1] = "new"

    y_res = labels.append(new, np.array([0, 1]))

    assert listed(y_res) == ["b", "a", "b", "b", "new"]


@pytest.mark.parametrize("name", ["list", "text array", "series", "polars", "arrow"])
def test_new_classes_of_plain_labels(name):
    labels = open_labels(LABELS[name])
    new = 77 if name == "arrow" else "not yet known"

    y_res = labels.append(pd.Series([new], dtype=labels.series.dtype), np.array([1]))

    assert [*map(str, listed(y_res))][-1] == str(new)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        pytest.param(pl.Series(["a", None]), "1 missing", id="polars"),
        pytest.param(pa.array([1, None, None]), "2 missing", id="arrow"),
        pytest.param(pl.Series([0.5, 0.25, 3]), "Unknown label type", id="continuous"),
        pytest.param([0.5, 0.25], "Unknown label type", id="continuous list"),
        pytest.param(
            np.array([0.5, 0.25], dtype=object), "Unknown label", id="in objects"
        ),
        pytest.param([1, None, 2], "1 missing", id="list"),
        pytest.param(np.array([[1, 1], [0, 1]]), "Multilabel", id="several labels"),
        pytest.param(
            pd.DataFrame({"b": [0, 1, 0], "c": [0, 0, 1]}),
            "in every row",
            id="no label",
        ),
        pytest.param(pl.DataFrame({"b": [4, 1], "c": [9, 3]}), "1d array", id="pairs"),
        pytest.param([("b", 4), ("a", 1)], "Give one column", id="list of tuples"),
        pytest.param([("b", "c"), ("a", "c")], "Give one column", id="words"),
        pytest.param(pd.Series([("b", 4), ("a", 1)]), "of one value", id="tuples"),
    ],
)
def test_labels_that_cannot_be_handled_say_so(y, message):
    with pytest.raises(ValueError, match=message):
        open_labels(y)
