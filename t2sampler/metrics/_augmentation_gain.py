"""Augmentation gain: the change in AUC when synthetic rows are added to real ones."""

from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import RepeatedStratifiedKFold

from t2sampler._brief import BriefRepr
from t2sampler._params import HasMethods, Interval, as_rng, draw_seed, validate_params
from t2sampler.exceptions import SchemaError
from t2sampler.metrics._labelled_tables import (
    CLASSIFIER,
    check_two_classes,
    measure_auc,
    open_labelled,
)
from t2sampler.metrics._metric import SAMPLES_ROWS, sample_positions, scored
from t2sampler.metrics._paired_folds import summarise_folds


@dataclass(frozen=True, repr=False)
class AugmentationGain(BriefRepr):
    """Gain in AUC from added rows; ``float()`` gives ``gain``.

    Attributes
    ----------
    gain : float
        Mean over folds of the AUC with synthetic rows less the AUC without.
    low, high : float
        Confidence interval of the gain.
    auc_real, auc_augmented : float
        Mean AUC without and with synthetic rows.
    gains : tuple of float
        One gain per fold.
    """

    gain: float
    low: float
    high: float
    auc_real: float
    auc_augmented: float
    gains: tuple

    def __float__(self):
        return self.gain


@scored(goal="higher", low=-1, high=1)
@validate_params(
    {
        "sampler": [HasMethods(["fit_resample"]), None],
        "estimator": CLASSIFIER,
        "n_splits": [Interval(Integral, 2, None, closed="left")],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        **SAMPLES_ROWS,
    },
    prefer_skip_nested_validation=False,  # estimator and sampler are the user's
)
def augmentation_gain(
    X_real,
    y_real,
    X_synthetic=None,
    y_synthetic=None,
    *,
    sampler=None,
    estimator=None,
    n_splits=5,
    n_repeats=3,
    confidence=0.95,
    max_rows=10_000,
    random_state=None,
):
    r"""Measure how much a model gains from synthetic rows added to the real ones.

    Repeated stratified cross-validation over the real rows only: each fold is predicted
    once by a model of the other real rows, and once by a model of those and the
    synthetic rows.

    .. math::
        \bar g = \frac1J \sum_j (\text{AUC}^+_j - \text{AUC}_j), \qquad
        \bar g \pm t_{J-1} \sqrt{\left( \frac1J + \frac{n_2}{n_1} \right)
        \frac{1}{J - 1} \sum_j (g_j - \bar g)^2}

    where :math:`\text{AUC}^+_j` and :math:`\text{AUC}_j` are with and without synthetic
    rows on fold j of J = ``n_splits * n_repeats``, :math:`g_j` their difference,
    :math:`t_{J-1}` the quantile of Student's t, and :math:`n_2 / n_1 = 1 /
    (K - 1)` the size of a test fold over that of its training rows, with K =
    ``n_splits``. Folds share most of their training rows, so their gains are not
    independent. The corrected interval of Nadeau and Bengio allows for it; with
    :math:`1/J` alone it would be far too narrow.

    In [-1, 1], higher is better: above 0 the rows help, below 0 they harm; an interval
    that includes 0 leaves it open. With more than two classes the AUC is the mean over
    classes of one against the rest.

    Parameters
    ----------
    X_real : dataframe or array of shape (n_rows, n_columns)
        Columns of any type, with missing values or without.
    y_real : array of shape (n_rows,)
        Labels of two classes or more, at least ``n_splits`` rows of each.
    X_synthetic, y_synthetic : table and labels, default=None
        Rows to add to each training part. If their generator was fitted on all real
        rows, it has seen the test folds and the gain is biased upwards: give
        ``sampler`` instead, or real rows that the generator did not see.
    sampler : sampler, default=None
        An object with ``fit_resample``, cloned and fitted within each training part;
        what it returns takes the place of real and synthetic rows. Give either this or
        synthetic rows.
    estimator : classifier, default=None
        Gets numbers only. None: logistic regression.
    n_splits : int >= 2, default=5
    n_repeats : int >= 1, default=3
    confidence : float in (0, 1), default=0.95
        Coverage of the interval.
    max_rows : int >= 2 or None, default=10000
        If a table has more rows, both are cut by the same factor, which keeps the share
        of synthetic rows. The gain at the smaller size is usually larger.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    AugmentationGain

    Raises
    ------
    SchemaError
        The columns differ, a table has no rows, there is one class only, or no
        synthetic row has a real label.
    ValueError
        A class has fewer real rows than folds, or both or none of synthetic rows and
        sampler are given.
    TypeError
        The estimator has no ``predict_proba``.

    See Also
    --------
    train_on_synthetic_test_on_real : Training on synthetic rows alone.

    Notes
    -----
    Two fits of the estimator per fold, and one of the sampler if given.

    References
    ----------
    .. [1] Nadeau, Bengio, "Inference for the Generalization Error", Machine Learning
       52, 2003, Section 3.

    Examples
    --------
    Adding the real rows once more changes nothing:

    >>> import numpy as np
    >>> from t2sampler.metrics import augmentation_gain
    >>> X, y = np.arange(12.0).reshape(-1, 1), np.repeat([0, 1], 6)
    >>> found = augmentation_gain(X, y, X, y, n_splits=3, random_state=0)
    >>> round(found.gain, 9), round(found.auc_real, 9)
    (0.0, 1.0)
    """
    _check_one_source(X_synthetic, y_synthetic, sampler)
    added = {"synthetic": (X_synthetic, y_synthetic)} if sampler is None else {}
    real, *synthetic = open_labelled(real=(X_real, y_real), **added)
    check_two_classes("real", real)
    seed = draw_seed(random_state)
    real, *synthetic = _cut([real, *synthetic], max_rows, as_rng(seed))
    _check_folds(real, n_splits)
    folds = RepeatedStratifiedKFold(
        n_splits=n_splits, n_repeats=n_repeats, random_state=seed
    )
    aucs = []
    for train, test in folds.split(real.labels, real.labels):
        # Both models are tested on the same fold, so that the gains are paired.
        rows = real.take(train)
        parts = [rows, *synthetic] if sampler is None else [_resample(sampler, rows)]
        aucs.append(
            [measure_auc(estimator, x, real.take(test)) for x in ([rows], parts)]
        )
    return _summarise(np.array(aucs), n_splits, confidence)


