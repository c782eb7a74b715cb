"""What a generator may offer beyond `fit` and `draw`, and what stands for it."""

import pytest

from t2sampler.generators import BaseGenerator, LLMTeam, StatisticalTeam
from t2sampler.generators._base import read_optional
from t2sampler.testing import RepeatRows, ScriptedChat

DEFAULTS = {
    "plan_": None,
    "notes_": (),
    "usage_": None,
    "seed_": None,
    "stop_reason_": "",
}


class TwoMethods:
    """A generator that derives from nothing."""

    seed_ = 7

    def fit(self, X, y, schema=None):
        return self

    def draw(self, requests):
        yield from ()


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_what_a_generator_does_not_offer_has_a_default(name, default):
    assert getattr(RepeatRows(), name) == default
    assert getattr(BaseGenerator, name) == default
    if name != "seed_":
        assert read_optional(TwoMethods(), name) == default


def test_what_a_generator_offers_is_taken():
    assert read_optional(TwoMethods(), "seed_") == 7


@pytest.mark.parametrize("generator", [TwoMethods(), RepeatRows(), StatisticalTeam()])
def test_without_a_model_there_is_no_dry_run(generator):
    dry_run = read_optional(generator, "dry_run")

    assert dry_run([[1], [2]], [0, 1], from_store=True) is None


def test_a_name_outside_the_contract_is_an_error():
    with pytest.raises(AttributeError, match="mood_"):
        read_optional(TwoMethods(), "mood_")


def test_a_dry_run_changes_nothing_of_a_fitted_team():
    X, y = [[1.5], [2.5], [3.5], [4.0]], [0, 0, 1, 1]
    team = LLMTeam(ScriptedChat(), store=False).fit(X, y)
    before = dict(vars(team))

    dry_run = team.dry_run([[7.0, 1.0], [8.0, 2.0], [9.0, 3.0]], [0, 1, 1])

    assert len(dry_run.plan_.columns) == 2
    assert vars(team) == before
