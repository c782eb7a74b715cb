"""Filters: each learns from real rows, then keeps or trims candidates."""

from t2sampler._records import Verdict
from t2sampler.filters._base import BaseFilter
from t2sampler.filters._cost import CostAssessmentFilter
from t2sampler.filters._data_maps import DataMapsFilter
from t2sampler.filters._diversity import DiversityFilter
from t2sampler.filters._quality_control import QualityControl
from t2sampler.filters._sanity import SanityFilter

__all__ = [
    "BaseFilter",
    "CostAssessmentFilter",
    "DataMapsFilter",
    "DiversityFilter",
    "QualityControl",
    "SanityFilter",
    "Verdict",
]
