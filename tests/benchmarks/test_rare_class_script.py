"""The grid of rare classes: its rows, and its books on either class."""

import numpy as np
import pandas as pd
import pytest
import rare_class_grid as grid
from _curation import ALL, ORACLE, REAL

TABLE, RULE = "made, 9 columns", "CLLM's curation"


def test_rows_are_disjoint_and_have_the_shares_asked_for():
    real, test, candidates = grid.cut(TABLE, 0.15, 24, seed=3)

    rare = grid.load(TABLE)[2]
    counts = {kind: (y == rare).sum() for kind, (_, y) in candidates.items()}
    assert counts == {"natural": 17, "wanted": 50}  # 4 of 24 are 16.7 %
    assert (real[1] == rare).sum() == 4
    assert (test[1] == rare).mean() == 0.5
    assert [len(X) for X, _ in candidates.values()] == [100, 100]
    for X, _ in candidates.values():
        assert not pd.concat([real[0], test[0], X]).duplicated().any()
    again = grid.cut(TABLE, 0.15, 24, seed=3)
    pd.testing.assert_frame_equal(again[0][0], real[0])
    assert not grid.cut(TABLE, 0.15, 24, seed=4)[0][0].equals(real[0])


def test_books_are_kept_by_the_label_a_candidate_has():
    truth = np.array(["", "label_flip", "column_shuffle", "", "label_flip", ""])
    is_rare = np.array([True, True, True, False, False, False])
    keep = np.array([False, False, True, True, True, False])

    found = grid.rate(keep, truth, is_rare)
    of_none = grid.rate(keep[:1], truth[:1], is_rare[:1])

    assert found["right rare"] == found["wrong rare"] == 1
    assert found["right other"] == 0.5
    assert found["wrong other"] == 0
    assert found["n_kept"] == 3
    assert found["whole pool"] == 0
    assert np.isnan(of_none["wrong rare"])
    assert of_none["whole pool"] == 1


def test_grid_tells_gains_by_group_and_what_was_dropped():
    cells = [(TABLE, 0.1, 24, 0.2, "wanted", h, 7) for h in (0.0, 0.6)]
    grid.cut_flipped.cache_clear()
    rows = pd.DataFrame(
        row for cell in cells for row in grid.run_cell(*cell, rules=[RULE])
    )

    overall, by_level, lowest, dropped = grid.summarise(rows).values()

    assert set(rows["rule"]) == {REAL, ALL, ORACLE, RULE}
    assert set(rows["model"]) == set(grid.MODELS)
    oracle = rows[(rows["rule"] == ORACLE) & (rows["h"] == 0.6)]
    assert (oracle[["wrong rare", "wrong other"]] == 1).all(axis=None)
    assert (oracle[["right rare", "right other"]] == 0).all(axis=None)
    assert overall.loc[[REAL, ALL], "worst group"].max() <= 0
    assert {"kind wanted", "h 0.6", "n 24"} <= set(by_level.index)
    assert len(lowest) == 2
    assert list(dropped.index) == [f"{RULE}, 10%, wanted"]
    assert grid.cut_flipped.cache_info().misses == 1  # real rows are scored once


def test_too_few_rows_of_the_rare_class_are_no_cell(monkeypatch):
    asked = []

    def remember(run_cell, cells, keys, args):
        asked.extend(cells)
        raise SystemExit

    monkeypatch.setattr(grid, "run_cells", remember)
    with pytest.raises(SystemExit):
        grid.main(["--tables", TABLE, "--sizes", "50", "24", "--seeds", "1"])

    pairs = {cell[1:3] for cell in asked}
    assert pairs == {(0.1, 24), (0.15, 24), (0.05, 50), (0.1, 50), (0.15, 50)}
    assert {cell[-1] for cell in asked} == {200}
