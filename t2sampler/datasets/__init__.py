"""Tables for tests and benchmarks: simulators, injected errors and real tables.

Simulators (``make_*``) draw tables whose distribution is known; `flip_labels` and
`inject_errors` put errors into a table and return which rows have one. Loaders
(``fetch_*``) return real tables as ``(X, y)``; blanks around strings are stripped, and
columns that identify a row or reveal the label are dropped. Loaders read the folder of
`get_data_home` and ask OpenML for what is not there.
"""

from t2sampler.datasets._fetch import (
    fetch_adult,
    fetch_bank,
    fetch_compas,
    fetch_drug,
    fetch_german,
    fetch_magic,
    fetch_thyroid,
    fetch_travel,
)
from t2sampler.datasets._inject_errors import flip_labels, inject_errors
from t2sampler.datasets._simulators import (
    make_diabetes,
    make_diabetes_split,
    make_travel_behavior,
)
from t2sampler.datasets._table_source import get_data_home

__all__ = [
    "fetch_adult",
    "fetch_bank",
    "fetch_compas",
    "fetch_drug",
    "fetch_german",
    "fetch_magic",
    "fetch_thyroid",
    "fetch_travel",
    "flip_labels",
    "get_data_home",
    "inject_errors",
    "make_diabetes",
    "make_diabetes_split",
    "make_travel_behavior",
]