def _summarise(aucs, n_splits, confidence):
    """Return the mean gain with the interval of Nadeau and Bengio."""
    gains = aucs[:, 1] - aucs[:, 0]
    # 1 / (n_splits - 1) is the size of a test fold over that of its training rows.
    found = summarise_folds(gains, 1 / (n_splits - 1), confidence)
    return AugmentationGain(
        gain=found.mean,
        low=found.low,
        high=found.high,
        auc_real=float(aucs[:, 0].mean()),
        auc_augmented=float(aucs[:, 1].mean()),
        gains=tuple(gains.tolist()),
    )


def _resample(sampler, rows):
    """Return the rows of a sampler that is fitted on training rows."""
    classes = pd.Index(rows.classes)
    target = pd.Series(classes.take(rows.labels))
    X, y = clone(sampler).fit_resample(rows.frame, target)
    labels = classes.get_indexer(pd.Index(y))
    if (labels < 0).any():
        known = ", ".join(map(str, classes))
        raise SchemaError(
            f"`sampler` must keep to the classes {known}, got others. Leave "
            "new classes out: no real row can test them."
        )
    return replace(rows, frame=X, labels=labels)


def _cut(tables, max_rows, rng):
    """Cut all tables by the factor that makes the largest fit."""
    largest = max(len(table.labels) for table in tables)
    if max_rows is None or largest <= max_rows:
        return tables
    return [
        table.take(
            sample_positions(
                rng,
                len(table.labels),
                max(1, round(len(table.labels) * max_rows / largest)),
            )
        )
        for table in tables
    ]


def _check_one_source(X_synthetic, y_synthetic, sampler):
    has_rows = X_synthetic is not None or (
        sampler is not None and y_synthetic is not None
    )
    if has_rows == (sampler is not None):
        given = "both" if has_rows else "neither"
        raise ValueError(
            "Expected either `X_synthetic` with `y_synthetic` or `sampler`, got "
            f"{given}. Give the one whose rows are to be added."
        )


def _check_folds(real, n_splits):
    counts = np.bincount(real.labels, minlength=len(real.classes))
    counts = {c: n for c, n in zip(real.classes, counts, strict=True) if n}
    label = min(counts, key=counts.get)
    if counts[label] < n_splits:
        raise ValueError(
            f"Each class of `y_real` must have at least `n_splits` ({n_splits}) rows, "
            f"got {counts[label]} of class {label}. Lower `n_splits`, or drop it."
        )
