"""Over-sample a table: a generator proposes rows, three filters trim the poor ones."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for type checkers and editors; Python asks `__getattr__`
    from t2sampler.comparison import compare
    from t2sampler.filters import (
        CostAssessmentFilter,
        DataMapsFilter,
        DiversityFilter,
        QualityControl,
        SanityFilter,
    )
    from t2sampler.sampling import (
        TeamThenTrimSampler,
        draw_partitions,
        grow,
        paper_protocol,
    )

__version__ = "0.1.0"
__all__ = [
    "CostAssessmentFilter",
    "DataMapsFilter",
    "DiversityFilter",
    "QualityControl",
    "SanityFilter",
    "TeamThenTrimSampler",
    "compare",
    "draw_partitions",
    "grow",
    "paper_protocol",
]
_SUBMODULES = [
    "comparison",
    "constraints",
    "datasets",
    "exceptions",
    "filters",
    "generators",
    "llm",
    "metrics",
    "report",
    "sampling",
    "team",
    "testing",
]


def __dir__():
    return sorted({*globals(), *__all__, *_SUBMODULES})


def __getattr__(name):
    """Import a public name when it is used.

    So the command line, which is part of this package, answers ``--help`` and refuses
    an argument without waiting for scikit-learn.
    """
    if name in _SUBMODULES:
        return import_module(f"t2sampler.{name}")
    if name in __all__:
        homes = ("filters", "sampling", "comparison")
        modules = (import_module(f"t2sampler.{home}") for home in homes)
        return next(getattr(home, name) for home in modules if name in home.__all__)
    raise AttributeError(f"module 't2sampler' has no attribute {name!r}")
