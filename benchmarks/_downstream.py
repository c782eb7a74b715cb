"""What a model trained on a table is worth: AUC on rows it never saw."""

import warnings

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

MODELS = {
    "logistic": lambda seed: LogisticRegression(max_iter=1000),
    "svm": lambda seed: SVC(random_state=seed),
    "mlp": lambda seed: MLPClassifier(random_state=seed),
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
}


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
    (X, y), (X_test, y_test) = train, test
    encoder = make_encoder().fit(X)
    A, B = encoder.transform(X), encoder.transform(X_test)
    positive = np.unique(y_test)[1]
    for name, make in models.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = make(seed).fit(A, y)
        column = list(model.classes_).index(positive)
        if hasattr(model, "predict_proba"):
            score = model.predict_proba(B)[:, column]
        else:
            score = model.decision_function(B) * (1 if column else -1)
        yield {
            "model": name,
            "auc": 100 * roc_auc_score(y_test == positive, score),
            "balanced_accuracy": 100
            * balanced_accuracy_score(y_test, model.predict(B)),
        }
