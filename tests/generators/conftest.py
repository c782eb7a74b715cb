"""What tests of generators start from: a table of numbers, and a batch."""

import numpy as np
import pandas as pd
import pytest

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
