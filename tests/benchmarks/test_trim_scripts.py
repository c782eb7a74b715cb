"""The benchmarks of quality control: their rows, their rules, and what they print."""

from dataclasses import replace
from functools import partial

import hallucination_grid
import numpy as np
import pandas as pd
import pytest
import recorded
import trim_tradeoff
import utility
from _curation import ALL, ORACLE, REAL
from _figures import find_intervals
from _recorded_cases import CASES, N_CANDIDATES, load_rows, read_rows

ONE_PER_GROUP = {case.group: name for name, case in reversed(CASES.items())}
GROUPS_OF_RULES = {REAL, ALL, "CLLM's curation", "paper_protocol", "default filters"}


def test_typed_rows_are_read_by_type_or_refused():
    X = pd.DataFrame({"age": [31.0, 47.0], "sex": ["F", "M"]})
    y = pd.Series([0, 1], name="label")
    typed = pd.DataFrame(
        [
            ["31", "F", "1"],
            ["31.5", "unknown", "0"],  # no real row says so: left to the filters
            ["old", "F", "1"],
            ["inf", "F", "1"],
            ["31", " ", "1"],
            ["31", "F", "2"],
            ["31", "F", "yes"],
        ],
        columns=["age", "sex", "label"],
    )

    X_read, y_read, fits = read_rows(typed, X, y)

    assert fits.tolist() == [True, True] + [False] * 5
    assert X_read["age"].tolist() == [31.0, 31.5]
    assert y_read.tolist() == [1, 0]
    assert y_read.dtype == y.dtype


@pytest.mark.parametrize("name", ONE_PER_GROUP.values())
def test_every_group_of_cases_loads_and_accounts_for_its_rows(shared_data, name):
    rows = load_rows(CASES[name], seed=0)

    n_read = sum(len(X) for X, _ in rows.batches)
    assert n_read + rows.n_refused == N_CANDIDATES
    assert list(rows.real[0]) == list(rows.test[0]) == list(rows.batches[0][0])
    assert rows.real[1].nunique() == rows.test[1].nunique() == 2


