"""Any container in, the same one out: real rows as they were, new rows like them."""

import datetime as dt
import io
from collections import namedtuple
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler

from t2sampler import TeamThenTrimSampler, _containers
from t2sampler._containers import open_container, open_labels
from t2sampler._index import extend_index
from t2sampler.cli import main
from t2sampler.exceptions import SchemaError

ZONE = "Europe/Berlin"
NAPS = [dt.timedelta(hours=3), dt.timedelta(0), dt.timedelta(days=-2), dt.timedelta(1)]
TIMES = [
    dt.datetime(2024, 3, 31, 4),
    dt.datetime(1999, 12, 31, 23, 59, 59),
    dt.datetime(2024, 1, 1),
    dt.datetime(1971, 5, 9, 7, 30),
]
DAYS = [time.date() for time in TIMES]
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


def append_donors(X, donors):
    """Append copies of real rows, as whoever fills a table would."""
    container = open_container(X)
    frame = container.frame
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    new = frame.iloc[donors].reset_index(drop=True)
    return container.append(new, np.asarray(donors))


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


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        pytest.param(pd.RangeIndex(2, 4), [4, 5], id="range"),
        pytest.param(pd.RangeIndex(5, 1, -2), [6, 7], id="range downwards"),
        pytest.param(pd.Index([7, -7]), [8, 9], id="integers"),
        pytest.param(pd.Index([3, 253], dtype="uint8"), [254, 255], id="just fits"),
        pytest.param(pd.Index([3, 254], dtype="uint8"), [255, 256], id="wider"),
        pytest.param(pd.Index([9, 2**64 - 1], dtype="uint64"), [7, 8], id="no more up"),
        pytest.param(pd.Index([2**63 - 1, 4]), [2, 3], id="no more up, signed"),
        pytest.param(pd.Index([7, None], dtype="Int64"), [8, 9], id="nullable"),
        pytest.param(pd.Index([126, 1], dtype="int8[pyarrow]"), [127, 128], id="arrow"),
        pytest.param(
            pd.Index(["b", "generated-07", "generated-x"]),
            ["generated-8", "generated-9"],
            id="text",
        ),
    ],
)
def test_labels_that_name_rows_go_on(index, expected):
    longer = extend_index(index.rename("n"), np.array([1, 1]))

    assert longer.tolist()[-2:] == expected
    real = longer[: len(index)].astype(index.dtype)
    pd.testing.assert_index_equal(real, index.rename("n"), exact="equiv")
    assert longer.is_unique
    assert longer.dtype.kind == index.dtype.kind
    assert longer.name == "n"


@pytest.mark.parametrize("dtype", ["object", "string[python]", "string[pyarrow]"])
def test_text_keeps_its_dtype(dtype):
    index = pd.Index(["b", "a"], dtype=dtype)

    assert extend_index(index, np.array([0])).dtype == index.dtype


HOURS = pd.date_range("2024-10-27", periods=4, freq="h", tz=ZONE, name="hour")
MEANT = {
    "hours": HOURS,
    "hours, shuffled": HOURS[[3, 0, 2, 1]].as_unit("ms"),
    "naive": HOURS.tz_localize(None).as_unit("s"),
    "months": pd.period_range("2010-01", periods=4, freq="M"),
    "durations": pd.timedelta_range("1h", periods=4, freq="15min"),
    "floats": pd.Index([0.5, 0.0, 2.0, 1.5], name="km"),
    "nullable floats": pd.Index([0.5, 0.0, 2.0, 1.5], dtype="Float64"),
    "intervals": pd.interval_range(0, 4),
    "levels": pd.CategoricalIndex(["b", "a", "d", "c"], list("edcba"), ordered=True),
    "bool": pd.Index([True, False, False, True]),
    "days": pd.Index(DAYS),
    "arrow days": pd.Index(pd.array(DAYS, dtype="date32[pyarrow]")),
    "arrow times": pd.Index(pd.array(TIMES, dtype="timestamp[ms, UTC][pyarrow]")),
    "station, hour": pd.MultiIndex.from_product(
        [["ulm", "kiel"], HOURS[:2]], names=["station", "hour"]
    ),
    "counters": pd.MultiIndex.from_product([[1, 0], [7, 8]], names=["x", "y"]),
}


@pytest.mark.parametrize("name", MEANT)
def test_labels_that_mean_something_are_those_of_the_donor(name):
    index = MEANT[name]

    longer = extend_index(index, np.array([2, 0, 2]))

    assert longer.tolist() == [*index, index[2], index[0], index[2]]
    assert type(longer) is type(index)
    assert longer.dtype == index.dtype
    assert longer.names == index.names
    if isinstance(index, pd.MultiIndex):
        pd.testing.assert_series_equal(longer.dtypes, index.dtypes)


