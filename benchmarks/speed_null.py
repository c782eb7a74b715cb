"""How fast is the null of tau: batched Newton steps against refitting every model.

Both ways see the same draws, 1000 comparisons of a twin with a twin at n = 1000, d =
30, and compute the same quantity, the gain in Laplace's entropy of the parameters of a
logistic model (Eq. 6 of the T² paper). Refitting fits scikit-learn's logistic
regression for both sides of every comparison. Then both ways decide about the same 60
batches, a third of them clean, a third with half of their labels flipped, a third with
columns shuffled; the share of equal decisions is reported. Both are timed in one run,
since machines differ and ratios do not.

About a minute on one core; ``--quick`` takes seconds. No tokens.

    python benchmarks/speed_null.py --out speed_null.csv
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from t2sampler.filters._cost_null import simulate_null
from t2sampler.filters._cost_selection import (
    prediction_cost,
    rank_in_batch,
    selection_bounds,
)
from t2sampler.filters._information import PRIOR, ParameterEntropy, log_determinant
from t2sampler.filters._newton import (
    PaddedSamples,
    Sample,
    add_intercept,
    logistic_variance,
)

ALPHA, BETA, TAU_COEF = 0.5, 0.1, 1.0


class RefitEntropy:
    """The gain in Laplace's entropy, by fitting the model again for every set."""

    def __init__(self, real):
        self.real, self.turn = real, np.eye(real.X.shape[1])  # rows as they are
        self._before = self._log_det(real.X[:0], real.codes[:0])

    def gain(self, added):
        """Return Eq. 6 for every added set."""
        added = added.rescale(self)
        is_row = added.weights > 0
        after = [
            self._log_det(X[chosen], codes[chosen])
            for X, codes, chosen in zip(added.X, added.codes, is_row, strict=True)
        ]
        return (np.array(after) - self._before) / 2

    def _log_det(self, X, codes):
        X = np.vstack([self.real.X, X])
        codes = np.concatenate([self.real.codes, codes])
        model = LogisticRegression(fit_intercept=False, max_iter=1000).fit(X, codes)
        weights = logistic_variance(X @ model.coef_[0])
        return log_determinant(
            (X * weights[:, None]).T @ X + PRIOR * np.eye(X.shape[1])
        )


def make_rows(n_rows, truth, rng):
    """Return rows of a logistic model with known coefficients."""
    X = rng.standard_normal((n_rows, len(truth)))
    return X, (X @ truth + rng.logistic(size=n_rows) > 0).astype(int)


def make_batches(n_batches, size, truth, rng):
    """Yield batches: clean, half of the labels flipped, columns shuffled."""
    for t in range(n_batches):
        X, y = make_rows(size, truth, rng)
        if t % 3 == 1:
            y[: size // 2] = 1 - y[: size // 2]
        elif t % 3 == 2:
            X = rng.permuted(X, axis=0)
        yield X, y


def time_null(information, costs, batch_size, n_draws):
    """Return mean and deviation of the null, and the seconds they took."""
    parts = [(np.ones(len(costs)), batch_size)]
    bounds = selection_bounds(batch_size, ALPHA, BETA)
    start = time.perf_counter()
    rng = np.random.default_rng(1)
    gaps = simulate_null(information, costs, parts, bounds, n_draws=n_draws, rng=rng)
    return gaps.mean(), gaps.std(), time.perf_counter() - start


def find_gaps(measures, model, real, batch, rng):
    """Return the gap of one batch over its twin by each measure of information."""
    X, y = batch
    twin = rng.integers(len(real.X), size=len(X))
    X = np.concatenate([add_intercept(X), real.X[twin]])
    y = np.concatenate([y, real.codes[twin]])
    costs = prediction_cost(model.predict_proba(X[:, 1:]), y)
    rank = rank_in_batch(costs, np.zeros(len(X), dtype=int))
    first, stop = selection_bounds(len(twin), ALPHA, BETA)
    keep = (rank >= first) & (rank < stop)
    sides = [make_set(X[keep], y[keep]), make_set(real.X[twin], real.codes[twin])]
    return [
        float(np.subtract(*(measure.gain(side) for side in sides))[0])
        for measure in measures
    ]


def make_set(X, codes):
    """Return rows as one set."""
    cells = np.zeros(len(X), dtype=int), np.arange(len(X))
    return PaddedSamples.of(X, codes, cells, np.array([len(X)]))


def compare(n_rows, n_features, batch_size, n_draws, n_batches):
    """Return one row of figures."""
    rng = np.random.default_rng(0)
    truth = rng.standard_normal(n_features) * 2 / np.sqrt(n_features)
    X, y = make_rows(n_rows, truth, rng)
    real = Sample(add_intercept(X), y, np.ones(n_rows))
    model = LogisticRegression(max_iter=1000).fit(X, y)
    costs = prediction_cost(model.predict_proba(X), y)
    measures = ParameterEntropy().fit(real, 2), RefitEntropy(real)
    time_null(measures[0], costs, batch_size, 50)  # wake the libraries up
    nulls = [time_null(measure, costs, batch_size, n_draws) for measure in measures]
    taus = [mean + TAU_COEF * deviation for mean, deviation, _ in nulls]
    batches = make_batches(n_batches, batch_size, truth, rng)
    gaps = np.array([find_gaps(measures, model, real, batch, rng) for batch in batches])
    accepted = gaps > taus
    return {
        "n_rows": n_rows,
        "n_features": n_features,
        "batch_size": batch_size,
        "n_draws": n_draws,
        "seconds_batched": nulls[0][2],
        "seconds_refit": nulls[1][2],
        "ratio": nulls[1][2] / nulls[0][2],
        "tau_batched": taus[0],
        "tau_refit": taus[1],
        "n_batches": n_batches,
        "n_accepted": int(accepted[:, 0].sum()),
        "agreement": float((accepted[:, 0] == accepted[:, 1]).mean()),
    }


def main(argv=None):
    """Compare, print and write one CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("speed_null.csv"))
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args(argv)
    n_draws = 50 if args.quick else args.draws
    figures = compare(args.rows, args.features, args.batch_size, n_draws, args.batches)
    pd.DataFrame([figures]).to_csv(args.out, index=False)
    print(pd.Series(figures).to_string())


if __name__ == "__main__":
    main()
