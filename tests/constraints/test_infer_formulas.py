"""Formulas are found where real rows prove them, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.constraints._infer import (
    infer_date_orders,
    infer_formulas,
    infer_sums,
)

START = pd.Timestamp("2019-05-03")


def names_of(frame, infer=infer_formulas):
    return [rule.name for rule in infer(frame, TableSchema.learn(frame))]


def random_table(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([8, 12, 20, 40, 100, 300]))
    columns = {
        "digit": rng.integers(0, 10, n),
        "few": rng.integers(1, 4, n),
        "flag": rng.integers(0, 2, n),
        "tens": rng.integers(0, 3, n) * 10,
        "age": rng.integers(20, 90, n),
        "tenths": rng.normal(50, 10, n).round(1),
        "price": rng.lognormal(3, 0.5, n).round(2),
        "any": rng.lognormal(2, 1, n),
        "span": pd.to_timedelta(rng.integers(0, 60, n), "D"),
    }
    for name, days in (("month", 30), ("year", 400), ("life", 9000)):
        columns[name] = START + pd.to_timedelta(rng.integers(0, days, n), "D")
    return pd.DataFrame(columns)


def test_random_tables_have_no_formulas():
    n_orders = 0
    for seed in range(60):
        frame = random_table(seed)
        assert names_of(frame) == []
        assert names_of(frame, infer_sums) == []
        n_orders += len(names_of(frame, infer_date_orders))

    assert n_orders <= 9  # 60 tables, 3 pairs of dates, 5 %


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda a, b: (a * b).round(2), "y = a * b"),
        (lambda a, b: (a / b**2).round(2), "y = a / b^2, within 0.005"),
        (lambda a, b: (100 * a / b).round(1), "y = 100 * a / b, within 0.05"),
        (lambda a, b: (0.19 * a).round(2), "y = 0.19 * a, within 0.005"),
        (lambda a, b: -a / b, "y = -1 * a / b"),
    ],
)
def test_products_and_ratios_are_found_in_any_order(make, name, rng):
    a, b = rng.lognormal(4, 1, 80).round(2), rng.integers(1, 30, 80)
    frame = pd.DataFrame({"b": b, "y": make(a, b), "noise": rng.normal(size=80)})
    frame["a"] = a
    shuffled = frame.sample(frac=1, random_state=1)[["y", "noise", "a", "b"]]

    for table in (frame, shuffled.reset_index(drop=True)):
        (found,) = names_of(table)
        assert found.replace("b * a", "a * b") == name


def test_one_row_that_differs_is_no_formula(rng):
    frame = pd.DataFrame({"a": rng.integers(1, 99, 70), "b": rng.integers(1, 99, 70)})
    frame["y"] = frame["a"] * frame["b"]
    frame.loc[69, "y"] += 500

    assert names_of(frame) == []


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda s, e: (e - s).dt.days, "y = whole days from s to e"),
        (lambda s, e: (e - s).dt.days + 1, "y = whole days from s to e + 1"),
        (lambda s, e: e - s, "y = days from s to e"),
        (
            lambda s, e: ((e - s) / pd.Timedelta("1h")).round(1),
            "y = hours from s to e, within 0.05",
        ),
        (
            lambda s, e: e.dt.year - s.dt.year,
            "y = calendar years from s to e",
        ),
    ],
)
@pytest.mark.parametrize("zone", [None, "America/Chicago"])
def test_time_between_dates_is_found(make, name, zone, rng):
    minutes = rng.integers(0, 4_000_000, size=(2, 90))
    start = pd.Series(START + pd.to_timedelta(minutes[0], "min")).dt.tz_localize("UTC")
    end = start + pd.to_timedelta(minutes[1], "min")
    start, end = (x.dt.tz_convert(zone) for x in (start, end))
    frame = pd.DataFrame({"y": make(start, end), "e": end, "s": start})

    assert names_of(frame) == [name]


def test_a_fixed_day_of_reference_is_found(rng):
    born = pd.Series(START - pd.to_timedelta(rng.integers(3000, 30_000, 200), "D"))
    today = pd.Timestamp("2024-10-15")
    had_birthday = (born.dt.month * 100 + born.dt.day) <= 1015
    frame = pd.DataFrame({"age": today.year - born.dt.year - ~had_birthday})
    frame["born"] = born

    (name,) = names_of(frame)

    assert name.startswith("age = whole years from born to 2024-10-")


@pytest.mark.parametrize("year", [1700, 2021, 2250])
def test_the_year_of_a_date_is_no_count_of_years(year, rng):
    days = pd.Series(pd.Timestamp(year, 2, 3) + pd.to_timedelta(range(60), "D"))
    frame = pd.DataFrame({"day": rng.permutation(days)})
    frame["year"] = frame["day"].dt.year

    assert names_of(frame) == []


def test_dates_a_constant_apart_are_found(rng):
    billed = pd.Series(START + pd.to_timedelta(rng.integers(0, 900, 40), "D"))
    frame = pd.DataFrame({"due": billed + pd.Timedelta("30D"), "billed": billed})

    (rule,) = infer_formulas(frame, TableSchema.learn(frame))

    assert rule.equals
    assert rule.bias == -30 * 86_400


@pytest.mark.parametrize("n_died", [60, 25, 12, 8])
def test_an_order_of_dates_is_found_in_few_rows(n_died, rng):
    came = pd.Series(START + pd.to_timedelta(rng.integers(0, 500, 200), "D"))
    died = came + pd.to_timedelta(rng.integers(0, 30, 200), "D")
    frame = pd.DataFrame({"died": died.where(np.arange(200) >= 200 - n_died)})
    frame["came"] = came

    assert "died >= came" in names_of(frame, infer_date_orders)
