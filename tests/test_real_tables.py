"""The main job on real tables: counts, dtypes, rules, seeds, pipelines and grids."""

import pickle

import pandas as pd
import pytest
from _downstream import make_encoder
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    ParameterGrid,
    cross_val_score,
    train_test_split,
)

from t2sampler import TeamThenTrimSampler

N_ROWS = 300
OTHERS = ["compas", "drug", "bank", "german", "thyroid", "travel"]
TABLES = ["adult", *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
FEW = {"cost__max_noise_rate": [0.1, 1.0]}
MANY = FEW | {"cost__tau_coef": [0.0, 1.0], "diversity__entropy_threshold": [0.0, 0.3]}
pytestmark = pytest.mark.filterwarnings(
    "ignore::t2sampler.exceptions.QuotaNotMetWarning"
)


def draw_few(table):
    """Return at most 300 stratified rows of a real table."""
    X, y = table
    X, _, y, _ = train_test_split(X, y, train_size=N_ROWS, stratify=y, random_state=0)
    return X, y


@pytest.mark.parametrize("name", TABLES)
def test_counts_dtypes_rules_and_seeds(real_table, name):
    X, y = draw_few(real_table(name))
    sampler = TeamThenTrimSampler(max_batches=60, random_state=0)

    X_res, y_res = sampler.fit_resample(X, y)

    assert y_res.value_counts().nunique() == 1
    assert y_res.value_counts().iloc[0] == y.value_counts().max()
    assert X_res.dtypes.equals(X.dtypes)
    pd.testing.assert_frame_equal(X_res.iloc[: len(X)], X)
    assert sampler.sanity_.constraints_
    for rule in sampler.sanity_.constraints_:
        assert rule.holds(X_res).all(), rule.name
    n_generated = (sampler.provenance_["origin"] == "generated").sum()
    assert sampler.report_.totals["accepted"] == n_generated
    again = clone(sampler).set_params(n_jobs=2).fit_resample(X, y)
    pd.testing.assert_frame_equal(again[0], X_res)
    pd.testing.assert_series_equal(again[1], y_res)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters"),
    [("adult", MANY), *((name, FEW) for name in OTHERS)],
    ids=["adult", *OTHERS],
)
def test_pipeline_and_grid_search(real_table, name, parameters):
    X, y = draw_few(real_table(name))
    sampler = TeamThenTrimSampler(max_batches=20, random_state=0)
    pipeline = make_pipeline(sampler, make_encoder(), LogisticRegression(max_iter=1000))
    grid = {f"teamthentrimsampler__{name}": parameters[name] for name in parameters}

    scores = cross_val_score(pipeline, X, y, cv=2, error_score="raise")
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(X, y)

    assert scores.min() > 0
    assert len(search.cv_results_["params"]) == len(ParameterGrid(grid))
    fitted = search.best_estimator_[0]
    assert (
        fitted.sampling_strategy_
        == pickle.loads(pickle.dumps(fitted)).sampling_strategy_
    )
    assert "TeamThenTrimSampler" in search._repr_html_()
