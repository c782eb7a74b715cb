"""Tables and guards that every test may use."""

import signal
import socket
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
from _tables import get_data_home, load_table
from doubles.llama_server import start_server, write_model
from joblib.externals.loky import get_reusable_executor
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from t2sampler.filters import _cross_fit
from t2sampler.generators import _discriminator, _round_gains
from t2sampler.team import _classifiers

LOOPBACK = ("127.", "::1", "localhost")
HANG_S = 600  # however busy the machine is
FORESTS = [
    (_cross_fit, ExtraTreesClassifier),
    (_round_gains, RandomForestClassifier),
    (_discriminator, ExtraTreesClassifier),
]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Fail a test that connects to anything but this machine."""
    connect = socket.socket.connect

    def connect_here(self, address):
        is_local = self.family == socket.AF_UNIX
        if not is_local and not str(address[0]).startswith(LOOPBACK):
            pytest.fail(f"a test connected to {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    """Keep what tests keep out of the user's cache directory."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))


@pytest.fixture(autouse=True)
def no_hang():
    """Fail a test that waits for ever; how long a test takes is not tested."""

    def stop(signum, frame):
        pytest.fail(f"took more than {HANG_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def wait_until():
    """Return a function that waits for a condition, and does not care how long."""

    def wait(is_so):
        while not is_so():
            time.sleep(0.01)

    return wait


@pytest.fixture
def own_processes():
    """Let joblib start new processes, which know this test's environment."""
    get_reusable_executor().shutdown()


@pytest.fixture
def rng():
    """Return a generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture
def few_trees(monkeypatch):
    """Grow five trees per forest inside the package: how good it is, others test.

    Most of the seconds that a fit takes on a small table go into its forests.
    """

    def grow_five(forest, n_estimators, **params):
        return forest(5, **params)

    for module, forest in FORESTS:
        monkeypatch.setattr(module, forest.__name__, partial(grow_five, forest))
    monkeypatch.setattr(_classifiers, "N_TREES", 5)


@pytest.fixture(scope="session")
def shared_data():
    """Return the folder with real tables, which are not part of the project."""
    folder = get_data_home()
    if folder is None:
        pytest.skip("the real tables are absent: set T2SAMPLER_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def real_table(shared_data):
    """Return a function from a table's name to ``X`` and ``y``."""
    return load_table


@pytest.fixture(scope="session")
def llama_url(tmp_path_factory):
    """Serve a model of random weights by llama.cpp; return the address."""
    path = tmp_path_factory.mktemp("llama") / "tiny.gguf"
    write_model(path)
    server, url = start_server(path)
    yield url
    del server


@pytest.fixture
def mixed_table():
    """Return 60 rows with a column of every kind, some values missing, and labels."""
    rng = np.random.default_rng(0)
    n_rows = 60
    number = rng.normal(size=n_rows)
    gaps = np.arange(n_rows) % 7 == 3
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        rng.integers(0, 365, n_rows), unit="D"
    )
    hours = pd.Series(pd.to_timedelta(rng.integers(1, 99, n_rows), unit="h"))
    X = pd.DataFrame(
        {
            "int64": rng.integers(0, 100, n_rows),
            "Int64": pd.array(rng.poisson(3, n_rows), dtype="Int64"),
            "float64": np.where(gaps, np.nan, number.round(2)),
            "float32": number.astype(np.float32),
            "bool": number > 0,
            "boolean": pd.array(rng.random(n_rows) < 0.3, dtype="boolean"),
            "category": pd.Categorical(rng.choice(list("abc"), n_rows)),
            "ordered": pd.Categorical(
                rng.choice(["low", "mid", "high"], n_rows),
                categories=["low", "mid", "high"],
                ordered=True,
            ),
            "str": pd.Series(rng.choice(["red", "green"], n_rows)),
            "object": pd.Series(rng.choice(["u", "v", "w"], n_rows), dtype=object),
            "datetime": pd.Series(days),
            "zoned": pd.Series(days).dt.tz_localize("Europe/Vienna"),
            "timedelta": hours,
        }
    )
    for name in ("Int64", "boolean", "category", "object", "datetime", "timedelta"):
        X[name] = X[name].mask(gaps)
    y = pd.Series(np.where(number > 0.9, "yes", "no"), name="label")
    index = pd.Index(np.arange(n_rows) + 100)
    return X.set_axis(index), y.set_axis(index)
