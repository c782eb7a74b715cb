"""The one file that imports scikit-learn's and imbalanced-learn's private checks."""

from importlib import metadata
from numbers import Integral

import numpy as np
from imblearn.base import BaseSampler
from imblearn.utils import check_sampling_strategy, check_target_type
from sklearn.utils import _safe_indexing
from sklearn.utils import check_random_state as _check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils.validation import _num_samples as count_rows
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = [
    "N_JOBS",
    "BaseSampler",
    "DefaultPartsMixin",
    "DocLinkMixin",
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

N_JOBS = [
    Interval(Integral, 1, None, closed="left"),
    Interval(Integral, None, -1, closed="right"),
    None,
]


def draw_seed(random_state):
    """Turn scikit-learn's ``random_state`` into one integer seed."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def check_random_state(random_state):
    """Turn scikit-learn's ``random_state`` into a `numpy.random.RandomState`."""
    try:
        return _check_random_state(random_state)
    except ValueError:
        raise ValueError(
            "`random_state` must be an integer from 0 to 2**32 - 1, a RandomState or "
            f"None, got {random_state!r}."
        ) from None


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


class DocLinkMixin:
    """Link an estimator's HTML diagram to its page of the documentation.

    The address is the project URL "Documentation" in pyproject.toml; without one there
    is no link.
    """

    _doc_link_module = "t2sampler"

    @property
    def _doc_link_template(self):
        site = _find_site()
        page = "reference/generated/{estimator_module}.{estimator_name}.html"
        return f"{site.rstrip('/')}/{page}" if site else ""


def _find_site():
    """Return the address of the documentation, or "" where there is none."""
    try:
        urls = metadata.metadata("t2sampler").get_all("Project-URL", ())
    except metadata.PackageNotFoundError:  # a copy that was not installed
        return ""
    found = dict(url.split(", ", 1) for url in urls)
    return found.get("Documentation", "")


class DefaultPartsMixin:
    """Let nested parameter names reach parts that are still ``None``.

    A class lists its parts in ``_default_parts``, a dict from parameter name to a
    callable that makes the default object. ``get_params`` lists the parameters of
    these defaults, so that a tuner finds them. Setting ``cost__beta`` while ``cost`` is
    None puts the default there first; while it is "passthrough" it is an error.
    """

    _default_parts: dict = {}

    def get_params(self, deep=True):
        """Get parameters; with ``deep``, also those of parts that are still None.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the parameters of parts, as ``part__name``.

        Returns
        -------
        params : dict
            Parameter names and values.
        """
        params = super().get_params(deep=deep)
        if deep:
            for part in self._default_parts:
                if params[part] is None:
                    params |= self._list_defaults(part)
        return params

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
            names = [key for key in params if key.startswith(f"{part}__")]
            if isinstance(value, str):
                raise ValueError(
                    f"`{part}` is {value!r}, so {names[0]!r} cannot be set. Set "
                    f"`{part}` to None for the default, or to an instance."
                )
            if value is not None:
                continue
            defaults = self._list_defaults(part)
            if part in params and all(params[k] is defaults.get(k, k) for k in names):
                # `get_params` has told them all: setting them again changes nothing.
                params = {k: v for k, v in params.items() if k not in names}
            else:
                params[part] = self._default_parts[part]()
        return super().set_params(**params)

    def _list_defaults(self, part):
        """Return the parameters of the default of a part, by nested name."""
        params = self._default_parts[part]().get_params()
        return {f"{part}__{name}": value for name, value in params.items()}

    def _get_params_html(self, deep=False, *args, **settings):
        """Leave parts to diagrams of their own, as scikit-learn does where it has any.

        Those that are None would stand there as parameters that the user has set.
        """
        return super()._get_params_html(False, *args, **settings)
