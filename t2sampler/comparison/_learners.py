"""The learners that are compared: their names, features, weights and seeds."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from t2sampler.comparison._scores import Predictions

DEFAULT_LEARNERS = {
    "logistic regression": LogisticRegression(max_iter=5000),
    "random forest": RandomForestClassifier(),
    "gradient boosting": HistGradientBoostingClassifier(),
}


@dataclass(frozen=True)
class Features:
    """The same rows as a dataframe and as numbers, and their labels.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        In the dtypes of the user's table.
    matrix : float ndarray of shape (n_rows, n_encoded)
        By a `TableEncoder` that was fitted on the training rows.
    labels : int ndarray of shape (n_rows,)
        Codes of the classes.
    """

    frame: object
    matrix: np.ndarray
    labels: np.ndarray

    def take(self, places):
        """Return some of the rows."""
        frame = self.frame.iloc[places].reset_index(drop=True)
        return Features(frame, self.matrix[places], self.labels[places])


def name_parts(given, parameter, method, taken=()):
    """Return objects by name, from one, a list or a dict of them.

    Parameters
    ----------
    given : object, list or dict
    parameter : str
        Its name, for messages.
    method : str
        What each must have.
    taken : sequence of str, default=()
        Names that are in use.

    Raises
    ------
    TypeError
        A part lacks ``method``, or a name is no text.
    ValueError
        There is no part, or a name is taken.
    """
    if isinstance(given, dict):
        named = dict(given)
    else:
        named = {}
        for part in given if isinstance(given, list) else [given]:
            last = part.steps[-1][1] if isinstance(part, Pipeline) else part
            name = type(last).__name__
            n_same = sum(key.partition(" (")[0] == name for key in (*taken, *named))
            named[f"{name} ({n_same + 1})" if n_same else name] = part
    if not named:
        raise ValueError(f"`{parameter}` must hold at least one, got {given!r}.")
    for name, part in named.items():
        if not isinstance(name, str):
            raise TypeError(f"The names of `{parameter}` must be text, got {name!r}.")
        if name in taken:
            raise ValueError(f"`{parameter}` cannot use {name!r}, the name of an arm.")
        has_all = all(hasattr(part, wanted) for wanted in (method, "get_params"))
        if not has_all or isinstance(part, type):
            hint = {
                "fit_resample": "A class needs scikit-learn's BaseEstimator as a base.",
                "predict_proba": "CalibratedClassifierCV(model) gives it to a model.",
            }[method]
            raise TypeError(
                f"`{parameter}` must hold estimators with `{method}` and `get_params`, "
                f"got {part!r}. {hint}"
            )
    return named


def takes_frame(learner):
    """Tell whether a learner is given the dataframe: its first step sees to columns."""
    return any(isinstance(part, Pipeline) for part in _unwrap(learner))


def weigh_classes(learner):
    """Return how to give rare classes more weight: a learner, and fit parameters.

    Returns
    -------
    learner : classifier or None
        None where it takes no weights.
    parameter : str or None
        The parameter of ``fit`` that takes a weight per row, if one is needed.
    """
    *wrappers, inner = _unwrap(learner)
    params = learner.get_params(deep=True)
    prefix = "".join(f"{_name_inner(wrapper)}__" for wrapper in wrappers)
    if f"{prefix}class_weight" in params:
        weighted = clone(learner).set_params(**{f"{prefix}class_weight": "balanced"})
        return weighted, None
    steps = [wrapper for wrapper in wrappers if isinstance(wrapper, Pipeline)]
    resamples = any(hasattr(step, "fit_resample") for w in steps for _, step in w.steps)
    # A sampler in the pipeline changes the rows, and weights would not fit them.
    if has_fit_parameter(inner, "sample_weight") and not resamples:
        prefix = "".join(f"{_name_inner(wrapper)}__" for wrapper in steps)
        return learner, f"{prefix}sample_weight"
    return None, None


def fit_predict(learner, train, test, classes, weights=None):
    """Fit a clone on some rows and return what it says about others.

    Parameters
    ----------
    learner : classifier
    train, test : Features
    classes : ndarray of shape (n_classes,)
        The user's labels, by code: what learners are given.
    weights : str, default=None
        The parameter of ``fit`` that takes balanced weights.
    """
    part = "frame" if takes_frame(learner) else "matrix"
    labels = classes[train.labels]
    settings = {weights: compute_sample_weight("balanced", labels)} if weights else {}
    model = clone(learner).fit(getattr(train, part), labels, **settings)
    X = getattr(test, part)
    codes = {label: code for code, label in enumerate(classes.tolist())}
    places = [codes[label] for label in np.asarray(model.classes_).tolist()]
    probabilities = np.zeros((len(X), len(classes)))
    probabilities[:, places] = model.predict_proba(X)
    said = np.ravel(model.predict(X)).tolist()
    return Predictions(probabilities, np.array([codes[label] for label in said]))


def set_seed(estimator, seed, *, deep=True):
    """Return a clone whose unset ``random_state`` is a seed."""
    copy = clone(estimator)
    unset = [
        name
        for name, value in copy.get_params(deep=deep).items()
        if value is None and name.rpartition("__")[2] == "random_state"
    ]
    return copy.set_params(**dict.fromkeys(unset, seed))


def _unwrap(learner):
    """Return a learner, what it wraps, what that wraps, down to the classifier."""
    parts = [learner]
    while (name := _name_inner(parts[-1])) is not None:
        parts.append(parts[-1].get_params(deep=True)[name])
    return parts


def _name_inner(learner):
    """Return the name of the parameter that holds the inner classifier, or None."""
    if isinstance(learner, Pipeline):
        return learner.steps[-1][0]
    wrapped = learner.get_params(deep=False).get("estimator")
    return "estimator" if hasattr(wrapped, "fit") else None
