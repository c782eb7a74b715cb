"""Parameters: nested names of default parts, and values that are refused."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from t2sampler import (
    CostAssessmentFilter,
    DiversityFilter,
    QualityControl,
    TeamThenTrimSampler,
    metrics,
)
from t2sampler.datasets import flip_labels
from t2sampler.generators import StatisticalTeam
from t2sampler.testing import RepeatRows

X = pd.DataFrame({"b": [1.5, 0.5] * 10, "a": list("yxxyz") * 4})
Y = pd.Series([1, 0, 0, 0] * 5)
PARTS = [TeamThenTrimSampler, QualityControl]


@pytest.mark.parametrize("kind", PARTS)
def test_parameters_of_default_parts_are_listed(kind):
    params = kind().get_params()

    assert params["cost"] is None
    assert params["cost__max_noise_rate"] == CostAssessmentFilter().max_noise_rate
    assert params["diversity__max_repeats"] == "auto"
    assert set(params) == set(
        kind(**{name: part() for name, part in kind._default_parts.items()})
        .get_params()
        .keys()
    )
    assert "cost__beta" not in kind(cost="passthrough").get_params()
    assert not [name for name in kind().get_params(deep=False) if "__" in name]


@pytest.mark.parametrize("kind", PARTS)
def test_every_listed_name_can_be_set(kind):
    for name, value in kind().get_params().items():
        changed = kind().set_params(**{name: value})

        assert changed.get_params().keys() == kind().get_params().keys()


@pytest.mark.parametrize("kind", PARTS)
def test_setting_what_was_read_changes_nothing(kind):
    estimator = kind(sanity="passthrough")
    params = estimator.get_params()

    assert estimator.set_params(**params).get_params() == params
    assert estimator.diversity is None
    changed = estimator.set_params(**params | {"diversity__max_repeats": 3})
    assert changed.diversity.max_repeats == 3
    assert changed.cost is None


@pytest.mark.parametrize("kind", PARTS)
def test_other_views_of_an_estimator_show_no_default_parts(kind):
    estimator = kind(random_state=3)

    assert repr(estimator) == f"{kind.__name__}(random_state=3)"
    assert "max_noise_rate" not in estimator._repr_html_()
    assert clone(estimator).get_params() == estimator.get_params()
    assert pickle.loads(pickle.dumps(estimator)).get_params() == estimator.get_params()
    parts = kind(diversity=DiversityFilter(max_repeats=17))._repr_html_()
    assert "17" in parts


def test_parameters_that_are_set_after_a_fit_hold_for_the_next():
    sampler = TeamThenTrimSampler(RepeatRows(), cost="passthrough", random_state=0)
    sampler.fit_resample(X, Y)
    fitted, report = sampler.diversity_, sampler.report_

    sampler.set_params(diversity__max_repeats=None, batch_size=7, cost=None)

    assert sampler.diversity_ is fitted
    assert fitted.max_repeats == "auto"
    assert sampler.report_ is report
    assert sampler.cost_ is None
    sampler.set_params(cost="passthrough").fit_resample(X, Y)
    assert sampler.diversity_.max_repeats is None
    assert sampler.report_.batches["drawn"].iloc[0] == 7


def test_a_grid_search_finds_parameters_of_default_parts():
    control = QualityControl()
    search = GridSearchCV(
        control, {"cost__tau_coef": [1.0, 2.0]}, cv=2, scoring=lambda *_: 0.0
    )

    assert search.fit(X[["b"]], Y).best_estimator_.cost.tau_coef == 1.0


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2"])
@pytest.mark.parametrize("kind", [TeamThenTrimSampler, StatisticalTeam])
def test_a_number_of_jobs_that_means_nothing_is_refused(kind, n_jobs):
    with pytest.raises(ValueError, match=rf"n_jobs.*{kind.__name__}.*Got {n_jobs!r}"):
        kind(n_jobs=n_jobs).fit(X, Y)


@pytest.mark.parametrize("random_state", ["a", 0.5, -1])
@pytest.mark.parametrize(
    "call",
    [
        lambda state: QualityControl(random_state=state).fit(X, Y),
        lambda state: TeamThenTrimSampler(random_state=state).fit(X, Y),
        lambda state: metrics.authenticity(X, X, random_state=state),
        lambda state: flip_labels(Y, 0.5, random_state=state),
    ],
)
def test_a_random_state_that_is_none_is_refused(call, random_state):
    with pytest.raises(ValueError, match=rf"random_state.*must be.*{random_state!r}"):
        call(random_state)


def test_every_metric_that_draws_rows_checks_its_random_state():
    for name in metrics.__all__:
        metric = getattr(metrics, name)
        constraints = getattr(metric, "_skl_parameter_constraints", {})
        assert ("max_rows" in constraints) == ("random_state" in constraints), name
    state = np.random.RandomState(0)
    assert metrics.authenticity(X, X, random_state=state) == metrics.authenticity(X, X)
