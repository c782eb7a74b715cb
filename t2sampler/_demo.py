"""The tables of `t2sampler demo`: a bundled one, and a user's, cut to be quick."""

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

N_COMMON, N_RARE = 170, 30  # of the bundled table
MAX_ROWS = 1000  # of a user's table
MIN_ROWS = 5  # of a class, as many as there are folds


def load_bundled():
    """Return some of scikit-learn's breast cancer table, messy as tables are.

    Returns
    -------
    frame : DataFrame of shape (200, 11)
    target : str
        The label column: 170 benign and 30 malignant rows, in any order.
    """
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.iloc[:, :10]  # means over cells; the other columns repeat them
    grades = ["smooth", "fine", "coarse", "rough"]
    X["mean texture"] = pd.qcut(X["mean texture"], len(grades), labels=grades)
    rng = np.random.default_rng(0)
    for name in ("mean smoothness", "mean concavity", "mean area"):
        X[name] = X[name].mask(rng.random(len(X)) < 0.1)
    frame = X.assign(tumour=y.map({0: "malignant", 1: "benign"}))
    is_rare = rng.permutation(np.flatnonzero(frame["tumour"] == "malignant"))
    is_common = rng.permutation(np.flatnonzero(frame["tumour"] == "benign"))
    rows = np.sort(np.concatenate([is_common[:N_COMMON], is_rare[:N_RARE]]))
    return frame.iloc[rows].reset_index(drop=True), "tumour"


def cut_rows(labels, seed):
    """Return positions of at most about `MAX_ROWS` rows, of each class its share."""
    if len(labels) <= MAX_ROWS:
        return np.arange(len(labels))
    share = MAX_ROWS / len(labels)
    classes = pd.Series(labels).reset_index(drop=True)
    parts = [
        rows.sample(
            min(len(rows), max(MIN_ROWS, round(share * len(rows)))), random_state=seed
        )
        for _, rows in classes.groupby(classes, observed=True, dropna=False)
    ]
    return np.sort(pd.concat(parts).index.to_numpy())
