"""What a model trained on a table is worth: AUC on rows it never saw."""

import warnings
from functools import partial

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

N_INNER = 5  # folds that tune a threshold


def make_boosting(seed):
    """Return histogram boosting whose leaves are small enough for twenty rows."""
    return HistGradientBoostingClassifier(
        max_iter=50, max_leaf_nodes=8, min_samples_leaf=5, random_state=seed
    )


def make_voting(seed):
    """Return a strong learner: the mean of extremely random trees and a linear one.

    Stacking would choose their weights by cross-validation, in which rows that were
    repeated, or made of others, stand on both sides.
    """
    trees = ExtraTreesClassifier(min_samples_leaf=2, random_state=seed)
    linear = LogisticRegression(C=0.1, max_iter=1000)
    return VotingClassifier([("trees", trees), ("linear", linear)], voting="soft")


MODELS = {
    "logistic": lambda seed: LogisticRegression(max_iter=1000),
    "svm": lambda seed: SVC(random_state=seed),
    "mlp": lambda seed: MLPClassifier(random_state=seed),
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
}
MORE = {"boosting": make_boosting, "voting": make_voting}  # take no part in means
LEARNERS = MODELS | MORE


def add_learners(parser, names):
    """Give a parser the option that chooses among learners."""
    parser.add_argument(
        "--learners",
        nargs="+",
        default=names,
        choices=names,
        help="another choice needs another --out",
    )


def choose(names):
    """Return learners by name."""
    return {name: LEARNERS[name] for name in names}


def split_learners(rows):
    """Return rows of the usual models as a whole, and of each other learner, by name.

    Parameters
    ----------
    rows : DataFrame with the column model
    """
    more = rows["model"].isin(list(MORE))
    usual = rows[~more & rows["model"].notna()]
    parts = {f"mean of {usual['model'].nunique()} models": usual} if len(usual) else {}
    return parts | dict(tuple(rows[more].groupby("model", sort=False)))


def make_encoder():
    """Return a one-hot and standardising transformer for mixed tables."""
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (categories, make_column_selector(dtype_exclude="number")),
    )


def measure(train, test, seed, models=MODELS):
    """Yield a row per downstream model: its AUC and balanced accuracy.

    Parameters
    ----------
    train, test : pairs of DataFrame and Series
    seed : int
    models : dict of str to callable
    """
    (A, y), (B, y_test), positive = encode(train, test)
    for name, make in models.items():
        model = fit(make(seed), A, y)
        yield rate(name, y_test == positive, *score(model, B, positive))


def measure_weighted(train, test, seed, models=MODELS):
    """Yield what `measure` does for balanced class weights.

    Learners that have no ``class_weight`` (the MLP) stay as they are.
    """
    weighted = {name: partial(_weigh, make) for name, make in models.items()}
    yield from measure(train, test, seed, weighted)


def measure_tuned(train, test, seed, models=MODELS):
    """Yield what `measure` does, the threshold tuned for balanced accuracy.

    Scores that it is tuned on are those of rows out of fold. AUC does not depend on it.
    """
    (A, y), (B, y_test), positive = encode(train, test)
    truth = (y == positive).to_numpy()
    n_folds = max(2, min(N_INNER, truth.sum(), (~truth).sum()))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for name, make in models.items():
        inner = np.empty(len(y))
        for fit_on, ask in folds.split(A, y):
            model = fit(make(seed), A[fit_on], y.iloc[fit_on])
            inner[ask] = score(model, A[ask], positive)[0]
        scores, _ = score(fit(make(seed), A, y), B, positive)
        said = scores >= find_threshold(truth, inner)
        yield rate(name, y_test == positive, scores, said)


def find_threshold(truth, scores):
    """Return the middle of the gap where balanced accuracy is highest."""
    false, true, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    best = np.argmax(true - false)  # the first threshold is infinite: no row is called
    return thresholds[best : best + 2].mean()


FREE = {"class weights": measure_weighted, "tuned threshold": measure_tuned}


def encode(train, test):
    """Return both tables as numbers, with their labels, and the positive label."""
    (X, y), (X_test, y_test) = train, test
    encoder = make_encoder().fit(X)
    parts = (encoder.transform(X), y), (encoder.transform(X_test), y_test)
    return *parts, np.unique(y_test)[1]


def fit(model, A, y):
    """Return a fitted model; one that is not done by its last step will do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(A, y)


def score(model, B, positive):
    """Return the scores of rows, and which of them a model calls positive."""
    column = list(model.classes_).index(positive)
    if not hasattr(model, "predict_proba"):
        scores = model.decision_function(B) * (1 if column else -1)
        return scores, model.predict(B) == positive
    p = model.predict_proba(B)
    # As `predict` does, which would go through all trees once more.
    return p[:, column], p.argmax(axis=1) == column


def rate(name, truth, scores, said):
    """Return a row of figures."""
    return {
        "model": name,
        "auc": 100 * roc_auc_score(truth, scores),
        "balanced_accuracy": 100 * balanced_accuracy_score(truth, said),
    }


def _weigh(make, seed):
    """Return a learner with balanced class weights, where it has them."""
    model = make(seed)
    names = [name for name in model.get_params() if name.endswith("class_weight")]
    return model.set_params(**dict.fromkeys(names, "balanced"))
