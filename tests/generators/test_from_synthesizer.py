"""Synthesizers keep the contract of a generator, and their rows are read or refused."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from t2sampler._schema import TableSchema
from t2sampler.exceptions import GeneratorError
from t2sampler.generators import from_synthesizer
from t2sampler.generators._from_synthesizer import coerce_rows
from t2sampler.testing import check_generator


class Bootstrap:
    """Real rows again, after whatever a test does to them."""

    def __init__(self, spoil=lambda frame: frame):
        self.spoil = spoil

    def fit(self, frame):
        self.frame = frame

    def sample(self, n_rows, seed=None):
        rows = self.frame.sample(n_rows, replace=True, random_state=seed)
        return self.spoil(rows.reset_index(drop=True))


def test_generator_contract():
    check_generator(from_synthesizer(Bootstrap()))


def test_it_can_be_cloned():
    generator = clone(from_synthesizer(Bootstrap()))

    assert isinstance(generator.synthesizer, Bootstrap)


def test_a_new_class_is_refused(numbers, draw_one):
    generator = from_synthesizer(Bootstrap()).fit(*numbers)

    with pytest.raises(GeneratorError, match="got maybe"):
        draw_one(generator, 3, ["maybe"])


def test_rare_wanted_labels_are_found_by_rejection(draw_one):
    X = pd.DataFrame({"x": range(0, 100, 2)})
    y = pd.Series([0] * 48 + [1] * 2, name="x")
    generator = from_synthesizer(Bootstrap()).fit(X, y)

    batch = draw_one(generator, 20, [1])

    assert batch.y.tolist() == [1] * 20
    assert set(batch.X["x"]) <= {96, 98}


def test_labels_that_never_come_end_the_search(numbers, draw_one):
    X, y = numbers
    generator = from_synthesizer(Bootstrap(lambda f: f[f["label"] == "no"])).fit(X, y)

    batch = draw_one(generator, 10, ["no", "yes"])

    assert batch.y.tolist() == ["no"] * 5


def test_unreadable_rows_are_refused_with_the_reason(numbers, draw_one):
    def spoil(frame):
        frame = frame.astype({"whole": float})
        frame.loc[frame.index % 2 == 0, "whole"] = 3.7
        return frame

    batch = draw_one(from_synthesizer(Bootstrap(spoil)).fit(*numbers), 10)

    assert len(batch.X) == 10
    assert (batch.X["whole"] % 1 == 0).all()
    assert set(batch.refused["reason"]) == {"whole: 3.7 is no whole number"}


def test_a_synthesizer_that_forgets_a_column_is_named(numbers, draw_one):
    generator = from_synthesizer(Bootstrap(lambda f: f.drop(columns="b"))).fit(*numbers)

    with pytest.raises(GeneratorError, match=r"Bootstrap.sample .* named \['b'\]"):
        draw_one(generator, 3)


@pytest.mark.parametrize(
    ("real", "cell", "reason"),
    [
        ([1, 2], 3.7, "x: 3.7 is no whole number"),
        ([1, 2], "many", "x: 'many' is no number"),
        ([1, 2], None, "x: cannot be missing"),
        (np.array([1, 2], dtype=np.uint8), 300, "x: 300 does not fit uint8"),
        ([1.5, 2.5], np.inf, "x: inf is not finite"),
        ([True, False], "False", "x: 'False' is no known level"),
        (["u", "v"], "w", "x: 'w' is no known level"),
        (["u", "v"], ["w"], "x: ['w'] is no known level"),
        (pd.to_datetime(["2020-01-01"] * 2), "soon", "x: 'soon' is no datetime"),
        (pd.to_timedelta([1, 2], unit="h"), "soon", "x: 'soon' is no timedelta"),
        ([1.5, 2.5], 9.25, ""),
        ([1.5, 2.5], None, ""),
        (["u", "v"], None, ""),
        (pd.array([1, None], dtype="Int64"), None, ""),
        (pd.to_datetime(["2020-01-01"] * 2), "2021-05-05", ""),
        (pd.to_datetime(["2020-01-01"] * 2, utc=True), "2021-05-05", ""),
    ],
)
def test_cells_are_read_or_refused(real, cell, reason):
    schema = TableSchema.learn(pd.DataFrame({"x": real}))
    new = pd.DataFrame({"x": pd.Series([cell], dtype=object)})

    codes, reasons = coerce_rows(new, schema.columns)

    assert reasons.tolist() == [reason]
    if not reason:
        assert schema.decode(codes)["x"].dtype == schema.columns[0].dtype
