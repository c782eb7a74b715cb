"""Whole runs of the sampler over a server, and what must hold of each of them."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from doubles.fake_openai import MODEL
from doubles.sampler_runs import check_report
from doubles.simulated_tables import DRAW
from t2sampler import SanityFilter, TeamThenTrimSampler
from t2sampler.exceptions import QuotaNotMetWarning
from t2sampler.generators import LLMTeam
from t2sampler.llm import ChatModel
from t2sampler.team import Component, Plan

PLANS = {
    "diabetes": Plan(
        [
            Component("blood", ["HbA1c", "FastingGlucose", "Age"], role="chemist"),
            Component("body", ["BMI", "BloodPressure", "Cholesterol"], ["blood"]),
            Component("life", ["Insulin", "PhysicalActivity"], ["blood", "body"]),
        ]
    ),
    "visits": Plan(
        [
            Component("person", ["age", "sex", "ward"], role="registrar"),
            Component("stay", ["admitted", "days"], ["person"]),
            Component("habits", ["smokes", "weight"], ["person", "stay"]),
        ]
    ),
}


@dataclass(frozen=True)
class Run:
    """A finished ``fit_resample``: the sampler, what went in, what came out."""

    sampler: TeamThenTrimSampler
    X: pd.DataFrame
    y: pd.Series
    X_res: pd.DataFrame
    y_res: pd.Series

    @property
    def totals(self):
        return self.sampler.report_.totals

    @property
    def is_generated(self):
        return (self.sampler.provenance_["origin"] == "generated").to_numpy()


def make_chat(url, **settings):
    """Return a model that gives up after one more try, but waits for a busy machine."""
    quick = {"timeout": 60.0, "max_retries": 1, "max_tokens": 1000}
    quick["api_key_env"] = "OPENAI_API_KEY"  # said, so that it goes to this machine
    return ChatModel(MODEL, base_url=url, **{**quick, **settings})


def make_sampler(team, **settings):
    """Return a sampler of few small batches that only rules trim."""
    few = {"batch_size": 8, "max_batches": 4, "random_state": 0}
    off = {"cost": "passthrough", "diversity": "passthrough"}
    return TeamThenTrimSampler(team, **{**few, **off, **settings})


def run_sampler(sampler, table="visits", n_real=40):
    """Resample real rows of a table; a shortfall's warning stays quiet."""
    X, y = DRAW[table](n_real, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuotaNotMetWarning)
        X_res, y_res = sampler.fit_resample(X, y)
    return Run(sampler, X, y, X_res, y_res)


def run_team(server, table="visits", *, chat=(), team=(), sampler=()):
    """Have a server's team enlarge a table, with a plan and without a store."""
    model = make_chat(server.url, **dict(chat))
    settings = {"plan": PLANS[table], "label": model, "store": False, **dict(team)}
    if settings["plan"] is None and "manager" not in settings:
        settings["manager"] = model
    run = run_sampler(make_sampler(LLMTeam(model, **settings), **dict(sampler)), table)
    check_run(run)
    return run


def check_run(run):
    """Assert that real rows are unchanged and new ones are such as could be real."""
    check_report(run.sampler, run.X_res)
    n_real = len(run.X)
    pd.testing.assert_frame_equal(run.X_res.iloc[:n_real], run.X)
    pd.testing.assert_series_equal(run.y_res.iloc[:n_real], run.y)
    assert run.X_res.dtypes.equals(run.X.dtypes)
    rows, labels = run.X_res[run.is_generated], run.y_res[run.is_generated]
    for name in run.X:
        check_column(rows[name], run.X[name])
    wanted = {*run.y, *(run.sampler.new_classes or {})}
    assert set(labels) <= wanted
    assert SanityFilter().fit(run.X, run.y).inspect(rows, labels).keep.all()
    for rule in run.sampler.generator_.plan_.rules:
        assert rule.holds(rows).all()


def check_column(values, real):
    """Assert that a column holds nothing its codec refuses; rules look at ranges."""
    assert real.isna().any() or not values.isna().any()
    present = values.dropna()
    if real.dtype.kind in "if":
        assert np.isfinite(present.to_numpy(dtype=float)).all()
    elif real.dtype.kind != "M":
        assert set(present) <= set(real.dropna())


def questions(log, *, answered=False):
    """Return what was asked, as text that tells two questions apart."""
    return [
        repr((entry["body"]["messages"], entry["body"].get("seed")))
        for entry in log
        if entry["answered"] or not answered
    ]


def count_batches(pipeline, X, y):
    """Score a pipeline's fitted sampler by the batches it drew."""
    return len(pipeline["t2"].report_.batches)
