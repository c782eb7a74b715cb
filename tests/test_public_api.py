"""The public names are these and no others."""

import ast
import importlib
from pathlib import Path

import pytest

import t2sampler

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
        "NotMissing",
        "OneOf",
        "rules_from_json",
        "rules_to_json",
    ],
    "t2sampler.datasets": [
        "fetch_adult",
        "fetch_bank",
        "fetch_compas",
        "fetch_drug",
        "fetch_german",
        "fetch_magic",
        "fetch_thyroid",
        "fetch_travel",
        "flip_labels",
        "get_data_home",
        "inject_errors",
        "make_diabetes",
        "make_diabetes_split",
        "make_travel_behavior",
    ],
    "t2sampler.filters": [
        "BaseFilter",
        "CostAssessmentFilter",
        "DiversityFilter",
        "QualityControl",
        "SanityFilter",
        "Verdict",
    ],
    "t2sampler.generators": [
        "BaseGenerator",
        "Batch",
        "LLMTeam",
        "Request",
        "StatisticalTeam",
        "from_sampler",
        "from_synthesizer",
    ],
    "t2sampler.llm": ["Budget", "ChatModel"],
    "t2sampler.metrics": [
        "AugmentationGain",
        "ClosestRecord",
        "Detection",
        "Duplicates",
        "MarginalDistance",
        "NeighborRatio",
        "Transfer",
        "alpha_precision",
        "augmentation_gain",
        "authenticity",
        "beta_recall",
        "correlation_distance",
        "cross_modal_distance",
        "detection_score",
        "distance_to_closest_record",
        "duplicate_rate",
        "marginal_distance",
        "membership_inference_auc",
        "nearest_neighbor_distance_ratio",
        "train_on_synthetic_test_on_real",
    ],
    "t2sampler.report": ["render_page"],
    "t2sampler.team": ["Component", "Plan"],
    "t2sampler.testing": [
        "RepeatRows",
        "ScriptedChat",
        "answer_competently",
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


def test_names_are_listed_for_completion():
    submodules = {module.partition(".")[2] for module in PUBLIC} - {""}

    assert {*PUBLIC["t2sampler"], *submodules, "__version__"} <= set(dir(t2sampler))


def test_type_checkers_find_the_names():
    """They read the imports that Python itself leaves to ``__getattr__``."""
    source = Path(t2sampler.__file__).read_text(encoding="utf-8")
    (block,) = (node for node in ast.parse(source).body if isinstance(node, ast.If))

    names = [alias.name for line in block.body for alias in line.names]

    assert names == PUBLIC["t2sampler"]


def test_a_wrong_name_is_refused():
    with pytest.raises(AttributeError, match="'t2sampler' has no attribute 'SMOTE'"):
        t2sampler.SMOTE  # noqa: B018
