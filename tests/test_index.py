"""New rows go on with the labels of an index, or take those of real rows."""

import io

import numpy as np
import pandas as pd
import pytest
from doubles.donors import DAYS, TIMES, ZONE, append_donors

from t2sampler._index import extend_index


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
