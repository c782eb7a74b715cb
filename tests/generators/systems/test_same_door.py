"""Whatever the system: what the sampler does with LLMTeam it does with all of them."""

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from doubles.chat_systems import MAKE
from doubles.sampler_runs import check_report
from imblearn.pipeline import make_pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder

from t2sampler import TeamThenTrimSampler
from t2sampler.generators import HTDBU, Request
from t2sampler.testing import ScriptedChat, answer_competently

ASKED = []
OFF = {"cost": "passthrough", "diversity": "passthrough"}
systems = pytest.mark.parametrize("name", MAKE)
pytestmark = [
    pytest.mark.usefixtures("few_trees"),
    pytest.mark.filterwarnings(
        "ignore::t2sampler.exceptions.QuotaNotMetWarning",
        "ignore::t2sampler.exceptions.SchemaWarning",
    ),
]


def answer(request):
    """Answer, and note what was asked."""
    ASKED.append(request)
    return answer_competently(request)


@pytest.fixture(autouse=True)
def nothing_asked():
    """Forget what was asked."""
    ASKED.clear()


def make_table(n_rows=40):
    rng = np.random.default_rng(5)
    y = pd.Series(["well"] * (n_rows - 12) + ["ill"] * 12, name="state", dtype="str")
    X = pd.DataFrame(
        {
            "weight": rng.normal(70, 9, n_rows).round(1),
            "ward": pd.Categorical(rng.choice(list("ZBA"), n_rows)),
            "visits": rng.integers(0, 9, n_rows).astype("int16"),
            "came": pd.Timestamp("2024-03-01") + pd.to_timedelta(range(n_rows), "D"),
        }
    )
    X.loc[[3, 7], "weight"] = np.nan
    order = rng.permutation(n_rows)
    return X.iloc[order].reset_index(drop=True), y.iloc[order].reset_index(drop=True)


def make_sampler(name, **settings):
    generator = MAKE[name](ScriptedChat(answer), **{"store": False, **settings})
    few = {"batch_size": 8, "max_batches": 4, "random_state": 2}
    return TeamThenTrimSampler(generator, **few, **OFF)


@systems
def test_real_rows_come_back_first_and_new_ones_in_their_dtypes(name):
    X, y = make_table()
    sampler = make_sampler(name)

    X_res, y_res = sampler.fit_resample(X, y)

    check_report(sampler, X_res)
    pd.testing.assert_frame_equal(X_res.iloc[: len(X)], X)
    pd.testing.assert_series_equal(y_res.iloc[: len(y)], y)
    assert len(X_res) > len(X)
    assert set(sampler.provenance_["origin"]) >= {"real", "generated"}
    assert len(sampler.report_.usage)
    assert sampler.report_.notes


@systems
def test_the_same_seed_gives_the_same_rows_and_a_pickle_draws_them_again(name):
    X, y = make_table()
    sampler = make_sampler(name)
    first, again = (clone(sampler).fit_resample(X, y)[0] for _ in range(2))
    pd.testing.assert_frame_equal(first, again)

    generator = clone(sampler.generator, safe=False).fit(X, y)
    copied = pickle.loads(pickle.dumps(generator))

    requests = [[_request(y, seed) for seed in (0, 1)] for _ in (generator, copied)]
    drawn, redrawn = (
        list(part.draw(own))
        for part, own in zip((generator, copied), requests, strict=True)
    )
    for batch, other in zip(drawn, redrawn, strict=True):
        pd.testing.assert_frame_equal(batch.X, other.X)


def _request(y, index):
    labels = np.array(["well", "ill"] * 3, dtype=object)
    return Request(index, 6, labels, np.random.default_rng([9, index]))


PUBLISHED = {name: partial(make, published=True) for name, make in MAKE.items()}
FORMS = {**MAKE, **{f"{name}, published": make for name, make in PUBLISHED.items()}}


