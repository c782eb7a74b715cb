"""What every test of a scripted team starts from."""

import pytest
from scripted_team import LOG


@pytest.fixture
def empty_log():
    LOG.clear()


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.sqlite"
