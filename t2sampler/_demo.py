"""The main job on real data: is a model better with the sampler than without?"""

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, RandomOverSampler
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit

from t2sampler._encoding import TableEncoder
from t2sampler._schema import TableSchema
from t2sampler._table import open_real_rows
from t2sampler.exceptions import SchemaError
from t2sampler.sampling import TeamThenTrimSampler

N_COMMON, N_RARE = 54, 6  # the bundled table, cut to few rows
MAX_TRAIN, MAX_TEST = 1000, 5000  # rows of a user's table that a split looks at
MODELS = {
    "logistic regression": lambda: LogisticRegression(max_iter=5000),
    "random forest": lambda: RandomForestClassifier(random_state=0),
}


def load_bundled():
    """Return scikit-learn's breast cancer table, messy as tables are, and its label."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    grades = ["smooth", "fine", "coarse", "rough"]
    X["mean texture"] = pd.qcut(X["mean texture"], len(grades), labels=grades)
    rng = np.random.default_rng(0)
    for name in ("mean smoothness", "mean concavity", "area error"):
        X[name] = X[name].mask(rng.random(len(X)) < 0.1)
    labels = {0: "malignant", 1: "benign"}
    return X.assign(tumour=y.map(labels)), "tumour"


def cut_bundled(y, seed):
    """Return positions of 54 benign and 6 malignant rows, and of all other rows."""
    rng = np.random.default_rng(seed)
    common = rng.permutation(np.flatnonzero(y == "benign"))
    rare = rng.permutation(np.flatnonzero(y == "malignant"))
    train = np.concatenate([common[:N_COMMON], rare[:N_RARE]])
    return train, np.concatenate([common[N_COMMON:], rare[N_RARE:]])


def split_rows(y, n_repeats, seed):
    """Yield positions of training and held-out rows, stratified by class."""
    counts = y.value_counts()
    if len(counts) < 2:
        raise SchemaError(
            f"Column {y.name!r} holds one class, and a model needs at least two. Name "
            "another column with --target."
        )
    if counts.min() < 2:
        raise SchemaError(
            f"Class {counts.idxmin()} has 1 row, and a class needs at least 2 so that "
            "one can be held out. Use `t2sampler augment`, which needs no held-out row."
        )
    n_test = max(round(0.3 * len(y)), len(counts))
    splitter = StratifiedShuffleSplit(
        n_repeats,
        train_size=min(len(y) - n_test, MAX_TRAIN),
        test_size=min(n_test, MAX_TEST),
        random_state=seed,
    )
    yield from splitter.split(np.zeros(len(y)), y)


def compare(X, y, splits, seed, kinds=None):
    """Return held-out AUC: a row per split, sampler and model.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
    y : Series of shape (n_rows,)
    splits : iterable of (train, test)
        Positions of rows.
    seed : int
    kinds : dict or None
        Kinds by names of columns, as far as the user has given any.

    Returns
    -------
    scores : DataFrame
        Columns "split", "sampler", "model" and "auc".
    """
    real = open_real_rows(X, y, kinds=kinds)  # numbers that are stored as text are read
    X, y = real.frame, real.target
    rows = []
    for split, (train, test) in enumerate(splits):
        X_train, y_train = X.iloc[train], y.iloc[train]
        schema = TableSchema.learn(X_train, kinds=kinds)
        encoder = TableEncoder(schema).fit(X_train)
        held_out = encoder.transform(X.iloc[test]), y.iloc[test]
        team = TeamThenTrimSampler(column_kinds=kinds, random_state=seed)
        for sampler, data in _resample(X_train, y_train, encoder, team):
            for model, make in MODELS.items():
                auc = _score(make().fit(*data), *held_out)
                rows.append((split, sampler, model, auc))
    return pd.DataFrame(rows, columns=["split", "sampler", "model", "auc"])


def format_scores(scores):
    """Return the comparison as aligned text: mean and standard deviation."""
    by = scores.groupby(["sampler", "model"], sort=False)["auc"]
    cells = by.agg(lambda auc: f"{auc.mean():.3f} ± {auc.std(ddof=0):.3f}")
    in_order = scores["sampler"].unique(), scores["model"].unique()
    cells = cells.unstack("model").loc[in_order]
    return cells.rename_axis(None).rename_axis(columns="")


def _resample(X, y, encoder, team):
    """Yield each contender's name and its encoded training table."""
    encoded, seed = encoder.transform(X), team.random_state
    yield "no sampler", (encoded, y)
    repeat = RandomOverSampler(random_state=seed)
    yield "RandomOverSampler", _encode(encoder, *repeat.fit_resample(X, y))
    n_neighbours = min(5, y.value_counts().min() - 1)
    if n_neighbours >= 1:
        smote = SMOTE(k_neighbors=n_neighbours, random_state=seed)
        yield "SMOTE, on the encoded table", smote.fit_resample(encoded, y)
    yield "TeamThenTrimSampler", _encode(encoder, *team.fit_resample(X, y))


def _encode(encoder, X, y):
    return encoder.transform(X), y


def _score(model, A, y):
    probability = model.predict_proba(A)
    if len(model.classes_) == 2:
        return roc_auc_score(y == model.classes_[1], probability[:, 1])
    return roc_auc_score(y, probability, multi_class="ovr", labels=model.classes_)
