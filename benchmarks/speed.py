"""How fast is it: the null of tau, the team against SMOTENC, the filters in bulk.

Three parts, each with a peer or a smaller size measured in the same run, since machines
differ and ratios do not:

- null: `speed_null.py`, batched Newton steps against refitting, n = 1000, d = 30;
- team: `speed_team.py`, fit and 100,000 rows of Adult against SMOTENC;
- filters: `QualityControl` over 10^4, 10^5 and 10^6 candidates in batches of 1,000 with
  14 mixed columns against 1,000 real rows: seconds, the exponent of time over size, and
  peak memory as a multiple of the encoded candidate matrix.

About ten minutes on two cores; ``--quick`` takes one. No tokens.

    python benchmarks/speed.py --out speed.csv
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import speed_null
import speed_team
from _tables import data_folder, load_table

from t2sampler import QualityControl
from t2sampler.generators import StatisticalTeam
from t2sampler.testing import make_requests

BATCH_SIZE = 1000


def peak_memory():
    """Return the most memory this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


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


def main(argv=None):
    """Run the three parts, print them and write one CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("speed.csv"))
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args(argv)
    quick = ["--quick"] if args.quick else []
    for part in (speed_null, speed_team):
        out = args.out.with_name(f"{args.out.stem}_{part.__name__[6:]}.csv")
        part.main([*quick, "--out", str(out)])
    if data_folder() is None:
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Filters not run.")
    sizes = [10_000, 30_000] if args.quick else [10_000, 100_000, 1_000_000]
    rows = pd.DataFrame(time_filters(sizes))
    rows.to_csv(args.out, index=False)
    print(rows.to_string(index=False))
    slope = np.polyfit(np.log(rows["n_rows"]), np.log(rows["seconds"]), 1)[0]
    print(f"time grows with size to the power of {slope:.2f}")


if __name__ == "__main__":
    main()
