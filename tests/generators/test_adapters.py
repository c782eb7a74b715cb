"""Other people's generators keep our contract."""

import numpy as np
import pandas as pd
import pytest
from imblearn import over_sampling
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import clone

from t2sampler._schema import TableSchema
from t2sampler.exceptions import GeneratorError
from t2sampler.generators import Request, from_sampler, from_synthesizer
from t2sampler.generators._reading import read_rows
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


def draw_one(generator, n_rows, labels=None):
    wanted = None if labels is None else np.resize(labels, n_rows)
    request = Request(0, n_rows, wanted, np.random.default_rng(0))
    return next(generator.draw([request]))


@pytest.fixture
def numbers(rng):
    X = pd.DataFrame(rng.normal(size=(40, 3)).round(1), columns=list("abc"))
    X["whole"] = rng.integers(0, 9, 40)
    y = pd.Series(np.where(X["a"] + rng.normal(size=40) > 0.5, "yes", "no"))
    return X, y


@pytest.mark.parametrize(
    "generator",
    [
        from_sampler(over_sampling.RandomOverSampler()),
        from_sampler(over_sampling.SMOTENC(None)),
        from_sampler(over_sampling.SMOTEN()),
        from_synthesizer(Bootstrap()),
    ],
    ids=["RandomOverSampler", "SMOTENC", "SMOTEN", "Bootstrap"],
)
def test_generator_contract(generator):
    check_generator(generator)


@pytest.mark.parametrize(
    "sampler",
    [
        over_sampling.SMOTE(),
        over_sampling.BorderlineSMOTE(),
        over_sampling.ADASYN(),
        over_sampling.RandomOverSampler(shrinkage=1.0),
    ],
    ids=repr,
)
def test_numbers_stay_on_their_grid_and_within_bounds(sampler, numbers):
    X, y = numbers

    batch = draw_one(from_sampler(sampler).fit(X, y), 20, ["no", "yes"])

    assert 0 < len(batch.X) <= 20
    assert batch.X.dtypes.equals(X.dtypes)
    assert batch.X.round(1).equals(batch.X)
    assert (batch.X.min() >= X.min()).all()
    assert (batch.X.max() <= X.max()).all()


def test_kinds_of_all_columns_come_back(mixed_table):
    X, y = mixed_table
    generator = from_sampler(over_sampling.SMOTENC("auto")).fit(X, y)

    batch = draw_one(generator, 20, ["no", "yes"])

    assert batch.X.dtypes.equals(X.dtypes)
    assert batch.y.tolist() == ["no", "yes"] * 10


def test_repeated_rows_keep_their_missing_values(mixed_table):
    X, y = mixed_table
    generator = from_sampler(over_sampling.RandomOverSampler()).fit(X, y)

    batch = draw_one(generator, 200, ["no", "yes"])

    stacked = pd.concat([X, batch.X], ignore_index=True)
    assert stacked.duplicated()[len(X) :].all()
    assert batch.X["float64"].isna().any()


def test_sampler_for_numbers_refuses_categories(mixed_table):
    generator = from_sampler(over_sampling.SMOTE())

    with pytest.raises(GeneratorError, match=r"column 'category' .* Use SMOTENC"):
        generator.fit(*mixed_table)


def test_too_few_neighbours_are_reduced_and_one_row_is_an_error(numbers):
    X, _ = numbers
    generator = from_sampler(over_sampling.SMOTE(k_neighbors=5))

    batch = draw_one(generator.fit(X, [0] * 37 + [1] * 3), 10, [1])
    assert batch.y.tolist() == [1] * 10
    with pytest.raises(
        GeneratorError, match="class 1, which has 1 real rows: Expected"
    ):
        draw_one(generator.fit(X, [0] * 39 + [1]), 10, [1])


def test_labels_left_free_have_the_class_shares(numbers):
    X, _ = numbers
    generator = from_sampler(over_sampling.SMOTE()).fit(X, [0] * 30 + [1] * 10)

    batch = draw_one(generator, 400)

    assert abs(batch.y.mean() - 0.25) < 0.08


def test_a_new_class_is_refused(numbers):
    for generator in (
        from_sampler(over_sampling.SMOTE()),
        from_synthesizer(Bootstrap()),
    ):
        with pytest.raises(GeneratorError, match="got maybe"):
            draw_one(generator.fit(*numbers), 3, ["maybe"])


def test_what_drops_rows_is_no_over_sampler(numbers):
    with pytest.raises(ValueError, match="must be an over-sampler"):
        from_sampler(RandomUnderSampler()).fit(*numbers)


def test_adapters_clone():
    sampler = clone(from_sampler(over_sampling.SMOTE(k_neighbors=2)))
    synthesizer = clone(from_synthesizer(Bootstrap()))

    assert sampler.set_params(sampler__k_neighbors=3).sampler.k_neighbors == 3
    assert isinstance(synthesizer.synthesizer, Bootstrap)


def test_rare_wanted_labels_are_found_by_rejection():
    X = pd.DataFrame({"x": range(0, 100, 2)})
    y = pd.Series([0] * 48 + [1] * 2, name="x")
    generator = from_synthesizer(Bootstrap()).fit(X, y)

    batch = draw_one(generator, 20, [1])

    assert batch.y.tolist() == [1] * 20
    assert set(batch.X["x"]) <= {96, 98}


def test_labels_that_never_come_end_the_search(numbers):
    X, y = numbers
    generator = from_synthesizer(Bootstrap(lambda f: f[f["label"] == "no"])).fit(X, y)

    batch = draw_one(generator, 10, ["no", "yes"])

    assert batch.y.tolist() == ["no"] * 5


def test_unreadable_rows_are_refused_with_the_reason(numbers):
    def spoil(frame):
        frame = frame.astype({"whole": float})
        frame.loc[frame.index % 2 == 0, "whole"] = 3.7
        return frame

    batch = draw_one(from_synthesizer(Bootstrap(spoil)).fit(*numbers), 10)

    assert len(batch.X) == 10
    assert (batch.X["whole"] % 1 == 0).all()
    assert set(batch.refused["reason"]) == {"whole: 3.7 is no whole number"}


def test_a_synthesizer_that_forgets_a_column_is_named(numbers):
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

    codes, reasons = read_rows(new, schema.columns)

    assert reasons.tolist() == [reason]
    if not reason:
        assert schema.decode(codes)["x"].dtype == schema.columns[0].dtype
