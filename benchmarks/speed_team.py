"""Time to fit and draw 100,000 rows of Adult: `StatisticalTeam` beside SMOTENC.

No paper. Takes about half a minute and no tokens. Both get the same 32,561 real rows
and add 100,000; SMOTENC gets codes without missing values, so that only its own work is
timed. Writes a row per generator, and prints the ratio of the times.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from _tables import data_folder, load_table
from imblearn.over_sampling import SMOTENC

from t2sampler.generators import Request, StatisticalTeam

BATCH_ROWS = 20


def time_team(X, y, n_rows):
    """Return seconds to fit and draw in batches of 20, half of each class."""
    labels = np.resize(y.unique(), BATCH_ROWS)
    streams = map(np.random.default_rng, range(n_rows // BATCH_ROWS))
    requests = [Request(i, BATCH_ROWS, labels, rng) for i, rng in enumerate(streams)]
    start = perf_counter()
    team = StatisticalTeam().fit(X, y)
    n_drawn = sum(len(batch.X) for batch in team.draw(requests))
    return perf_counter() - start, n_drawn


def time_smotenc(X, y, n_rows):
    """Return seconds to add as many rows, half to each class."""
    names = X.select_dtypes(exclude="number").columns
    codes = X.assign(**{name: pd.factorize(X[name])[0] for name in names})
    counts = {k: n + n_rows // 2 for k, n in y.value_counts().items()}
    smote = SMOTENC(list(names), sampling_strategy=counts, random_state=0)
    start = perf_counter()
    n_drawn = len(smote.fit_resample(codes, y)[0]) - len(X)
    return perf_counter() - start, n_drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("speed_team.csv"))
    parser.add_argument("--quick", action="store_true", help="2,000 rows, to try it")
    args = parser.parse_args()
    if data_folder() is None:
        print("The real tables are absent: set T2SAMPLER_DATA to their folder.")
        return
    X, y = load_table("adult")
    if args.quick:
        X, y = X.iloc[:2000], y.iloc[:2000]
    n_rows = 2000 if args.quick else 100_000
    rows = [
        (timed.__name__.removeprefix("time_"), *timed(X, y, n_rows))
        for timed in (time_team, time_smotenc)
    ]
    table = pd.DataFrame(rows, columns=["generator", "seconds", "n_rows"])
    table.to_csv(args.out, index=False)
    print(table.round(2).to_string(index=False))
    print(f"ratio {table['seconds'][0] / table['seconds'][1]:.3f}")


if __name__ == "__main__":
    main()
