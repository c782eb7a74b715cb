"""The utility benchmark: what is wanted, what is gained, and what is clearly worse."""

import numpy as np
import pandas as pd
import utility


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
        rows.append({**cell, "amount": "-", "method": utility.REAL, "auc": 70.0})
        for amount in utility.AMOUNTS:
            mine = {"amount": amount, "method": "team, untrimmed", "auc": 70 + value}
            rows.append({**cell, **mine})
    return pd.DataFrame(rows)


def test_gains_are_paired_and_ranked_with_real_only_among_them():
    rows = gains_table([1.0, 3.0])

    gains = utility.find_gains(rows, "auc")

    assert gains["double", "team, untrimmed"].tolist() == [1, 3]
    ranks = utility.rank_methods(rows)["double"].to_dict()
    assert ranks == {"team, untrimmed": 1, utility.REAL: 2}


def test_only_cells_clearly_below_the_limit_are_bad():
    sure, unsure = gains_table([-3.0, -3.1, -2.9]), gains_table([-6.0, 1.0, -1.0])

    assert len(utility.find_bad_cells(sure)) == 1
    assert utility.find_bad_cells(unsure).empty
    assert np.isclose(utility.find_bad_cells(sure)["double"].iloc[0], -3)
