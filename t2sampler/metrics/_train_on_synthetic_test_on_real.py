"""TSTR: train a classifier on synthetic rows, test it on real ones."""

from dataclasses import dataclass

import numpy as np

from t2sampler._brief import BriefRepr
from t2sampler._params import as_rng, validate_params
from t2sampler.metrics._labelled_tables import (
    CLASSIFIER,
    check_two_classes,
    measure_auc,
    open_labelled,
)
from t2sampler.metrics._metric import SAMPLES_ROWS, sample_positions, scored


@dataclass(frozen=True, repr=False)
class Transfer(BriefRepr):
    """AUC on real test rows; ``float()`` gives ``auc``.

    Attributes
    ----------
    auc : float
        After training on the synthetic rows.
    auc_real : float
        After training on real rows; NaN without them.
    """

    auc: float
    auc_real: float = np.nan

    @property
    def gap(self):
        """Loss (below 0) or gain by training on synthetic instead of real rows."""
        return self.auc - self.auc_real

    def __float__(self):
        return self.auc


@scored(goal="higher", low=0, high=1)
@validate_params(
    {"estimator": CLASSIFIER, **SAMPLES_ROWS},
    prefer_skip_nested_validation=False,  # the estimator is the user's
)
def train_on_synthetic_test_on_real(
    X_synthetic,
    y_synthetic,
    X_test,
    y_test,
    *,
    X_real=None,
    y_real=None,
    estimator=None,
    max_rows=None,
    random_state=None,
):
    r"""Measure the AUC on real rows of a model trained on synthetic rows only.

    .. math:: \text{TSTR} = \frac{1}{|C|} \sum_{c \in C} P(f_c(x) > f_c(x'))

    where :math:`f_c` is the probability of class c given by the model fitted on the
    synthetic rows, and :math:`x` and :math:`x'` are real test rows of class c and of
    another class, ties counting half; C holds the classes of the test rows (for two
    classes: the second, the usual AUC). A class that no synthetic row has counts 0.5.

    In [0, 1], higher is better, 0.5 is guessing; compare with ``auc_real``, the same
    model fitted on real rows.

    Parameters
    ----------
    X_synthetic : dataframe or array of shape (n_rows, n_columns)
        Columns of any type, with missing values or without.
    y_synthetic : array of shape (n_rows,)
    X_test : dataframe or array of shape (n_rows, n_columns)
        Real rows of the same columns that the generator has not seen.
    y_test : array of shape (n_rows,)
        Labels of two classes or more.
    X_real, y_real : table and labels, default=None
        Real training rows, for ``auc_real``.
    estimator : classifier, default=None
        Gets numbers only. None: logistic regression.
    max_rows : int >= 2 or None, default=None
        Each training table is cut to as many rows, drawn at random.
    random_state : int, RandomState instance or None, default=None
        For ``max_rows`` only.

    Returns
    -------
    Transfer

    Raises
    ------
    SchemaError
        The columns differ, a table has no rows, the test rows are of one class, or the
        others have none of their labels.
    ValueError
        One of ``X_real`` and ``y_real`` is missing.
    TypeError
        The estimator has no ``predict_proba``.

    See Also
    --------
    augmentation_gain : Synthetic rows added to real ones.

    Notes
    -----
    One fit, two with real rows.

    References
    ----------
    .. [1] Esteban, Hyland, Rätsch, "Real-valued (Medical) Time Series Generation with
       Recurrent Conditional GANs", arXiv:1706.02633, 2017, Section 4.2.

    Examples
    --------
    Synthetic rows with inverted labels teach the opposite:

    >>> import numpy as np
    >>> from t2sampler.metrics import train_on_synthetic_test_on_real
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> found = train_on_synthetic_test_on_real(X, 1 - y, X, y, X_real=X, y_real=y)
    >>> found.auc, found.auc_real
    (0.0, 1.0)
    """
    if X_real is None and y_real is not None:
        raise ValueError(
            "`X_real` must be given together with `y_real`, got None. Give the rows, "
            "or leave the labels out."
        )
    optional = {} if X_real is None else {"real": (X_real, y_real)}
    # The test rows come first, since they determine the columns and the classes.
    test, synthetic, *real = open_labelled(
        test=(X_test, y_test), synthetic=(X_synthetic, y_synthetic), **optional
    )
    check_two_classes("test", test)
    rng = as_rng(random_state)
    aucs = []
    for table in (synthetic, *real):
        rows = sample_positions(rng, len(table.labels), max_rows)
        aucs.append(measure_auc(estimator, [table.take(rows)], test))
    return Transfer(*aucs)
