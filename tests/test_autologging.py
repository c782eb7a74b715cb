"""mlflow logs the fits that a user asks for, and none of those inside."""

import sys
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread
from types import SimpleNamespace

import numpy as np
import pytest
from doubles.sampler_runs import two_classes
from imblearn.pipeline import make_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.utils import all_estimators

from t2sampler import QualityControl, SanityFilter, TeamThenTrimSampler
from t2sampler._autologging import MLFLOW, quiet_fits
from t2sampler.constraints import Between
from t2sampler.exceptions import BrokenRuleWarning, QuotaNotMetWarning, SchemaError
from t2sampler.metrics import detection_score


@pytest.fixture
def logged(monkeypatch):
    """Return names of the estimators whose fits are logged, and of those that are not.

    A module stands for mlflow: it has the switch, and looks at every fit.
    """
    log, quiet = [], []
    mlflow = SimpleNamespace(_AUTOLOGGING_GLOBALLY_DISABLED=False)

    @contextmanager
    def disable_autologging():  # as mlflow 3 has it
        mlflow._AUTOLOGGING_GLOBALLY_DISABLED = True
        try:
            yield
        finally:
            mlflow._AUTOLOGGING_GLOBALLY_DISABLED = False

    def watch(fit, self, *args, **kwargs):
        is_quiet = mlflow._AUTOLOGGING_GLOBALLY_DISABLED
        (quiet if is_quiet else log).append(type(self).__name__)
        return fit(self, *args, **kwargs)

    kinds = all_estimators(type_filter=["classifier", "regressor", "cluster"])
    for owner in {base for _, kind in kinds for base in kind.__mro__}:
        if "fit" in vars(owner):
            own = partial(watch, owner.fit)
            monkeypatch.setattr(owner, "fit", lambda *a, own=own, **k: own(*a, **k))
    mlflow.disable_autologging = disable_autologging
    monkeypatch.setitem(sys.modules, MLFLOW, mlflow)
    return SimpleNamespace(log=log, quiet=quiet, mlflow=mlflow)


def is_off(logged):
    return logged.mlflow._AUTOLOGGING_GLOBALLY_DISABLED


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_fits_of_a_sampler_are_quiet(logged, n_jobs):
    X, y = two_classes()
    TeamThenTrimSampler(random_state=0, n_jobs=n_jobs).fit_resample(X, y)

    assert not logged.log
    assert len(logged.quiet) > 5
    assert not is_off(logged)


def test_the_models_behind_the_sampler_are_logged(logged):
    X, y = two_classes()
    make_pipeline(TeamThenTrimSampler(), LogisticRegression()).fit(X[["a"]], y)

    assert logged.log == ["LogisticRegression"]


def test_filters_and_metrics_are_quiet(logged):
    X, y = two_classes()
    control = QualityControl(random_state=0).fit(X, y)
    control.trim([(X[:9], y[:9])])
    n_of_filters = len(logged.quiet)
    detection_score(X, X.sample(frac=1, random_state=0), random_state=0)

    assert 0 < n_of_filters < len(logged.quiet)
    assert not logged.log


def test_an_error_turns_logging_on_again(logged):
    X, y = two_classes()
    with pytest.raises(SchemaError):
        TeamThenTrimSampler().fit_resample(X, y.mask(y == "yes"))

    assert not is_off(logged)


def test_who_turned_logging_off_finds_it_off(logged):
    with logged.mlflow.disable_autologging():
        with quiet_fits, quiet_fits:
            pass
        assert is_off(logged)
    assert not is_off(logged)


def test_the_last_of_two_threads_turns_logging_on(logged):
    is_open, may_close = Event(), Event()

    def wait():
        with quiet_fits:
            is_open.set()
            may_close.wait()

    thread = Thread(target=wait)
    thread.start()
    is_open.wait()
    with quiet_fits:
        pass
    was_off = is_off(logged)
    may_close.set()
    thread.join()

    assert was_off
    assert not is_off(logged)


def test_an_mlflow_without_the_switch_is_left_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, MLFLOW, SimpleNamespace())

    with quiet_fits:
        assert vars(sys.modules[MLFLOW]) == {}


@pytest.mark.filterwarnings("ignore")  # mlflow's own
def test_runs_of_mlflow(tmp_path):
    mlflow = pytest.importorskip("mlflow", reason="mlflow takes long to install")
    X, y = two_classes()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs.db'}")
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    try:
        TeamThenTrimSampler(random_state=0).fit_resample(X, y)
        n_of_sampler = len(mlflow.search_runs())
        model = make_pipeline(TeamThenTrimSampler(random_state=0), LogisticRegression())
        model.fit(np.asarray(X[["a"]]), y)
    finally:
        mlflow.sklearn.autolog(disable=True)

    assert n_of_sampler == 0
    assert len(mlflow.search_runs()) == 1


def test_warnings_name_the_line_of_the_caller():
    """Not one of the context that is around the call."""
    X, y = two_classes()
    never = SanityFilter([Between(X.columns[0], 1e6, 2e6)])
    sampler = TeamThenTrimSampler(sanity=never, max_batches=1, random_state=0)

    with pytest.warns(BrokenRuleWarning) as of_filter:
        never.fit(X, y)
    with pytest.warns((QuotaNotMetWarning, BrokenRuleWarning)) as of_sampler:
        sampler.fit_resample(X, y)

    places = [w.filename for w in of_sampler if w.category is QuotaNotMetWarning]
    assert [w.filename for w in of_filter] + places == [__file__, __file__]
