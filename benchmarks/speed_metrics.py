"""How long does each metric take on 100,000 x 20 rows of mixed types?

Two tables of one population (ten numbers, one with missing values; six categories of 2
to 40 levels; two bools, an integer and a date), as many held-out rows, and a label.
Every metric runs once with its defaults.

One tidy CSV: a row per metric, with seconds, seconds of processor time (all threads)
and the headline number. Three minutes on two cores; ``--quick`` takes 2,000 rows and
half a minute. No tokens.

    python benchmarks/speed_metrics.py --out speed_metrics.csv
"""

import argparse
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from t2sampler import metrics

N_ROWS, N_QUICK = 100_000, 2_000


def make_table(n_rows, seed):
    """Return a mixed table of 20 columns and labels that depend on them."""
    rng = np.random.default_rng(seed)
    mood = rng.normal(size=n_rows)
    table = {f"number_{j}": mood * j / 10 + rng.normal(size=n_rows) for j in range(10)}
    table["number_9"][rng.random(n_rows) < 0.1] = np.nan
    for n_levels in (2, 3, 5, 8, 12, 40):
        levels = np.clip(mood + rng.normal(size=n_rows) + 3, 0, 5.99) / 6 * n_levels
        table[f"level_{n_levels}"] = np.char.add("l", levels.astype(int).astype(str))
    table["bool_0"], table["bool_1"] = rng.random((2, n_rows)) < 0.3
    table["age"] = rng.integers(18, 90, n_rows)
    days = pd.to_timedelta(rng.integers(0, 3650, n_rows), unit="D")
    table["date"] = pd.Timestamp("2015-01-01") + days
    y = np.where(mood + rng.normal(size=n_rows) > 0, "yes", "no")
    return pd.DataFrame(table), y


def list_calls(n_rows):
    """Return the call of each metric, by name."""
    (X, y), (X_new, y_new), (X_test, y_test) = (make_table(n_rows, s) for s in range(3))
    calls = {
        name: partial(getattr(metrics, name), X, X_new)
        for name in ("correlation_distance", "duplicate_rate", "marginal_distance")
    }
    for name in ("alpha_precision", "beta_recall", "authenticity", "detection_score"):
        calls[name] = partial(getattr(metrics, name), X, X_new, random_state=0)
    for name in (
        "distance_to_closest_record",
        "membership_inference_auc",
        "nearest_neighbor_distance_ratio",
    ):
        calls[name] = partial(getattr(metrics, name), X, X_new, X_test, random_state=0)
    columns = ("level_5", "number_3")
    return calls | {
        "cross_modal_distance": partial(
            metrics.cross_modal_distance, X, X_new, columns
        ),
        "train_on_synthetic_test_on_real": partial(
            metrics.train_on_synthetic_test_on_real,
            *(X_new, y_new, X_test, y_test),
            X_real=X,
            y_real=y,
        ),
        "augmentation_gain": partial(
            metrics.augmentation_gain, X, y, X_new, y_new, random_state=0
        ),
    }


def measure(call):
    """Return the headline number of a metric, its time, and that of all its threads."""
    start, start_cpu = time.perf_counter(), time.process_time()
    value = float(call())
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - start_cpu,
        "value": value,
    }


def main(argv=None):
    """Time every metric, write the CSV and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("speed_metrics.csv"))
    parser.add_argument("--quick", action="store_true", help=f"{N_QUICK} rows")
    args = parser.parse_args(argv)
    n_rows = N_QUICK if args.quick else N_ROWS
    rows = []
    for name, call in list_calls(n_rows).items():
        row = {"metric": name, "n_rows": n_rows} | measure(call)
        print("{seconds:7.2f} s   {metric}: {value:.4f}".format(**row), flush=True)
        rows.append(row)
    pd.DataFrame(rows).to_csv(args.out, index=False)


if __name__ == "__main__":
    main()
