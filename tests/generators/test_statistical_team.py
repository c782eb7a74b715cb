"""The offline team: any table, wanted labels, and batches that stand alone."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from t2sampler import TeamThenTrimSampler
from t2sampler._schema import TableSchema
from t2sampler.constraints._infer import infer_constraints
from t2sampler.exceptions import GeneratorError, PlanError
from t2sampler.generators import Request, StatisticalTeam
from t2sampler.team import Component, Plan

OTHERS = ["bank", "german", "thyroid", "travel"]
TABLES = ["adult", "compas", "drug"]
TABLES += [pytest.param(name, marks=pytest.mark.slow) for name in OTHERS]


def ask(index, n_rows, labels=None):
    wanted = None if labels is None else np.resize(labels, n_rows)
    return Request(index, n_rows, wanted, np.random.default_rng([5, index]))


def draw_one(team, n_rows, labels=None):
    return next(team.draw([ask(0, n_rows, labels)]))


@pytest.mark.usefixtures("few_trees")
def test_wanted_labels_dtypes_and_index(mixed_table):
    X, y = mixed_table

    batch = draw_one(StatisticalTeam().fit(X, y), 30, ["no", "yes"])

    assert batch.y.tolist() == ["no", "yes"] * 15
    assert batch.X.dtypes.equals(X.dtypes)
    assert batch.y.dtype == y.dtype
    assert batch.X.index.equals(pd.RangeIndex(30))


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("labels", [None, ["no", "yes"]])
def test_a_batch_does_not_depend_on_what_is_drawn_beside_it(
    mixed_table, labels, monkeypatch
):
    team = StatisticalTeam().fit(*mixed_table)
    together = list(team.draw([ask(i, 5 + i, labels) for i in range(20)]))

    monkeypatch.setattr("t2sampler.generators._statistical_team.MAX_CELLS", 100)
    cut = list(team.draw(iter([ask(i, 5 + i, labels) for i in range(20)])))
    alone = [next(team.draw([ask(i, 5 + i, labels)])) for i in range(20)]

    for others in (cut, alone):
        for batch, other in zip(together, others, strict=True):
            assert batch.index == other.index
            pd.testing.assert_frame_equal(batch.X, other.X)
            pd.testing.assert_series_equal(batch.y, other.y)


@pytest.mark.usefixtures("few_trees")
def test_n_jobs_and_pickle_change_nothing(mixed_table):
    teams = [StatisticalTeam(n_jobs=n).fit(*mixed_table) for n in (1, 2)]
    teams.append(pickle.loads(pickle.dumps(teams[0])))

    batches = [draw_one(team, 50, ["no", "yes"]) for team in teams]

    assert batches[0].X.equals(batches[1].X)
    assert batches[0].X.equals(batches[2].X)


@pytest.mark.usefixtures("few_trees")
def test_wanted_and_free_batches_mix(mixed_table):
    team = StatisticalTeam().fit(*mixed_table)

    batches = list(team.draw([ask(0, 4), ask(1, 0), ask(2, 3, ["yes"])]))

    assert [len(batch.X) for batch in batches] == [4, 0, 3]
    assert batches[2].y.tolist() == ["yes"] * 3
    assert batches[0].X.equals(draw_one(team, 4).X)


def test_free_labels_have_about_the_real_shares(rng):
    x = rng.normal(size=400)
    X, y = pd.DataFrame({"x": x}), np.where(x > 0.8, "rare", "usual")

    batch = draw_one(StatisticalTeam().fit(X, y), 4000)

    assert abs((batch.y == "rare").mean() - (y == "rare").mean()) < 0.04
    assert batch.X["x"][batch.y == "rare"].median() > 0.8


def test_a_class_without_rows_is_refused_with_the_remedy():
    X, y = pd.DataFrame({"x": [1, 2, 3, 4]}), pd.Series(["a", "a", "b", "b"])
    schema = TableSchema.learn(X, y, new_labels=("c",))
    team = StatisticalTeam().fit(X, y, schema=schema)

    for label in ("c", "never heard of"):
        with pytest.raises(GeneratorError, match=f"got {label}.* LLMTeam"):
            draw_one(team, 2, ["a", label])


def test_own_plan_is_used_and_checked():
    X = pd.DataFrame({"x": range(20), "n": [1, 2] * 10, "name": list("abcdefghij") * 2})
    parts = [Component("n", ["n"]), Component("rest", ["x", "name"], reads=["n"])]

    team = StatisticalTeam(plan=Plan(parts)).fit(X, [0, 1] * 10)

    assert team.plan_ == Plan(parts)
    assert draw_one(team, 5, [0]).X["n"].tolist() == [1] * 5
    with pytest.raises(PlanError, match=r"component for \['x', 'name'\]"):
        StatisticalTeam(plan=Plan(parts[:1])).fit(X, [0, 1] * 10)


@pytest.mark.parametrize(
    "params",
    [
        {"plan": "x"},
        {"max_columns": 0},
        {"min_leaf": 0},
        {"smoothing": -1},
        {"keep_fraction": 0},
    ],
)
def test_wrong_parameters_are_refused(params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter"):
        StatisticalTeam(**params).fit([[1], [2]], [0, 1])


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 1], [True] * 5, list("aabbc")])
@pytest.mark.parametrize("n_columns", [1, 13])
def test_five_rows_are_enough(mixed_table, labels, n_columns):
    X = mixed_table[0].iloc[:5, :n_columns]

    batch = draw_one(StatisticalTeam().fit(X, labels), 40, labels)

    assert batch.y.tolist() == labels * 8
    assert batch.X.dtypes.equals(X.dtypes)


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize(
    "column",
    [
        [np.nan] * 30,
        [None] * 30,
        [7] * 30,
        list("uv") * 15,
        [f"name {i}" for i in range(30)],
        pd.Categorical(["u"] * 30, categories=["u", "never"]),
    ],
    ids=["nan", "none", "constant", "levels", "text", "category"],
)
def test_a_table_of_one_odd_column(column):
    X = pd.DataFrame({"x": column})

    batch = draw_one(StatisticalTeam().fit(X, [0, 0, 1] * 10), 20, [0, 1])

    assert batch.X.dtypes.equals(X.dtypes)
    assert set(batch.X["x"].dropna()) <= set(X["x"].dropna())


@pytest.mark.usefixtures("few_trees")
def test_two_hundred_columns(rng):
    X = pd.DataFrame(rng.integers(0, 5, size=(60, 200)))

    batch = draw_one(StatisticalTeam().fit(X, [0, 1] * 30), 10, [0, 1])

    assert batch.X.shape == (10, 200)


@pytest.mark.usefixtures("few_trees")
def test_missing_values_keep_their_share_and_their_company(rng):
    X = pd.DataFrame(rng.normal(size=(500, 2)), columns=list("ab"))
    X.loc[rng.random(500) < 0.3] = np.nan  # missing together

    drawn = draw_one(StatisticalTeam().fit(X, [0, 1] * 250), 2000, [0, 1]).X.isna()

    assert drawn["a"].equals(drawn["b"])
    assert abs(drawn["a"].mean() - X["a"].isna().mean()) < 0.04


def test_clone_and_repr():
    team = StatisticalTeam(max_columns=2)

    assert clone(team).get_params() == team.get_params()
    assert repr(team) == "StatisticalTeam(max_columns=2)"


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("n_rows", [500, pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TABLES)
def test_no_row_breaks_an_inferred_rule(real_table, name, n_rows):
    X, y = (part[:n_rows] for part in real_table(name))

    batch = draw_one(StatisticalTeam().fit(X, y), 3000, y.unique())

    for rule in infer_constraints(X):
        assert rule.holds(batch.X).all(), rule.name


@pytest.mark.parametrize(
    ("keep_fraction", "limit"),
    [(None, 0.75), pytest.param(1.0, 0.75, marks=pytest.mark.slow), ("auto", 0.85)],
)
@pytest.mark.parametrize(
    "name",
    [
        "adult",
        pytest.param("bank", marks=pytest.mark.slow),
        pytest.param("compas", marks=pytest.mark.slow),
        pytest.param("german", marks=pytest.mark.slow),
    ],
)
def test_a_forest_hardly_tells_drawn_rows_from_real_ones(
    real_table, name, keep_fraction, limit
):
    X, y = real_table(name)
    rows = np.random.default_rng(0).permutation(len(X))[:1000]
    X, y = X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)
    seen, held_out = X[:500], X[500:]
    team = StatisticalTeam(keep_fraction=keep_fraction).fit(seen, y[:500])

    drawn = draw_one(team, 500, y[:500].to_numpy()).X

    codes = TableSchema.learn(X).encode(pd.concat([held_out, drawn]))
    is_drawn = np.repeat([0, 1], 500)
    forest = RandomForestClassifier(
        100, min_samples_leaf=3, oob_score=True, random_state=0
    ).fit(np.nan_to_num(codes, nan=-999), is_drawn)
    score = roc_auc_score(is_drawn, forest.oob_decision_function_[:, 1])
    assert score < limit  # 0.5 is perfect; a resolution or a spike lost gives 0.9


def test_labels_are_the_ensembles_and_not_those_of_single_rows(rng):
    x = rng.normal(size=200)
    y = np.where((x > 0) ^ (rng.random(200) < 0.3), "b", "a")  # a third is wrong

    teams = [
        StatisticalTeam(keep_fraction=keep_fraction) for keep_fraction in (None, 0.5)
    ]
    batches = [draw_one(t.fit(x[:, None], y), 400, ["a", "b"]) for t in teams]

    right = [np.mean((b.X[0] > 0) == (b.y == "b")) for b in batches]
    assert right[0] < 0.8
    assert right[1] > 0.97


def make_odd_levels(rng, n_well=275, n_ill=108, n_odd=12):
    """Return a table whose rare class has levels that are typical of the other one."""
    well, ill = ["b"] * n_well, ["a"] * n_ill
    is_odd = np.append(rng.random(n_well) < 0.9, np.arange(n_ill) < n_odd)
    n_rows, y = n_well + n_ill, pd.Series(well + ill)
    sign = np.where(y == "a", 1, -1)
    X = pd.DataFrame(
        {
            "stage": np.where(is_odd, "low", rng.choice(["mid", "high"], n_rows)),
            "checked": np.where(is_odd, None, rng.choice(["yes", "no"], n_rows)),
            "size": (rng.normal(size=n_rows) + 1.5 * sign).round(2),
            "age": rng.integers(20, 80, n_rows),
        }
    )
    X["kind"] = np.where(is_odd, rng.choice([7, 3], n_rows), rng.choice([0, 3], n_rows))
    order = rng.permutation(n_rows)
    return X.iloc[order].reset_index(drop=True), y.iloc[order].reset_index(drop=True)


@pytest.mark.parametrize("labels", [["a"], ["b", "a"], ["a", "b", "b", "b"]])
def test_levels_that_contradict_their_class_keep_their_share(rng, labels):
    X, y = make_odd_levels(rng)

    team = StatisticalTeam().fit(X, y)
    batches = list(team.draw([ask(i, 20, labels) for i in range(100)]))

    new = pd.concat([batch.X[(batch.y == "a").to_numpy()] for batch in batches])
    real = X[(y == "a").to_numpy()]
    for is_odd in (
        lambda frame: frame["stage"] == "low",
        lambda frame: frame["checked"].isna(),
        lambda frame: frame["kind"] == 7,
        lambda frame: frame["size"] < real["size"].quantile(0.25),
    ):
        share, error = is_odd(real).mean(), is_odd(real).sem()
        assert abs(is_odd(new).mean() - share) < 2 * error


@pytest.mark.parametrize("name", ["thyroid", "german"])
def test_no_level_of_a_real_class_is_lost_in_the_result(real_table, name):
    X, y = real_table(name)
    sampler = TeamThenTrimSampler(random_state=1)

    sampler.fit_resample(X, y)

    shifts = sampler.report_.shifts
    known = shifts[(shifts["real"] >= 5) & (shifts["real_share"] > 0.03)]
    known = known[known["what"].isin(["level", "missing"])]
    assert len(known) > 20
    assert (known["new"] > 0).all()
    assert shifts["is_shift"].sum() <= 1  # of hundreds, by chance


def test_rare_levels_of_a_small_class_do_not_vanish(rng):
    X, y = make_odd_levels(rng, n_well=160, n_ill=20, n_odd=5)

    team = StatisticalTeam().fit(X, y)
    batches = list(team.draw([ask(i, 20, ["a"]) for i in range(20)]))

    assert team._labeler.is_reliable_
    new = pd.concat([batch.X for batch in batches])
    assert (new["stage"] == "low").mean() > 0.02
    assert new["checked"].isna().mean() > 0.02


def test_wrong_labels_do_not_spread_through_the_shares_of_levels(rng):
    X, y = make_odd_levels(rng, n_well=100, n_ill=100, n_odd=5)
    flipped = y.where(rng.random(200) > 0.3, y.map({"a": "b", "b": "a"}))

    team = StatisticalTeam().fit(X, flipped)
    batches = list(team.draw([ask(i, 20, ["a"]) for i in range(20)]))

    new = pd.concat([batch.X for batch in batches])
    given = (X["stage"] == "low")[flipped == "a"].mean()
    assert given > 0.2  # of which most are wrong labels
    assert (new["stage"] == "low").mean() < given / 3


@pytest.mark.usefixtures("few_trees")
@pytest.mark.parametrize("keep_fraction", [None, 0.5])
def test_no_candidate_copies_a_real_row_unless_real_rows_repeat(rng, keep_fraction):
    X = pd.DataFrame(rng.integers(0, 5, size=(60, 3))).drop_duplicates()
    y = (X[0] > 1).astype(int)

    batch = draw_one(StatisticalTeam(keep_fraction=keep_fraction).fit(X, y), 12, [0, 1])
    both = pd.concat([X, X])
    repeated = draw_one(StatisticalTeam().fit(both, pd.concat([y, y])), 200, [0, 1])

    def count_copies(rows):
        return len(rows.merge(X.drop_duplicates()))

    assert count_copies(batch.X) < 3  # of 125 possible rows about 48 are real
    assert count_copies(repeated.X) > 100


def test_a_table_of_copies_only_still_gives_rows():
    X = pd.DataFrame({"kind": list("uv") * 10})
    parts = Plan([Component("kind", ["kind"])])

    batch = draw_one(StatisticalTeam(plan=parts).fit(X, [0, 1] * 10), 30, [0, 1])

    assert batch.X["kind"].tolist() == list("uv") * 15
