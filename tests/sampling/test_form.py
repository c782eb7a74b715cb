"""New rows beside real ones: what shifted, and how it is told."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact, norm

from t2sampler import TeamThenTrimSampler
from t2sampler._schema import TableSchema
from t2sampler._table import Rows
from t2sampler.generators import StatisticalTeam
from t2sampler.sampling._form import (
    COLUMNS,
    MAX_TOLD,
    _spell,
    compare_form,
    correct_by_holm,
    find_p_values,
    tell_shifts,
)

OFF = dict.fromkeys(("sanity", "cost", "diversity"), "passthrough")


def open_both(real, labels, new, new_labels, new_classes=()):
    """Return real and new rows, described by the real ones."""
    target, new_target = pd.Series(labels), pd.Series(new_labels)
    schema = TableSchema.learn(real, target, new_classes)
    return Rows(real, target, schema), Rows(new, new_target, schema)


def find(shifts, **values):
    """Return the only row of a table that has these values, as a dict."""
    mask = np.ones(len(shifts), dtype=bool)
    for name, value in values.items():
        mask &= (shifts[name] == value).to_numpy()
    (row,) = shifts[mask].to_dict("records")
    return row


def risks(n_low, n_high):
    return pd.DataFrame({"Risk": ["High"] * n_high + ["Low"] * n_low})


def test_a_level_that_vanished_is_told_in_words():
    real = pd.concat([risks(249, 26), risks(12, 96)], ignore_index=True)
    labels = ["well"] * 275 + ["ill"] * 108

    shifts = compare_form(*open_both(real, labels, risks(0, 167), ["ill"] * 167))

    low = find(shifts, level="Low")
    assert (low["real"], low["of_real"], low["new"], low["of_new"]) == (12, 108, 0, 167)
    assert low["is_shift"]
    assert set(shifts["class"]) == {"ill"}  # no new row is of the other
    (note,) = tell_shifts(shifts)
    assert note.startswith(
        "Class 'ill': Risk='Low' is 11 % of real rows and 0 of 167 new ones."
    )


def mixed_table(n_rows, rng):
    """Return a table of every kind that is modelled, with gaps."""
    frame = pd.DataFrame(
        {
            "price": rng.integers(100, 900, n_rows) / 100,
            "pieces": pd.array(rng.integers(0, 5, n_rows), dtype="Int64"),
            "day": pd.Timestamp("2021-03-01")
            + pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D"),
            "wait": pd.to_timedelta(rng.exponential(9, n_rows), unit="h"),
            "size": pd.Categorical(rng.choice(["L", "S"], n_rows), ["S", "M", "L"]),
            "paid": rng.random(n_rows) < 0.3,
            "code": rng.choice(np.array(["x", 7, "7"], dtype=object), n_rows),
        }
    )
    frame.loc[rng.random(n_rows) < 0.2, ["price", "size"]] = None
    frame.loc[rng.random(n_rows) < 0.2, "pieces"] = pd.NA
    return frame


def test_every_kind_of_shift_is_counted_in_every_kind_of_column(rng):
    real = mixed_table(400, rng)
    labels = rng.choice([2, 1], 400)
    new = real[labels == 2].sample(frac=1, random_state=1)
    n = len(new)
    new.iloc[: n // 2, new.columns.get_loc("price")] = 99.0
    new.iloc[n // 2 :, new.columns.get_loc("price")] = 2.005
    new["pieces"] = pd.NA
    new["day"] = real["day"].max() + pd.Timedelta(days=9)
    new["wait"] = real["wait"].max()
    new["size"] = pd.Categorical(["S"] * n, ["S", "M", "L"])
    new["paid"] = True
    new["code"] = 7

    shifts = compare_form(*open_both(real, labels, new, [2] * n))

    found = shifts[shifts["is_shift"]]
    told = set(
        zip(found["column"], found["what"], map(str, found["level"]), strict=True)
    )
    assert told >= {
        ("price", "outside range", "None"),
        ("price", "off grid", "None"),
        ("price", "missing", "None"),
        ("pieces", "missing", "None"),
        ("pieces", "level", "0"),
        ("day", "outside range", "None"),
        ("day", "above median", "None"),
        ("wait", "above median", "None"),
        ("size", "level", "L"),
        ("size", "missing", "None"),
        ("paid", "level", "False"),
        ("code", "level", "x"),
        ("code", "level", "7"),
    }
    assert find(shifts, column="price", what="outside range")["of_real"] == 400
    assert find(shifts, column="day", what="outside range")["new"] == n
    assert "wait" not in set(shifts.loc[shifts["what"] == "outside range", "column"])


def test_the_order_of_rows_and_columns_changes_nothing(rng):
    real, new = mixed_table(300, rng), mixed_table(200, rng)
    labels, new_labels = rng.choice(list("ba"), 300), rng.choice(list("ab"), 200)
    first = compare_form(*open_both(real, labels, new, new_labels))
    names = list(rng.permutation(real.columns))
    i, j = rng.permutation(300), rng.permutation(200)

    second = compare_form(
        *open_both(
            real[names].iloc[i].reset_index(drop=True),
            labels[i],
            new[names].iloc[j].reset_index(drop=True),
            new_labels[j],
        )
    )

    by = ["class", "column", "what", "level"]
    first, second = (
        shifts.sort_values(by, key=lambda s: s.map(repr)).reset_index(drop=True)
        for shifts in (first, second)
    )
    pd.testing.assert_frame_equal(first, second)


def test_rows_of_the_same_source_rarely_shift(rng):
    n_wrong = 0
    for _ in range(200):
        table = mixed_table(160, rng)
        labels = rng.choice(["b", "a", "a"], 160)
        both = open_both(table[:90], labels[:90], table[90:], labels[90:])
        n_wrong += compare_form(*both)["is_shift"].any()

    assert n_wrong <= 20  # at most one in twenty are expected


def test_a_new_class_has_range_and_grid_only(rng):
    real = mixed_table(200, rng)
    new = mixed_table(50, rng)
    new["price"] = [77.77, 3.001] * 25

    both = open_both(real, ["b"] * 200, new, ["new"] * 50, new_classes=("new",))
    shifts = compare_form(*both)

    assert set(shifts["what"]) <= {"outside range", "off grid", "unknown level"}
    assert find(shifts, column="price", what="outside range")["new"] == 25
    assert find(shifts, column="price", what="off grid")["new"] == 25
    assert set(shifts["of_real"]) == {200}


def test_columns_that_no_model_sees_are_left_out():
    n = 40
    real = pd.DataFrame(
        {
            "note": [f"Mrs {i} came in" for i in range(n)],
            "empty": [None] * n,
            "patient_id": np.arange(n)[::-1] * 7 + 3,
            "kept": [1.5, 2.5] * (n // 2),
        }
    )
    new = real.assign(note=None, kept=2.5)

    shifts = compare_form(*open_both(real, list("ba") * 20, new, list("ab") * 20))

    assert set(shifts["column"]) == {"kept"}


@pytest.mark.parametrize("n_new", [0, 1])
def test_few_rows_or_none(n_new):
    real = pd.DataFrame({"size": ["S", None, "L"], "n": [1.0, np.nan, 4.0]})

    shifts = compare_form(*open_both(real, [0, 0, 1], real[:n_new], [0] * n_new))

    assert list(shifts.columns) == COLUMNS
    assert len(shifts) > 0 or n_new == 0
    assert not shifts["is_shift"].any()
    assert tell_shifts(shifts) == []


def test_hundreds_of_levels_flood_neither_table_nor_note(rng):
    town = np.array([f"town {i}" for i in range(700)])
    real = pd.DataFrame({"town": rng.choice(town, 5000), "n": rng.random(5000)})
    new = pd.DataFrame({"town": rng.choice(town[:40], 5000), "n": rng.random(5000)})
    labels = list("ba") * 2500

    shifts = compare_form(*open_both(real, labels, new, labels))
    (note,) = tell_shifts(shifts)

    assert find(shifts, **{"class": "a", "what": "above median"})["is_shift"] is False
    # 40 towns have come to 2.5 %; of the others none can be told from chance.
    assert 80 <= len(shifts[shifts["what"] == "level"]) <= 100
    assert note.count("Class") == MAX_TOLD
    assert "lists" in note


def test_only_rows_of_the_result_count():
    class Strange(StatisticalTeam):
        """Every other row has a level that the sanity filter trims."""

        def draw(self, requests):
            for batch in super().draw(requests):
                batch.X.loc[::2, "n"] = 999.0
                yield batch

    rng = np.random.default_rng(3)
    X = pd.DataFrame({"n": rng.integers(0, 50, 90) + 0.0, "s": list("yx") * 45})
    y = pd.Series([1] * 70 + [0] * 20)

    trimmed = TeamThenTrimSampler(Strange(), random_state=0)
    kept = TeamThenTrimSampler(Strange(), **OFF, random_state=0)
    trimmed.fit_resample(X, y)
    kept.fit_resample(X, y)

    n_new = trimmed.report_.classes.loc[0, "generated"]
    assert (trimmed.report_.shifts["of_new"] == n_new).all()
    assert "outside range" not in set(trimmed.report_.shifts["what"])
    outside = find(kept.report_.shifts, what="outside range")
    assert (outside["new"], outside["of_new"]) == (25, 50)
    assert outside["is_shift"]
    (note,) = (note for note in kept.report_.notes if "outside" in note)
    assert "n is outside the range of all real rows in 0 of 90 real rows" in note
    assert "outside range" in kept.report_._repr_html_()
    assert "outside range" in str(kept.report_)


def test_the_report_shows_significant_shifts_only():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"n": rng.normal(size=60), "s": list("yx") * 30})
    sampler = TeamThenTrimSampler(
        StatisticalTeam(keep_fraction=None), **OFF, random_state=0
    )

    sampler.fit_resample(X, [0] * 45 + [1] * 15)

    assert not sampler.report_.shifts["is_shift"].any()
    assert "<h3>Shifts</h3>" not in sampler.report_._repr_html_()
    assert "real_share" not in str(sampler.report_)


def test_small_tables_are_tested_exactly_and_large_ones_as_proportions():
    one_sided = fisher_exact([[12, 96], [0, 167]], alternative="greater").pvalue

    real, new = [(12, 108), (5, 10), (300, 1000)], [(0, 167), (5, 10), (400, 1000)]
    p_exact, p_equal, p_far = find_p_values(*np.transpose(real), *np.transpose(new))

    z = 0.1 / np.sqrt(0.35 * 0.65 * 2 / 1000)
    assert np.isclose(p_exact, 2 * one_sided)
    assert p_equal == 1
    assert np.isclose(p_far, 2 * norm.sf(z))


def test_holm_keeps_order_and_never_exceeds_one(rng):
    p_values = rng.random(50)

    corrected = correct_by_holm(p_values)

    assert (corrected >= p_values).all()
    assert corrected.max() <= 1
    assert np.array_equal(np.argsort(corrected, kind="stable")[:1], [p_values.argmin()])
    assert corrected.min() == min(1, 50 * p_values.min())


@pytest.mark.parametrize(
    ("count", "text"),
    [(1000, "100 %"), (998, "100 %"), (94, "9.4 %"), (156, "16 %"), (1, "0.1 %")],
)
def test_shares_are_told_as_whole_numbers(count, text):
    assert _spell(count, 1000, "new ones") == f"{text} of new ones"
