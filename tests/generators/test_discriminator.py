"""Discriminators: rows like the real ones score near a half, others near one."""

import numpy as np
import pandas as pd
import pytest
from doubles.process_models import Model, make_gan
from doubles.scripted_team import patients
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from t2sampler._table import open_real_rows
from t2sampler.generators._discriminator import (
    Discriminator,
    IncrementalDiscriminator,
    default_discriminator,
    encode_with_labels,
    find_best,
)

NONE = np.empty((0, 3))


def draw(rng, n_rows, shift=0.0, *, is_joint=True):
    """Return rows of three columns that go together, or that do not."""
    first = rng.normal(size=n_rows)
    rows = np.column_stack([first, -first, first])
    if not is_joint:
        rows = rng.permuted(rows, axis=0)
    return rows + rng.normal(scale=0.1, size=(n_rows, 3)) + shift


@pytest.mark.parametrize(
    "estimator", [SVC(), DecisionTreeClassifier(), GaussianNB(), LogisticRegression()]
)
@pytest.mark.parametrize("judge", [Discriminator, IncrementalDiscriminator])
def test_any_classifier_tells_rows_that_are_moved_away(judge, estimator, rng):
    real, rows = draw(rng, 60), np.arange(60)[::-1]
    discriminator = judge(estimator, real)
    for written in (draw(rng, 50, 4.0), NONE, draw(rng, 50)):
        discriminator.add(written, rows)
    scores, n_rows = discriminator.score()

    assert scores[0] > 0.55
    assert np.isnan(scores[1])
    assert scores[2] < scores[0]
    assert n_rows[1] == 0
    assert find_best(scores, n_rows, has_margin=False) == 2
    assert discriminator.score()[0][2] == scores[2]


def test_default_sees_that_columns_do_not_go_together(rng):
    discriminator = Discriminator(default_discriminator(False), draw(rng, 100))
    for is_joint in (False, True):
        discriminator.add(draw(rng, 50, is_joint=is_joint), None)
    scores, _ = discriminator.score()

    assert scores[0] > scores[1] + 0.1


def test_more_real_rows_than_written_ones_are_no_advantage(rng):
    """A classifier that always says "real" is right on half of what is scored."""
    discriminator = Discriminator(LogisticRegression(), draw(rng, 400))
    discriminator.add(draw(rng, 30), None)

    assert 0.3 < discriminator.score()[0][0] < 0.7


@pytest.mark.parametrize("n_real", [1, 2, 3])
@pytest.mark.parametrize("judge", [Discriminator, IncrementalDiscriminator])
def test_few_rows(judge, n_real, rng):
    discriminator = judge(
        default_discriminator(judge is not Discriminator), draw(rng, n_real)
    )
    discriminator.add(draw(rng, n_real), np.arange(n_real))
    discriminator.add(NONE, np.arange(n_real))
    scores, _ = discriminator.score()

    assert len(scores) == 2
    assert np.isnan(scores[1])


def test_matrix_has_missing_values_categories_and_labels(real_table_with_gaps):
    rows, labels = real_table_with_gaps
    matrix = encode_with_labels(rows, rows.codes, labels)

    assert np.isfinite(matrix).all()
    assert matrix[:, -3:].sum(axis=1).tolist() == [1.0] * len(labels)
    assert (matrix[:, -3:].argmax(axis=1) == labels).all()


@pytest.fixture
def real_table_with_gaps(rng):
    X = pd.DataFrame({"k": rng.choice(list("uvw"), 30), "x": rng.normal(size=30)})
    X.loc[::4, "x"] = np.nan
    X.loc[::5, "k"] = None
    rows = open_real_rows(X, pd.Series(list("cab") * 10))
    return rows, rows.labels.astype(int)


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([0.8, 0.79, 0.6], 2),  # by more than chance
        ([0.8, 0.76, 0.79], 0),  # not so
        ([np.nan, 0.9, 0.95], 1),
        ([np.nan, np.nan, np.nan], 0),
        ([0.6, np.nan, 0.9], 0),
    ],
)
def test_the_first_stays_unless_another_is_better(scores, best):
    scores = np.array(scores)

    assert find_best(scores, np.full(3, 50), has_margin=True) == best


def test_a_discriminator_that_is_no_classifier_is_refused_unasked():
    X, y = patients()
    model = Model()

    with pytest.raises(ValueError, match="expected a classifier, got LinearRegression"):
        make_gan(model, discriminator=LinearRegression()).fit(X, y)

    assert not model.log
