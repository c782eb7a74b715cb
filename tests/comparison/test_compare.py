"""Scores are of rows that no sampler has seen; what must not matter does not."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from t2sampler import compare
from t2sampler._schema import TableSchema
from t2sampler.comparison._arms import make_smote
from t2sampler.exceptions import SchemaError

TREE = DecisionTreeClassifier(max_depth=3)
TWO = StratifiedKFold(2, shuffle=True, random_state=0)
SHARED = ["nothing", "class weights", "tuned threshold", "RandomOverSampler"]


class Recorder(BaseEstimator):
    """A sampler that changes nothing and remembers which rows it was given."""

    seen: list = []

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit_resample(self, X, y):
        Recorder.seen.append((X, y, self.random_state))
        return X, y


class Plain:
    def fit_resample(self, X, y):
        return X, y


class Cheat(BaseEstimator):
    """Adds rows in which ``z`` decides on the label and all else is noise."""

    def fit_resample(self, X, y):
        rng = np.random.default_rng(0)
        new = pd.DataFrame(rng.normal(size=(2000, X.shape[1])), columns=X.columns)
        new["z"] *= 2
        labels = pd.Series(np.where(new["z"] > 1, "ill", "well"))
        return pd.concat([X, new]), pd.concat([y, labels])


def draw_table(n_rows=60, n_rare=15, shift=1.0, seed=0):
    """Return numbers, a category with gaps and text, and labels, in mixed order."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n_rows) < n_rare)
    X = pd.DataFrame({"z": rng.normal(size=n_rows) + shift * y})
    X["job"] = pd.Series(rng.choice(["cook", "clerk"], n_rows)).mask(X.index % 7 == 3)
    X["a"] = pd.Series(rng.normal(size=n_rows)).mask(X.index % 9 == 2)
    X.index = rng.permutation(n_rows) + 100
    return X, pd.Series(np.where(y, "ill", "well"), index=X.index, name="state")


def value_of(found, learner, arm, score):
    rows = found.scores.query("learner == @learner and arm == @arm and score == @score")
    return rows["value"].to_numpy()


def test_samplers_see_training_rows_only_and_once_for_all_learners():
    X, y = draw_table()
    Recorder.seen.clear()
    learners = [TREE, GaussianNB()]

    compare(X, y, learners, Recorder(), cv=TWO, random_state=3)

    assert len(Recorder.seen) == 2
    numbers = [set(given["z"]) for given, _, _ in Recorder.seen]
    assert not numbers[0] & numbers[1]
    assert numbers[0] | numbers[1] == set(X["z"])
    assert all(given.dtypes.equals(X.dtypes) for given, _, _ in Recorder.seen)
    assert all(set(labels) == {"ill", "well"} for _, labels, _ in Recorder.seen)
    seeds = [seed for _, _, seed in Recorder.seen]
    assert None not in seeds
    assert len(set(seeds)) == 2


def test_rows_that_change_nothing_make_no_difference():
    X, y = draw_table()

    found = compare(X, y, [TREE, GaussianNB()], Recorder(), random_state=0)

    differences = found.differences.query("arm == 'Recorder'")
    assert (differences[["mean", "low", "high"]] == 0).all(axis=None)
    assert (differences["p"] == 1).all()
    assert set(found.outcomes["outcome"]) == {"no row added"}
    assert found.verdict.startswith("Recorder added no row in any fold, so there is")
    assert "Look at the rows" in found.verdict


def test_balanced_classes_are_told():
    X, y = draw_table(n_rare=30)

    found = compare(X[["z"]], y, GaussianNB(), SMOTE(), cv=TWO, random_state=0)

    assert "the classes are as large as asked" in found.verdict
    assert "`t2sampler.grow(2)`" in found.verdict


class Replace(BaseEstimator):
    """Adds no row, but changes labels."""

    def fit_resample(self, X, y):
        return X, y.sample(frac=1, random_state=0).reset_index(drop=True)


def test_changed_rows_are_judged():
    X, y = draw_table(n_rare=30)

    found = compare(X, y, GaussianNB(), Replace(), cv=TWO, random_state=0)

    assert "no row added" not in set(found.outcomes["outcome"])


