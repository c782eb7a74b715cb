"""Mixed tables of one population, for metrics that must take any type."""

import numpy as np
import pandas as pd
import pytest


def draw_mixed(n_rows, seed):
    """Return numbers with gaps, categories, bools and dates that go together."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n_rows)
    level = np.where(mood + rng.normal(size=n_rows) > 0, "high", "low")
    table = pd.DataFrame(
        {
            "price": np.where(rng.random(n_rows) < 0.1, np.nan, mood),
            "size": pd.Categorical(rng.choice(list("SML"), n_rows)),
            "level": level,
            "is_new": rng.random(n_rows) < 0.3,
            "day": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 300, n_rows), unit="D"),
        }
    )
    table.loc[rng.random(n_rows) < 0.1, "level"] = None
    return table


@pytest.fixture
def draw():
    return draw_mixed
