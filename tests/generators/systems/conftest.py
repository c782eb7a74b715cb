"""Tests of TAGAL start with an empty log, and measure rounds with small forests."""

import pytest
from doubles.lamp_models import LOG

from t2sampler.generators import _round_gains


@pytest.fixture(autouse=True)
def forget(request, monkeypatch):
    """Start with an empty log; small forests and few folds find the same rounds."""
    if not request.path.name.startswith("test_tagal"):
        return  # other processes measure as users do
    LOG.clear()
    for name, value in (("N_REPEATS", 1), ("N_FOLDS", 2), ("N_TREES", 3)):
        monkeypatch.setattr(_round_gains, name, value)
