"""Tables with a known truth: data frames for tests, plain rows for a server."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from t2sampler.datasets import make_diabetes

N_POOL = 1000
FAR = 10.0  # between two levels, or from any value to none, in standard deviations


def draw_diabetes(n_rows, seed):
    """Return eight numbers per patient, and a risk group."""
    X, y = make_diabetes(n_rows, random_state=seed)
    return X.round(2), y.astype(str)


def draw_visits(n_rows, seed):
    """Return visits to a clinic: categories, a date, booleans, gaps, a rare label."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 95, n_rows)
    ward = rng.choice(["medical", "surgical", "icu"], n_rows, p=[0.5, 0.3, 0.2])
    days = 1 + rng.poisson(np.where(ward == "icu", 9, 4))
    smokes = rng.random(n_rows) < 0.3
    start, later = pd.Timestamp("2024-01-01"), rng.integers(0, 365, n_rows)
    weight = rng.normal(75, 12, n_rows).round(1)
    weight[rng.random(n_rows) < 0.1] = np.nan
    X = pd.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["F", "M"], n_rows),
            "ward": pd.Categorical(ward, categories=["medical", "surgical", "icu"]),
            "admitted": pd.Series(start + pd.to_timedelta(later, unit="D")),
            "days": days,
            "smokes": smokes,
            "weight": weight,
        }
    )
    score = age / 20 + days / 2 + 1.5 * smokes
    return X, pd.Series(np.where(score > 7.5, "back", "well"), name="readmitted")


def draw_points(n_rows, seed):
    """Return three numbers per point, and the side of a plane it is on."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n_rows, 3)).round(2), columns=["u", "v", "w"])
    score = X["u"] + X["v"] - 0.5 * X["w"]
    return X, pd.Series(np.where(score > 0.8, "above", "below"), name="side")


DRAW = {"points": draw_points, "diabetes": draw_diabetes, "visits": draw_visits}


@dataclass(frozen=True)
class Axis:
    """Where the values of one column lie on a line, so that rows have distances."""

    levels: dict  # empty for numbers
    scale: float

    def place(self, value):
        """Return a position; dates may come with a time of day."""
        if self.levels:
            known = self.levels.get(value, self.levels.get(str(value)[:10]))
            return -FAR if known is None else FAR * known
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return value / self.scale if is_number else -1e3 * FAR


@dataclass(frozen=True)
class Pool:
    """True rows by column, in the table's order, as JSON has them, and their labels."""

    rows: list
    labels: np.ndarray
    axes: dict
    places: dict

    def nearest(self, given, label=None):
        """Return the position of the row closest to some values and a label."""
        distance = np.zeros(len(self.rows))
        for key, value in given.items():
            distance += np.abs(self.places[key] - self.axes[key].place(value))
        if label in self.labels:
            distance[self.labels != label] += 1e9
        return int(distance.argmin())


@cache
def make_pool(name):
    """Return the rows that a server answers with."""
    X, y = DRAW[name](N_POOL, 0)
    columns = {name: _to_plain(X[name]) for name in X}
    axes = {key: _make_axis(values) for key, values in columns.items()}
    places = {
        key: np.array([axes[key].place(value) for value in values])
        for key, values in columns.items()
    }
    rows = pd.DataFrame(columns, dtype=object).to_dict("records")
    return Pool(rows, y.to_numpy(dtype=object), axes, places)


def _make_axis(values):
    present = [value for value in values if value is not None]
    if isinstance(present[0], bool | str):
        return Axis({value: i for i, value in enumerate(sorted(set(present)))}, 1.0)
    return Axis({}, float(np.std(present)))


def _to_plain(values):
    """Return values as JSON has them: dates as text, null for what is missing."""
    if values.dtype.kind == "M":
        return values.dt.strftime("%Y-%m-%d").tolist()
    plain = values.astype(object)
    return plain.where(values.notna(), None).tolist()
