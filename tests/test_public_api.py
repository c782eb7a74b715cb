"""The public names are these and no others."""

import importlib

import pytest

PUBLIC = {
    "t2sampler": [
        "CostAssessmentFilter",
        "DiversityFilter",
        "QualityControl",
        "SanityFilter",
        "TeamThenTrimSampler",
        "grow",
        "paper_protocol",
    ],
    "t2sampler.constraints": [
        "AllOf",
        "AnyOf",
        "Bands",
        "Between",
        "Implies",
        "Linear",
        "Lookup",
        "OneOf",
        "Present",
        "rules_from_json",
        "rules_to_json",
    ],
    "t2sampler.filters": [
        "CostAssessmentFilter",
        "DiversityFilter",
        "QualityControl",
        "SanityFilter",
    ],
    "t2sampler.generators": [
        "BaseGenerator",
        "Batch",
        "Request",
        "StatisticalTeam",
        "from_sampler",
        "from_synthesizer",
    ],
    "t2sampler.llm": ["Budget", "ChatModel"],
    "t2sampler.report": ["render_page"],
    "t2sampler.team": ["Component", "Plan"],
    "t2sampler.testing": [
        "RepeatRows",
        "check_filter",
        "check_generator",
        "make_requests",
    ],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names(module):
    imported = importlib.import_module(module)

    assert imported.__all__ == PUBLIC[module]
    assert all(hasattr(imported, name) for name in PUBLIC[module])


def test_lists_are_sorted():
    for names in PUBLIC.values():
        assert names == sorted(names)
