"""Every metric says what it aims at, in its docstring and beside it."""

import inspect

import pytest

from t2sampler import metrics

FUNCTIONS = [
    getattr(metrics, name) for name in metrics.__all__ if name[0] == name[0].lower()
]


def test_names_are_sorted_and_importable():
    assert metrics.__all__ == sorted(metrics.__all__)
    assert len(FUNCTIONS) == 13


@pytest.mark.parametrize("metric", FUNCTIONS, ids=lambda metric: metric.__name__)
def test_direction_range_and_source_are_stated(metric):
    doc = inspect.getdoc(metric)

    assert metric.goal in ("higher", "lower")
    assert metric.low < metric.high
    assert f"{metric.goal} " in doc
    assert all(part in doc for part in (".. math::", ".. [1]", ">>>"))
