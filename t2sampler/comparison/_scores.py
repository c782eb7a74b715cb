"""What a model's predictions of held-out rows are worth, by six scores."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import StratifiedKFold

TUNED = "balanced_accuracy_tuned"
LOWER_IS_BETTER = ("brier_score", "log_loss")
TITLES = {  # of all scores, in the order in which they are shown
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "balanced_accuracy": "balanced accuracy",
    TUNED: "balanced accuracy at a tuned threshold",
    "brier_score": "Brier score",
    "log_loss": "log loss",
}
ALIASES = {"neg_brier_score": "brier_score", "neg_log_loss": "log_loss"}
MAX_PARTS = 5  # of a test fold, each tested at the threshold of the others


@dataclass(frozen=True)
class Predictions:
    """What one model says about the rows of a test fold.

    Attributes
    ----------
    probabilities : float ndarray of shape (n_rows, n_classes)
    labels : int ndarray of shape (n_rows,)
        Codes of the classes that it predicts.
    """

    probabilities: np.ndarray
    labels: np.ndarray


def measure(truth, predictions, seed):
    """Return the value of each score that can be computed.

    Parameters
    ----------
    truth : int ndarray of shape (n_rows,)
        Codes of the classes; with two classes 1 is the rarer.
    predictions : Predictions
    seed : int
        Deals the rows to the parts of the test fold.
    """
    p = predictions.probabilities
    is_class = np.eye(p.shape[1])[truth]
    squares = ((p - is_class) ** 2).sum(axis=1).mean()
    chosen = np.clip(p[np.arange(len(p)), truth], np.finfo(float).eps, 1)
    scores = {
        "balanced_accuracy": balanced_accuracy_score(truth, predictions.labels),
        "log_loss": float(-np.log(chosen).mean()),
        # Half of the sum for two classes, as in scikit-learn.
        "brier_score": float(squares / 2 if p.shape[1] == 2 else squares),
    }
    present = [1] if p.shape[1] == 2 else np.unique(truth)
    pairs = [(is_class[:, c], p[:, c]) for c in present]
    scores["roc_auc"] = np.mean([roc_auc_score(*pair) for pair in pairs])
    scores["average_precision"] = np.mean(
        [average_precision_score(*pair) for pair in pairs]
    )
    if p.shape[1] == 2:
        scores[TUNED] = measure_tuned(truth, p[:, 1], seed)
    return {name: float(scores[name]) for name in TITLES if name in scores}


def measure_tuned(truth, probability, seed):
    """Return the balanced accuracy at thresholds that are tuned on other rows.

    The test fold is cut into parts; the rows of a part are judged at the threshold that
    is best on the other parts. The model has seen none of them. (A threshold from the
    other folds would be chosen on predictions of models that were trained on this one,
    which raises the balanced accuracy of labels that are noise above one half.)

    Returns
    -------
    value : float
        NaN with fewer than two rows of a class.
    """
    n_parts = min(MAX_PARTS, *np.bincount(truth, minlength=2))
    if n_parts < 2:
        return np.nan
    parts = StratifiedKFold(n_parts, shuffle=True, random_state=seed)
    labels = np.empty_like(truth)
    for others, part in parts.split(truth, truth):
        threshold = find_threshold(truth[others], probability[others])
        labels[part] = probability[part] >= threshold
    return balanced_accuracy_score(truth, labels)


def find_threshold(truth, probability):
    """Return the threshold of the highest balanced accuracy: the middle of its gap."""
    false, true, thresholds = roc_curve(truth, probability, drop_intermediate=False)
    best = int(np.argmax(true - false))
    if best == 0:  # no row is called positive
        return np.inf
    below = thresholds[best + 1] if best + 1 < len(thresholds) else 0.0
    return (thresholds[best] + below) / 2