def test_scores_are_those_of_scikit_learn():
    X, y = draw_table()
    X = X[["z"]]

    found = compare(X, y, GaussianNB(), Recorder(), cv=TWO)

    train, test = next(TWO.split(X, y))
    model = GaussianNB().fit(X.iloc[train], y.iloc[train])
    is_ill, p = y.iloc[test] == "ill", model.predict_proba(X.iloc[test])[:, 0]
    expected = {
        "roc_auc": roc_auc_score(is_ill, p),
        "average_precision": average_precision_score(is_ill, p),
        "balanced_accuracy": balanced_accuracy_score(is_ill, p > 0.5),
        "brier_score": brier_score_loss(is_ill, p),
        "log_loss": log_loss(is_ill, p),
    }
    scores = {
        name: value_of(found, "GaussianNB", "nothing", name)[0] for name in expected
    }
    assert scores == pytest.approx(expected)


def test_scores_of_three_classes():
    X, y = draw_table(shift=0)
    y = y.mask((X["z"] > 0) & (y == "well"), "tired")
    X = X[["z", "a"]].fillna(0)

    found = compare(X, y, GaussianNB(), Recorder(), cv=TWO)

    train, test = next(TWO.split(X, y))
    p = GaussianNB().fit(X.iloc[train], y.iloc[train]).predict_proba(X.iloc[test])
    auc = roc_auc_score(y.iloc[test], p, multi_class="ovr")
    loss = log_loss(y.iloc[test], p)
    assert value_of(found, "GaussianNB", "nothing", "roc_auc")[0] == pytest.approx(auc)
    assert value_of(found, "GaussianNB", "nothing", "log_loss")[0] == pytest.approx(
        loss
    )
    assert "balanced_accuracy_tuned" not in set(found.scores["score"])
    assert "tuned threshold" not in set(found.scores["arm"])
    assert "there are more than two classes" in found.notes[0]


def test_arms_and_names():
    X, y = draw_table()
    learners = {"k": KNeighborsClassifier(3), "tree": TREE}

    found = compare(X, y, learners, {"twice": Recorder()}, cv=TWO)

    arms = found.scores.groupby("learner", sort=False)["arm"].unique()
    assert [*arms["tree"]] == [*SHARED, "twice"]
    # Neighbours take no weights.
    assert [*arms["k"]] == [arm for arm in [*SHARED, "twice"] if arm != "class weights"]


def test_a_tuned_threshold_changes_labels_alone():
    X, y = draw_table()

    found = compare(X, y, GaussianNB(), Recorder(), random_state=0)

    same = found.differences.query("arm == 'tuned threshold'").set_index("score")
    assert (same["mean"].drop("balanced_accuracy") == 0).all()
    assert same.loc["balanced_accuracy", "mean"] != 0


def test_same_seed_same_scores_on_any_number_of_processors():
    X, y = draw_table()
    forest, sampler = RandomForestClassifier(3), RandomOverSampler(shrinkage=None)

    runs = [
        compare(X, y, forest, sampler, cv=TWO, random_state=seed, n_jobs=jobs)
        for seed, jobs in ((7, 2), (7, None), (8, None))
    ]

    assert runs[0].scores.equals(runs[1].scores)
    assert not runs[0].scores.equals(runs[2].scores)


def test_order_of_the_samplers_does_not_matter():
    X, y = draw_table()
    samplers = {"b": RandomOverSampler(), "a": Recorder()}
    backwards = dict(reversed(samplers.items()))

    one, other = (
        compare(X, y, TREE, named, cv=TWO, random_state=0)
        for named in (samplers, backwards)
    )

    keys = ["repeat", "fold", "learner", "arm", "score"]
    pd.testing.assert_frame_equal(
        one.scores.sort_values(keys, ignore_index=True),
        other.scores.sort_values(keys, ignore_index=True),
    )
    paragraphs = [sorted(found.verdict.split("\n\n")) for found in (one, other)]
    assert paragraphs[0] == paragraphs[1]


@pytest.mark.parametrize(
    "recode",
    [
        pytest.param(lambda y: (y == "ill").astype(int), id="rare is 1"),
        pytest.param(lambda y: (y == "well").astype(int), id="rare is 0"),
        pytest.param(lambda y: y == "well", id="bool"),
        pytest.param(lambda y: y.astype("category"), id="category"),
        pytest.param(
            lambda y: pd.Categorical(y, ["new", "well", "ill"]), id="unused level"
        ),
        pytest.param(lambda y: (y == "ill").astype("boolean"), id="nullable"),
        pytest.param(lambda y: y.tolist(), id="list"),
    ],
)
def test_coding_of_the_labels_does_not_matter(recode):
    X, y = draw_table()

    plain, recoded = (
        compare(X, labels, GaussianNB(), RandomOverSampler(), cv=TWO, random_state=0)
        for labels in (y, recode(y))
    )

    found = plain.scores[["repeat", "fold", "learner", "arm", "score"]]
    assert recoded.scores[found.columns].equals(found)
    assert recoded.scores["value"].to_numpy() == pytest.approx(plain.scores["value"])