def odd_tables():
    """Yield a name and a table that a system might stumble over."""
    X, y = make_table()
    rng = np.random.default_rng(1)
    levels = ["a,b", 'say "so"', "$x {y}", "```", "1"]
    yield "odd levels", X.assign(ward=rng.choice(levels, len(X))), y
    names = ['x,y "q"', "A", "$b {z}", 7]
    yield "odd names", X.set_axis(names, axis=1), y.rename("the, label")
    yield "one column", X[["ward"]], y
    yield "numbers only", rng.normal(size=(len(X), 3)).round(2), y.to_numpy()
    yield "three classes", X, pd.Series(np.resize([2, 0, 1, 0], len(X)))
    yield "a class of one row", X, pd.Series([1] + [0] * (len(X) - 1))
    yield "four rows", X[:4], pd.Series([True, False, True, False])
    yield "constant columns", X.assign(ward="A", visits=1), y


ODD = [pytest.param(X, y, id=name) for name, X, y in odd_tables()]


@pytest.mark.parametrize(("X", "y"), ODD)
@pytest.mark.parametrize("form", FORMS)
def test_odd_tables_come_back(form, X, y):
    generator = FORMS[form](ScriptedChat(), store=False)
    sampler = TeamThenTrimSampler(
        generator, batch_size=8, max_batches=3, random_state=0, **OFF
    )
    sampler.set_params(sampling_strategy=lambda y: {k: 12 + sum(y == k) for k in {*y}})

    X_res, y_res = sampler.fit_resample(X, y)

    check_report(sampler, X_res)
    assert type(X_res) is type(X)
    assert np.shape(X_res) == (len(y_res), np.shape(X)[1])
    assert np.array_equal(np.asarray(y_res[: len(y)]), np.asarray(y))
    assert (sampler.provenance_["origin"] == "generated").any()


@pytest.mark.parametrize(
    "name",
    [
        "EPIC",
        *(pytest.param(n, marks=pytest.mark.slow) for n in sorted({*MAKE} - {"EPIC"})),
    ],
)
def test_a_grid_over_the_filters_asks_each_question_once(name, tmp_path):
    X, y = make_table()
    sampler = make_sampler(name, store=str(tmp_path / "replies"))
    sampler.set_params(diversity=None)
    pipeline = make_pipeline(
        sampler, OneHotEncoder(handle_unknown="ignore"), LogisticRegression()
    )
    step = "teamthentrimsampler"
    grid = {f"{step}__diversity__entropy_threshold": [0.3, 0.0, 0.15]}

    GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)

    questions = [(r.messages, r.seed, r.attempt, str(r.schema)) for r in ASKED]
    assert len(questions) == len(set(questions)) > 0


@systems
def test_what_is_private_is_never_sent(name):
    X, y = make_table()
    secrets = [f"secret{n}word" for n in range(len(X))]
    X.insert(2, "note", [f"a long text of {s}, and of other things" for s in secrets])
    X.insert(0, "email", [f"{s}@example.org" for s in secrets])
    X["code"] = [f"{s}-77" for s in secrets]
    sampler = make_sampler(name)
    sampler.set_params(column_kinds={"code": "id", "note": "text", "email": "private"})

    X_res, _ = sampler.fit_resample(X, y)

    texts = [text for request in ASKED for _, text in request.messages]
    assert texts
    assert not any("secret" in text for text in texts)
    assert not X_res["email"].iloc[len(X) :].notna().any()


def test_a_written_rule_does_not_shut_out_a_rare_class():
    X, y = make_table(60)
    y[:] = ["well"] * 54 + ["ill"] * 6  # a tenth: fewer than may break a rule at all
    rule = '{"rules":[{"rule":"OneOf","column":"state","values":["well"]}]}'
    generator = HTDBU(chat=ScriptedChat(lambda request: rule), store=False)
    sampler = TeamThenTrimSampler(generator, max_batches=9, random_state=0, **OFF)

    sampler.fit_resample(X, y)

    assert sampler.report_.classes["generated"].sum() == 48
    assert any("of a class break it" in note for note in sampler.report_.notes)