# pandas 2.2 warns of its own reader; drop with it
@pytest.mark.filterwarnings("ignore:Dtype inference on a pandas object:FutureWarning")
@pytest.mark.parametrize("name", MEANT)
def test_a_longer_table_can_be_sorted_and_stored(name):
    X = pd.DataFrame({"a": [3, 1, 2, 0]}, index=MEANT[name])

    X_res = append_donors(X, [2, 0])

    assert len(X_res.sort_index()) == 6
    stored = io.BytesIO()
    X_res.to_parquet(stored)
    assert len(pd.read_parquet(stored)) == 6


# pandas 2.2 meant to do without; drop with it
@pytest.mark.filterwarnings("ignore:Resampling with a PeriodIndex:FutureWarning")
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("hours", "D"),
        ("hours, shuffled", "2h"),
        ("naive", "D"),
        ("months", "Y"),
        ("durations", "30min"),
    ],
)
def test_a_longer_table_can_be_resampled(name, rule):
    X = pd.DataFrame({"a": [3, 1, 2, 0]}, index=MEANT[name])

    sums = append_donors(X, [2, 0]).resample(rule).sum()

    assert sums["a"].sum() == 3 + 1 + 2 + 0 + 2 + 3


def test_nothing_new_leaves_the_index_alone():
    assert extend_index(HOURS, np.array([], dtype=int)) is HOURS


