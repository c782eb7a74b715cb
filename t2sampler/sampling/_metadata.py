"""What real rows carry beside their features: groups and weights for new rows."""

import numpy as np
import pandas as pd


def extend_groups(groups, donors):
    """Return the groups of all rows: a new row has that of its donor.

    Parameters
    ----------
    groups : array-like of shape (n_rows,)
    donors : int ndarray of shape (n_new,)
        -1 where there is none: such a row's group is missing.

    Examples
    --------
    >>> extend_groups(["u", "v"], np.array([1, 0, 1])).tolist()
    ['u', 'v', 'v', 'u', 'v']
    """
    groups = pd.Series(np.asarray(groups))
    new = groups.iloc[np.where(donors < 0, 0, donors)].reset_index(drop=True)
    new = new.mask(donors < 0) if (donors < 0).any() else new
    return pd.concat([groups, new], ignore_index=True).to_numpy()


def extend_weights(weights, labels, new_labels):
    """Return the weights of all rows: a new row has the mean of its class.

    Parameters
    ----------
    weights : array-like of shape (n_rows,)
    labels, new_labels : float ndarrays of shape (n_rows,) and (n_new,)
        Label codes. A class without real rows has the mean of all.

    Examples
    --------
    >>> extend_weights([1, 3, 5], np.array([0, 0, 1]), np.array([0, 1, 2])).tolist()
    [1.0, 3.0, 5.0, 2.0, 5.0, 3.0]
    """
    weights = np.asarray(weights, dtype=float)
    means = pd.Series(weights).groupby(labels).mean()
    new = means.reindex(new_labels).fillna(weights.mean())
    return np.concatenate([weights, new.to_numpy()])
