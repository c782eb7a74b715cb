"""What a REPL and `print` show fits a terminal, whatever a record holds."""

import numpy as np
import pandas as pd
import pytest

from t2sampler import DiversityFilter, QualityControl, TeamThenTrimSampler
from t2sampler._brief import brief, fill
from t2sampler._records import Estimate
from t2sampler.metrics import (
    detection_score,
    distance_to_closest_record,
    duplicate_rate,
    marginal_distance,
)
from t2sampler.team import Component, Plan

LONG = [f"a name that is {word} long" for word in ("very", "rather", "too", "so")]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.where(np.arange(90) % 3, "no", "yes")
    X = pd.DataFrame({name: rng.normal(size=90) + (y == "yes") for name in LONG})
    return X.assign(kind=rng.choice(["u", "v"], 90)), y


@pytest.fixture(scope="module")
def records(table):
    """Return records as users meet them, by name."""
    X, y = table
    sampler = TeamThenTrimSampler(random_state=0)
    sampler.fit_resample(X, y)
    control = QualityControl(random_state=0).fit(X, y)
    trimmed = control.trim([(X[:60], y[:60])])
    plan = Plan([Component(name, [name], LONG[:i]) for i, name in enumerate(LONG)])
    return {
        "report": sampler.report_,
        "plan": sampler.generator_.plan_,
        "long plan": plan,
        "estimate": sampler.estimate(X, y),
        "trim": trimmed,
        "trim report": trimmed.report,
        "result": control.inspect(X, y),
        "verdict": DiversityFilter().fit(X, y).inspect(X, y),
        "distance": marginal_distance(X, X[::-1]),
        "detection": detection_score(X, X[::-1], random_state=0),
        "duplicates": duplicate_rate(X, X),
        "closest": distance_to_closest_record(X, X),
    }


def test_lines_fit_a_terminal(records):
    wide = {
        (name, show.__name__): line
        for name, record in records.items()
        for show in (repr, str)
        for line in show(record).splitlines()
        if len(line) > 88
    }

    assert not wide


def test_a_repr_is_short_and_names_the_class(records):
    for record in records.values():
        assert repr(record).startswith(type(record).__name__)
        assert len(repr(record).splitlines()) <= 6


def test_text_is_wrapped_and_no_word_of_it_lost(records):
    report = records["report"]
    text = " ".join(str(report).split())

    assert all(" ".join(note.split()) in text for note in report.notes)
    plan = " ".join(str(records["long plan"]).split())
    assert f"<- {', '.join(LONG[:3])}" in plan


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(2 / 3), "0.6667"),
        (float("nan"), "nan"),
        (7, "7"),
        (np.zeros((4, 2)), "<4 x 2 ndarray>"),
        (np.array([True, False]), "<1 of 2 True>"),
        (pd.Series([1, 2]), "<2 int64>"),
        (pd.DataFrame({"a": [1]}), "<1 x 1 DataFrame>"),
        ({"a": np.arange(3), "b": 0.5}, "{'a': <3 int64>, 'b': 0.5}"),
        (dict.fromkeys(range(99)), "<99 in a dict>"),
        ([0.1] * 50, "<50 in a list>"),
        ((1, 2), "(1, 2)"),
        ("x" * 99, f"'{'x' * 56}..."),
    ],
)
def test_values_are_brief(value, text):
    assert brief(value) == text


def test_short_lines_and_indents_stay():
    text = "a\n\n  b  c\n" + "word " * 30

    assert fill(text).splitlines()[:3] == ["a", "", "  b  c"]
    assert all(len(line) <= 88 for line in fill(text).splitlines())
    assert repr(Estimate()).startswith("Estimate(calls=(0, 0), ")
