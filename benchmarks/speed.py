"""How fast is it: the null of tau, the team against SMOTENC, the filters in bulk.

Four parts, most with a peer or a smaller size measured in the same run, since machines
differ and ratios do not:

- null: `speed_null.py`, batched Newton steps against refitting, n = 1000, d = 30;
- team: `speed_team.py`, fit and 100,000 rows of Adult against SMOTENC;
- filters: `QualityControl` over 10^4, 10^5 and 10^6 candidates in batches of 1,000 with
  14 mixed columns against 1,000 real rows: seconds, the exponent of time over size, and
  peak memory as a multiple of the encoded candidate matrix;
- a small trim: 10 batches of 20 against 100 real rows, the median of five times, with
  true candidates and with 30 % of their labels wrong.

About ten minutes on two cores; ``--quick`` takes one. No tokens.

    python benchmarks/speed.py --out speed.csv
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import speed_null
import speed_team
from _tables import get_data_home, load_table
from speed_team import peak_memory

from t2sampler import QualityControl
from t2sampler.datasets import flip_labels
from t2sampler.generators import StatisticalTeam
from t2sampler.testing import make_requests

BATCH_SIZE, N_REPEATS = 1000, 5


def draw_candidates(team, n_rows):
    """Return batches of candidates from a fitted team."""
    requests = make_requests(n_rows // BATCH_SIZE, BATCH_SIZE, seed=1)
    return [(batch.X, batch.y) for batch in team.draw(requests)]


def encoded_bytes(X, n_rows):
    """Return the size of the encoded candidate matrix: a float per column and level."""
    levels = sum(
        min(20, X[name].nunique()) for name in X.select_dtypes(exclude="number")
    )
    return 8 * n_rows * (X.select_dtypes("number").shape[1] + levels)


def time_filters(sizes):
    """Yield a row per number of candidates."""
    X, y = load_table("adult")
    real = X.sample(1000, random_state=0)
    labels = y[real.index]
    team = StatisticalTeam().fit(real, labels)
    for n_rows in sizes:
        batches = draw_candidates(team, n_rows)
        control = QualityControl(random_state=0).fit(real, labels)
        before, start = peak_memory(), time.perf_counter()
        result = control.trim(batches)
        seconds = time.perf_counter() - start
        yield {
            "part": "filters",
            "n_rows": n_rows,
            "seconds": seconds,
            "memory_ratio": (peak_memory() - before) / encoded_bytes(real, n_rows),
            "n_kept": len(result.X),
        }


def time_small_trims():
    """Yield a row per share of wrong labels."""
    X, y = load_table("adult")
    rows = X.sample(300, random_state=0).index
    X, y = X.loc[rows].reset_index(drop=True), y[rows].reset_index(drop=True)
    control = QualityControl(random_state=0).fit(X[:100], y[:100])
    for share in (0.0, 0.3):
        labels, _ = flip_labels(y[100:], share, random_state=0)
        batches = [
            (X[i : i + 20], labels[i - 100 : i - 80]) for i in range(100, 300, 20)
        ]
        seconds = []
        for _ in range(N_REPEATS):
            start = time.perf_counter()
            result = control.trim(batches)
            seconds.append(time.perf_counter() - start)
        yield {
            "part": f"small trim, {share:.0%} wrong",
            "n_rows": 200,
            "seconds": np.median(seconds),
            "n_kept": len(result.X),
        }


def main(argv=None):
    """Run all parts, print them and write one CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("speed.csv"))
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args(argv)
    quick = ["--quick"] if args.quick else []
    for part in (speed_null, speed_team):
        out = args.out.with_name(f"{args.out.stem}_{part.__name__[6:]}.csv")
        part.main([*quick, "--out", str(out)])
    if get_data_home() is None:
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Filters not run.")
    sizes = [3000, 10_000] if args.quick else [10_000, 100_000, 1_000_000]
    small, rows = pd.DataFrame(time_small_trims()), pd.DataFrame(time_filters(sizes))
    table = pd.concat([rows, small])
    table.to_csv(args.out, index=False)
    print(table.to_string(index=False))
    slope = np.polyfit(np.log(rows["n_rows"]), np.log(rows["seconds"]), 1)[0]
    print(f"time grows with size to the power of {slope:.2f}")


if __name__ == "__main__":
    main()
