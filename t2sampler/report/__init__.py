"""Show a run report as a page."""

from t2sampler.report._page import render_page

__all__ = ["render_page"]
