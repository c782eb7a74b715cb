"""The benchmark of quality: rows drawn by class, copies found, and who is best."""

import pandas as pd
import pytest
import quality
from quality import COPIES, FAITHFUL, GOALS, HELD_OUT, TEAM


@pytest.fixture
def mixed(rng):
    """Return 60 rows, one in three of class "b"."""
    X = pd.DataFrame({"x": rng.normal(size=60), "c": ["u", "v"] * 30})
    return X, pd.Series(["a", "a", "b"] * 20, name="label")


def result_table(values):
    """Return rows of one table; a list holds one value of every metric per seed."""
    key = {"table": "adult", "n": quality.N_QUICK, "n_rows": 200}
    return pd.DataFrame(
        {**key, "method": method, "seed": seed, **dict.fromkeys(GOALS, value)}
        for method, per_seed in values.items()
        for seed, value in enumerate(per_seed)
    )


@pytest.mark.parametrize("method", [COPIES, "SMOTE", TEAM, FAITHFUL])
def test_methods_draw_the_real_rows_number_of_each_class(mixed, method):
    X, y = quality.draw_rows(method, mixed, seed=0)

    assert pd.Series(y).value_counts().to_dict() == {"a": 40, "b": 20}
    assert list(X) == ["x", "c"]


def test_method_that_takes_numbers_only_draws_nothing_from_categories(mixed):
    X, _ = quality.draw_rows("smoothed bootstrap", mixed, seed=0)

    assert X.empty


def test_copies_are_found_and_held_out_rows_are_none(shared_data):
    copied, unseen = (
        quality.run_cell("magic", 100, method, 0)[0] for method in (COPIES, HELD_OUT)
    )

    assert copied["copies"] == copied["nearer to seen"] == 100
    assert copied["authenticity"] == copied["DCR, % of held-out"] == 0
    assert unseen["copies"] == 0
    assert copied["n_rows"] == unseen["n_rows"] == 100


def test_best_is_lowest_highest_or_most_like_held_out_rows():
    rows = result_table({HELD_OUT: [50, 50], TEAM: [60, 62], "SMOTE": [39, 33]})

    losses = quality.find_losses(rows)
    best = quality.find_best(losses, [TEAM, "SMOTE"])

    assert best["detection"] == ["SMOTE"]
    assert best["TSTR, logistic"] == [TEAM]
    assert losses.loc[TEAM, "authenticity"].tolist() == [10, 12]
    assert best["authenticity"] == [TEAM]  # the other is 11 and 17 away
    assert quality.find_best(losses, [HELD_OUT, TEAM])["copies"] == [HELD_OUT]


def test_alike_are_best_together_and_gaps_are_paired():
    rows = result_table({HELD_OUT: [50, 50], TEAM: [60, 62], "SMOTE": [60, 62]})
    worse = rows.assign(detection=rows["detection"].where(rows["method"] == TEAM, 70))

    parts = quality.summarise(worse)

    means = parts["adult, n = 200: mean ± s.e. over 2 seeds"]
    assert means.loc["copies", "best"] == f"{TEAM} / SMOTE"
    gaps = parts[f"{TEAM} against the best other generator, points"]["adult"]
    assert gaps["detection"] == "+9.00 ± 1.00 (SMOTE)"  # 10 and 8
    assert gaps["copies"] == "+0.00 ± 0.00 (SMOTE)"


def test_distance_where_held_out_rows_are_copies_is_left_open(mixed):
    X = mixed[0][["c"]]

    values = quality.compare_with_seen(X, X, X, seed=0)

    assert pd.isna(values["DCR, % of held-out"])


def test_script_goes_on_from_finished_cells_and_draws(shared_data, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out, figure, summary = (tmp_path / f"q.{end}" for end in ("csv", "svg", "txt"))
    finished = result_table({HELD_OUT: [50], TEAM: [60], "SMOTE": [70]})
    pd.concat(finished.assign(table=name) for name in quality.QUICK).to_csv(
        out, index=False
    )
    before = out.read_text()

    files = ["--out", out, "--figure", figure, "--summary", summary]
    quality.main(["--quick", *map(str, files), "--methods", TEAM, "SMOTE"])

    assert out.read_text() == before
    assert "+10.00 (SMOTE)" in capsys.readouterr().out
    assert "team, untrimmed: magic, detection" in figure.read_text()
    command = summary.read_text().splitlines()[0]
    assert command.startswith("# python benchmarks/quality.py --quick")
