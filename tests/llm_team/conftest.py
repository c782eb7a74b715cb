"""Every test here has a key and a store of its own."""

import pytest

KEY = "sk-kept-secret-0123456789"


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    """Keep the user's key, endpoint and store out of the tests."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def key():
    """Return the key that is in the environment."""
    return KEY
