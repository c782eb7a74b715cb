"""The report of a run, and the page that shows it."""

from t2sampler.report._page import render_page
from t2sampler.report._run_report import RunReport

__all__ = ["RunReport", "render_page"]
