"""Rules are learnt where real rows prove them, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._schema import TableSchema
from t2sampler.constraints import (
    Bands,
    Between,
    Linear,
    Lookup,
    NotMissing,
    OneOf,
    rules_from_json,
    rules_to_json,
)
from t2sampler.constraints._infer import infer_constraints

RELATIONS = (Bands, Linear, Lookup)


def relations(frame, **settings):
    """Return the names of the learnt rules between columns, short ones for lookups."""
    rules = infer_constraints(frame, **settings)
    return {r.name.split(" (")[0] for r in rules if isinstance(r, RELATIONS)}


def rule_on(frame, column, **settings):
    """Return the one learnt rule on the values of a column."""
    (rule,) = [
        rule
        for rule in infer_constraints(frame, **settings)
        if rule.columns == (column,) and not isinstance(rule, NotMissing)
    ]
    return rule


def orders(n_rows, seed=0):
    """Return orders whose delivery never precedes them, with a status by price band."""
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        rng.integers(0, 500, n_rows), unit="D"
    )
    price = rng.gamma(2, 50, n_rows).round(2)
    kind = rng.choice(["air", "sea", "road"], n_rows)
    return pd.DataFrame(
        {
            "ordered": day,
            "delivered": day + pd.to_timedelta(rng.integers(0, 200, n_rows), unit="D"),
            "price": price,
            "paid": price * rng.random(n_rows),
            "tier": pd.cut(price, [0, 60, 140, np.inf], labels=["low", "mid", "high"]),
            "kind": kind,
            "is_air": (kind == "air").astype(int),
            "is_sea": kind == "sea",
            "is_road": (kind == "road").astype(float),
            "noise": rng.normal(size=n_rows),
        }
    )


@pytest.mark.parametrize("n_rows", [1, 2, 5, 40, 300])
def test_every_real_row_obeys_every_rule(mixed_table, n_rows):
    tables = [mixed_table[0].reset_index(drop=True), orders(n_rows)]
    for table in tables:
        table = table.iloc[:n_rows]
        schema = TableSchema.learn(table)

        rules = infer_constraints(table, schema)

        for rule in rules:
            assert rule.holds(table).all(), rule.name
            rule.check(schema)
        assert rules_from_json(rules_to_json(rules)) == rules
        assert rules == infer_constraints(table)


def test_all_kinds_of_relations_are_found():
    assert relations(orders(400)) == {
        "delivered >= ordered",
        "price >= paid",
        "exactly one of is_air, is_sea, is_road is 1",
        "tier follows from price",
        "is_air follows from kind",
        "is_sea follows from kind",
        "is_road follows from kind",
    }


def test_relations_survive_missing_values():
    table = orders(400)
    gaps = np.random.default_rng(1).random(table.shape) < 0.1
    gaps[:, 6:9] = False  # a group must be complete

    assert relations(table.mask(gaps)) >= {
        "delivered >= ordered",
        "price >= paid",
        "exactly one of is_air, is_sea, is_road is 1",
        "tier follows from price",
        "is_air follows from kind",
    }


def test_five_rows_prove_no_relation():
    rules = infer_constraints(orders(5))

    assert not [rule.name for rule in rules if isinstance(rule, RELATIONS)]
    assert NotMissing("price") in rules


@pytest.mark.parametrize("seed", range(5))
def test_unrelated_columns_get_no_relation(seed):
    rng = np.random.default_rng(seed)
    columns = {f"number{i}": rng.normal(i / 4, 1, 200) for i in range(20)}
    columns |= {f"count{i}": rng.poisson(0.2 * i, 200) for i in range(20)}
    columns |= {f"rare{i}": (rng.random(200) < 0.02).astype(int) for i in range(20)}
    columns |= {f"level{i}": rng.choice(list("aaaabc"), 200) for i in range(20)}

    assert relations(pd.DataFrame(columns)) == set()


def test_an_order_that_noise_has_respected_so_far_is_not_a_rule():
    # The gaps are normal, 3 sd above zero: their lower tail fades out without an edge.
    rng = np.random.default_rng(0)
    low = rng.normal(scale=5, size=300)
    high = low + np.maximum(rng.normal(3, 1, size=300), 0.1)

    assert relations(pd.DataFrame({"low": low, "high": high})) == set()
    exact = low + rng.exponential(size=300)
    assert relations(pd.DataFrame({"low": low, "high": exact})) == {"high >= low"}


def test_one_exception_is_enough_to_drop_a_relation():
    table = orders(400)
    table.loc[7, "paid"] = table.loc[7, "price"] + 1
    table.loc[7, "is_air"] = 1 - table.loc[7, "is_air"]

    found = relations(table)

    assert "price >= paid" not in found
    assert not any(name.startswith("exactly one") for name in found)
    assert "is_air follows from kind" not in found
    assert "delivered >= ordered" in found


def test_equal_columns_are_said_once():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, 200)

    assert relations(pd.DataFrame({"a": a, "b": a, "c": rng.random(200)})) == {"a = b"}


def test_an_order_through_a_third_column_is_not_repeated():
    rng = np.random.default_rng(0)
    a = rng.exponential(size=300)
    b = a + rng.exponential(size=300)
    c = b + rng.exponential(size=300)

    found = relations(pd.DataFrame({"a": a, "b": b, "c": c}))

    assert found == {"b >= a", "c >= b"}


def test_two_names_for_one_thing_are_said_once():
    code = np.random.default_rng(0).integers(0, 4, 200)
    table = pd.DataFrame({"name": np.array(list("wxyz"))[code], "code": code * 7})

    assert relations(table) == {"code follows from name"}


def test_bands_leave_the_gap_between_real_values_open():
    age = np.array([20, 24, 30, 35] * 20)
    table = pd.DataFrame({"age": age, "band": np.where(age < 27, "young", "old")})

    (rule,) = [r for r in infer_constraints(table) if isinstance(r, RELATIONS)]

    assert rule in (
        Bands("band", "age", ((20, 24, "young"), (30, 35, "old"))),
        Lookup("band", "age", ((20, "young"), (24, "young"), (30, "old"), (35, "old"))),
    )


def test_a_level_seen_too_rarely_is_left_open():
    levels = ["a"] * 50 + ["b"] * 50 + ["c"] * 3
    table = pd.DataFrame({"by": levels, "to": [0] * 50 + [1] * 53})

    (rule,) = [r for r in infer_constraints(table) if isinstance(r, RELATIONS)]

    assert rule == Lookup("to", "by", (("a", 0), ("b", 1)))


def test_bounds_reach_beyond_by_mean_excesses_of_the_tail():
    # Of 0..15 the four outermost exceed the next one by 1, 2, 3 and 4: 2.5 on average.
    table = pd.DataFrame({"x": np.arange(16) - 20.0})

    assert rule_on(table, "x", margin=0) == Between("x", -20.0, -5.0)
    # (1 + r/2) (1 + 2r/3) (1 + 3r/4) (1 + 4r/5) is e at r = .42; 4 * .42 * 2.5 = 4.2
    assert rule_on(table, "x", margin=1) == Between("x", -24, -1)
    assert rule_on(table, "x", margin=4) == Between("x", -45, 0)  # stays below zero


@pytest.mark.parametrize(
    "n_rows",
    [
        10,
        pytest.param(40, marks=pytest.mark.slow),
        pytest.param(400, marks=pytest.mark.slow),
    ],
)
def test_bounds_are_passed_as_seldom_as_said_however_few_the_rows(n_rows, rng):
    passed = []
    for _ in range(1000):
        table = pd.DataFrame({"x": 100 + rng.exponential(size=n_rows)})
        bound = rule_on(table, "x", margin=2).high
        passed.append(np.exp(100 - bound))  # the share of all further rows

    assert np.mean(passed) == pytest.approx(np.exp(-2) / (n_rows + 1), rel=0.2)


def test_bounds_keep_zero_whole_numbers_decimals_and_days():
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(30), unit="D")
    table = pd.DataFrame(
        {
            "count": np.arange(30)[::-1],  # rising by one it would be an id
            "price": np.arange(30) * 1.25 + 100,
            "day": days,
            "wait": pd.to_timedelta(np.arange(30), unit="D"),
            "zero": [0] * 29 + [1],
        }
    )

    count, price, day = (rule_on(table, name) for name in ("count", "price", "day"))

    assert count.low == 0
    assert isinstance(count.high, int)
    assert price.high == round(price.high, 2) > 136.25
    assert day.high == day.high.normalize() > days.max()
    assert rule_on(table, "wait").low == pd.Timedelta(0)
    assert rule_on(table, "zero") == OneOf("zero", (0, 1))


def test_bounds_seldom_exclude_further_rows():
    rng = np.random.default_rng(0)
    draws = {
        "normal": rng.normal,
        "uniform": rng.random,
        "exponential": rng.exponential,
        "count": lambda size: rng.poisson(0.5, size),
    }
    # By the rule of the exponential tail: two sides, exp(-3) / 50 each, 0.2 %.
    for name, draw in draws.items():
        shares = []
        for _ in range(50):
            rule = rule_on(pd.DataFrame({"x": draw(size=50)}), "x")
            shares.append(1 - rule.holds(pd.DataFrame({"x": draw(size=1000)})).mean())
        assert np.mean(shares) < 0.01, name


def test_constant_columns_are_bounded_only_when_seen_often():
    few, many = (pd.DataFrame({"x": [3] * n}) for n in (5, 200))

    assert infer_constraints(few) == (NotMissing("x"),)
    assert infer_constraints(many) == (NotMissing("x"), Between("x", 3, 3))


def test_presence_is_asked_for_where_no_real_row_misses_it():
    table = pd.DataFrame(
        {"a": [1, 2], "b": [1, None], "c": ["x", None], "d": ["x", "y"]}
    )

    rules = infer_constraints(table)

    present = [rule.column for rule in rules if isinstance(rule, NotMissing)]
    assert present == ["a", "d"]


def test_names_ids_and_empty_columns_get_no_rule():
    table = pd.DataFrame(
        {
            "id": range(60),
            "name": [f"a note on {i} things" for i in range(60)],
            "empty": [None] * 60,
        }
    )

    assert infer_constraints(table) == ()


def test_levels_are_those_real_rows_have():
    sizes = pd.Categorical(["S", "M", "S"], categories=["S", "M", "L"])

    assert rule_on(pd.DataFrame({"size": sizes}), "size") == OneOf("size", ("S", "M"))
    assert rule_on(pd.DataFrame({"b": [True, True]}), "b") == OneOf("b", (False, True))


def test_mixed_levels_that_cannot_be_told_apart_get_no_rule():
    values = pd.Series([1, True, "1"] * 5, dtype=object)

    assert infer_constraints(pd.DataFrame({"x": values})) == (NotMissing("x"),)


def test_a_smaller_chance_asks_for_more_proof():
    table = orders(25)

    lax, strict = relations(table), relations(table, max_chance=1e-300)

    assert lax
    assert strict == set()


def test_order_of_rows_does_not_matter():
    table = orders(300)

    assert infer_constraints(table) == infer_constraints(
        table.sample(frac=1, random_state=0).reset_index(drop=True)
    )


def test_columns_of_wide_tables_that_have_no_relation_get_none():
    rng = np.random.default_rng(0)
    columns = {f"number{i}": rng.normal(size=1000) for i in range(100)}
    columns |= {f"level{i}": rng.choice(list("abcd"), 1000) for i in range(50)}
    columns |= {f"count{i}": rng.integers(0, 9, 1000) for i in range(50)}

    assert relations(pd.DataFrame(columns)) == set()


def test_compas_groups_and_bands(shared_data):
    table = pd.read_csv(shared_data / "compas" / "compas_13feat_openml.csv.gz")
    table = table.drop(columns="two_year_recid")

    assert relations(table) == {
        "exactly one of age_cat_25-45, age_cat_Greaterthan45, age_cat_Lessthan25 is 1",
        "exactly one of race_African-American, race_Caucasian is 1",
        "exactly one of c_charge_degree_F, c_charge_degree_M is 1",
        "age_cat_25-45 follows from age",
        "age_cat_Greaterthan45 follows from age",
        "age_cat_Lessthan25 follows from age",
    }


RELATIONS_OF = {
    "compas": {"age_cat follows from age", "score_text follows from decile_score"},
    "adult": {"education-num follows from education"},
    "drug": set(),
    "bank": set(),
    "german": set(),
    "thyroid": set(),
    "travel": set(),
}


@pytest.mark.parametrize("name", RELATIONS_OF)
def test_relations_of_real_tables(real_table, name):
    X, _ = real_table(name)

    assert relations(X) == RELATIONS_OF[name]


@pytest.mark.parametrize("name", RELATIONS_OF)
def test_held_out_rows_seldom_break_what_300_rows_taught(real_table, name):
    X, _ = real_table(name)
    shares = []
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(X))
        known, held_out = X.iloc[order[:300]], X.iloc[order[300:2300]]
        rules = infer_constraints(known.reset_index(drop=True))
        obeys = np.ones(len(held_out), dtype=bool)
        for rule in rules:
            if not isinstance(rule, OneOf | NotMissing):  # rare levels cannot be known
                obeys &= rule.holds(held_out)
        shares.append(1 - obeys.mean())

    assert np.mean(shares) < 0.02
