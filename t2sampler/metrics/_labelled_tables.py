"""Tables with labels: checked together, and the AUC of a classifier on them."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from t2sampler._containers import open_labels
from t2sampler._encoding import TableEncoder
from t2sampler._params import HasMethods
from t2sampler._schema import TableSchema, learn_target
from t2sampler.exceptions import SchemaError
from t2sampler.metrics._tables import open_tables

CLASSIFIER = [HasMethods(["fit", "predict_proba"]), None]  # for validate_params


@dataclass(frozen=True)
class Labelled:
    """One table and its labels.

    Attributes
    ----------
    schema : TableSchema
        Shared by the tables opened together.
    frame : DataFrame
    labels : int ndarray of shape (n_rows,)
        Position among ``classes``.
    classes : tuple
        Labels of all the tables opened together.
    """

    schema: TableSchema
    frame: object
    labels: np.ndarray
    classes: tuple

    def take(self, rows):
        """Return some of the rows."""
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return Labelled(self.schema, frame, self.labels[rows], self.classes)


def open_labelled(**named):
    """Return `Labelled` tables from pairs (X, y), by the suffix of their parameters.

    ``real=(X, y)`` stands for the parameters `X_real` and `y_real`. The first pair
    determines the columns.
    """
    X = {f"X_{name}": X for name, (X, _) in named.items()}
    tables = open_tables(keep_unknown=False, **X)
    targets = {
        name: _open_labels(name, y, frame)
        for (name, (_, y)), frame in zip(named.items(), tables.frames, strict=True)
    }
    first, *others = targets
    classes = learn_target(targets[first]).levels
    for name in others:
        labels = targets[name].unique()
        _check_common(labels, classes[: targets[first].nunique()], (name, first))
        classes += tuple(label for label in labels if label not in classes)
    # A dict finds 1 for True, so that bool labels match those of a table of 0 and 1.
    places = {label: place for place, label in enumerate(classes)}
    return [
        Labelled(tables.schema, frame, np.array([places[v] for v in y]), classes)
        for frame, y in zip(tables.frames, targets.values(), strict=True)
    ]


def _check_common(labels, known, names):
    """Raise if no label is known, as when "1" is given for 1."""
    if not set(labels) & set(known):
        name, first = names
        raise SchemaError(
            f"`y_{name}` must have labels of `y_{first}`, {_plain(known)}, got only "
            f"{_plain(labels)}. Give both the same labels, of the same type."
        )


def _plain(labels):
    """Return labels as Python values, for messages."""
    return [label.item() if hasattr(label, "item") else label for label in labels]


def _open_labels(name, y, frame):
    if y is None:
        raise ValueError(
            f"`y_{name}` must be given together with `X_{name}`, got None. Give the "
            "labels, one per row."
        )
    target = open_labels(y).series
    if len(target) != len(frame):
        raise SchemaError(
            f"`y_{name}` must have one label per row of `X_{name}`, got {len(target)} "
            f"labels for {len(frame)} rows. Give as many of both."
        )
    return target


def check_two_classes(name, table):
    """Raise unless at least two labels occur."""
    if len(np.unique(table.labels)) < 2:
        label = table.classes[table.labels[0]]
        raise SchemaError(
            f"`y_{name}` must hold at least two classes, got only {label}. Choose rows "
            "of other classes too."
        )


def measure_auc(estimator, parts, test):
    """Fit on the rows of some tables and return the AUC on another.

    The mean over classes of one against the rest; for two classes the usual AUC. A
    class without training rows has the score 0 for all rows, which is an AUC of 0.5.

    Parameters
    ----------
    estimator : classifier or None
        None: logistic regression.
    parts : list of Labelled
        Training tables.
    test : Labelled
    """
    if estimator is None:
        estimator = LogisticRegression(max_iter=1000)
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    encoder = TableEncoder(test.schema).fit(frame)
    X = encoder.transform(frame)
    labels = np.concatenate([part.labels for part in parts])
    scores = np.zeros((len(test.labels), len(test.classes)))
    known = np.unique(labels)
    if len(known) > 1:
        with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
            # A model that stops before it converges is compared as it is.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = clone(estimator).fit(X, labels)
        scores[:, known] = model.predict_proba(encoder.transform(test.frame))
    present = np.unique(test.labels)
    # Of two classes the second is enough: the AUC of the first is the same.
    positives = present[1:] if len(present) == 2 else present
    return float(
        np.mean([roc_auc_score(test.labels == c, scores[:, c]) for c in positives])
    )
