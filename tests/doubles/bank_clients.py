"""A table of a bank's clients, and rules that its rows obey."""

import numpy as np
import pandas as pd

from t2sampler.constraints import Implies, Linear, OneOf
from t2sampler.testing import make_requests


def clients(n_rows=240, seed=1):
    """Return a table in which signing goes with the mood, and debt is below income."""
    rng = np.random.default_rng(seed)
    y = pd.Series(rng.choice(["yes", "no"], n_rows, p=[0.3, 0.7]), name="signs")
    has = {"yes": ["neutral", "glad"], "no": ["neutral", "sad"]}
    income = rng.integers(20, 90, n_rows)
    X = pd.DataFrame(
        {
            "debt": income - rng.integers(0, 20, n_rows),
            "mood": [rng.choice(has[label]) for label in y],
            "age": (rng.normal(40, 9, n_rows) + 9 * (y == "yes")).round(),
            "income": income,
            "town": rng.choice(["Alta", "Bergen", "Oslo"], n_rows),
        }
    )
    X.loc[::11, "age"] = np.nan
    return X, y


def signs(label, *moods):
    return Implies(OneOf("signs", [label]), OneOf("mood", moods))


MOODS = [signs("yes", "neutral", "glad"), signs("no", "sad", "neutral")]
ORDER = Linear({"income": 1, "debt": -1})


def draw(generator, n_rows=60, labels=None, seed=0, n_batches=3):
    """Return rows and labels of several batches, and what was refused."""
    if labels is not None:
        labels = np.resize(labels, n_rows)
    requests = make_requests(n_batches, n_rows, labels=labels, seed=seed)
    batches = list(generator.draw(requests))
    X = pd.concat([batch.X for batch in batches], ignore_index=True)
    y = pd.concat([batch.y for batch in batches], ignore_index=True)
    refused = [batch.refused for batch in batches if batch.refused is not None]
    return X, y, pd.concat(refused, ignore_index=True) if refused else None


def count_broken(rules, X, y):
    frame = X.assign(**{y.name: y})
    return sum(int((~rule.holds(frame)).sum()) for rule in rules)
