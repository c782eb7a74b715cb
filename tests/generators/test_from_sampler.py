"""Over-samplers of imbalanced-learn keep the contract of a generator."""

import pandas as pd
import pytest
from imblearn import over_sampling
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import clone

from t2sampler.exceptions import GeneratorError
from t2sampler.generators import from_sampler
from t2sampler.testing import check_generator


@pytest.mark.parametrize(
    "sampler",
    [
        over_sampling.RandomOverSampler(),
        over_sampling.SMOTENC(None),
        over_sampling.SMOTEN(),
    ],
    ids=repr,
)
def test_generator_contract(sampler):
    check_generator(from_sampler(sampler))


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
def test_numbers_stay_on_their_grid_and_within_bounds(sampler, numbers, draw_one):
    X, y = numbers

    batch = draw_one(from_sampler(sampler).fit(X, y), 20, ["no", "yes"])

    assert 0 < len(batch.X) <= 20
    assert batch.X.dtypes.equals(X.dtypes)
    assert batch.X.round(1).equals(batch.X)
    assert (batch.X.min() >= X.min()).all()
    assert (batch.X.max() <= X.max()).all()


def test_kinds_of_all_columns_come_back(mixed_table, draw_one):
    X, y = mixed_table
    generator = from_sampler(over_sampling.SMOTENC("auto")).fit(X, y)

    batch = draw_one(generator, 20, ["no", "yes"])

    assert batch.X.dtypes.equals(X.dtypes)
    assert batch.y.tolist() == ["no", "yes"] * 10


def test_repeated_rows_keep_their_missing_values(mixed_table, draw_one):
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


def test_too_few_neighbours_are_reduced_and_one_row_is_an_error(numbers, draw_one):
    X, _ = numbers
    generator = from_sampler(over_sampling.SMOTE(k_neighbors=5))

    batch = draw_one(generator.fit(X, [0] * 37 + [1] * 3), 10, [1])
    assert batch.y.tolist() == [1] * 10
    with pytest.raises(
        GeneratorError, match="class 1, which has 1 real rows: Expected"
    ):
        draw_one(generator.fit(X, [0] * 39 + [1]), 10, [1])


def test_labels_left_free_have_the_class_shares(numbers, draw_one):
    X, _ = numbers
    generator = from_sampler(over_sampling.SMOTE()).fit(X, [0] * 30 + [1] * 10)

    batch = draw_one(generator, 400)

    assert abs(batch.y.mean() - 0.25) < 0.08


def test_a_new_class_is_refused(numbers, draw_one):
    generator = from_sampler(over_sampling.SMOTE()).fit(*numbers)

    with pytest.raises(GeneratorError, match="got maybe"):
        draw_one(generator, 3, ["maybe"])


def test_what_drops_rows_is_no_over_sampler(numbers):
    with pytest.raises(ValueError, match="must be an over-sampler"):
        from_sampler(RandomUnderSampler()).fit(*numbers)


def test_parameters_of_the_sampler_are_set_by_name():
    generator = clone(from_sampler(over_sampling.SMOTE(k_neighbors=2)))

    assert generator.set_params(sampler__k_neighbors=3).sampler.k_neighbors == 3
