"""What fails is named or left out; copies and weights are told apart from samplers."""

import numpy as np
import pandas as pd
import pytest
from doubles.failing import Fails, Keeps
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from t2sampler import compare
from t2sampler.exceptions import SchemaError, T2SamplerError

TREE = DecisionTreeClassifier(max_depth=3)
TWO = StratifiedKFold(2, shuffle=True, random_state=0)
SHARED = ["nothing", "class weights", "tuned threshold", "RandomOverSampler"]


def draw_table():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(60) < 15)
    X = pd.DataFrame({"z": rng.normal(size=60) + y})
    X["job"], X["a"] = rng.choice(["cook", "clerk"], 60), rng.normal(size=60)
    return X, pd.Series(np.where(y, "ill", "well"))


@pytest.mark.parametrize("jobs", [None, 2])
@pytest.mark.parametrize(
    ("learner", "sampler", "words"),
    [
        pytest.param(TREE, SMOTE(), r"sampler 'SMOTE' failed in fold \d: V", id="text"),
        pytest.param(
            TREE,
            Fails(),
            r"sampler 'Fails' failed in fold \d: R.*: boom$",
            id="s",
        ),
        pytest.param(
            Fails(),
            Keeps(),
            r"learner 'Fails' failed in the arm .nothing., fold \d: R.*: boom$",
            id="learner",
        ),
    ],
)
def test_what_fails_is_named_in_a_sentence(learner, sampler, words, jobs):
    X, y = draw_table()

    with pytest.raises(T2SamplerError, match=words) as caught:
        compare(X, y, learner, sampler, cv=TWO, n_jobs=jobs)

    assert caught.value.__cause__ is not None


def test_one_of_several_that_fails_is_left_out():
    X, y = draw_table()
    learners = {"bad": Fails(), "good": TREE}

    found = compare(X, y, learners, [Fails(), Keeps()], cv=TWO)

    assert found.outcomes[["learner", "sampler"]].to_numpy().tolist() == [
        ["good", "Keeps"]
    ]
    assert set(found.scores["arm"]) == {*SHARED, "Keeps"}
    assert found.notes == (
        "bad is left out: it failed in the arm 'nothing', fold 0: RuntimeError: boom",
        "Fails is left out: it failed in fold 0: RuntimeError: boom",
    )


@pytest.mark.parametrize(
    "samplers",
    [
        pytest.param(RandomOverSampler(random_state=3), id="one"),
        pytest.param([RandomOverSampler(), RandomOverSampler()], id="twice"),
        pytest.param({"RandomOverSampler": RandomOverSampler()}, id="same name"),
        pytest.param({"copies": RandomOverSampler()}, id="other name"),
    ],
)
def test_copies_of_rows_are_judged_against_what_else_is_free(samplers):
    X, y = draw_table()

    found = compare(X, y, TREE, samplers, cv=TWO, random_state=0)

    assert [*found.scores["arm"].unique()] == SHARED
    assert found.outcomes["sampler"].tolist() == ["RandomOverSampler"]
    assert found.outcomes["free"].item() in SHARED[:3]
    assert ("copies is what is free" in "".join(found.notes)) == (
        "copies" in str(samplers)
    )


@pytest.mark.parametrize("name", ["brier_score", "log_loss"])
def test_scores_by_the_names_of_scikit_learn(name):
    X, y = draw_table()

    found = compare(X, y, TREE, Keeps(), cv=TWO, scoring=f"neg_{name}")

    assert found.scoring == name


def test_names_of_columns_of_mixed_types_are_refused():
    X, y = draw_table()

    with pytest.raises(SchemaError, match=r"\[0, 'job', 'a'\]. Set `X.columns"):
        compare(X.rename(columns={"z": 0}), y, TREE, Keeps())


class CountsWeights(ClassifierMixin, BaseEstimator):
    """A classifier that takes weights, by ``fit`` alone."""

    seen: list = []

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        CountsWeights.seen.append((y, sample_weight))
        return self

    def predict_proba(self, X):
        return np.tile([0.3, 0.7], (len(X), 1))

    def predict(self, X):
        return np.repeat(self.classes_[1], len(X))


def test_class_weights_may_be_weights_of_rows():
    X, y = draw_table()
    CountsWeights.seen.clear()

    found = compare(X, y, CountsWeights(), Keeps(), cv=TWO)

    assert "class weights" in set(found.scores["arm"])
    weighted = [pair for pair in CountsWeights.seen if pair[1] is not None]
    assert len(weighted) == 2  # a fold each
    for labels, weights in weighted:
        sums = pd.Series(weights).groupby(labels).sum()
        assert sums["ill"] == pytest.approx(sums["well"])
