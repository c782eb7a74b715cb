"""Every test here has a key, a store of its own, and a limit on its time."""

import signal

import pytest

KEY = "sk-kept-secret-0123456789"
LIMIT_S = 240  # a machine may be busy


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    """Keep the user's key, endpoint and store out of the tests."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def no_hang():
    """Fail a test that takes too long, whatever it waits for."""

    def stop(signum, frame):
        pytest.fail(f"took more than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def key():
    """Return the key that is in the environment."""
    return KEY
