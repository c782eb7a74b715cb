"""Rows that a collapsed generator writes over and over are trimmed, others never."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler

from t2sampler import DiversityFilter, TeamThenTrimSampler
from t2sampler.generators import from_sampler
from t2sampler.testing import RepeatRows


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n_rows, 2)), columns=["a", "b"])
    X["name"] = [f"row {seed} {i}" for i in range(n_rows)]
    return X, pd.Series(np.where(X["a"] > 0, "yes", "no"))


@pytest.fixture
def real():
    return draw(40, seed=0)


def collapse(n_copies, n_rows=3):
    X, y = draw(n_rows, seed=1)
    X, y = (pd.concat([part] * n_copies, ignore_index=True) for part in (X, y))
    X["name"] = [f"new {i}" for i in range(len(X))]
    return X, y


def make(**params):
    return DiversityFilter(**{"n_clusters": 2, "random_state": 0} | params)


def test_the_first_of_equal_rows_stays(real):
    X, y = collapse(20)

    verdict = make().fit(*real).inspect(X, y, batch=np.arange(60) // 10)

    assert verdict.keep.tolist() == [True] * 3 + [False] * 57
    assert verdict.reasons[3] == "repeated row: occurrence 2, at most 1 allowed"
    assert verdict.accepted.tolist() == [True] + [False] * 5
    assert verdict.stats["n_rows"].tolist() == [10] * 6


@pytest.mark.parametrize(("most", "kept"), [(0, 3), (2, 9), (None, 60)])
def test_how_many_may_be_said(most, kept, real):
    verdict = make(max_repeats=most).fit(*real).inspect(*collapse(20))

    assert verdict.keep.sum() == kept


def test_equal_rows_with_other_labels_are_other_rows(real):
    X, _ = collapse(2)

    verdict = make().fit(*real).inspect(X, ["yes"] * 3 + ["no"] * 3)

    assert verdict.keep.all()


def test_copies_of_real_rows_stay(real):
    X, y = (pd.concat([part] * 5) for part in real)

    assert make().fit(*real).inspect(X, y).keep.all()


def test_earlier_candidates_count(real):
    trim = make().fit(*real)
    X, y = collapse(2)

    trim.add_candidates(X, y)

    assert not trim.inspect(X, y).keep.any()
    assert trim.inspect(*draw(5, seed=2)).keep.all()


def test_rows_may_be_as_frequent_as_among_real_rows(real):
    X, y = real
    X, y = pd.concat([X, X[:1], X[:1]]), pd.concat([y, y[:1], y[:1]])
    label = y.iloc[0]
    share = 3 / (y == label).sum()
    new = pd.concat([draw(1, seed=1)[0]] * 100)

    verdict = make().fit(X, y).inspect(new, [label] * 100)

    assert verdict.keep.sum() == np.ceil(100 * share)


def test_tables_of_a_few_levels_lose_nothing(rng):
    levels = pd.DataFrame(rng.integers(0, 3, (230, 3)), columns=list("abc"))
    X, y = levels.astype("category"), pd.Series(rng.integers(0, 2, 230))

    verdict = make().fit(X[:30], y[:30]).inspect(X[30:], y[30:])

    assert verdict.keep.mean() > 0.97


def test_order_does_not_matter_to_how_many_stay(real, rng):
    X, y = collapse(7)
    order = rng.permutation(len(X))
    trim = make(max_repeats=1).fit(*real)

    assert trim.inspect(X.iloc[order], y.iloc[order]).keep.sum() == 6


def test_only_rows_that_are_left_spread(real):
    X, y = collapse(20)
    trim = make(entropy_threshold=0.0).fit(*real)

    one, many = trim.inspect(X[:3], y[:3]), trim.inspect(X, y)

    assert many.stats["entropy_gain"].iloc[0] == one.stats["entropy_gain"].iloc[0]


@pytest.mark.parametrize("most", [-1, 0.5, "some"])
def test_wrong_values_are_refused(most, real):
    with pytest.raises(ValueError, match="max_repeats"):
        make(max_repeats=most).fit(*real)


@pytest.mark.parametrize("generator", [RepeatRows(), "over-sampling"])
def test_over_sampling_goes_through(generator, real):
    X, y = real[0].drop(columns="name"), real[1].mask(np.arange(40) % 3 > 0, "no")
    if generator == "over-sampling":
        generator = from_sampler(RandomOverSampler())
    off = {"sanity": "passthrough", "cost": "passthrough"}

    _, y_res = TeamThenTrimSampler(generator, **off, random_state=0).fit_resample(X, y)

    assert y_res.value_counts().nunique() == 1


class Stuck(RepeatRows):
    """A generator that has collapsed to one row per class."""

    def draw(self, requests):
        for batch in super().draw(requests):
            rows = {"a": np.where(batch.y == "yes", 9.0, -9.0), "b": 1.0}
            yield replace(batch, X=batch.X.assign(**rows))


@pytest.mark.filterwarnings("ignore::t2sampler.exceptions.QuotaNotMetWarning")
@pytest.mark.parametrize(("n_batches", "accepted"), [(3, 2), (None, 1)])
def test_the_sampler_counts_over_waves(n_batches, accepted, real):
    X, y = real[0].drop(columns="name"), real[1].mask(np.arange(40) % 3 > 0, "no")
    off = {"sanity": "passthrough", "cost": "passthrough"}
    sampler = TeamThenTrimSampler(Stuck(), **off, n_batches=n_batches, random_state=0)

    sampler.fit_resample(X, y)

    assert sampler.report_.batches["accepted"].sum() == accepted
