"""The report of a run: its tables, its page, and its pictures.

Every picture is a class with ``from_sampler``, ``from_report`` and ``plot``, as the
displays of scikit-learn are.
"""

from t2sampler.report._association import AssociationDisplay
from t2sampler.report._batches import BatchesDisplay
from t2sampler.report._map import RowsDisplay
from t2sampler.report._marginals import MarginalsDisplay
from t2sampler.report._page import render_page
from t2sampler.report._plan import PlanDisplay
from t2sampler.report._run_report import RunReport
from t2sampler.report._usage import UsageDisplay

__all__ = [
    "AssociationDisplay",
    "BatchesDisplay",
    "MarginalsDisplay",
    "PlanDisplay",
    "RowsDisplay",
    "RunReport",
    "UsageDisplay",
    "render_page",
]
