"""Judges of candidates: each learns from real rows, then keeps or drops."""

from t2sampler.filters._cost import CostAssessmentFilter
from t2sampler.filters._diversity import DiversityFilter
from t2sampler.filters._quality_control import QualityControl
from t2sampler.filters._sanity import SanityFilter

__all__ = [
    "CostAssessmentFilter",
    "DiversityFilter",
    "QualityControl",
    "SanityFilter",
]
