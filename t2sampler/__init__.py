"""Over-sample a table: a team proposes rows, three filters trim them."""

from t2sampler.filters import (
    CostAssessmentFilter,
    DiversityFilter,
    QualityControl,
    SanityFilter,
)
from t2sampler.sampling import TeamThenTrimSampler, grow, paper_protocol

__all__ = [
    "CostAssessmentFilter",
    "DiversityFilter",
    "QualityControl",
    "SanityFilter",
    "TeamThenTrimSampler",
    "grow",
    "paper_protocol",
]
