"""A grid over filters pays for each fold's rows once."""

import warnings

import numpy as np
import pandas as pd
import pytest
from doubles.fake_openai import FakeOpenAI
from doubles.llm_team_runs import count_batches, make_chat, questions
from doubles.simulated_tables import DRAW
from imblearn.pipeline import Pipeline
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.tree import DecisionTreeClassifier

from t2sampler import CostAssessmentFilter, DiversityFilter, TeamThenTrimSampler, grow
from t2sampler.generators import LLMTeam
from t2sampler.llm import Budget

GRID = {  # lax and strict settings, so that quotas take some longer than others
    "t2__cost__beta": [0.0, 0.1, 0.3],
    "t2__cost__tau": [-9.0, -0.2, -0.1],
    "t2__diversity__entropy_threshold": [0.0, 0.001, 0.002],
}
FEW = {"t2__diversity__entropy_threshold": [0.0, 0.02]}
CALLS_PER_BATCH = 4  # three components and the labels


def search(server, grid, n_folds, n_jobs, store, *, budget=None, **settings):
    """Search the grid; return the batches drawn, a row per setting."""
    X, y = DRAW["points"](40, 1)
    router, chat = DecisionTreeClassifier(random_state=0), make_chat(server.url)
    team = LLMTeam(chat, manager=chat, label=chat, budget=budget)
    sampler = TeamThenTrimSampler(
        team.set_params(store=str(store / "replies")),
        cost=CostAssessmentFilter(reference="real", alpha=0.3, n_bootstrap=5),
        diversity=DiversityFilter(
            n_clusters=(3,), entropy_scale="absolute", router=router
        ),
        random_state=0,
        **settings,
    )
    pipeline = Pipeline([("t2", sampler), ("tree", DecisionTreeClassifier())])
    found = GridSearchCV(
        pipeline, grid, cv=n_folds, n_jobs=n_jobs, scoring=count_batches
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found.fit(X, y)
    folds = pd.DataFrame(found.cv_results_).filter(regex=r"split\d_test_score")
    return folds, count_batches(found.best_estimator_, X, y)


FIXED = {"n_batches": 2, "batch_size": 5}
QUOTAS = {"max_batches": 5, "batch_size": 10, "sampling_strategy": grow(1.1)}
NINE = {**GRID, "t2__cost__beta": [0.0]}  # quotas take longer to fill


@pytest.mark.usefixtures("own_processes")
@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")
@pytest.mark.parametrize(
    ("settings", "grid", "n_folds", "n_jobs"),
    [
        pytest.param(FIXED, FEW, 2, 1, id="batches, few"),
        pytest.param(QUOTAS, FEW, 2, 1, id="quotas, few"),
        pytest.param(FIXED, NINE, 5, 2, id="batches, 2 jobs", marks=pytest.mark.slow),
        pytest.param(QUOTAS, NINE, 5, 2, id="quotas, 2 jobs", marks=pytest.mark.slow),
    ],
)
def test_grid_asks_each_question_once(
    *, settings, grid, n_folds, n_jobs, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")

    with FakeOpenAI(table="points").in_process() as server:
        folds, at_refit = search(server, grid, n_folds, n_jobs, tmp_path, **settings)
        log = server.log()

    longest = [*folds.max(), at_refit]
    assert folds.shape == (len(ParameterGrid(grid)), n_folds)
    assert not np.isnan(longest).any()
    n_managers = [entry["role"] for entry in log].count("manager")
    assert n_managers == len(longest) == n_folds + 1
    assert len(log) == n_managers + CALLS_PER_BATCH * sum(longest)
    assert len(set(questions(log))) == len(log)
    assert settings is FIXED or folds.nunique().max() > 1


@pytest.mark.usefixtures("own_processes")
def test_clones_in_other_processes_spend_one_budget(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    two = {"t2__cost__beta": [0.0, 0.1]}

    with FakeOpenAI(table="points").in_process() as server:
        budget = Budget(max_calls=20, shared=True)
        search(server, two, 2, 2, tmp_path, budget=budget, **FIXED)
        n_calls = len(server.log())

    assert 9 <= n_calls <= 20  # one generation's at least; three take 27
