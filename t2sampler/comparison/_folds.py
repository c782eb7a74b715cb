"""Folds of a comparison: how many a table allows."""

import numpy as np
from sklearn.model_selection import RepeatedStratifiedKFold, check_cv

from t2sampler.comparison._scores import TUNED
from t2sampler.exceptions import SchemaError

N_FOLDS, MIN_FOLDS, N_REPEATS = 5, 3, 2


def make_folds(labels, classes, cv, seed):
    """Return the folds as a list of (train, test), and notes about them.

    Parameters
    ----------
    labels : int ndarray of shape (n_rows,)
        Codes of the classes.
    classes : ndarray of shape (n_classes,)
        The user's labels, for messages.
    cv : as in `compare`
    seed : int

    Raises
    ------
    SchemaError
        A class has too few rows.
    ValueError
        A class has fewer rows than ``cv``, or the folds of a splitter cannot be used.
    """
    counts = np.bincount(labels)
    label, n_rarest = classes[counts.argmin()], int(counts.min())
    notes = []
    if n_rarest < MIN_FOLDS:
        raise SchemaError(
            f"Class {label} has {n_rarest} rows, and a comparison needs at least "
            f"{MIN_FOLDS} of each class to hold some out. Give more rows of it, or "
            "leave the class out."
        )
    if cv is None:
        cv = min(N_FOLDS, n_rarest)
        if cv < N_FOLDS:
            notes.append(
                f"{cv} folds instead of {N_FOLDS}, since class {label} has {n_rarest} "
                "rows."
            )
    if isinstance(cv, int | np.integer):
        if n_rarest < cv:
            raise ValueError(
                f"Each class must have at least `cv` ({cv}) rows, got {n_rarest} of "
                f"class {label}. Lower `cv`, or leave the class out."
            )
        cv = RepeatedStratifiedKFold(
            n_splits=int(cv), n_repeats=N_REPEATS, random_state=seed
        )
    try:
        folds = list(check_cv(cv).split(np.zeros(len(labels)), labels))
    except ValueError as error:
        if "groups" not in str(error):
            raise
        raise ValueError(
            "`cv` cannot be a splitter that needs groups. Give its folds: "
            "`cv=list(splitter.split(X, y, groups))`."
        ) from error
    _check_folds(labels, folds)
    return folds, notes


def share_of_test(folds):
    """Return the rows of a test fold over those it was trained on, on average."""
    return float(np.mean([len(test) / len(train) for train, test in folds]))


def check_tuned(labels, folds, scoring):
    """Return notes on why a threshold cannot be tuned within the test folds.

    Raises
    ------
    ValueError
        It cannot, and it is the primary score.
    """
    if labels.max() > 1:
        reason = "there are more than two classes"
    elif min(np.bincount(labels[test], minlength=2).min() for _, test in folds) < 2:
        reason = "a test fold has fewer than two rows of a class"
    else:
        return []
    if scoring == TUNED:
        raise ValueError(
            f"`scoring` cannot be {TUNED!r}: {reason}. Choose another score."
        )
    return [f"No balanced accuracy at a tuned threshold: {reason}."]


def _check_folds(labels, folds):
    if len(folds) < 2:
        raise ValueError(
            f"`cv` must give at least 2 folds, got {len(folds)}: an interval needs "
            "several."
        )
    for place, fold in enumerate(folds):
        for name, rows in zip(("training", "test"), fold, strict=True):
            if len(np.unique(labels[rows])) < 2:
                raise ValueError(
                    f"`cv` must give folds with two classes or more, got one in the "
                    f"{name} rows of fold {place}. Use stratified folds."
                )
