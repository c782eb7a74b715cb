"""The published chain of H-TDBU, which knows no rule, as a synthesizer."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

N_READ = 12  # columns before, by which a column is drawn
MAX_INTEGER_LEVELS = 20  # integers of so many values or fewer are categories
MAX_ROWS = {"forest": 5000, "boosting": 8000}
FOREST = {"n_estimators": 30, "max_depth": 12, "min_samples_leaf": 5, "random_state": 0}
BOOSTING = {
    "max_iter": 80,
    "max_depth": 6,
    "learning_rate": 0.08,
    "min_samples_leaf": 4,  # as near as can be to a hessian of 1, and
    "l2_regularization": 1.0,  # this, what XGBoost has unless told otherwise
    "random_state": 0,
}
MODELS = {
    "forest": (RandomForestClassifier, RandomForestRegressor, FOREST),
    "boosting": (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        BOOSTING,
    ),
}


class BlindChain:
    """Draw columns in the order of the file, each by the twelve before it.

    The first column is drawn from its real values, a category by its probabilities, a
    number as prediction plus a residual of the rows that were fitted. The last column,
    the label, is a category.

    Parameters
    ----------
    kind : {"forest", "boosting"}
    """

    def __init__(self, kind="forest"):
        self.kind = kind

    def fit(self, frame):
        """Fit a model per column.

        Parameters
        ----------
        frame : DataFrame
            The label is its last column.
        """
        self.names = frame.columns  # of any type; scikit-learn wants text
        frame = frame.set_axis([f"c{j}" for j in range(frame.shape[1])], axis=1)
        self.columns, self.dtypes = list(frame.columns), frame.dtypes
        frame = frame.apply(_count_time)
        self.first, self.models = frame.iloc[:, 0].to_numpy(), {}
        rows = np.random.default_rng(0).permutation(len(frame))[: MAX_ROWS[self.kind]]
        part = frame.iloc[rows]
        classifier, regressor, settings = MODELS[self.kind]
        for place, name in enumerate(frame.columns[1:], start=1):
            before = list(frame.columns[max(0, place - N_READ) : place])
            # The label is a class, also where it is a number such as 0.0.
            is_level = _has_levels(frame[name]) or name == self.columns[-1]
            known = part[part[name].notna()] if not is_level else part
            model = (classifier if is_level else regressor)(**settings)
            model = make_pipeline(_encode(part[before]), model)
            goal = known[name]
            if is_level:
                codes, levels = pd.factorize(goal, use_na_sentinel=False)
                self.models[name] = before, model.fit(known, codes), levels
            else:
                residuals = goal.to_numpy(float) - model.fit(known, goal).predict(known)
                self.models[name] = before, model, residuals
        return self

    def sample(self, n_rows, random_state=None):
        """Return as many rows, label included.

        Parameters
        ----------
        n_rows : int
        random_state : int, default=None

        Returns
        -------
        frame : DataFrame of shape (n_rows, n_columns)
        """
        rng = np.random.default_rng(random_state)
        first = rng.choice(self.first, n_rows)
        drawn = pd.DataFrame({self.columns[0]: first})
        for name, (_, model, known) in self.models.items():
            if hasattr(model, "predict_proba"):
                shares = np.cumsum(model.predict_proba(drawn), axis=1)[:, :-1]
                place = (rng.random((n_rows, 1)) >= shares).sum(axis=1)
                values = known.take(place)
            else:
                values = model.predict(drawn) + rng.choice(known, n_rows)
                if pd.api.types.is_integer_dtype(self.dtypes[name]):
                    values = np.round(values)
            drawn[name] = values
        drawn = pd.DataFrame(
            {name: _restore(drawn[name], self.dtypes[name]) for name in self.columns}
        )
        return drawn.set_axis(self.names, axis=1)


def _count_time(values):
    """Return times as numbers of their unit, and whatever else as it is."""
    if values.dtype.kind not in "mM":
        return values
    return values.astype("int64").astype(float).mask(values.isna())


def _restore(values, dtype):
    if dtype.kind in "mM":
        values = values.round().astype("Int64")
    return values.astype(dtype)


def _encode(frame):
    """Return what encodes columns: numbers as they are, levels one-hot."""
    levels = [name for name in frame if _has_levels(frame[name])]
    numbers = [name for name in frame if name not in levels]
    return ColumnTransformer(
        [
            (
                "levels",
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                levels,
            ),
            ("numbers", SimpleImputer(strategy="median"), numbers),
        ]
    )


def _has_levels(values):
    is_number = pd.api.types.is_numeric_dtype(values)
    is_number = is_number and not pd.api.types.is_bool_dtype(values)
    few = (
        pd.api.types.is_integer_dtype(values) and values.nunique() <= MAX_INTEGER_LEVELS
    )
    return not is_number or few
