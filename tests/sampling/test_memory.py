"""A store of fitted generators changes no row, whatever is taken from it."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from joblib import Memory
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from t2sampler import TeamThenTrimSampler
from t2sampler._table import Table, read_table
from t2sampler.constraints import Between
from t2sampler.generators import (
    LLMTeam,
    StatisticalTeam,
    from_sampler,
    from_synthesizer,
)
from t2sampler.sampling._memory import _make_key
from t2sampler.testing import RepeatRows, ScriptedChat, answer_competently

KINDS = {"mail": "private", "when": "datetime"}
OFF = {"cost": "passthrough", "diversity": "passthrough"}


def table(n_rows=36):
    rng = np.random.default_rng(5)
    X = pd.DataFrame(
        {
            "zone": pd.Categorical(rng.choice(list("qzt"), n_rows), list("tzqx")),
            "cost": rng.normal(40, 9, n_rows).round(2),
            "n": pd.array(rng.integers(0, 9, n_rows), dtype="Int64"),
            "when": pd.Timestamp("2024-02-27") + pd.to_timedelta(range(n_rows), "D"),
            "price": [f"1,{k % 7}0 €" for k in range(n_rows)],
            "mail": [f"name{k}@example.org" for k in range(n_rows)],
        }
    )
    X.loc[[3, 8], ["n", "cost"]] = None
    return X, pd.Series(["well", "well", "ill"] * (n_rows // 3), name="state")


def make(memory=None, generator=None, **settings):
    settings = {**OFF, "random_state": 3, "max_batches": 3} | settings
    return TeamThenTrimSampler(generator, memory=memory, **settings)


def count_fits(folder):
    return len([*folder.rglob("output.pkl")])


def test_rows_are_the_same_with_a_store_and_from_it(tmp_path):
    X, y = table()

    without, first, second = (
        make(memory, column_kinds=KINDS).fit_resample(X, y)
        for memory in (None, tmp_path, Memory(str(tmp_path), verbose=0))
    )

    for part in range(2):
        assert first[part].equals(without[part])
        assert second[part].equals(without[part])
    assert count_fits(tmp_path) == 1


def test_settings_of_filters_and_seeds_share_a_fit(tmp_path):
    X, y = table()
    X = X[["zone", "n"]]
    searched = [{}, {"random_state": 4}, {"diversity": None}, {"batch_size": 5}]
    rows = [
        make(str(tmp_path), **settings).fit_resample(X.copy(), y.copy())[0]
        for settings in searched
    ]

    assert count_fits(tmp_path) == 1
    assert not rows[0].equals(rows[1])


def find_key(X, y, generator=None, kinds=None, rules=()):
    rows = read_table(Table(X, y), kinds=KINDS | (kinds or {}))
    rows.given_rules = rules
    return _make_key(generator or StatisticalTeam(), rows)


def test_a_fit_is_found_again_by_what_it_learned_from():
    X, y = table()
    key = find_key(X, y)
    X["zone"].cat.categories.get_loc("q")  # pandas remembers what it has looked up
    other = X.assign(cost=X["cost"].where(X.index != 7, 39.99))
    relabelled = y.where(y.index != 2, "well")
    wider = X.assign(zone=X["zone"].cat.add_categories("u"))

    assert find_key(X.copy(), y.copy()) == key
    keys = {
        key,
        find_key(other, y),
        find_key(X, relabelled),
        find_key(wider, y),
        find_key(X[::-1], y[::-1]),
        find_key(X[X.columns[::-1]], y),
        find_key(X, y, kinds={"n": "category"}),
        find_key(X, y, rules=(Between("n", 0, 20),)),
        find_key(X, y, StatisticalTeam(smoothing=0.5)),
        find_key(X, y, RepeatRows()),
    }
    assert len(keys) == 10


def test_categories_beyond_those_a_dtype_shows_are_told_apart():
    X, y = table()
    many = [f"z{k:03d}" for k in range(300)]
    first, second = (
        X.assign(zone=X["zone"].cat.add_categories(names))
        for names in (many, [*many[:150], "other", *many[151:]])
    )

    assert find_key(first, y) != find_key(second, y)


def test_no_value_is_written_down_beside_the_fits(tmp_path):
    make(tmp_path, RepeatRows(), column_kinds=KINDS).fit_resample(*table())

    notes = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*.pkl"))
    assert "input_args" in notes
    assert "well" not in notes
    assert b"well" in stored
    assert b"example.org" not in stored


def test_language_models_have_a_store_of_their_own(tmp_path):
    team = LLMTeam(ScriptedChat(answer_competently), store=False)
    X, y = table(15)

    make(tmp_path / "fits", team).fit_resample(X[["zone", "cost"]], y)

    assert not (tmp_path / "fits").exists()


class Bootstrap:
    def __init__(self, change=None):
        self.change = change

    def fit(self, frame):
        self.frame = frame

    def sample(self, n_rows, seed=None):
        return self.frame.sample(n_rows, replace=True, random_state=seed)


@pytest.mark.parametrize(
    ("generator", "n_fits"),
    [
        (RepeatRows(), 1),
        (from_sampler(RandomOverSampler()), 1),
        (from_synthesizer(Bootstrap()), 1),
        (from_synthesizer(Bootstrap(lambda: 0)), 0),  # it has no pickle
    ],
)
def test_any_generator_that_can_be_pickled_is_stored(tmp_path, generator, n_fits):
    X, y = table()
    X = X[["zone", "cost"]]

    without, first, second = (
        make(memory, generator).fit_resample(X, y)[0]
        for memory in (None, tmp_path, tmp_path)
    )

    assert first.equals(without)
    assert second.equals(without)
    assert count_fits(tmp_path) == n_fits


def test_what_is_no_memory_is_refused():
    with pytest.raises(ValueError, match="'memory' parameter of TeamThenTrimSampler"):
        make(3).fit(*table())


def test_a_memory_is_cloned_with_the_sampler(tmp_path):
    sampler = make(Memory(str(tmp_path), verbose=0))

    assert clone(sampler).memory.location == sampler.memory.location


@pytest.mark.slow
def test_processes_of_a_grid_search_share_the_folder(tmp_path):
    X, y = table()
    X = X[["zone", "n"]]
    sampler = make(tmp_path, RepeatRows(), diversity=None)
    model = make_pipeline(sampler, DummyClassifier())
    grid = {"teamthentrimsampler__diversity__max_repeats": [0, None]}

    GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X, y)

    assert count_fits(tmp_path) == 3  # two training parts and the whole table
