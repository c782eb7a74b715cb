"""Runs that tests of the report share: fitted once, never changed."""

import numpy as np
import pandas as pd
import pytest
from doubles.simulated_tables import DRAW

from t2sampler import SanityFilter, TeamThenTrimSampler
from t2sampler.constraints import Between
from t2sampler.generators import LLMTeam
from t2sampler.team import Component, Plan
from t2sampler.testing import ScriptedChat, answer_competently


@pytest.fixture(scope="session")
def mixed_run():
    """Return a sampler that has enlarged a table of all kinds, with trimmed rows."""
    X, y = DRAW["visits"](80, 3)
    X["sex"] = X["sex"].mask(X.index % 9 == 4)
    rules = SanityFilter(["infer", Between("days", 0, 12)])
    sampler = TeamThenTrimSampler(sanity=rules, random_state=1)
    with pytest.warns(UserWarning, match="real rows break the rule"):
        sampler.fit_resample(X, y)
    return sampler


@pytest.fixture(scope="session")
def team_run():
    """Return a sampler whose rows language models have written, by a plan."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.integers(20, 90, 30), "sex": list("FMF") * 10})
    parts = [Component("work", ["sex"], ["person"]), Component("person", ["age"])]
    team = LLMTeam(ScriptedChat(answer_competently), plan=Plan(parts), store=False)
    sampler = TeamThenTrimSampler(team, cost="passthrough", random_state=0)
    sampler.fit_resample(X, ["no"] * 24 + ["yes"] * 6)
    return sampler
