"""Generators propose rows: `fit` on real rows, `draw` a batch per request."""

from t2sampler._records import Batch, Request
from t2sampler.generators._base import BaseGenerator
from t2sampler.generators._cllm import CLLM
from t2sampler.generators._epic import EPIC
from t2sampler.generators._from_sampler import from_sampler
from t2sampler.generators._from_synthesizer import from_synthesizer
from t2sampler.generators._htdbu import HTDBU
from t2sampler.generators._llm_team import LLMTeam
from t2sampler.generators._mallm_gan import MALLMGAN
from t2sampler.generators._statistical_team import StatisticalTeam
from t2sampler.generators._tagal import TAGAL

__all__ = [
    "CLLM",
    "EPIC",
    "HTDBU",
    "MALLMGAN",
    "TAGAL",
    "BaseGenerator",
    "Batch",
    "LLMTeam",
    "Request",
    "StatisticalTeam",
    "from_sampler",
    "from_synthesizer",
]