@pytest.mark.parametrize(
    "convert",
    [
        pytest.param(lambda X: X.to_numpy(), id="array"),
        pytest.param(lambda X: X.to_numpy().tolist(), id="list"),
        pytest.param(
            lambda X: pytest.importorskip("polars").from_pandas(X), id="polars"
        ),
    ],
)
def test_any_container(convert):
    X, y = draw_table()
    X = X[["z", "a"]]

    plain, other = (
        compare(table, y, TREE, Recorder(), cv=TWO, random_state=0)
        for table in (X, convert(X))
    )

    assert other.scores.equals(plain.scores)


def test_a_pipeline_is_given_the_dataframe():
    X, y = draw_table()
    columns = make_column_transformer(
        ("passthrough", ["z"]),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector("job")),
    )
    pipeline = make_pipeline(columns, LogisticRegression())
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1]}, cv=2)

    found = compare(X, y, [pipeline, search], RandomOverSampler(), cv=TWO)

    assert [*found.scores["learner"].unique()] == [
        "LogisticRegression",
        "GridSearchCV",
    ]
    weighted = found.differences.query("arm == 'class weights'")
    assert (weighted["mean"] != 0).any()


def test_a_pipeline_with_a_sampler_in_it_runs():
    X, y = draw_table()
    model = make_resampling_pipeline(RandomOverSampler(), GaussianNB())

    found = compare(X[["z"]].fillna(0), y, model, Recorder(), cv=TWO)

    assert [*found.scores["learner"].unique()] == ["GaussianNB"]


def test_rare_rows_make_fewer_folds_and_a_note():
    X, y = draw_table(n_rare=3)

    found = compare(X, y, GaussianNB(), Recorder())

    assert found.scores[["repeat", "fold"]].drop_duplicates().shape == (6, 2)
    assert found.notes[0] == "3 folds instead of 5, since class ill has 3 rows."


def test_repeats_are_counted_for_any_splitter():
    X, y = draw_table()

    plain = compare(X, y, GaussianNB(), Recorder(), cv=3)
    given = compare(X, y, GaussianNB(), Recorder(), cv=list(TWO.split(X, y)))
    shuffled = compare(
        X, y, GaussianNB(), Recorder(), cv=StratifiedShuffleSplit(4, random_state=0)
    )

    assert set(zip(plain.scores["repeat"], plain.scores["fold"], strict=True)) == {
        (repeat, fold) for repeat in range(2) for fold in range(3)
    }
    assert set(given.scores["fold"]) == {0, 1}
    assert len(shuffled.scores[["repeat", "fold"]].drop_duplicates()) == 4


def test_default_arms():
    X, y = draw_table()

    found = compare(X, y, GaussianNB(), cv=TWO, random_state=0)

    teams = ["TeamThenTrim, untrimmed", "TeamThenTrimSampler"]
    assert [*found.scores["arm"].unique()] == [*SHARED, "SMOTENC", *teams]
    assert found.outcomes["sampler"].tolist() == ["TeamThenTrimSampler"]


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        pytest.param(["a", "z"], "SMOTE", id="numbers"),
        pytest.param(["job"], "SMOTEN", id="categories"),
        pytest.param(["job", "a"], "SMOTENC", id="both"),
    ],
)
def test_smote_suits_the_columns(columns, name):
    X, y = draw_table()
    X = X[columns]

    samplers, note = make_smote(TableSchema.learn(X), None, 45)

    assert ([*samplers], note) == ([name], "")
    X_new, y_new = samplers[name].fit_resample(X, y)
    assert y_new.value_counts().to_dict() == {"ill": 45, "well": 45}
    assert X_new.dtypes.equals(X.dtypes)


def test_without_a_column_for_smote_it_is_left_out():
    schema = TableSchema.learn(draw_table()[0][["job"]], kinds={"job": "text"})

    samplers, note = make_smote(schema, None, 45)

    assert not samplers
    assert note == "SMOTE is left out: no column holds numbers or categories."


def test_smote_that_cannot_run_is_left_out_with_its_reason():
    X, y = draw_table(n_rare=3)
    everything = np.arange(60)
    train = np.delete(everything, np.flatnonzero(y == "ill")[:2])  # leaves a single one

    found = compare(X, y, GaussianNB(), cv=[(train, everything)] * 2, random_state=0)

    assert "SMOTENC" not in set(found.scores["arm"])
    assert any(note.startswith("SMOTENC is left out: ") for note in found.notes)


