"""Numbers, dates and times as text are read, and written back in their form."""

import numpy as np
import pandas as pd
import pytest

from t2sampler import TeamThenTrimSampler
from t2sampler._forms import find_form
from t2sampler.exceptions import SchemaError

pytestmark = pytest.mark.usefixtures("few_trees")
RNG = np.random.default_rng(8)
AMOUNTS = RNG.lognormal(8, 1, 40)
DAYS = pd.Timestamp("2021-01-01") + pd.to_timedelta(RNG.integers(0, 700, 40), "D")
TIMES = DAYS + pd.to_timedelta(RNG.integers(0, 86_400, 40), "s")
SWAP = str.maketrans(",.", ".,")
FRENCH = str.maketrans(",.", "\u202f,")


def every(values, write):
    return [write(value) for value in values]


NUMBERS = {
    "plain": every(AMOUNTS, "{:.2f}".format),
    "thousands": every(AMOUNTS, "{:,.2f}".format),
    "thousands without places": every(AMOUNTS, "{:,.0f}".format),
    "German": every(AMOUNTS, lambda x: f"{x:,.2f}".translate(SWAP)),
    "decimal comma": every(AMOUNTS, lambda x: f"{x:.2f}".replace(".", ",")),
    "Swiss": every(AMOUNTS, lambda x: f"{x:,.2f}".replace(",", "'")),
    "French": every(
        AMOUNTS, lambda x: f"{x:,.2f}".replace(",", "\u202f").replace(".", ",")
    ),
    "percent": every(AMOUNTS, "{:.1f}%".format),
    "percent and a space": every(AMOUNTS, "{:.1f} %".format),
    "dollars": every(AMOUNTS, "${:,.2f}".format),
    "euros": every(AMOUNTS, lambda x: f"{x:.2f} €".replace(".", ",")),
    "a currency's name": every(AMOUNTS, "USD {:.2f}".format),
    "minus before the sign": [
        f"{'-' * (i % 2)}${x:.2f}" for i, x in enumerate(AMOUNTS)
    ],
    "a unit": every(AMOUNTS, "{:.0f} kg".format),
    "scientific": every(AMOUNTS, "{:.3e}".format),
    "as many places as needed": [f"{x:.{i % 3}f}5" for i, x in enumerate(AMOUNTS)],
    "spaces around": every(AMOUNTS, " {:.2f} ".format),
    "whole": every(AMOUNTS, "{:.0f}".format),
}
DATES = {
    "ISO": every(DAYS, "{:%Y-%m-%d}".format),
    "United States": every(DAYS, lambda d: f"{d.month}/{d.day}/{d.year}"),
    "United States, zeros": every(DAYS, "{:%m/%d/%Y}".format),
    "two digits": every(DAYS, "{:%m/%d/%y}".format),
    "Germany": every(DAYS, "{:%d.%m.%Y}".format),
    "Britain": every(DAYS, "{:%d/%m/%Y}".format),
    "in words": every(DAYS, "{:%B %d, %Y}".format),
    "months": every(DAYS, "{:%Y-%m}".format),
    "Z": every(TIMES, "{:%Y-%m-%dT%H:%M:%SZ}".format),
    "milliseconds": every(TIMES, "{:%Y-%m-%dT%H:%M:%S.250Z}".format),
    "an offset": every(TIMES, "{:%Y-%m-%d %H:%M:%S+02:00}".format),
    "minutes": every(TIMES, "{:%Y-%m-%d %H:%M}".format),
    "half a day": every(TIMES, "{:%m/%d/%Y %I:%M %p}".format),
    "short hours": every(
        TIMES, lambda t: f"{t.month}/{t.day}/{t.year} {t.hour}:{t:%M}"
    ),
    "of the day": every(TIMES, "{:%H:%M:%S}".format),
}
ALL = NUMBERS | DATES
DTYPES = [object, "string", pd.CategoricalDtype]


@pytest.mark.parametrize("name", ALL)
def test_what_is_read_is_written_the_same(name):
    text = pd.Series(ALL[name], dtype=object, name="x")
    form = find_form(text, "x")

    read = form.read(text)

    assert read.dtype.kind in "fMm"
    assert read.notna().all()
    assert form.read(read).equals(read)
    pd.testing.assert_series_equal(form.write(read), text)


