"""Whatever order a plan, a table and a reply have, values stand in their columns."""

import random

import numpy as np
import pandas as pd
import pytest

from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.team import Component, Plan
from t2sampler.testing import ScriptedChat, make_requests

pytestmark = pytest.mark.usefixtures("few_trees")

N_ROWS = 30


def tell_apart(dice):
    """Return a table, its columns in any order, in which no two share a value."""
    rng = np.random.default_rng(dice.randrange(10**6))
    columns = {
        "age": rng.integers(100, 120, N_ROWS),
        "blood sugar": rng.normal(3000, 30, N_ROWS).round(1),
        "job title, as told": rng.choice(["cook", "clerk"], N_ROWS),
        "c1": rng.integers(500, 520, N_ROWS),
        7: rng.integers(7000, 7020, N_ROWS),
        "ward": pd.Categorical(rng.choice(["north", "south", "east"], N_ROWS)),
        "gap": pd.array(rng.choice([90_001, 90_002, None], N_ROWS), dtype="Int64"),
    }
    names = dice.sample(list(columns), len(columns))
    y = pd.Series(rng.permutation(["well"] * 20 + ["ill"] * 10))
    return pd.DataFrame({name: columns[name] for name in names}), y


def draw_plan(names, dice):
    """Return a plan: parts of any size and order, each reading some before it."""
    names = dice.sample(names, len(names))
    cuts = sorted(dice.sample(range(1, len(names)), dice.randrange(len(names))))
    parts = [names[a:b] for a, b in zip([0, *cuts], [*cuts, len(names)], strict=True)]
    titles = [f"part {k}" for k in range(len(parts))]
    reads = [dice.sample(titles[:k], dice.randint(0, k)) for k in range(len(parts))]
    components = list(map(Component, titles, parts, reads))
    return Plan(dice.sample(components, len(components)))


def language_models(plan, dice):
    return LLMTeam(ScriptedChat(), plan=plan, store=False)


def both(plan, dice):
    titles = [part.name for part in plan.components]
    fitted = dice.sample(titles, dice.randint(0, len(titles)))
    workers = dict.fromkeys(fitted, StatisticalTeam())
    return LLMTeam(ScriptedChat(), plan=plan, workers=workers, store=False)


def fitted_models(plan, dice):
    return StatisticalTeam(plan=plan)


@pytest.mark.parametrize(
    "seeds", [range(10), pytest.param(range(10, 100), marks=pytest.mark.slow)], ids=len
)
@pytest.mark.parametrize("make", [language_models, both, fitted_models])
def test_no_value_stands_in_another_column(make, seeds):
    n_new = 0
    for seed in seeds:
        dice = random.Random(seed)
        X, y = tell_apart(dice)
        team = make(draw_plan(list(X), dice), dice).fit(X, y)
        (batch,) = team.draw(make_requests(1, 4, labels=["ill", "well"] * 2, seed=seed))
        n_new += len(batch.X)
        assert list(batch.X) == list(X)
        for name in X:
            assert_alike(batch.X[name], X[name])

    assert n_new >= 3.5 * len(seeds)


def assert_alike(new, real):
    assert new.dtype == real.dtype
    if pd.api.types.is_numeric_dtype(real):
        assert new.dropna().between(real.min() / 1.5, 1.5 * real.max()).all()
    else:
        assert set(new) <= set(real)
