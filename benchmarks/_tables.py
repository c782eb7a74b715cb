"""The real tables that benchmarks and tests measure on, by name."""

from functools import partial

from t2sampler.datasets import (
    fetch_adult,
    fetch_bank,
    fetch_compas,
    fetch_drug,
    fetch_german,
    fetch_magic,
    fetch_thyroid,
    fetch_travel,
    get_data_home,
)

__all__ = ["TABLES", "get_data_home", "load_table"]

TABLES = {
    "compas": partial(fetch_compas, "propublica"),
    "drug": fetch_drug,
    "adult": fetch_adult,
    "bank": fetch_bank,
    "german": fetch_german,
    "thyroid": fetch_thyroid,
    "travel": fetch_travel,
    "magic": fetch_magic,
}


def load_table(name):
    """Return ``X`` and ``y`` of a real table."""
    return TABLES[name]()
