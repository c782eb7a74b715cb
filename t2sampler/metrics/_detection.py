"""Can a classifier tell synthetic rows from real ones?"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from t2sampler._params import as_rng, draw_seed
from t2sampler.metrics._geometry import place_rows
from t2sampler.metrics._goal import scored
from t2sampler.metrics._settings import (
    check_count,
    check_max_rows,
    check_size,
    choose_rows,
)
from t2sampler.metrics._tables import open_tables

N_COMPONENTS = 10
EARLY_ROWS = 400  # with fewer there is nothing to spare for early stopping


@dataclass(frozen=True)
class Detection:
    """AUC of telling synthetic from real rows; ``float()`` gives the mean.

    Attributes
    ----------
    by_detector : dict of str to float
        AUC per detector, each the mean over folds.
    """

    by_detector: dict

    @property
    def mean(self):
        """Mean over the detectors."""
        return float(np.mean(list(self.by_detector.values())))

    def __float__(self):
        return self.mean


class _MixtureDetector(ClassifierMixin, BaseEstimator):
    """The published third detector: a clustering that never sees the labels."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        n_components = min(N_COMPONENTS, len(X))
        mixture = GaussianMixture(n_components, random_state=self.random_state)
        self.mixture_ = mixture.fit(X)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        """Return the second of the clusters as if it were the synthetic class."""
        share = self.mixture_.predict_proba(X)[:, 1]
        return np.column_stack([1 - share, share])


@scored(goal="lower", low=0, high=1)
def detection_score(
    real,
    synthetic,
    *,
    detectors=None,
    with_mixture=False,
    n_splits=3,
    max_rows=10_000,
    random_state=None,
):
    r"""Measure how well classifiers tell synthetic rows from real ones.

    .. math:: \text{AUC} = P(f(s) > f(r)) + \tfrac12 P(f(s) = f(r)), \qquad
        \text{score} = \frac1{|F|} \sum_{f \in F} \text{AUC}_f

    where :math:`f(x)` is the probability of being synthetic that a detector of the set
    F, fitted on the other folds, gives to a held-out row: real (r) or synthetic (s).

    In [0, 1], lower is better down to 0.5, where no detector can tell. Below 0.5 there
    are copies: a held-out copy looks like the real row the detector has seen.

    The published score averages three detectors: XGBoost, a network of one hidden layer
    of 100, and a Gaussian mixture. Here gradient boosting of scikit-learn stands for
    the first. The third fits clusters without looking at the labels and takes the
    second cluster for "synthetic": the numbering of clusters is arbitrary, so its AUC
    is noise around 0.5 that pulls the mean towards "undetectable", also for tables that
    the other two tell apart at sight. It is left out unless asked for.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without. Published tables
        include the label as a column.
    detectors : dict of str to classifier, default=None
        Objects with ``predict_proba``. None: "boosting" and "mlp", as above.
    with_mixture : bool, default=False
        Add the published mixture as "gmm", to compare with published values.
    n_splits : int >= 2, default=3
        Stratified folds; 3 as published.
    max_rows : int >= 2 or None, default=10000
        Each table is cut to as many rows, drawn at random; None takes all.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    Detection

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.
    ValueError
        A table has fewer rows than folds.
    TypeError
        A detector has no ``predict_proba``.

    See Also
    --------
    marginal_distance : Which columns give them away.

    Notes
    -----
    One fit per detector and fold.

    References
    ----------
    .. [1] Liu, Qian, Berrevoets, van der Schaar, "GOGGLE: Generative Modelling for
       Tabular Data by Learning Relational Structure", ICLR, 2023, Section 5. As coded
       in its `evaluate_synthetic`.

    Examples
    --------
    Rows from elsewhere are told apart without fail:

    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from t2sampler.metrics import detection_score
    >>> real = np.random.default_rng(0).normal(size=(30, 2))
    >>> tree = {"tree": DecisionTreeClassifier()}
    >>> detection_score(real, real + 9, detectors=tree).by_detector
    {'tree': 1.0}
    """
    check_count("n_splits", n_splits, 2)
    check_max_rows(max_rows)
    _check_detectors(detectors)
    tables = open_tables(real=real, synthetic=synthetic)
    check_size("real", tables.frames[0], n_splits, "for as many folds")
    check_size("synthetic", tables.frames[1], n_splits, "for as many folds")
    seed = draw_seed(random_state)
    rng = as_rng(seed)
    sides = [
        matrix[choose_rows(rng, len(matrix), max_rows)] for matrix in place_rows(tables)
    ]
    X = np.vstack(sides)
    is_synthetic = np.repeat([0, 1], [len(side) for side in sides])
    detectors = _default_detectors(len(X), seed) if detectors is None else detectors
    if with_mixture:
        detectors = detectors | {"gmm": _MixtureDetector(seed)}
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=seed)
    folds = list(folds.split(X, is_synthetic))
    with threadpool_limits(1):  # sharing out such small tables costs more than it saves
        return Detection(
            {
                name: _mean_auc(detector, X, is_synthetic, folds)
                for name, detector in detectors.items()
            }
        )


def _default_detectors(n_rows, seed):
    network = MLPClassifier(early_stopping=n_rows >= EARLY_ROWS, random_state=seed)
    return {
        "boosting": HistGradientBoostingClassifier(
            max_depth=6, min_samples_leaf=5, random_state=seed
        ),
        "mlp": make_pipeline(StandardScaler(), network),
    }


def _check_detectors(detectors):
    if detectors is None:
        return
    if not isinstance(detectors, dict) or not detectors:
        raise ValueError(
            f"`detectors` must be a dict of at least one classifier, got {detectors!r}."
            " Name each, or give None for the defaults."
        )
    for name, detector in detectors.items():
        if not hasattr(detector, "predict_proba"):
            raise TypeError(
                f"`detectors` must have predict_proba, got {detector!r} as {name!r}. "
                "Choose a classifier that gives probabilities."
            )


def _mean_auc(detector, X, y, folds):
    scores = []
    for train, test in folds:
        with warnings.catch_warnings():  # stopping early is no harm to a detector
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = clone(detector).fit(X[train], y[train])
        scores.append(roc_auc_score(y[test], model.predict_proba(X[test])[:, 1]))
    return float(np.mean(scores))
