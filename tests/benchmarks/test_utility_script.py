"""The utility benchmark: what is wanted, what is gained, and what is clearly worse."""

from argparse import Namespace

import numpy as np
import pandas as pd
import utility
from _harness import spell_choices
from utility import FAST


def test_wanted_rows_double_or_reach_ten_times_or_a_thousand_new_ones():
    balanced, rare = pd.Series([0, 1] * 10), pd.Series([0] * 18 + [1] * 2)
    large = pd.Series([0, 1] * 100)

    assert utility.count_rows(balanced, "clean", "double") == {0: 20, 1: 20}
    assert utility.count_rows(balanced, "flipped", "ten") == {0: 100, 1: 100}
    assert utility.count_rows(large, "clean", "ten") == {0: 600, 1: 600}
    assert utility.count_rows(rare, "imbalanced", "double") == {0: 18, 1: 18}
    assert utility.count_rows(rare, "imbalanced", "ten") == {0: 100, 1: 100}


def test_cuts_have_the_shares_of_the_setting():
    X, y = pd.DataFrame({"x": range(300)}), pd.Series(["a"] * 200 + ["b"] * 100)

    parts = {s: utility.cut(X, y, s, 50, seed=0) for s in utility.SETTINGS}

    counts = {s: train[1].value_counts().to_dict() for s, (train, _) in parts.items()}
    assert counts["clean"] == {"a": 25, "b": 25}
    assert counts["imbalanced"] == {"a": 45, "b": 5}
    truth = y[parts["flipped"][0][1].index]
    assert (parts["flipped"][0][1] != truth).sum() == 15
    for (train_X, _), (X_test, _) in parts.values():
        assert not set(train_X.index) & set(X_test.index)
    assert utility.cut(X, y, "clean", 200, seed=0) is None  # 67 of "b" are left


def gains_table(values):
    """Return rows of two methods at one cell per seed; real only stands at 70."""
    key = {"table": "t", "setting": "clean", "n": 20, "model": "-"}
    rows = []
    for seed, value in enumerate(values):
        cell = {**key, "seed": seed}
        rows.append({**cell, "amount": "-", "method": utility.REAL_ONLY, "auc": 70.0})
        for amount in utility.AMOUNTS:
            mine = {"amount": amount, "method": utility.OURS, "auc": 70 + value}
            rows.append({**cell, **mine})
    return pd.DataFrame(rows)


def test_gains_are_paired_and_ranked_with_real_only_among_them():
    rows = gains_table([1.0, 3.0])
    idle = rows.replace({"method": {utility.OURS: "team, untrimmed"}})

    gains = utility.find_gains(rows, "auc")

    assert gains["double", utility.OURS].tolist() == [1, 3]
    ranks = utility.rank_methods(pd.concat([rows, idle[idle["amount"] != "-"]]))
    assert ranks["double"].to_dict() == {utility.OURS: 1, utility.REAL_ONLY: 2}


def test_at_the_largest_size_both_amounts_are_the_same_rows():
    rows = gains_table([1.0, 3.0]).assign(n=utility.MAX_NEW)
    rows = rows[rows["amount"] != "ten"]

    gains = utility.find_gains(rows, "auc")

    assert gains["ten", utility.OURS].tolist() == [1, 3]


def test_errors_are_those_over_tables_however_many_seeds_each_has():
    one, other = gains_table([1.0, 3.0]), gains_table([6.0, 6.0, 6.0])
    rows = pd.concat([one, other.assign(table="u")], ignore_index=True)

    means = utility.average(utility.find_gains(rows, "auc")["double"])

    assert means.loc["clean, n = 20", utility.OURS] == "4.0 ± 2.0"  # of 2 and 6


def test_intervals_of_cells_hold_for_all_of_them_at_once():
    rows = gains_table([-3.0, -3.1, -2.9])

    cell = utility.find_cells(rows).loc["t", "clean", 20, "ten"]

    assert np.isclose(cell["mean"], -3)
    # Two cells (amounts): the quantile 1 - .025 / 2 of t with two degrees of freedom.
    assert np.isclose(cell["high"], -3 + 6.2053 * 0.1 / np.sqrt(3), atol=1e-4)
    assert np.isclose(cell["low"] + cell["high"], -6)


