"""The tables of TAGAL: what is drawn, what is scored, and what stands beside it."""

from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
import tagal_tables
from sklearn.linear_model import LogisticRegression
from tagal_tables import DEFAULT, OFFLINE, PUBLISHED, REAL

from t2sampler.generators import _round_gains
from t2sampler.testing import ScriptedChat

TAGALS = [PUBLISHED.format("prompt_refine"), DEFAULT.format("synth_loop")]


def load_lamps(name):
    """Return 120 rows in place of a real table; a third of them is bright."""
    rng = np.random.default_rng(len(name))
    y = rng.permutation(np.repeat([0, 1], [80, 40]))
    X = pd.DataFrame(
        {
            "size": (rng.normal(size=120) + y).round(2),
            "town": rng.choice(["u", "v"], 120),
        }
    )
    return X, pd.Series(y, name="bright")


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Return a function that runs the script on small tables, with a fast learner."""
    monkeypatch.setattr(tagal_tables, "load_table", load_lamps)
    fast = {"logistic": lambda seed: LogisticRegression()}
    monkeypatch.setattr(tagal_tables, "LEARNERS", fast)
    monkeypatch.setattr(tagal_tables, "get_data_home", lambda: tmp_path)
    for name in ("N_TREES", "N_REPEATS"):
        monkeypatch.setattr(_round_gains, name, 1)
    for key in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(key, raising=False)

    def run_script(*words):
        files = ["--out", tmp_path / "rows.csv", "--summary", tmp_path / "summary.csv"]
        files += ["--stores", tmp_path / "stores", "--rows", tmp_path / "rows"]
        words = [*words, *files, "--n-jobs", 1, "--seeds", 1, "--most", 24]
        parts = tagal_tables.main([*map(str, words)])
        return pd.read_csv(tmp_path / "rows.csv"), parts

    return run_script


def test_without_an_endpoint_cells_of_tagal_are_empty(run, tmp_path):
    rows, parts = run("--tables", "travel")

    assert set(rows["way"]) == {REAL, *OFFLINE}
    scored = set(zip(rows["way"], rows["measure"], strict=True))
    others = {(way, name) for way in OFFLINE for name in ("TSTR", "half real")}
    assert scored == {(REAL, "TRTR"), *others}
    assert rows.loc[rows["way"] != REAL, "n_new"].eq(24).all()
    tstr = parts["TSTR, AUC x 100, mean of learners"]["travel"]
    assert (tstr[[*OFFLINE]] != "").all()
    assert (tstr[TAGALS] == "").all()
    assert not (tmp_path / "stores").exists()
    text = (tmp_path / "summary.csv").read_text()
    assert text.startswith("# python benchmarks/tagal_tables.py --tables travel --most")


def test_tagal_is_drawn_kept_and_scored(run, monkeypatch, tmp_path):
    monkeypatch.setattr(tagal_tables, "make_chat", lambda args: ScriptedChat())
    figures = {
        "system": "TAGAL",
        "table": [tagal_tables.COMPARED, "iter_comparison_small (SynthLoop)"],
        "dataset": "thyroid",
        "n": 306,
        "method": ["reduced", "iter_1"],
        "metric": "TSTR AUC",
        "value": [91.25, 90.0],
        "source": "",
    }
    pd.DataFrame(figures).to_csv(tmp_path / "published_peers.csv", index=False)

    rows, parts = run("--tables", "thyroid", "--ways", *TAGALS)

    rows = rows.set_index("way")
    assert set(rows.index) == set(TAGALS)
    assert rows["n_new"].eq(24).all()
    assert (rows[["calls", "input_tokens", "output_tokens"]] > 0).all(axis=None)
    assert rows.loc[TAGALS[0], "best_round"].eq(2).all()  # the last
    assert rows["auc"].between(0, 100).all()
    written = sorted(path.name for path in (tmp_path / "rows").iterdir())
    assert written == [
        "thyroid-0-TAGAL_prompt_refine_published_form.csv",
        "thyroid-0-TAGAL_synth_loop_default.csv",
    ]
    tstr = parts["TSTR, AUC x 100, mean of learners"]["thyroid"]
    assert tstr["published: reduced"] == 91.2
    assert (tstr[TAGALS] != "").all()
    by_round = parts["Published: TSTR, AUC x 100, by round of the loop"]
    assert by_round.loc["small, thyroid", "round 1"] == 90


def test_training_and_test_rows_are_apart_and_have_the_same_shares(monkeypatch):
    def load(name):
        X, y = load_lamps(name)
        return X.assign(number=range(len(X))), y

    monkeypatch.setattr(tagal_tables, "load_table", load)
    monkeypatch.setattr(tagal_tables, "MAX_FITTED", 60)

    train, real, test = tagal_tables.split("travel", 3, most=30)

    assert [len(part[0]) for part in (train, real, test)] == [60, 30, 24]
    numbers = [set(part[0]["number"]) for part in (train, real, test)]
    assert not numbers[2] & (numbers[0] | numbers[1])
    assert [part[1].mean() for part in (train, real, test)] == pytest.approx(
        [1 / 3] * 3, abs=0.01
    )


def test_rows_of_one_class_teach_nothing():
    X, y = load_lamps("travel")

    row, *_ = tagal_tables._score("TSTR", (X, y * 0), (X, y), 0)

    assert row == {"measure": "TSTR", "learner": "boosting", "auc": 50.0}


def test_classes_are_drawn_by_their_shares_among_real_rows():
    X, y = load_lamps("travel")

    sampler = tagal_tables.make(("travel", 0, "SMOTE"), (X, y), 30, None, Namespace())

    assert sampler.sampling_strategy == {0: 80 + 20, 1: 40 + 10}
