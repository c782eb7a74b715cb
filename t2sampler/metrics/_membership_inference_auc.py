"""Membership inference: which real rows was the generator fitted on?"""

import numpy as np
from sklearn.metrics import roc_auc_score

from t2sampler._params import as_rng, validate_params
from t2sampler.metrics._metric import SAMPLES_ROWS, sample_positions, scored
from t2sampler.metrics._row_distances import encode_rows, find_nearest
from t2sampler.metrics._tables import open_tables


@scored(goal="lower", low=0, high=1)
@validate_params(SAMPLES_ROWS, prefer_skip_nested_validation=True)
def membership_inference_auc(
    real, synthetic, holdout, *, max_rows=5_000, random_state=None
):
    r"""Measure how well an attacker tells which real rows the generator was fitted on.

    The attacker's score of a row is its distance to the nearest synthetic row: the
    smaller, the more likely the row is a member.

    .. math::
        \text{AUC} = P(a(r) > a(h)) + \tfrac12 P(a(r) = a(h)), \qquad
        a(x) = -\min_j \lVert x - s_j \rVert

    where :math:`r` is a real row the generator was fitted on, :math:`h` one it never
    saw, and :math:`s_j` the synthetic rows, in the units of
    `distance_to_closest_record`.

    In [0, 1], lower is better down to 0.5, which is guessing; with 1 all members are
    known. This is one attack, without knowledge of the generator: a good value proves
    nothing about stronger ones.

    Parameters
    ----------
    real, synthetic, holdout : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without. ``real`` are the rows
        the generator was fitted on, ``holdout`` real rows it never saw.
    max_rows : int >= 2 or None, default=5000
        As many rows of ``real`` and of ``holdout`` are attacked, drawn at random; None
        attacks all. They are compared with all synthetic rows.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    float

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.

    See Also
    --------
    distance_to_closest_record : Distances from synthetic to real rows.

    Notes
    -----
    O(max_rows * n_synthetic).

    References
    ----------
    .. [1] Chen, Yu, Zhang, Fritz, "GAN-Leaks: A Taxonomy of Membership Inference
       Attacks against Generative Models", ACM CCS, 2020, Section 5 (full black box,
       without calibration).

    Examples
    --------
    A copy reveals all members:

    >>> import numpy as np
    >>> from t2sampler.metrics import membership_inference_auc
    >>> real, unseen = np.array([[0.0], [4.0]]), np.array([[1.0], [6.0]])
    >>> membership_inference_auc(real, real, unseen)
    1.0
    """
    tables = open_tables(real=real, synthetic=synthetic, holdout=holdout)
    rng = as_rng(random_state)
    members, rows, strangers = encode_rows(tables)
    members = members[sample_positions(rng, len(members), max_rows)]
    strangers = strangers[sample_positions(rng, len(strangers), max_rows)]
    attacked = np.vstack([members, strangers])
    # Synthetic rows are the pool: the attacker has nothing else. Nearer is likelier.
    is_member = np.arange(len(attacked)) < len(members)
    return float(roc_auc_score(is_member, -find_nearest(attacked, rows)[0][:, 0]))