def test_peers_that_are_not_installed_are_named_and_left_out(monkeypatch, capsys):
    monkeypatch.setattr(utility, "is_installed", lambda name: name == "ARF")

    tables, sizes, methods = utility.choose_peers()

    assert methods == [*FAST, "ARF"]
    assert "skipped CTGAN" in capsys.readouterr().err
    assert set(tables) <= set(utility.TABLES)
    assert set(sizes) <= set(utility.SIZES)


def test_a_part_of_the_benchmark_is_spelled_with_its_choices():
    usual = {"sizes": utility.SIZES, "methods": FAST}
    whole = Namespace(**usual)
    part = Namespace(**{**vars(whole), "sizes": [20, 50], "methods": [utility.OURS]})

    assert not list(spell_choices(whole, usual))
    assert list(spell_choices(part, usual)) == [
        "--sizes 20 50",
        "--methods 'team, default trim'",
    ]


def test_the_first_new_rows_are_taken_class_by_class():
    X = pd.DataFrame({"number": range(8)})
    y = pd.Series([*"ab", *"bbaaab"], dtype="category")
    is_new = np.arange(8) >= 2
    kept, labels, new = utility.take_first(X, y, is_new, {"a": 3, "b": 2})
    assert kept["number"].tolist() == [0, 1, 2, 4, 5]
    assert labels.tolist() == [*"abbaa"]
    assert new.tolist() == [False] * 2 + [True] * 3


def test_free_baselines_count_for_both_amounts_and_take_no_part_in_ranks():
    rows = gains_table([1.0, 3.0])
    real = rows[rows["amount"] == "-"]
    weights = real.assign(method="class weights", auc=72.0)
    rows = pd.concat([weights, rows])

    gains = utility.find_gains(rows, "auc")

    for amount in utility.AMOUNTS:
        assert gains[amount, "class weights"].tolist() == [2, 2]
        assert gains[amount, utility.OURS].tolist() == [1, 3]
    assert "class weights" not in utility.rank_methods(rows).index


def test_other_learners_are_told_apart_and_take_no_part_in_the_mean():
    rows = gains_table([1.0, 3.0])
    rows["balanced_accuracy"] = rows["auc"]
    strong = rows.assign(model="boosting", auc=rows["auc"].where(rows["auc"] <= 70, 60))

    parts = utility.summarise(pd.concat([strong, rows]))

    title = next(title for title in parts if "mean of 1 models" in title)
    assert parts[title].loc["clean", utility.OURS] == "2.0"
    by_learner = parts["AUC, rows added: double; the same, by learner"]
    assert by_learner[utility.OURS].to_dict() == {
        "clean, boosting": "-10.0",
        "clean, -": "2.0",
    }


def test_a_cell_measures_free_baselines_on_the_real_rows(monkeypatch):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=300)})
    y = pd.Series(np.where(X["x"] + rng.normal(size=300) > 0, "a", "b"))
    monkeypatch.setattr(utility, "load_table", lambda name: (X, y))
    methods = ["SMOTE", "tuned threshold", "class weights"]

    rows = utility.run_cell(
        "t", "imbalanced", 50, 0, methods=methods, learners=["logistic", "boosting"]
    )

    table = pd.DataFrame(rows).set_index(["method", "amount", "model"])
    assert set(table.loc["tuned threshold"].index) == {
        ("-", "logistic"),
        ("-", "boosting"),
    }
    assert set(table.loc["SMOTE"].index.get_level_values("amount")) == {"double", "ten"}
    assert (table.loc[["tuned threshold", "class weights"], "n_rows"] == 50).all()
    auc = table["auc"].xs("logistic", level="model")
    assert auc["tuned threshold", "-"] == auc[utility.REAL_ONLY, "-"]