@pytest.mark.slow
def test_recorded_goes_on_from_finished_cells_and_draws(shared_data, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out, figure = tmp_path / "recorded.csv", tmp_path / "recorded.png"
    rows = pd.DataFrame(recorded.run_cell("compas gpt-4o cllm", 0))
    others = [(case, seed) for case in recorded.QUICK for seed in range(2)]
    finished = [rows.assign(case=case, seed=seed) for case, seed in others]
    pd.concat(finished).to_csv(out, index=False)
    before = out.read_text()

    summary = tmp_path / "summary.csv"
    files = ["--out", out, "--figure", figure, "--summary", summary]
    recorded.main(["--quick", *map(str, files)])

    assert set(rows["rule"]) > GROUPS_OF_RULES
    assert len(rows) == 8 * 3  # rules, models
    assert rows["auc"].between(0, 100).all()
    assert out.read_text() == before
    assert figure.stat().st_size > 0
    assert "default filters" in capsys.readouterr().out
    command, *lines = summary.read_text().splitlines()
    assert command.startswith("# python benchmarks/recorded.py --quick")
    assert sum("mean over the cases" in line for line in lines) == 7  # rules


def test_a_case_without_a_row_that_fits_scores_as_the_real_rows(
    shared_data, monkeypatch
):
    case = CASES["drug llama-3.3-70b shown 80 poison 0.0"]
    monkeypatch.setitem(CASES, "none", replace(case, labels={"no such": "user"}))

    rows = pd.DataFrame(recorded.run_cell("none", 0))

    assert (rows["n_refused"] == N_CANDIDATES).all()
    assert (rows.groupby("model")["auc"].nunique() == 1).all()


def test_rows_written_without_examples_fit_without_the_column_misread(shared_data):
    shown, unseen = (
        load_rows(CASES[f"drug llama-3.3-70b shown {n} poison 0.0"], seed=0)
        for n in (80, 0)
    )

    assert set(shown.real[0]) - set(unseen.real[0]) == {"ss"}
    assert unseen.n_refused < N_CANDIDATES / 10
    assert len(unseen.real[0]) == len(shown.real[0])


def test_utility_draws_a_gain_per_setting_size_and_method(tmp_path):
    pytest.importorskip("matplotlib")
    rows = pd.DataFrame(
        [
            {
                **dict(zip(utility.KEYS, ("t", "clean", 20, seed), strict=True)),
                "model": "m",
                "amount": amount,
                "method": name,
                "auc": auc,
                "balanced_accuracy": auc,
            }
            for seed in (0, 1)
            for amount, name, auc in (
                ("-", utility.REAL_ONLY, 70.0),
                ("double", utility.OURS, 71.0 + 2 * seed),
                ("ten", utility.OURS, 70.0),
            )
        ]
    )

    gains = next(iter(utility.summarise(rows).values()))
    utility.draw(rows, tmp_path / "gains.svg")

    assert gains.loc["clean, n = 20", utility.OURS] == "2.0"  # of 1 and 3, one table
    assert f"clean, n = 20: {utility.OURS}" in (tmp_path / "gains.svg").read_text()


def test_grid_keeps_books_on_what_each_rule_dropped():
    cell = pd.DataFrame(hallucination_grid.run_cell("breast cancer", 20, 0.2, 0.6, 0))

    rows = pd.concat([cell, cell.assign(seed=1)])
    gains, regret, dropped = hallucination_grid.summarise(rows).values()

    assert set(rows["rule"]) > {*GROUPS_OF_RULES, ORACLE}
    found = rows.groupby("rule")[hallucination_grid.FOUND].mean()
    assert (found.loc[ORACLE, ["precision", "recall", "good_kept"]] == 1).all()
    assert found.loc[ORACLE, "precision_flips"] == 0.5  # half of the spoiled rows
    assert found.loc[ALL, "recall"] == 0
    assert found.loc[REAL, ["precision", "recall"]].tolist() == [0.6, 1]
    assert (rows[rows["rule"] == ORACLE]["n_kept"] == 40).all()
    assert list(gains.index) == ["flipped 0.2, spoiled 0.6"]
    assert regret.loc[REAL, "worst group"] <= 0
    assert "CLLM's curation, spoiled 0.6" in dropped.index


def test_grid_draws_disjoint_rows_and_the_same_at_all_rates():
    parts = hallucination_grid.cut("digits 3/8", 200, seed=0)

    values = pd.concat([X for X, _ in parts])
    assert [len(X) for X, _ in parts] == [200, 100, 57]
    assert not values.duplicated().any()


def test_reference_is_the_better_mean_here_or_on_the_other_seeds():
    cell = {"table": "t", "n": 20, "flip": 0.0, "h": 0.0}
    auc = pd.DataFrame(
        {
            **{name: [value] * 3 for name, value in cell.items()},
            "seed": range(3),
            REAL: [70.0, 70.0, 70.0],
            ALL: [80.0, 65.0, 66.0],  # means 70.33; without each seed 65.5, 73, 72.5
        }
    ).set_index(hallucination_grid.KEYS)

    here = hallucination_grid.compare(auc, on_other_seeds=False)
    elsewhere = hallucination_grid.compare(auc, on_other_seeds=True)

    assert here[ALL].tolist() == [0, 0, 0]
    assert here[REAL].tolist() == [-10, 5, 4]
    assert hallucination_grid.describe(here, "here")["here"][ALL] == "0.0 ± 0.0"
    assert elsewhere[ALL].tolist() == [10, 0, 0]
    alone = hallucination_grid.compare(auc[:1], on_other_seeds=True)
    assert alone.isna().all(axis=None)


def test_only_cells_below_the_limit_by_more_than_chance_are_counted():
    sure, unsure, slight = [-3.0, -3.1, -2.9], [-9.0, 2.0, -2.0], [-1.0, -0.9, -1.1]
    names = hallucination_grid.CELL
    regret = pd.concat(
        pd.DataFrame(
            {**dict(zip(names, ("t", n, 0.0, 0.0), strict=True)), "rule": losses}
        )
        for n, losses in enumerate((sure, unsure, slight))
    ).set_index(names)

    assert hallucination_grid.count_clear(regret, -1.0)["rule"] == 1
    # Three cells, two degrees of freedom: -3 + 7.65 * 0.1 / sqrt(3) is -2.56.
    assert hallucination_grid.count_clear(regret, -2.55)["rule"] == 1
    assert hallucination_grid.count_clear(regret, -2.57)["rule"] == 0


def test_interval_is_student_t_over_seeds():
    gains = pd.DataFrame({"a": [1.0, 3.0]})

    row = find_intervals(gains).iloc[0]

    assert row["label"] == "a"
    assert row["mean"] == 2
    # Two seeds: standard error 1, and 12.706 is the 97.5 % point of t with 1 degree.
    np.testing.assert_allclose(
        [row["low"], row["high"]], [2 - 12.706, 2 + 12.706], 1e-4
    )


def test_tradeoff_asks_less_of_a_pool_along_its_curve(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    ends = {name: trim_tradeoff.CURVE[name] for name in ("tau_coef = 0", "tau = -inf")}
    monkeypatch.setattr(trim_tradeoff, "CURVE", ends)
    monkeypatch.setattr(trim_tradeoff, "SETTINGS", ends)
    rule = partial(hallucination_grid.run_cell, rules=trim_tradeoff.apply_settings)
    rows = pd.DataFrame(rule("breast cancer", 20, 0.4, 0.6, 20))

    kept = rows.groupby("rule")["n_kept"].first()[list(trim_tradeoff.CURVE)]
    (table,) = trim_tradeoff.summarise(rows).values()
    both_sides = pd.concat([rows, rows.assign(h=0.3)])
    trim_tradeoff.draw(both_sides, tmp_path / "curve.svg")

    assert kept.iloc[0] == 0  # of a pool that is a mess, beside labels that are wrong
    assert kept.iloc[-1] > 0
    assert set(table.index) == {REAL, ALL, ORACLE, *trim_tradeoff.SETTINGS}
    auc = rows.groupby("rule")["auc"].mean()
    lost = auc["tau_coef = 0"] - max(auc[REAL], auc[ALL])
    assert np.isclose(float(table.loc["tau_coef = 0", "mean"]), lost, atol=0.006)
    assert "tau = -inf" in (tmp_path / "curve.svg").read_text()
