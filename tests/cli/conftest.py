"""A folder with a small messy file, in which commands are run."""

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

from t2sampler.comparison import _compare, _folds


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stand in a folder with a small messy CSV; files in it are named as users do."""
    rng = np.random.default_rng(0)
    n_rows = 40
    is_ill = np.arange(n_rows) < 8
    visits = [f"{count}" for count in rng.poisson(4, n_rows)]
    visits[3] = ""
    frame = pd.DataFrame(
        {
            "age": rng.integers(20, 50, n_rows) + 15 * is_ill,
            "ill": np.where(is_ill, "yes", "no"),
            "visits": visits,
            "job": rng.choice(["cook", "clerk", "driver"], n_rows),
            "day": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 9, n_rows), unit="D"),
            "paid": rng.integers(100, 999, n_rows) / 100,
        }
    )
    frame.to_csv(tmp_path / "in.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def quick_comparison(monkeypatch):
    """Compare one quick learner on two folds; the verdict is tested elsewhere."""
    monkeypatch.setattr(_compare, "DEFAULT_LEARNERS", {"bayes": GaussianNB()})
    monkeypatch.setattr(_folds, "N_FOLDS", 2)
    monkeypatch.setattr(_folds, "N_REPEATS", 1)
