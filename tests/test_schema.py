"""The schema learns a table, and codes bring it back unchanged."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._encoding import MAX_LEVELS, TableEncoder
from t2sampler._schema import UNSEEN, TableSchema, learn_column, learn_target
from t2sampler.exceptions import SchemaError


def learn(values, name="a"):
    return learn_column(pd.Series(values), name)


def test_every_kind_survives_the_round_trip(mixed_table):
    X, y = mixed_table
    X = X.reset_index(drop=True)
    schema = TableSchema.learn(X, y)

    back = schema.decode(schema.encode(X))

    pd.testing.assert_frame_equal(back, X)


def test_labels_survive_the_round_trip():
    y = pd.Series(list("bab"), dtype="category", name="y")
    target = learn_target(y)

    back = target.decode(target.encode(y))

    pd.testing.assert_series_equal(back, y)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param([1.5, 2.5], "number", id="float"),
        pytest.param(pd.Series([1, 2.5, None], dtype=object), "number", id="objects"),
        pytest.param([True, False], "bool", id="bool"),
        pytest.param(["a", "b"], "category", id="text of few rows"),
        pytest.param([f"town {i}" for i in "edcba"], "category", id="words"),
        pytest.param([f"n{i}" for i in range(40)], "category", id="short words"),
        pytest.param([f"n{i}" for i in range(400)], "text", id="many short words"),
        pytest.param([f"obs-{i:02}" for i in range(40)], "id", id="counters"),
        pytest.param([f"a rather long text {i}" for i in range(9)], "text", id="text"),
        pytest.param(list("ab") * 20, "category", id="levels"),
        pytest.param(np.arange(40), "number", id="row numbers"),
        pytest.param(np.arange(40) * 2, "number", id="even numbers"),
        pytest.param([None, None], "empty", id="empty"),
        pytest.param(pd.to_datetime(["2020-01-01"]), "datetime", id="date"),
        pytest.param(pd.to_timedelta(["1h"]), "timedelta", id="duration"),
    ],
)
def test_kind(values, kind):
    assert learn(values).kind == kind


def test_an_id_is_known_by_its_name():
    numbers = np.arange(40) * 7 % 41

    assert learn(numbers, "patient_id").kind == "id"
    assert learn(numbers, "age").kind == "number"


def test_unused_and_ordered_categories():
    values = pd.Categorical(["lo", "hi"], categories=["lo", "mid", "hi"], ordered=True)

    column = learn(values)

    assert column.levels == ("lo", "hi")
    assert column.is_ordered


def test_unseen_level_has_a_code_of_its_own():
    codes = learn(["a", "b"]).encode(pd.Series(["b", "z", None]))

    np.testing.assert_array_equal(codes, [1, UNSEEN, np.nan])


def test_snap_clips_to_the_real_range_and_grid():
    column = learn(np.arange(10, 40, 2))

    assert column.snap(np.array([0.0, 15.2, 99.0])).tolist() == [10, 16, 38]


def test_missing_value_does_not_fit_an_int_column():
    with pytest.raises(
        SchemaError, match="'a' of dtype int64 cannot hold the 1 missing"
    ):
        learn([1, 2]).decode(np.array([np.nan]))


def test_unseen_level_is_never_decoded():
    with pytest.raises(SchemaError, match="level no real row has"):
        learn(["a", "b"]).decode(np.array([UNSEEN - 1]))


def test_new_labels_come_last_and_have_no_rows():
    schema = TableSchema.learn(
        pd.DataFrame({"a": [1, 2]}), pd.Series(["u", "t"]), new_labels=("s",)
    )

    assert schema.target.levels == ("t", "u", "s")
    assert schema.n_per_label == {"t": 1, "u": 1, "s": 0}


def test_encoder_standardises_numbers_and_marks_missing_ones():
    real = pd.DataFrame({"a": [0.0, 2.0, np.nan]})
    encoder = TableEncoder(TableSchema.learn(real)).fit(real)

    encoded = encoder.transform(pd.DataFrame({"a": [4.0, np.nan]}))

    # Mean 1, standard deviation 1, median 1; the second column says "missing".
    assert encoded.tolist() == [[3.0, 0.0], [0.0, 1.0]]


def test_encoder_caps_the_levels():
    real = pd.DataFrame({"a": pd.Categorical(np.repeat(np.arange(50), 3))})

    encoder = TableEncoder(TableSchema.learn(real)).fit(real)

    assert encoder.n_encoded_ == MAX_LEVELS


@pytest.mark.parametrize("values", [[1, 1], [None, None], ["a", "a"]])
def test_encoder_of_nothing_gives_a_column_of_zeros(values):
    real = pd.DataFrame({"a": values})

    encoded = TableEncoder(TableSchema.learn(real)).fit(real).transform(real)

    assert encoded.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("kind", ["datetime", "timedelta"])
def test_moments_centuries_apart_keep_their_order(kind):
    days = pd.Series(np.arange(1690, 2250, 10)) - 1970
    moments = pd.to_timedelta(days * 365, unit="D")
    if kind == "datetime":
        moments = pd.Timestamp("1970-01-01") + moments
    column = learn_column(pd.Series(moments), "when")

    codes = column.encode(moments)

    assert (np.diff(codes) > 0).all()
    assert (column.decode(codes) == moments).all()


HUGE_KEYS = [2**53 + 1, 2**53 + 2, 2**53 + 3]


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "UInt64"])
def test_keys_beyond_floats_are_levels_and_keep_every_digit(dtype):
    keys = pd.Series(HUGE_KEYS * 4, dtype=dtype, name="key")
    if dtype[0] in "IU":
        keys[1] = pd.NA

    column = learn_column(keys, "key")

    assert column.kind == "category"
    pd.testing.assert_series_equal(column.decode(column.encode(keys)), keys)


def test_hashes_of_which_no_two_are_equal_name_the_rows(rng):
    hashes = pd.Series(rng.integers(2**60, 2**61, 30), name="hash")

    assert learn_column(hashes, "hash").kind == "id"
    assert learn_column(hashes % 1000, "rest").kind == "number"


def test_times_of_arrow_keep_their_zone():
    pytest.importorskip("pyarrow")
    days = pd.Series(pd.date_range("2024-03-01", periods=40, tz="Europe/Berlin"))
    values = days.astype("timestamp[us, tz=Europe/Berlin][pyarrow]")
    column = learn_column(values, "d")

    back = column.form.write(column.decode(column.encode(column.read(values))))

    pd.testing.assert_series_equal(back, values.rename("d"))


def test_whole_numbers_among_objects_stay_whole():
    values = pd.Series([None, 1, 2, 5], dtype=object)
    column = learn_column(values, "o")

    back = column.decode(column.encode(values))

    assert back.tolist() == [None, 1, 2, 5]
    assert {type(value) for value in back} == {int, type(None)}


@pytest.mark.parametrize("present", [["x", "y"], [True, False], [3, 1]])
def test_missing_levels_stay_missing(present):
    values = pd.Series([present[0], None, present[1], None], dtype="category")
    column = learn_column(values, "level")

    back = column.decode(column.encode(values))

    pd.testing.assert_series_equal(back, values.rename("level"))


def test_a_level_no_real_row_has_is_not_decoded():
    column = learn_column(pd.Series(list("uvw")), "level")

    with pytest.raises(SchemaError, match="got a level no real row has"):
        column.decode(np.array([UNSEEN]))
