"""New rows hold the text of donors, ids that go on, and nothing private."""

import pickle
import warnings
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn import config_context
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.tree import DecisionTreeClassifier

from t2sampler import TeamThenTrimSampler
from t2sampler.exceptions import SchemaWarning
from t2sampler.generators import LLMTeam
from t2sampler.sampling._new_rows import number_on
from t2sampler.testing import RepeatRows, ScriptedChat

OFF = dict.fromkeys(("sanity", "cost", "diversity"), "passthrough")
QUICK = {**OFF, "generator": RepeatRows(), "random_state": 0}
GOOD = ["agenda for the monday", "lunch is at noon", "all notes are ready"]
BAD = ["claim a bonus now", "verify your login here", "very cheap watches"]


def mails(n_rows, seed):
    rng = np.random.default_rng(seed)
    y = pd.Series(np.where(rng.random(n_rows) < 0.12, "junk", "ok"))
    is_bad = (y == "junk") ^ (rng.random(n_rows) < 0.1)
    words = [rng.choice(BAD if bad else GOOD) for bad in is_bad]
    text = [f"{word} {rng.choice(GOOD)} no {rng.integers(999)}" for word in words]
    return pd.DataFrame({"text": text, "hour": rng.integers(0, 24, n_rows)}), y


def recall_of_junk(sampler):
    words = make_column_transformer(
        (TfidfVectorizer(), "text"), remainder="passthrough"
    )
    model = make_pipeline(sampler, words, LogisticRegression(max_iter=2000))
    model.fit(*mails(300, 1))
    X, y = mails(800, 2)
    return recall_score(y, model.predict(X), pos_label="junk")


def test_text_is_that_of_the_class_and_teaches_as_much_as_repeated_rows():
    X, y = mails(300, 1)
    sampler = TeamThenTrimSampler(random_state=0)

    X_res, y_res = sampler.fit_resample(X, y)

    new = X_res["text"][300:]
    assert new.isin(X["text"][y == "junk"]).all()
    assert new.nunique() > 10
    donors = sampler.provenance_["donor"][300:]
    assert (X["text"].iloc[donors].to_numpy() == new.to_numpy()).all()
    assert (y.iloc[donors].to_numpy() == y_res[300:].to_numpy()).all()
    repeated = recall_of_junk(RandomOverSampler(random_state=0))
    assert recall_of_junk(TeamThenTrimSampler(random_state=0)) > repeated - 0.05


def test_a_table_of_nothing_but_text_has_no_empty_row():
    X, y = mails(120, 3)

    X_res, _ = TeamThenTrimSampler(random_state=0).fit_resample(X[["text"]], y)

    assert len(X_res) > 190
    assert X_res["text"].notna().all()


def test_all_text_of_a_row_is_from_one_donor():
    X, y = mails(90, 4)
    X.insert(0, "subject", [f"about the matter {i} of today" for i in range(90)][::-1])

    X_res, _ = TeamThenTrimSampler(**QUICK).fit_resample(X, y)

    pairs = set(zip(X["subject"], X["text"], strict=True))
    assert set(zip(X_res["subject"], X_res["text"], strict=True)) <= pairs


def test_text_may_be_left_missing():
    X, y = mails(90, 4)
    sampler = TeamThenTrimSampler(copy_text=False, **QUICK)

    X_res, _ = sampler.fit_resample(X, y)

    assert X_res["text"][90:].isna().all()
    assert sampler.report_.columns.loc["text", "new_rows"] == "left missing"


def people(n_rows=40):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"mail": [f"guest{i}@post.example" for i in range(n_rows)]})
    X["ssn"] = rng.integers(10**8, 10**9, n_rows)
    X["PatientId"] = rng.permutation(n_rows) + 100
    X["age"] = rng.integers(20, 80, n_rows)
    return X, pd.Series(np.where(np.arange(n_rows) % 4, "well", "ill"))


@pytest.mark.parametrize("shortfall", [False, True], ids=["generated", "repeated"])
def test_nothing_private_is_in_new_rows(shortfall):
    X, y = people()
    settings = {"max_batches": 1, "batch_size": 1} if shortfall else {}
    sampler = TeamThenTrimSampler(**QUICK, **settings)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        X_res, _ = sampler.fit_resample(X, y)

    new = X_res[40:]
    assert len(new) == 20
    assert new["mail"].isna().all()
    assert not new["ssn"].isin(X["ssn"]).any()
    assert new["PatientId"].tolist() == list(range(140, 160))
    told = [str(w.message) for w in caught if w.category is SchemaWarning]
    assert [name in text for name, text in zip(X, told, strict=False)] == [True] * 3
    blob = pickle.dumps(sampler)
    assert b"post.example" not in blob
    assert "post.example" not in sampler.report_._repr_html_()


