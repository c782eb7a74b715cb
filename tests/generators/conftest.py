"""What tests of generators start from: a table of numbers, a batch, a scripted team."""

import numpy as np
import pandas as pd
import pytest
from scripted_team import LOG

from t2sampler.generators import Request


@pytest.fixture
def numbers(rng):
    """Return a table of four numeric columns, and labels that follow one of them."""
    X = pd.DataFrame(rng.normal(size=(40, 3)).round(1), columns=list("abc"))
    X["whole"] = rng.integers(0, 9, 40)
    y = pd.Series(np.where(X["a"] + rng.normal(size=40) > 0.5, "yes", "no"))
    return X, y


@pytest.fixture
def draw_one():
    """Return a function from a fitted generator to a batch of it."""

    def draw(generator, n_rows, labels=None):
        wanted = None if labels is None else np.resize(labels, n_rows)
        request = Request(0, n_rows, wanted, np.random.default_rng(0))
        return next(generator.draw([request]))

    return draw


@pytest.fixture
def empty_log():
    LOG.clear()


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.sqlite"
