"""Put a generator and the filters together."""

from t2sampler.sampling._labels import grow
from t2sampler.sampling._partitions import draw_partitions
from t2sampler.sampling._protocol import paper_protocol
from t2sampler.sampling._sampler import TeamThenTrimSampler

__all__ = ["TeamThenTrimSampler", "draw_partitions", "grow", "paper_protocol"]