def test_what_the_user_says_is_no_warning():
    X, y = people()
    kinds = {"mail": "private", "ssn": "private", "PatientId": "id"}

    with warnings.catch_warnings():
        warnings.simplefilter("error", SchemaWarning)
        TeamThenTrimSampler(column_kinds=kinds, **QUICK).fit_resample(X, y)


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        pytest.param([5, 9, 7], [10, 11], id="integers"),
        pytest.param(np.array([250, 254], "uint8"), [248, 249], id="no room above"),
        pytest.param(pd.array([4, None], "Int64"), [5, 6], id="with a gap"),
        pytest.param([7.0, np.nan, 3.0], [8, 9], id="floats for a gap"),
        pytest.param(
            [Decimal(7), None, Decimal(3)], [Decimal(8), Decimal(9)], id="Decimal"
        ),
        pytest.param(["A-09", "A-02"], ["A-10", "A-11"], id="behind a prefix"),
        pytest.param(["obs9", "obs10"], ["obs11", "obs12"], id="of any length"),
    ],
)
def test_ids_go_on(real, expected):
    real = pd.Series(real)

    new = number_on(real, 2)

    assert new.tolist() == expected
    assert new.dtype == real.dtype


def test_ids_that_cannot_go_on_are_missing():
    assert number_on(pd.Series([2.0**53, 1.0]), 2).isna().all()
    assert number_on(pd.Series([5, 9], dtype="category"), 2).isna().all()
    assert number_on(pd.Series(["ab12x", "cd34y"]), 2).isna().all()


def test_a_pickled_pipeline_holds_no_rows_and_still_predicts():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(600, 3)).round(6)).add_prefix("x")
    y = np.where(rng.random(600) < 0.1, "ill", "well")
    model = make_pipeline(TeamThenTrimSampler(random_state=0), DecisionTreeClassifier())
    model.fit(X, y)

    blob = pickle.dumps(model[0])
    copy = pickle.loads(pickle.dumps(model))

    assert not any(value.tobytes() in blob for value in X.to_numpy().ravel()[:300])
    assert (copy.predict(X) == model.predict(X)).all()
    assert copy[0].provenance_.equals(model[0].provenance_)
    assert not hasattr(copy[0], "generator_")


def test_groups_and_weights_travel_by_metadata_routing():
    X, y = mails(60, 5)
    y[:8] = "junk"
    groups = np.arange(60)[::-1] // 4
    weights = np.where(y == "junk", 3.0, 1.0)
    sampler = TeamThenTrimSampler(**QUICK)

    with config_context(enable_metadata_routing=True):
        sampler.set_fit_resample_request(groups=True, sample_weight=True)
        tree = DecisionTreeClassifier().set_fit_request(sample_weight=False)
        model = make_pipeline(sampler, tree)
        model.fit(X[["hour"]], y, groups=groups, sample_weight=weights)

    donors = sampler.provenance_["donor"].to_numpy(dtype=int)
    assert (sampler.groups_ == groups[donors]).all()
    assert set(sampler.sample_weight_[60:]) == {3.0}
    assert (donors[:60] == np.arange(60)).all()
    assert (y.iloc[donors[60:]] == "junk").all()


def test_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="`groups` must have one value per row"):
        TeamThenTrimSampler().fit_resample(*mails(60, 5), groups=[1, 2])


def test_thousands_of_rows_from_two_are_a_warning():
    X = pd.DataFrame({"a": np.arange(3000)[::-1] % 7})
    y = ["rare", "rare", *["often"] * 2998]

    with pytest.warns(SchemaWarning, match="Class rare has 2 real rows, and 2,996 new"):
        TeamThenTrimSampler(**QUICK, batch_size=500).fit_resample(X, y)


class Writer(RepeatRows):
    """Writes text of its own in every second row."""

    def draw(self, requests):
        for batch in super().draw(requests):
            text = [None if i % 2 else "made up" for i in range(len(batch.X))]
            yield replace(batch, X=batch.X.assign(text=pd.Series(text, dtype="str")))


def test_text_that_a_generator_writes_stays():
    X, y = mails(60, 7)
    sampler = TeamThenTrimSampler(Writer(), **OFF, random_state=0)

    X_res, _ = sampler.fit_resample(X, y)

    is_made = X_res["text"][60:] == "made up"
    assert is_made.sum() == is_made.size // 2
    assert X_res["text"][60:][~is_made].isin(X["text"][y == "junk"]).all()


def test_a_new_class_takes_no_text_of_another():
    X, y = mails(60, 6)
    team = LLMTeam(ScriptedChat(), store=False)
    sampler = TeamThenTrimSampler(team, new_classes={"odd": 5}, **OFF, random_state=0)

    X_res, y_res = sampler.fit_resample(X, y)

    is_odd = y_res == "odd"
    assert is_odd.sum() == 5
    assert X_res["text"][is_odd].isna().all()
    assert sampler.provenance_["donor"][is_odd].isna().all()
    assert X_res["text"][~is_odd].notna().all()
