"""A team of language models that a script answers for, and what it was asked."""

import json
import threading

import numpy as np
import pandas as pd

from t2sampler.generators import LLMTeam
from t2sampler.team import Component, Plan
from t2sampler.testing import (
    ScriptedChat,
    answer_competently,
)

PLAN = Plan(
    [
        Component("person", ["age", "sex"]),
        Component("body", ["bmi"], reads=["person"]),
        Component("care", ["visits"], reads=["person", "body"]),
    ]
)
LOG = []  # what scripts were asked; a list of a module survives clone and copy
LOCK = threading.Lock()


def listen(request):
    """Answer well, and note the question."""
    with LOCK:
        LOG.append(request)
    return answer_competently(request)


def patients(n_major=30, n_minor=10):
    rng = np.random.default_rng(0)
    n_rows = n_major + n_minor
    y = pd.Series(["well"] * n_major + ["ill"] * n_minor, name="state")
    X = pd.DataFrame(
        {
            "age": rng.integers(20, 80, n_rows),
            "sex": pd.Categorical(rng.choice(["F", "M"], n_rows)),
            "bmi": rng.normal(25, 3, n_rows).round(1),
            "visits": pd.array(rng.poisson(3, n_rows), "Int64"),
        }
    )
    X.loc[::7, "bmi"] = np.nan
    return X, y


def team(script=listen, **kwargs):
    settings = {"plan": PLAN, "store": False} | kwargs
    return LLMTeam(ScriptedChat(script), **settings)


def asked(log=None):
    """Return what was asked, in an order of its own."""
    log = LOG if log is None else log
    return sorted(json.dumps([r.messages, r.seed, r.attempt]) for r in log)
