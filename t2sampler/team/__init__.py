"""A plan, and the fitted workers that each write some columns of a row."""

from t2sampler.team._plan import Component, Plan

__all__ = ["Component", "Plan"]
