"""The one file that imports scikit-learn's and imbalanced-learn's private checks."""

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_sampling_strategy, check_target_type
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils.validation import _num_samples as count_rows
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

__all__ = [
    "BaseSampler",
    "DefaultPartsMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "as_rng",
    "check_is_fitted",
    "check_random_state",
    "check_sampling_strategy",
    "check_target_type",
    "count_rows",
    "draw_seed",
    "remember_features",
    "select_rows",
    "validate_params",
]


def draw_seed(random_state):
    """Turn scikit-learn's ``random_state`` into one integer seed."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def as_rng(random_state):
    """Turn scikit-learn's ``random_state`` into a `numpy.random.Generator`."""
    return np.random.default_rng(draw_seed(random_state))


def remember_features(estimator, X, frame):
    """Set ``n_features_in_``, and ``feature_names_in_`` where all names are strings."""
    names_are_text = [isinstance(name, str) for name in frame.columns]
    mixed = any(names_are_text) and not all(names_are_text)
    X = frame.to_numpy() if mixed or isinstance(X, list) else X
    validate_data(estimator, X=X, reset=True, skip_check_array=True)


def select_rows(values, keep):
    """Return the rows of a table or of labels in any container where a mask is True."""
    return _safe_indexing(values, np.flatnonzero(keep))


class DefaultPartsMixin:
    """Let nested parameter names reach parts that are still ``None``.

    A class lists its parts in ``_default_parts``, a dict from parameter name to a
    callable that makes the default object. Setting ``cost__beta`` while ``cost`` is
    None then puts the default there first; while it is "passthrough" it is an error.
    """

    _default_parts: dict = {}

    def set_params(self, **params):
        """Set parameters, nested ones included; parts that are None are made first.

        Parameters
        ----------
        **params : dict
            Parameter names, with ``part__name`` for a parameter of a part.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            A nested name is given for a part that is switched off.
        """
        for part in sorted({key.partition("__")[0] for key in params if "__" in key}):
            if part not in self._default_parts:
                continue
            value = params.get(part, getattr(self, part))
            if value is None:
                params[part] = self._default_parts[part]()
            elif isinstance(value, str):
                names = [key for key in params if key.startswith(f"{part}__")]
                raise ValueError(
                    f"`{part}` is {value!r}, so {names[0]!r} cannot be set. Set "
                    f"`{part}` to None for the default, or to an instance."
                )
        return super().set_params(**params)
