"""Does over-sampling help a model on a table, and what helps as much for free?"""

from t2sampler.comparison._compare import compare
from t2sampler.comparison._comparison import Comparison

__all__ = ["Comparison", "compare"]
