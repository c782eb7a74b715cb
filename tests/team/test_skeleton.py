"""Rules over a table and its label: groups, donors, and what relaxing makes of them."""

import numpy as np
import pandas as pd
import pytest

from t2sampler._table import open_real_rows
from t2sampler.constraints import Between, Implies, Linear, NotMissing, OneOf
from t2sampler.exceptions import GeneratorError
from t2sampler.team._skeleton import RuledTable, relax_rule


def open_table(name="paid"):
    """Return a table of which no paying row is sad, and most others are."""
    rng = np.random.default_rng(2)
    y = pd.Series(rng.choice(["yes", "no"], 200, p=[0.4, 0.6]), name=name)
    mood = np.where(y == "yes", "glad", rng.choice(["sad", "glad"], 200))
    low = rng.integers(0, 50, 200)
    X = pd.DataFrame({"top": low + rng.integers(1, 9, 200), "mood": mood, "low": low})
    return RuledTable(open_real_rows(X, y))


PAID = OneOf("paid", ["yes"])


def test_label_is_one_more_column():
    table = open_table()

    assert table.label == "paid"
    assert table.count_broken([Implies(PAID, OneOf("mood", ["glad"]))]) == [0]
    assert table.count_broken([Implies(PAID, OneOf("mood", ["sad"]))]) == [
        int((table.rows.target == "yes").sum())
    ]


@pytest.mark.parametrize(("name", "expected"), [(None, "label"), ("mood", "mood'")])
def test_label_has_a_name_of_its_own(name, expected):
    table = open_table(name)

    assert table.label == expected
    assert list(table.frame) == ["top", "mood", "low", expected]


def test_levels_that_a_class_never_has_are_a_rule():
    rules = open_table().infer_rules()

    names = [rule.name for rule in rules]
    assert "if paid is one of 'yes', then mood is one of 'glad'" in names
    assert not any("paid is one of 'no'" in name for name in names)
    assert "top >= low" in names


def test_chance_is_no_rule():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"mood": rng.choice(["sad", "glad"], 12)})
    y = pd.Series(["yes"] * 3 + ["no"] * 9, name="paid")
    X.loc[:2, "mood"] = "glad"

    assert not any(
        isinstance(rule, Implies)
        for rule in RuledTable(open_real_rows(X, y)).infer_rules()
    )


def test_rules_that_share_columns_are_a_group_and_the_label_ties_none():
    table = open_table()
    order = Linear({"top": 1, "low": -1})
    rules = [
        Implies(PAID, OneOf("mood", ["glad"])),
        NotMissing("top"),  # all real rows obey: what is drawn from them does, too
        Implies(PAID, Between("low", high=45)),
        order,
        Between("low", high=60),
    ]

    groups = {group.columns: set(group.rules) for group in table.find_groups(rules)}

    assert groups == {(1,): {rules[0]}, (0, 2): {rules[2], order}}


def test_donors_obey_the_rules_with_their_label():
    table = open_table()
    rule = Implies(OneOf("paid", ["no"]), OneOf("mood", ["sad"]))
    (group,) = table.find_groups([rule])

    rows, of = table.find_donors(group)

    mood, target = table.rows.frame["mood"], table.rows.target
    assert (mood[rows][of == 0] == "sad").all()  # "no" is the first label
    assert len(rows) == ((target == "yes") | (mood == "sad")).sum()


def test_class_that_never_obeys_has_donors_of_other_classes():
    table = open_table()
    (group,) = table.find_groups([Implies(PAID, OneOf("mood", ["sad"]))])

    rows, of = table.find_donors(group)

    assert (table.rows.frame["mood"][rows[of == 1]] == "sad").all()
    assert set(of) == {0, 1}


def test_rule_that_nothing_obeys_is_refused_by_name():
    table = open_table()
    (group,) = table.find_groups([Implies(PAID, Between("low", 90, 95))])

    with pytest.raises(GeneratorError, match=r"class 'yes'.*low is from 90 to 95"):
        table.find_donors(group)


def test_columns_that_tell_of_the_label_come_first():
    table = open_table()

    assert table.order_columns()[0] == 1


def test_relaxed_rule_holds_in_all_rows():
    frame = open_table().frame
    rules = [
        OneOf("mood", ["glad"]),
        Between("low", 3, 20),
        Implies(PAID, Between("top", low=30)),
        Implies(OneOf("paid", ["no"]), OneOf("mood", ["glad"])),
    ]

    for rule in rules:
        assert not rule.holds(frame).all()
        relaxed = relax_rule(rule, frame)
        assert relaxed.holds(frame).all()
        assert type(relaxed) is type(rule)
    assert relax_rule(Linear({"low": 1, "top": -1}), frame) is None
    kept = Linear({"top": 1, "low": -1})
    assert relax_rule(kept, frame) is kept
