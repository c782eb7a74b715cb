"""What tests of rules share."""

import pandas as pd
import pytest


@pytest.fixture
def held():
    """Return a function that tells in which rows of some columns a rule holds."""
    return lambda rule, **columns: rule.holds(pd.DataFrame(columns)).tolist()
