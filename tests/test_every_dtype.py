"""Every dtype: real rows untouched, new rows in the same dtype and within the range."""

import datetime as dt
import warnings
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
import pytest

from t2sampler import TeamThenTrimSampler
from t2sampler._forms import Form, find_form
from t2sampler.testing import RepeatRows

pa = pytest.importorskip("pyarrow")

pytestmark = pytest.mark.usefixtures("few_trees")
N = 24
NUMBERS = [7, 3, 11, 5, 2, 13, 3, 8]
DAYS = [pd.Timestamp("2024-03-05") + pd.Timedelta(9 * k, "D") for k in NUMBERS]
WORDS = ["elm", "oak", "fir", "elm", "ash", "oak", "fir", "elm"]


def arrow(values, dtype):
    return pd.Series(pd.array(values, dtype=pd.ArrowDtype(dtype)))


def cycle(values, dtype=None):
    return pd.Series([values[i % len(values)] for i in range(N)], dtype=dtype)


def column(name):
    """Return 24 values of a dtype, in no order."""
    if name in PLAIN:
        values, dtype = PLAIN[name]
        return cycle(values, dtype)
    if name in ARROW:
        values, dtype = ARROW[name]
        return arrow([values[i % len(values)] for i in range(N)], dtype)
    return SPECIAL[name]()


PLAIN = {
    **{
        f"{s}int{w}": (NUMBERS, f"{s}int{w}")
        for s in ("", "u")
        for w in (8, 16, 32, 64)
    },
    **{f"{s}Int{w}": (NUMBERS, f"{s}Int{w}") for s in ("", "U") for w in (8, 64)},
    **{f"float{w}": ([k / 4 for k in NUMBERS], f"float{w}") for w in (16, 32, 64)},
    "Float64": ([k / 4 for k in NUMBERS], "Float64"),
    "bool": ([True, False, False], "bool"),
    "boolean": ([True, False, False], "boolean"),
    "object numbers": (NUMBERS, object),
    "words": (WORDS, None),
    "object words": (WORDS, object),
    "string": (WORDS, "string"),
    "datetime64[ns]": (DAYS, "datetime64[ns]"),
    "datetime64[s]": (DAYS, "datetime64[s]"),
    "datetime, zone": (DAYS, "datetime64[ns, America/New_York]"),
    "timedelta64[ns]": ([pd.Timedelta(k, "h") for k in NUMBERS], "timedelta64[ns]"),
    "timedelta64[s]": ([pd.Timedelta(k, "h") for k in NUMBERS], "timedelta64[s]"),
    "object timestamps": (DAYS, object),
    "python datetimes": ([d.to_pydatetime() for d in DAYS], object),
    "object zone": ([d.tz_localize("Europe/Berlin") for d in DAYS], object),
    "dates": ([d.date() for d in DAYS], object),
    "times": ([dt.time(k, 30) for k in NUMBERS], object),
    "python timedeltas": ([dt.timedelta(hours=k) for k in NUMBERS], object),
    "decimals": ([Decimal(k) / 4 for k in NUMBERS], object),
    "period[M]": ([d.to_period("M") for d in DAYS], "period[M]"),
    "period[D]": ([d.to_period("D") for d in DAYS], "period[D]"),
    "object periods": ([d.to_period("M") for d in DAYS], object),
    "interval": ([pd.Interval(k, k + 1) for k in NUMBERS], "interval[int64, right]"),
    "float interval": (
        [pd.Interval(k / 2, k / 2 + 1) for k in NUMBERS],
        "interval[float64, right]",
    ),
    "numbers as text": ([f"${k:,}.50" for k in NUMBERS], object),
    "dates as text": ([f"{d:%d/%m/%Y}" for d in DAYS], object),
    "times as text": ([f"{k:02}:15" for k in NUMBERS], object),
    "ISO as text": ([f"{d:%Y-%m-%dT%H:%M:%SZ}" for d in DAYS], object),
}
ARROW = {
    **{f"arrow {t}": (NUMBERS, t) for t in (pa.int8(), pa.int64(), pa.uint8())},
    "arrow uint64": (NUMBERS, pa.uint64()),
    **{
        f"arrow {t}": ([k / 4 for k in NUMBERS], t)
        for t in (pa.float32(), pa.float64())
    },
    "arrow bool": ([True, False, False], pa.bool_()),
    "arrow string": (WORDS, pa.string()),
    "arrow large_string": (WORDS, pa.large_string()),
    "arrow timestamp": (DAYS, pa.timestamp("us")),
    "arrow zone": (DAYS, pa.timestamp("ms", "Asia/Tokyo")),
    "arrow duration": ([pd.Timedelta(k, "h") for k in NUMBERS], pa.duration("s")),
    "arrow date32": ([d.date() for d in DAYS], pa.date32()),
    "arrow date64": ([d.date() for d in DAYS], pa.date64()),
    "arrow time32": ([dt.time(k, 30) for k in NUMBERS], pa.time32("s")),
    "arrow time64": ([dt.time(k, 30) for k in NUMBERS], pa.time64("us")),
    "arrow decimal": ([Decimal(k) / 4 for k in NUMBERS], pa.decimal128(12, 2)),
}
SPECIAL = {
    "arrow dictionary": lambda: pd.Series(
        pd.arrays.ArrowExtensionArray(
            pa.array(cycle(WORDS).tolist()).dictionary_encode()
        )
    ),
    "category": lambda: cycle(WORDS).astype(
        pd.CategoricalDtype(["unused", "oak", "fir", "elm", "ash"])
    ),
    "ordered category": lambda: cycle(WORDS).astype(
        pd.CategoricalDtype(["oak", "fir", "elm", "ash"], ordered=True)
    ),
    "category of numbers": lambda: cycle(NUMBERS).astype("category"),
    "category of dates": lambda: cycle(DAYS).astype("category"),
    "cut": lambda: pd.cut(cycle(NUMBERS), 3),
    "sparse": lambda: cycle([0.0, 0.0, 1.5]).astype("Sparse[float64]"),
}
DTYPES = [*PLAIN, *ARROW, *SPECIAL]
PARTS = [DTYPES[k::5] for k in range(5)]
NO_GAPS = {"bool", "interval"} | {
    f"{s}int{w}" for s in ("", "u") for w in (8, 16, 32, 64)
}
WITH_GAPS = [name for name in DTYPES if name not in NO_GAPS]
OFF = dict.fromkeys(("sanity", "cost", "diversity"), "passthrough")
LABELS = np.array(["no", "yes", "no"] * 8)[::-1]


