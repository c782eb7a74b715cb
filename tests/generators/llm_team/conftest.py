"""Every test here has a key, a store and a log of its own."""

import pytest
from doubles.scripted_team import LOG

KEY = "sk-kept-secret-0123456789"


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    """Keep the user's key, endpoint and store out of the tests."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def empty_log():
    """Forget what scripted teams were asked."""
    LOG.clear()


@pytest.fixture
def store(tmp_path):
    """Return where a store may be made."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def key():
    """Return the key that is in the environment."""
    return KEY
