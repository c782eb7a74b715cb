"""A grid over filters pays for each fold's rows once."""

import warnings

import numpy as np
import pandas as pd
import pytest
from fake_openai import FakeOpenAI
from imblearn.pipeline import Pipeline
from runs import count_batches, make_chat, questions
from simulated_tables import DRAW
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from t2sampler import CostAssessmentFilter, DiversityFilter, TeamThenTrimSampler, grow
from t2sampler.generators import LLMTeam

GRID = {  # lax and strict settings, so that quotas take some longer than others
    "t2__cost__beta": [0.0, 0.1, 0.3],
    "t2__cost__tau": [-9.0, -0.2, -0.1],
    "t2__diversity__entropy_threshold": [0.0, 0.001, 0.002],
}
CALLS_PER_BATCH = 4  # three components and the labels


def search(server, n_jobs, store, **settings):
    """Search the grid; return the batches drawn, a row per setting."""
    X, y = DRAW["points"](40, 1)
    router = DecisionTreeClassifier(random_state=0)
    sampler = TeamThenTrimSampler(
        LLMTeam(make_chat(server.url), store=str(store / "replies")),
        cost=CostAssessmentFilter(alpha=0.3, n_bootstrap=5),
        diversity=DiversityFilter(
            n_clusters=(3,), entropy_scale="absolute", router=router
        ),
        random_state=0,
        **settings,
    )
    pipeline = Pipeline([("t2", sampler), ("tree", DecisionTreeClassifier())])
    grid = GridSearchCV(pipeline, GRID, cv=5, n_jobs=n_jobs, scoring=count_batches)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid.fit(X, y)
    folds = pd.DataFrame(grid.cv_results_).filter(regex=r"split\d_test_score")
    return folds, count_batches(grid.best_estimator_, X, y)


@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    "settings",
    [
        {"n_batches": 2, "batch_size": 5},
        {"max_batches": 12, "batch_size": 10, "sampling_strategy": grow(1.15)},
    ],
    ids=["n_batches", "quotas"],
)
def test_grid_asks_each_question_once(n_jobs, settings, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")

    with FakeOpenAI(table="points").in_process() as server:
        folds, at_refit = search(server, n_jobs, tmp_path, **settings)
        log = server.log()

    longest = [*folds.max(), at_refit]
    assert folds.shape == (27, 5)
    assert not np.isnan(longest).any()
    n_managers = [entry["role"] for entry in log].count("manager")
    assert n_managers == len(longest) == 6
    assert len(log) == 6 + CALLS_PER_BATCH * sum(longest)
    assert len(set(questions(log))) == len(log)
    assert "n_batches" in settings or folds.nunique().max() > 1