def thin(values, shape):
    """Return a column of a shape: with gaps, constant, without any value."""
    if shape == "gaps":
        return values.mask(np.arange(len(values)) % 5 == 2).astype(values.dtype)
    if shape == "all missing":
        return values.mask(np.ones(len(values), bool)).astype(values.dtype)
    if shape == "constant":
        return pd.Series(values.take([3] * len(values)).array, index=values.index)
    return values


@cache  # the columns of a part share a table: formulas are sought in pairs of dates
def fit_part(shape, part):
    names = DTYPES if shape in ("values", "constant") else WITH_GAPS
    names = [name for name in names if name in PARTS[part]]
    X = pd.DataFrame({name: thin(column(name), shape) for name in names[::-1]})
    X["other"] = np.arange(N)[::-1] % 7
    return X, *fit_resample(X, LABELS)


def fit_resample(X, y):
    sampler = TeamThenTrimSampler(cost="passthrough", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return sampler.fit_resample(X, y)[0], sampler


def known(values):
    """Return values as a set of text, their missing ones as one."""
    return {str(value) for value in values.dropna()}


@pytest.mark.parametrize("shape", ["values", "gaps", "constant", "all missing"])
@pytest.mark.parametrize("name", DTYPES)
def test_new_rows_have_the_dtype_and_the_range(name, shape):
    if shape in ("gaps", "all missing") and name not in WITH_GAPS:
        pytest.skip("the dtype has no missing value")
    X, X_res, sampler = fit_part(shape, DTYPES.index(name) % len(PARTS))
    values, new = X[name], X_res[name].iloc[N:]

    pd.testing.assert_series_equal(X_res[name].iloc[:N], values)
    assert len(new) == 8
    assert new.dtype == values.dtype
    assert {type(v) for v in new.dropna()} <= {type(v) for v in values.dropna()}
    assert new.notna().all() == (shape in ("values", "constant")) or shape == "gaps"
    if shape == "all missing":
        assert new.isna().all()
    elif shape == "constant":
        assert known(new) == known(values)
    elif len(known(new)):
        low, high = min(values.dropna()), max(values.dropna())
        is_text = isinstance(low, str)
        assert is_text or all(low <= value <= high for value in new.dropna())
        assert not is_text or {len(v) for v in known(new)} <= {
            len(v) for v in known(values)
        }
    assert sampler.report_.columns.loc[name, "kind"] != "text"


def test_one_row_of_each_class_is_enough():
    X = pd.DataFrame({name: column(name).iloc[[5, 0]] for name in DTYPES})
    X = X.reset_index(drop=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = TeamThenTrimSampler(
            cost="passthrough", sampling_strategy={"a": 3, "b": 1}, random_state=0
        )
        X_res, y_res = sampler.fit_resample(X, ["b", "a"])

    pd.testing.assert_frame_equal(X_res.iloc[:2], X)
    assert y_res == ["b", "a", "a", "a"]
    assert X_res.dtypes.equals(X.dtypes)


@pytest.mark.parametrize("name", [n for n in DTYPES if n not in ("sparse", "float16")])
def test_labels_of_every_dtype(name):
    values = column(name)
    text = values.astype(str)
    if values.dtype.kind == "f":  # labels are no fractions
        values = values.round()
    y = values[text.isin([text[4], text[0]])].reset_index(drop=True).rename("target")
    X = pd.DataFrame({"other": np.arange(len(y))[::-1] % 5})
    sampler = TeamThenTrimSampler(RepeatRows(), **OFF, random_state=0)

    _, y_res = sampler.fit_resample(X, y)

    assert y_res.dtype == y.dtype
    pd.testing.assert_series_equal(y_res.iloc[: len(y)], y)
    assert y_res.astype(str).value_counts().nunique() == 1
    assert sampler.report_.classes["missing"].sum() == 0


DIGITS = {"%Y%m%d": [20240229, 20231231, 19991101, 20240301, 20210630], "%Y%m": []}
DIGITS["%Y%m"] = [number // 100 for number in DIGITS["%Y%m%d"]]


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint32", "Int64", "float64"])
@pytest.mark.parametrize("pattern", DIGITS)
def test_dates_in_the_digits_of_numbers_stay_dates(pattern, dtype):
    X = pd.DataFrame({"x": cycle(NUMBERS), "day": cycle(DIGITS[pattern], dtype)})
    if dtype in ("Int64", "float64"):
        X.loc[[3, 11], "day"] = None
    y = np.array(["a", "b", "b"] * 8)

    sampler = TeamThenTrimSampler(random_state=0)
    X_res, _ = sampler.fit_resample(X, y)

    assert sampler.report_.columns.loc["day", "kind"] == "datetime"
    assert X_res["day"].dtype == dtype
    pd.testing.assert_frame_equal(X_res.iloc[:N], X)
    written = X_res["day"].dropna().astype(int).astype(str)
    assert pd.to_datetime(written, format=pattern).between("1999", "2025").all()


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([20240230, 20231231, 19991101, 20240301, 20210630], id="no day"),
        pytest.param([20240229, 20231231, 20240229, 20231231, 20231231], id="two"),
        pytest.param([202401, 202412, 202413, 202002, 202107], id="no month"),
        pytest.param([2024.5, 1999.5, 2001.5, 2003.5, 2004.5], id="fractions"),
        pytest.param([1995, 2001, 1987, 2024, 2013], id="years"),
        pytest.param([30240229, 31231231, 39991101, 30240301, 30210630], id="far"),
    ],
)
def test_other_numbers_are_no_dates(numbers):
    form = find_form(pd.Series(numbers), "day")

    assert type(form) is Form
