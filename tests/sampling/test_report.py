"""What happens when filters or generators leave too few rows."""

import numpy as np
import pandas as pd
import pytest
from doubles.sampler_runs import OFF, WriteAnything, check_report, two_classes

from t2sampler import (
    CostAssessmentFilter,
    SanityFilter,
    TeamThenTrimSampler,
)
from t2sampler.constraints import Between
from t2sampler.exceptions import (
    QuotaNotMetError,
    QuotaNotMetWarning,
)
from t2sampler.testing import RepeatRows


def only_sanity(**kwargs):
    """Make a sampler whose generator repeats rows that a rule then refuses."""
    return TeamThenTrimSampler(
        RepeatRows(),
        sanity=SanityFilter([Between("a", 100, 200)]),
        cost="passthrough",
        diversity="passthrough",
        max_batches=2,
        random_state=0,
        **kwargs,
    )


broken = pytest.mark.filterwarnings("ignore::t2sampler.exceptions.BrokenRuleWarning")


@broken
def test_shortfall_repeats_real_rows_and_says_so():
    X, y = two_classes()
    sampler = only_sanity()

    with pytest.warns(
        QuotaNotMetWarning, match="Class yes: expected 20 generated rows, got 0"
    ):
        X_res, _ = sampler.fit_resample(X, y)

    assert (sampler.provenance_["origin"].iloc[40:] == "bootstrap").all()
    sources = sampler.provenance_["source"].iloc[40:].to_numpy(dtype=int)
    assert (y.iloc[sources] == "yes").all()
    np.testing.assert_array_equal(
        X_res.iloc[40:].to_numpy(), X.iloc[sources].to_numpy()
    )
    assert sampler.report_.totals["sanity"] == 40
    check_report(sampler, X_res)


@broken
def test_shortfall_can_return_fewer_rows():
    with pytest.warns(QuotaNotMetWarning, match="20 are missing"):
        X_res, _ = only_sanity(on_shortfall="warn").fit_resample(*two_classes())

    assert len(X_res) == 40


@broken
def test_shortfall_can_raise():
    with pytest.raises(QuotaNotMetError, match="Raise `max_batches`"):
        only_sanity(on_shortfall="raise").fit_resample(*two_classes())


@broken
def test_shortfall_of_a_new_class_cannot_be_repeated():
    X, y = pd.DataFrame({"a": np.arange(6.0) + 0.5}), list("uuuvvv")
    sampler = TeamThenTrimSampler(
        WriteAnything(),
        sanity=SanityFilter([Between("a", 100, 200)]),
        cost="passthrough",
        diversity="passthrough",
        new_classes={"w": 3},
        max_batches=1,
        random_state=0,
    )

    with pytest.warns(QuotaNotMetWarning, match="Class w.*3 are missing"):
        _, y_res = sampler.fit_resample(X, y)

    assert y_res == y


def test_a_fixed_number_of_batches_of_which_nothing_passes_warns():
    cost = CostAssessmentFilter(tau=1e9)
    sampler = TeamThenTrimSampler(n_batches=2, cost=cost, random_state=0)

    with pytest.warns(QuotaNotMetWarning, match="No candidate passed"):
        X_res, _ = sampler.fit_resample(*two_classes())

    assert len(X_res) == 40


class GiveUp(RepeatRows):
    """Repeat rows, a number of batches in all, with a seed of its own."""

    def __init__(self, n_batches=2):
        self.n_batches = n_batches

    def fit(self, X, y, schema=None):
        self.seed_, self.stop_reason_, self.n_left_ = 7, "", self.n_batches
        return super().fit(X, y, schema)

    def draw(self, requests):
        for batch in super().draw(requests):
            if self.n_left_ == 0:
                self.stop_reason_ = "The budget is spent."
                return
            self.n_left_ -= 1
            yield batch


@pytest.mark.parametrize("n_batches", [0, 2])
def test_a_generator_that_gives_no_more_leaves_the_rest_to_the_policy(n_batches):
    sampler = TeamThenTrimSampler(GiveUp(n_batches), **OFF, batch_size=5)

    with pytest.warns(QuotaNotMetWarning, match="The budget is spent"):
        X_res, y_res = sampler.fit_resample(*two_classes())

    assert y_res.value_counts().to_dict() == {"no": 30, "yes": 30}
    assert sampler.report_.totals["accepted"] == 5 * n_batches
    check_report(sampler, X_res)


@pytest.mark.parametrize("n_batches", [0, 2])
def test_fewer_batches_than_a_fixed_number_are_kept_and_told(n_batches):
    sampler = TeamThenTrimSampler(GiveUp(n_batches), **OFF, n_batches=4, batch_size=5)

    with pytest.warns(QuotaNotMetWarning, match="The budget is spent"):
        X_res, _ = sampler.fit_resample(*two_classes())

    assert len(X_res) == 40 + 5 * n_batches
    check_report(sampler, X_res)


def test_without_a_seed_that_of_the_generator_counts():
    X, y = two_classes()
    sampler = TeamThenTrimSampler(GiveUp(9), **OFF)

    once, again = sampler.fit_resample(X, y)[0], sampler.fit_resample(X, y)[0]
    other = sampler.set_params(random_state=3).fit_resample(X, y)[0]

    pd.testing.assert_frame_equal(once, again)
    assert not other.equals(once)