def test_numbers_have_their_values():
    read = {}
    for name, text in NUMBERS.items():
        text = pd.Series(text, dtype=object)
        read[name] = find_form(text, name).read(text).to_numpy()

    for name in ("thousands", "German", "decimal comma", "Swiss", "French", "euros"):
        np.testing.assert_array_equal(read[name], AMOUNTS.round(2), err_msg=name)
    np.testing.assert_array_equal(read["percent"], AMOUNTS.round(1))


@pytest.mark.parametrize("word", ["?", "unknown", "N/A", "-", "", "NULL"])
@pytest.mark.parametrize("name", ["plain", "dollars", "whole", "ISO", "of the day"])
def test_words_for_a_missing_value_are_used_again(name, word):
    cells = [word if i % 9 == 4 else cell for i, cell in enumerate(ALL[name])]
    text = pd.Series(cells, dtype=object, name="x")
    form = find_form(text, "x")

    read = form.read(text)

    assert read.isna().tolist() == [cell == word for cell in cells]
    pd.testing.assert_series_equal(form.write(read), text)


def test_numbers_among_words_stay_numbers():
    cells = pd.Series([18, "?", 20.5, 7, None, 9, "?"] * 5, dtype=object)
    form = find_form(cells, "x")

    written = form.write(form.read(cells))

    assert written.tolist()[:4] == [18, "?", 20.5, 7]
    assert set(map(type, written)) == {int, float, str}


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([f"10.0.0.{k}" for k in range(40)], id="addresses"),
        pytest.param([f"1.2.{k}" for k in range(40)], id="versions"),
        pytest.param([f"{k}-{k + 5}" for k in range(40)], id="ranges"),
        pytest.param(["12", "12a", "14", "7", "9b", "3"] * 5, id="house numbers"),
        pytest.param([f"{k * 37:05}" for k in range(40)], id="zip codes"),
        pytest.param([f"{10_000 + k * 37}" for k in range(40)], id="long codes"),
        pytest.param(["1", "3", "2"] * 9, id="grades"),
        pytest.param([*map(str, range(1, 13)), "K"] * 5, id="grades of a school"),
        pytest.param([f"CL{k % 7}" for k in range(40)], id="levels with a number"),
        pytest.param(["10+", "5", "7"] * 9, id="open ends"),
        pytest.param(["$€"[k % 2] + f"{k}" for k in range(40)], id="currencies"),
        pytest.param(["?", "unknown"] * 9, id="nothing but words"),
        pytest.param(["may", "june"] * 9, id="months"),
    ],
)
def test_words_stay_words(cells):
    text = pd.Series(cells, dtype=object)

    assert find_form(text, "x").read(text).equals(text)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        pytest.param([*NUMBERS["plain"], "abc"], "'abc'.*pd.to_numeric", id="number"),
        pytest.param([*NUMBERS["whole"], "ask"], "'ask'.*pd.to_numeric", id="count"),
        pytest.param([*NUMBERS["dollars"], "€4.00"], "'€4.00'", id="currency"),
        pytest.param([*DATES["Germany"], "soon"], "'soon'.*pd.to_datetime", id="date"),
        pytest.param(
            [f"{k % 12 + 1:02}/01/2021" for k in range(20)],
            "day and month.*format='%d/%m/%Y'.*or format='%m/%d/%Y'",
            id="day or month",
        ),
    ],
)
def test_what_is_nearly_a_number_or_a_date_is_refused_with_a_way_out(cells, message):
    for order in (cells, cells[::-1]):
        with pytest.raises(SchemaError, match=message):
            find_form(pd.Series(order, dtype=object), "x")


@pytest.mark.parametrize("dtype", [object, "string", "str"])
@pytest.mark.parametrize("part", [NUMBERS, DATES], ids=["numbers", "dates"])
def test_new_rows_have_the_form_of_real_ones(part, dtype):
    X = pd.DataFrame({name: part[name] for name in list(part)[::-1]})
    X["gap"] = ["?" if i % 7 == 3 else x for i, x in enumerate(NUMBERS["thousands"])]
    X = X.astype(dtype)
    y = np.array(["no", "yes", "no", "no"] * 10)

    X_res, _ = TeamThenTrimSampler(random_state=0).fit_resample(X, y)

    pd.testing.assert_frame_equal(X_res.iloc[:40], X)
    new = X_res.iloc[40:]
    assert len(new) == 20
    for name in new:
        form = find_form(X[name], name)
        read, real = form.read(new[name]), form.read(X[name])
        assert new[name].notna().all(), name
        assert form.write(read).tolist() == new[name].tolist(), name
        assert read.dropna().between(real.min(), real.max()).all(), name
