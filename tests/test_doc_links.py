"""The HTML diagram of an estimator links its page, once there is a site."""

from importlib import import_module, metadata

import pytest

from t2sampler import (
    CostAssessmentFilter,
    DataMapsFilter,
    DiversityFilter,
    QualityControl,
    SanityFilter,
    TeamThenTrimSampler,
)
from t2sampler.generators import HTDBU, LLMTeam, StatisticalTeam
from t2sampler.llm import ChatModel
from t2sampler.testing import ScriptedChat

SITE = "https://site.example/stable/"
PAGES = f"{SITE}reference/generated/"
ESTIMATORS = [
    ChatModel("a-model"),
    TeamThenTrimSampler(),
    *(SanityFilter(), CostAssessmentFilter(), DataMapsFilter(), DiversityFilter()),
    QualityControl(),
    HTDBU(),
    StatisticalTeam(),
    LLMTeam(ScriptedChat()),
]


@pytest.fixture
def site(monkeypatch):
    """Give the package a site, behind an address of something else."""
    given = metadata.metadata("t2sampler")
    given["Project-URL"] = "Source, https://code.example"
    given["Project-URL"] = f"Documentation, {SITE}"
    monkeypatch.setattr(metadata, "metadata", {"t2sampler": given}.get)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_the_page_is_that_of_the_public_name(estimator):
    link = estimator._get_doc_link()
    place, _, name = link.removeprefix(PAGES).removesuffix(".html").rpartition(".")

    assert link.startswith(PAGES)
    assert getattr(import_module(place), name) is type(estimator)
    assert name in import_module(place).__all__
    assert f'href="{link}"' in estimator._repr_html_()


@pytest.mark.usefixtures("site")
def test_a_class_of_another_package_has_no_page_of_ours():
    class Own(TeamThenTrimSampler):
        pass

    assert Own.__module__.partition(".")[0] != "t2sampler"
    assert Own()._get_doc_link() == ""


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_there_is_no_link_without_a_site(estimator, monkeypatch):
    def find(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", find)

    assert estimator._get_doc_link() == ""
    assert "Documentation for" not in estimator._repr_html_()
