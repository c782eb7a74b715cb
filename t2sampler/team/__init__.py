"""A team writes rows: a plan, and workers that each write some columns."""

from t2sampler.team._plan import Component, Plan

__all__ = ["Component", "Plan"]
