"""Rules that say which candidates are kept: CLLM's curation and this package's filters.

`apply_rules` is the list that the benchmarks of quality control compare.
"""

from itertools import islice

import numpy as np
import pandas as pd
from _downstream import MODELS, make_encoder, measure
from sklearn.ensemble import HistGradientBoostingClassifier

from t2sampler import QualityControl, paper_protocol

PARTS = ("sanity", "cost", "diversity")
HARD = 0.2  # CLLM's threshold for confidence and for uncertainty
N_TREES = 100
JUDGES = {name: MODELS[name] for name in ("logistic", "svm", "forest")}
REAL, ALL, ORACLE = "real only", "all", "oracle"


def curate(real, X_new, y_new):
    """Return which candidates CLLM's curation keeps.

    Boosted trees are fitted on the real rows; p is the probability of a candidate's own
    label after each tree but the last. A row is hard, and goes, if the mean of p
    (confidence) and the mean of p(1 - p) (aleatoric uncertainty) are both at most 0.2.

    The published code boosts with xgboost, which is no dependency here. Scikit-learn's
    histogram trees get its defaults: 100 trees, depth 6, rate 0.3, l2 of 1, and leaves
    of four rows, which is its least hessian of 1 at p = 1/2. CLLM trains on curated
    rows alone; here they are added to the real ones, as with every other rule.

    Parameters
    ----------
    real : pair of DataFrame and Series
    X_new : DataFrame of shape (n_new, n_features)
    y_new : Series of shape (n_new,)

    Returns
    -------
    keep : bool ndarray of shape (n_new,)
    """
    if not len(X_new):
        return np.zeros(0, dtype=bool)
    encoder = make_encoder().fit(real[0])
    model = HistGradientBoostingClassifier(
        max_iter=N_TREES,
        max_depth=6,
        learning_rate=0.3,
        l2_regularization=1.0,
        min_samples_leaf=4,
        early_stopping=False,
    ).fit(encoder.transform(real[0]), real[1])
    stages = islice(
        model.staged_predict_proba(encoder.transform(X_new)), model.n_iter_ - 1
    )
    own = np.searchsorted(model.classes_, y_new), np.arange(len(y_new))
    p = np.array([stage.T[own] for stage in stages])
    confidence, uncertainty = p.mean(axis=0), (p * (1 - p)).mean(axis=0)
    return ~((confidence <= HARD) & (uncertainty <= HARD))


def make_controls(seed):
    """Return the three filters alone, the paper's and the defaults, by name."""
    off = dict.fromkeys(PARTS, "passthrough")
    paper = paper_protocol()
    settings = {f"{name} alone": {**off, name: None} for name in PARTS}
    settings["paper_protocol"] = {name: getattr(paper, name) for name in PARTS}
    settings["default filters"] = {}
    return {
        name: QualityControl(**parts, random_state=seed)
        for name, parts in settings.items()
    }


def apply_rules(real, batches, seed, oracle=None):
    """Yield a rule's name, what it keeps and the table to train on, rule by rule.

    Parameters
    ----------
    real : pair of DataFrame and Series
    batches : list of pairs of DataFrame and Series
    seed : int
    oracle : bool ndarray or None, default=None
        Candidates known to be good, where that is known.
    """
    yield from apply_extremes(real, batches, oracle)
    X, y = stack(batches)
    keep = curate(real, X, y)
    yield "CLLM's curation", keep, stack([real, (X[keep], y[keep])])
    yield from apply_controls(make_controls(seed), real, batches)


def apply_extremes(real, batches, oracle=None):
    """Yield the rules that look at nothing, as `apply_rules` does."""
    X, y = stack(batches)
    masks = {REAL: np.zeros(len(X), dtype=bool), ALL: np.ones(len(X), dtype=bool)}
    if oracle is not None:
        masks[ORACLE] = oracle
    for name, keep in masks.items():
        yield name, keep, stack([real, (X[keep], y[keep])])


def apply_controls(controls, real, batches):
    """Yield each `QualityControl` of a dict by name, as `apply_rules` does."""
    for name, control in controls.items():
        result = control.fit(*real).trim(batches)
        yield name, np.concatenate(result.keep), stack([real, (result.X, result.y)])


def measure_rules(rules, test, seed):
    """Yield a rule's name, what it keeps, and the scores of its table, model by model.

    Tables that rules have in common are scored once.

    Parameters
    ----------
    rules : iterable
        From `apply_rules`.
    test : pair of DataFrame and Series
    seed : int
    """
    known = {}
    for name, keep, train in rules:
        table = keep.tobytes(), len(train[0])  # twins make a table longer
        if table not in known:
            known[table] = list(measure(train, test, seed, JUDGES))
        yield name, keep, known[table]


def stack(tables):
    """Return one table of several; those without a row are left out."""
    tables = [(X, y) for X, y in tables if len(X)] or tables[:1]
    X, y = zip(*tables, strict=True)
    return pd.concat(X, ignore_index=True), pd.concat(y, ignore_index=True)