def make_weather(index):
    rng = np.random.default_rng(3)
    n_rows = len(index)
    X = pd.DataFrame(
        {
            "wind": rng.normal(9, 3, n_rows).round(1),
            "hpa": rng.integers(990, 1030, n_rows),
        },
        index=index,
    )
    y = pd.Series(rng.permutation(np.arange(n_rows) < n_rows // 4), index=X.index)
    return X, y.map({True: "storm", False: "calm"})


STATIONS = pd.MultiIndex.from_product([range(5), range(16)], names=["station", "hour"])
INDICES = {
    "hours": pd.date_range("2024-01-01", periods=80, freq="h"),
    "Berlin": pd.date_range("2024-03-30", periods=80, freq="h", tz=ZONE),
    "months": pd.period_range("2010-01", periods=80, freq="M"),
    "float": pd.Index(np.arange(80) / 2),
    "levels": pd.CategoricalIndex([f"buoy {i}" for i in range(80)]),
    "station, hour": STATIONS,
}


@pytest.mark.parametrize("name", INDICES)
def test_sampled_rows_have_labels_of_rows_of_their_class(name):
    order = np.random.default_rng(1).permutation(80)
    X, y = make_weather(INDICES[name][order])

    X_res, y_res = TeamThenTrimSampler(random_state=0).fit_resample(X, y)

    assert X_res.index.dtype == X.index.dtype
    assert X_res.index.names == X.index.names
    pd.testing.assert_frame_equal(X_res.iloc[:80], X)
    pd.testing.assert_index_equal(y_res.index, X_res.index)
    assert X_res.index[80:].isin(y.index[y == "storm"]).all()
    assert len(X_res.sort_index()) == len(X_res) == 120


def test_sampled_rows_of_named_rows_have_names_of_their_own():
    X, y = make_weather(pd.Index([f"obs-{i}" for i in range(80)][::-1], name="obs"))

    X_res, _ = TeamThenTrimSampler(random_state=0).fit_resample(X, y)

    assert X_res.index[80:].tolist() == [f"generated-{i}" for i in range(40)]
    assert X_res.index.name == "obs"


def test_a_step_behind_the_sampler_reads_the_hour_of_the_index():
    X, y = make_weather(INDICES["Berlin"])
    hour = FunctionTransformer(lambda frame: frame.assign(hour=frame.index.hour))
    trees = HistGradientBoostingClassifier(max_iter=3)

    model = make_pipeline(TeamThenTrimSampler(random_state=0), hour, trees).fit(X, y)

    assert model.predict(X).shape == (80,)


def test_the_command_line_keeps_the_times_of_a_parquet_file(tmp_path):
    X, y = make_weather(INDICES["hours"].rename("hour"))
    X.assign(kind=y).to_parquet(tmp_path / "in.parquet")

    files = [str(tmp_path / "in.parquet"), "--out", str(tmp_path / "out.parquet")]
    main(["augment", *files, "--target", "kind"])

    written = pd.read_parquet(tmp_path / "out.parquet")
    assert written.index.dtype == X.index.dtype
    assert written.index.name == "hour"
    assert len(written) == 120
    assert written.index.isin(X.index).all()


def make_flats(n_rows=80):
    rng = np.random.default_rng(0)
    X = pl.DataFrame(
        {
            "rent": rng.normal(900, 150, n_rows).round(),
            "rooms": rng.integers(1, 6, n_rows),
            "town": rng.choice(["Ulm", "Kiel"], n_rows),
        }
    )
    gap = pl.when(pl.col("rooms") > 4).then(None).otherwise(pl.col("rooms"))
    since = pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(n_rows) * 7 % 31)
    X = X.with_columns(gap.alias("rooms"), since=since)
    y = rng.permutation(["no"] * 60 + ["yes"] * (n_rows - 60))
    return X.with_columns(pl.col("town").cast(pl.Enum(["Ulm", "Kiel", "Rom"]))), y


reads_names_of_polars = pytest.mark.skipif(
    not hasattr(
        StandardScaler().fit(pl.DataFrame({"a": [1.0, 2.0]})), "feature_names_in_"
    ),
    reason="this scikit-learn does not know this polars",
)


@reads_names_of_polars
@pytest.mark.parametrize("to", [pl.DataFrame, pl.DataFrame.to_arrow], ids=["pl", "pa"])
def test_a_table_of_polars_or_arrow_comes_back(to):
    X, y = make_flats()
    sampler = TeamThenTrimSampler(random_state=0)

    X_res, y_res = sampler.fit_resample(to(X), pl.Series("left", y))

    assert type(X_res) is type(to(X))
    assert X_res.schema == to(X).schema
    assert pl.DataFrame(X_res)[:80].equals(X)
    assert y_res.name == "left"
    assert y_res.value_counts()["count"].to_list() == [60, 60]
    assert sampler.feature_names_in_.tolist() == X.columns
    new = pl.DataFrame(X_res)[80:]
    assert new["rooms"].drop_nulls().is_in([1, 2, 3, 4]).all()
    assert set(new["town"]) == {"Ulm", "Kiel"}


@reads_names_of_polars
def test_a_pipeline_on_polars_encodes_by_name():
    X, y = make_flats()
    X = X.drop("since")
    encode = make_column_transformer(
        (OrdinalEncoder(), ["town"]), remainder="passthrough"
    ).set_output(transform="polars")
    trees = HistGradientBoostingClassifier(max_iter=3)

    model = make_pipeline(TeamThenTrimSampler(random_state=0), encode, trees).fit(X, y)

    assert model.predict(X).shape == (80,)
    assert model[0].feature_names_in_.tolist() == X.columns


@reads_names_of_polars
@pytest.mark.parametrize("whole", [True, False], ids=["pipeline", "scaler"])
def test_polars_output_of_the_step_before(whole):
    X, y = make_flats()
    trees = HistGradientBoostingClassifier(max_iter=3)
    model = make_pipeline(StandardScaler(), TeamThenTrimSampler(random_state=0), trees)
    (model if whole else model[0]).set_output(transform="polars")

    model.fit(X.select("rent"), y)  # names all the way: no warning

    assert model.predict(X.select("rent")).shape == (80,)
    assert trees.feature_names_in_.tolist() == ["rent"]


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array])
def test_a_sparse_matrix_comes_back_sparse(form):
    rng = np.random.default_rng(0)
    X = form(rng.integers(0, 5, (60, 3)) * (rng.random((60, 3)) < 0.3))
    y = rng.permutation([0] * 45 + [1] * 15)

    X_res, y_res = TeamThenTrimSampler(random_state=0).fit_resample(X, y)

    assert type(X_res) is type(X)
    assert X_res.dtype == X.dtype
    assert (X_res[:60] != X).nnz == 0
    assert np.bincount(y_res).tolist() == [45, 45]


def test_labels_of_persons_are_not_repeated():
    """Elsewhere labels that mean something are taken from a real row."""
    mails = [f"q{i}@post.example" for i in range(5)]
    donors = np.array([3, 0, 3])
    index = pd.MultiIndex.from_arrays(
        [mails, [7, 7, 9, 4, 4], list("abcab")], names=["contact", "patient_id", None]
    )

    new = extend_index(index, donors)[5:]
    one = extend_index(pd.CategoricalIndex(mails), donors)

    assert not new.get_level_values(0).isin(mails).any()
    assert new.get_level_values(1).tolist() == [10, 11, 12]
    assert new.get_level_values(2).tolist() == ["a", "a", "a"]
    assert not one[5:].isin(mails).any()
    assert isinstance(one, pd.CategoricalIndex)
    assert one[:5].tolist() == mails
