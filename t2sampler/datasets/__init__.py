"""Tables to measure on: simulators and errors with known truth, and real tables.

Simulators (``make_*``) and errors (`flip_labels`, `spoil`) say what is true. Loaders
(``fetch_*``) return real tables as ``(X, y)``, with strings stripped, and with columns
that name the row or give the label away left out. They look into the folder named by
the environment variable ``T2SAMPLER_DATA``, or ``shared/data`` beside the checkout
(`data_folder`), and else ask OpenML.
"""

from t2sampler.datasets._diabetes import make_diabetes, make_diabetes_split
from t2sampler.datasets._fetch_compas import fetch_compas
from t2sampler.datasets._fetch_drug import fetch_drug
from t2sampler.datasets._fetch_others import (
    fetch_adult,
    fetch_bank,
    fetch_german,
    fetch_magic,
    fetch_thyroid,
    fetch_travel,
)
from t2sampler.datasets._sources import data_folder
from t2sampler.datasets._spoil import flip_labels, spoil
from t2sampler.datasets._travel_behavior import make_travel_behavior

__all__ = [
    "data_folder",
    "fetch_adult",
    "fetch_bank",
    "fetch_compas",
    "fetch_drug",
    "fetch_german",
    "fetch_magic",
    "fetch_thyroid",
    "fetch_travel",
    "flip_labels",
    "make_diabetes",
    "make_diabetes_split",
    "make_travel_behavior",
    "spoil",
]