def test_warnings_of_folds_are_told_once():
    X, y = draw_table()
    hasty = LogisticRegression(max_iter=1)

    with pytest.warns(ConvergenceWarning) as caught:
        compare(X, y, hasty, Recorder(), cv=TWO)

    starts = [str(warning.message).partition(":")[0] for warning in caught]
    arms = [*SHARED, "Recorder"]
    told = [f"LogisticRegression, {arm}, in 2 of 2 folds" for arm in arms]
    assert sorted(starts) == sorted(told)
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        pytest.param(
            {"estimator": SVC()}, TypeError, "CalibratedClassifierCV", id="no proba"
        ),
        pytest.param(
            {"estimator": [SVC()]}, TypeError, "with `predict_proba`", id="list"
        ),
        pytest.param({"estimator": {}}, ValueError, "at least one", id="no learner"),
        pytest.param({"estimator": {1: TREE}}, TypeError, "must be text", id="name"),
        pytest.param(
            {"estimator": [GaussianNB]}, TypeError, "must hold estimators", id="class"
        ),
        pytest.param({"samplers": []}, ValueError, "at least one", id="no sampler"),
        pytest.param({"samplers": 3}, ValueError, "samplers", id="number"),
        pytest.param(
            {"samplers": {"nothing": Recorder()}}, ValueError, "'nothing'", id="taken"
        ),
        pytest.param({"scoring": "f1"}, ValueError, "scoring", id="scoring"),
        pytest.param({"n_jobs": 0}, ValueError, "n_jobs", id="jobs"),
        pytest.param({"cv": 1}, ValueError, "cv", id="one fold"),
        pytest.param({"cv": 16}, ValueError, "got 15 of class ill", id="folds"),
        pytest.param(
            {"cv": [(range(30), range(30, 60))]}, ValueError, "2 folds", id="one split"
        ),
        pytest.param({"y": ["well"] * 60}, SchemaError, "only well", id="one class"),
        pytest.param(
            {"y": ["well"] * 58 + ["ill"] * 2},
            SchemaError,
            "Class ill has 2 rows, and a comparison needs at least 3",
            id="two rows",
        ),
        pytest.param(
            {"y": ["well"] * 58 + ["ill"] * 2, "cv": 2},
            SchemaError,
            "needs at least 3",
            id="two rows, two folds",
        ),
        pytest.param({"cv": GroupKFold(3)}, ValueError, "cv=list", id="groups"),
        pytest.param(
            # Old versions of scikit-learn put all rows into one group.
            {"cv": StratifiedGroupKFold(3)},
            ValueError,
            "`cv`",
            id="groups too",
        ),
        pytest.param({"samplers": Plain()}, TypeError, "BaseEstimator", id="plain"),
        pytest.param({"y": None}, ValueError, "requires y", id="no labels"),
        pytest.param({"column_kinds": {"b": "text"}}, ValueError, "b", id="kinds"),
    ],
)
def test_mistakes_are_refused_before_any_fit(change, error, words):
    X, y = draw_table()
    Recorder.seen.clear()
    settings = {"y": y, "estimator": TREE, "samplers": Recorder()} | change

    with pytest.raises(error, match=words):
        compare(X, **settings)

    assert not Recorder.seen


def test_folds_without_a_class_are_refused():
    X, y = draw_table()
    well = np.flatnonzero(y == "well")
    folds = [next(TWO.split(X, y)), (np.arange(60), well)]

    with pytest.raises(ValueError, match="test rows of fold 1"):
        compare(X, y, TREE, Recorder(), cv=folds)


def test_tuned_threshold_as_the_score_needs_rows():
    X, y = draw_table(n_rare=6)

    with pytest.raises(ValueError, match="fewer than two rows of a class"):
        compare(X, y, TREE, Recorder(), scoring="balanced_accuracy_tuned")


def test_a_real_gain_is_found_and_told():
    """Real rows are few and noisy; the added ones reveal the rule."""
    X, y = draw_table(n_rows=120, n_rare=40, shift=2.0)
    noise = pd.DataFrame(np.random.default_rng(1).normal(size=(120, 20)), X.index)
    X = noise.add_prefix("n").assign(z=X["z"])

    found = compare(X, y, GaussianNB(), Cheat(), random_state=0)

    first = found.outcomes.iloc[0]
    assert first["outcome"] == "helps"
    assert first["low"] > 0
    assert first["free_low"] > 0
    assert found.verdict.startswith("Cheat helps with 120 rows: ROC AUC +")
