"""What a column is: as its owner says, or inferred alike for any order and sample."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from t2sampler import QualityControl, SanityFilter, TeamThenTrimSampler
from t2sampler._kinds import infer_kind, merge_kinds, split_name
from t2sampler._schema import TableSchema, learn_column
from t2sampler.exceptions import SchemaError
from t2sampler.generators import StatisticalTeam

RNG = np.random.default_rng(5)
TOWNS = [
    "Ulm",
    "Kiel",
    "Bonn",
    "Trier",
    "Jena",
    "Gera",
    "Hof",
    "Celle",
    "Emden",
    "Fulda",
    "Worms",
    "Speyer",
    "Siegen",
    "Hamm",
    "Bad-Ems",
    "Marl",
    "Neuss",
    "Moers",
    "Unna",
    "Soest",
    "Goslar",
    "Peine",
    "Stade",
    "Verden",
    "Husum",
    "Plau",
    "Thale",
    "Zeitz",
]
SENTENCES = np.array([f"the parcel {k} came late and was open" for k in range(300)])

SAID = {"day": "category"}


def towns(n_rows):
    weights = 1 / np.arange(1, len(TOWNS) + 1)
    return np.random.default_rng(n_rows).choice(
        TOWNS, n_rows, p=weights / weights.sum()
    )


@pytest.mark.parametrize("n_rows", [15, 30, 200, 2000])
def test_towns_are_categories_in_any_sample(n_rows):
    assert learn_column(pd.Series(towns(n_rows)), "town").kind == "category"


@pytest.mark.parametrize("n_rows", [5, 15, 30, 300])
def test_sentences_are_text_in_any_sample(n_rows):
    values = pd.Series(RNG.permutation(SENTENCES)[:n_rows])

    assert learn_column(values, "remark").kind == "text"


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        pytest.param("day", range(40), "number", id="a running day"),
        pytest.param("year", range(1990, 2020), "number", id="years"),
        pytest.param("PassengerId", range(1, 41), "id", id="camel case"),
        pytest.param("customer_id", [3, 1, 2] * 9, "id", id="visits of persons"),
        pytest.param("product_id", [3, 1, 2] * 9, "category", id="products"),
        pytest.param("index", range(9), "id", id="index"),
        pytest.param("Unnamed: 0", range(9), "id", id="a stray index"),
        pytest.param("Unnamed: 0", [3, 3, 1, 2], "number", id="no index"),
        pytest.param("zip", [10115, 80331, 1067, 50667], "category", id="zip"),
        pytest.param("ZipCode", [10115, 80331] * 9, "category", id="ZipCode"),
        pytest.param("shop_no", [117, 342, 117, 880], "category", id="shops"),
        pytest.param("rooms_no", [1, 2, 3, 2], "number", id="a count"),
        pytest.param("zip_income", [31000, 42000, 29500], "number", id="of a zip"),
        pytest.param("x", [117, 342, 880, 905] * 9, "category", id="recurring codes"),
        pytest.param("x", [117, 342, 880, 905], "number", id="no code recurs"),
        pytest.param("x", [101, 104, 103, 107] * 9, "number", id="a filled range"),
        pytest.param("x", [0, 7688, 99, 15024] * 9, "number", id="amounts that recur"),
        pytest.param("humidity", [31, 42, 29], "number", id="ends like id"),
        pytest.param("code", list("uvwu"), "category", id="codes of text"),
        pytest.param(
            "key", [f"{k:08x}-{k:04x}-4{k:03x}-8{k:03x}-{k:012x}" for k in range(3)],
            "id", id="uuid",
        ),
        pytest.param(
            "x", [f"{k * 7919:016x}ab" for k in range(1, 9)], "id", id="hashes"
        ),
        pytest.param("x", [f"INV-{k:05}" for k in range(30)], "id", id="counters"),
        pytest.param("x", [f"M-{k:03}" for k in range(4)] * 8, "category", id="models"),
        pytest.param("x", [f"{k}" for k in range(4)] * 8, "category", id="digits"),
    ],
)  # fmt: skip
def test_kind_by_name_and_content_in_any_order(name, values, kind):
    values = pd.Series(list(values))
    orders = [values, values[::-1], values.sample(frac=1, random_state=3)]

    assert {learn_column(order, name).kind for order in orders} == {kind}


def test_words_of_names():
    assert split_name("HTTPStatusCode") == ["http", "status", "code"]
    assert split_name(("a", 1)) == ["a", "1"]


def test_kinds_that_are_said_win():
    frame = pd.DataFrame(
        {"id": [5, 3, 9, 1], "size": [1.5, 2.5, 1.5, 3.0], "t": list("abab")}
    )
    said = {"t": "text", "id": "number", "size": "category"}

    schema = TableSchema.learn(frame, kinds=said)

    assert {c.name: c.kind for c in schema.columns} == said
    assert all(column.is_given for column in schema.columns)
    assert schema.columns[1].levels == (1.5, 2.5, 3.0)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        pytest.param({"nope": "number"}, "'nope'.*has .*'a'", id="column"),
        pytest.param({"a": "float"}, "one of number, .*'float'", id="kind"),
        pytest.param({"a": "number"}, "expected a number.*pd.to_numeric", id="words"),
        pytest.param({"a": "datetime"}, "pd.to_datetime", id="no dates"),
        pytest.param({"b": "datetime"}, "datetime.*unit='s'", id="numbers as dates"),
        pytest.param({"b": "timedelta"}, "delta.*unit='D'", id="numbers as times"),
        pytest.param({"c": "number"}, "expected a number.*got category", id="levels"),
    ],
)
def test_kinds_that_do_not_fit_are_refused(kinds, message):
    frame = pd.DataFrame({"a": list("uvuv"), "b": [3, 1, 2, 5]})
    frame["c"] = frame["b"].astype("category")

    with pytest.raises(SchemaError, match=message):
        TableSchema.learn(frame, kinds=kinds)


def test_parts_of_a_sampler_may_say_kinds():
    said = merge_kinds({"a": "id"}, None, {"b": "text", "a": "id"})

    assert said == {"a": "id", "b": "text"}
    with pytest.raises(SchemaError, match="one kind for column 'a'"):
        merge_kinds({"a": "id"}, {"a": "number"})


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"column_kinds": SAID}, id="sampler"),
        pytest.param({"generator": StatisticalTeam(column_kinds=SAID)}, id="generator"),
        pytest.param({"sanity": SanityFilter(column_kinds=SAID)}, id="filter"),
    ],
)
def test_kinds_reach_all_parts(settings):
    sampler = TeamThenTrimSampler(
        **settings, cost="passthrough", diversity="passthrough", random_state=0
    )
    X = pd.DataFrame({"day": np.arange(40)[::-1] * 3, "load": np.arange(40) % 7})
    y = np.where(np.arange(40) % 4, "fine", "outage")

    X_res, _ = sampler.fit_resample(X, y)

    kinds = {c.name: c.kind for c in sampler.generator_.schema_.columns}
    assert kinds == {"day": "category", "load": "number"}
    assert sampler.sanity_.schema_.columns[0].kind == "category"
    assert sampler.report_.columns.loc["day"].tolist()[:2] == ["category", "user"]
    assert X_res["day"].isin(X["day"]).all()
    assert "category  day\nnumber    load (inferred)" in str(sampler.estimate(X, y))


def test_kinds_of_filters_alone():
    X = pd.DataFrame({"shop": [7, 3, 7, 5] * 5, "sum": np.arange(20)[::-1]})
    new = pd.DataFrame({"shop": [7, 4], "sum": [3, 3]})
    kinds = {"shop": "category"}

    free = SanityFilter().fit(X, [0, 1] * 10).inspect(new, [0, 1])
    said = SanityFilter(column_kinds=kinds).fit(X, [0, 1] * 10).inspect(new, [0, 1])
    control = QualityControl(cost="passthrough", column_kinds=kinds)
    kept = control.fit(X, [0, 1] * 10).trim([(new, [0, 1])]).keep[0]

    assert free.keep.tolist() == [True, True]
    assert said.keep.tolist() == kept.tolist() == [True, False]


def test_the_inference_looks_at_what_was_read():
    assert infer_kind(pd.Series([np.nan, np.nan]), "a") == "empty"
    assert learn_column(pd.Series(["4,5", "12,25", "1,5"]), "a").kind == "number"


@pytest.mark.parametrize(
    "form",
    [
        lambda v: pd.Series([np.nan, *v[1:]]),
        lambda v: pd.Series([None, *v[1:]], dtype=object),
        lambda v: pd.Series(v).astype("category"),
        lambda v: pd.Series(list(map(Decimal, v.tolist()))),
        lambda v: pd.Series([f"{x}.0" for x in v]),
        lambda v: pd.Series(v).astype("double[pyarrow]"),
    ],
    ids=["gap", "object", "category", "Decimal", "text", "pyarrow"],
)
@pytest.mark.parametrize("name", ["PatientID", "case_id", "customer_no"])
def test_ids_are_ids_in_any_dtype(form, name):
    """A gap is enough to make floats of them in a CSV file."""
    values = RNG.choice(90_000, 40, replace=False) + 10_000

    assert learn_column(form(values), name).kind == "id"
    assert learn_column(form(values), "fee").kind != "id"


@pytest.mark.parametrize("name", ["heat index", "BodyMassIndex", "price_index"])
def test_an_index_that_is_measured_is_a_number(name):
    values = pd.Series(RNG.permutation(30) + 60)

    assert learn_column(values, name).kind == "number"
    assert learn_column(values.astype(float), name).kind == "number"
    assert learn_column(values, "row_index").kind == "id"
    assert learn_column(values, "index").kind == "id"


def test_how_many_persons_there_are_is_a_number():
    values = pd.Series(RNG.permutation(30) * 7 + 3)

    assert learn_column(values, "employee_number").kind == "number"
