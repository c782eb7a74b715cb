"""Time to fit and draw: `StatisticalTeam` beside SMOTENC and CTGAN, and in bulk.

No paper, no tokens. On Adult (32,561 real rows) each adds 100,000 rows; SMOTENC gets
codes without missing values, so that only its own work is timed. CTGAN takes part where
it is installed: it is fitted for one epoch and for three, and its 300 epochs are
reckoned from the difference. In bulk the team fits 1,000,000 rows of 15 columns (Adult,
repeated, every number moved a little, and columns of noise) and draws as many; memory
is the most that the process ever held.

A minute on two cores, five with CTGAN. Writes a row per generator, and prints times as
multiples of the team's. ``--quick`` takes some seconds.
"""

import argparse
import importlib
import resource
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
from _peers import drop_unused, find_levels, is_installed, tell_missing
from _tables import get_data_home, load_table
from imblearn.over_sampling import SMOTENC

from t2sampler.generators import StatisticalTeam
from t2sampler.testing import make_requests

BATCH_ROWS, N_BULK_COLUMNS = 20, 15
EPOCHS, TIMED_EPOCHS = 300, (1, 3)  # CTGAN's default, and those that are run


def time_team(X, y, n_rows):
    """Return seconds to fit and draw in batches of 20, labels by their shares."""
    requests = make_requests(n_rows // BATCH_ROWS, BATCH_ROWS, seed=0)
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


def time_ctgan(X, y, n_rows):
    """Return seconds that CTGAN would take with all its epochs."""
    frame = drop_unused(X.assign(label=y)).dropna()
    levels = find_levels(frame)
    seconds = []
    for epochs in TIMED_EPOCHS:
        model = importlib.import_module("ctgan").CTGAN(epochs=epochs)
        start = perf_counter()
        model.fit(frame, levels)
        seconds.append(perf_counter() - start)
    start = perf_counter()
    n_drawn = len(model.sample(n_rows))
    drawing = perf_counter() - start
    (few, first), (many, second) = zip(TIMED_EPOCHS, seconds, strict=True)
    epoch = (second - first) / (many - few)
    return first + (EPOCHS - few) * epoch + drawing, n_drawn


def enlarge(X, y, n_rows):
    """Return many rows of 15 columns, of which few are equal."""
    rng = np.random.default_rng(0)
    rows = rng.integers(len(X), size=n_rows)
    X, y = X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)
    for name in X.select_dtypes("number"):
        X[name] = X[name] + rng.normal(scale=0.1 * X[name].std(), size=n_rows)
    more = range(N_BULK_COLUMNS - X.shape[1])
    return X.assign(**{f"more{i}": rng.normal(size=n_rows) for i in more}), y


def peak_memory():
    """Return the most memory this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(argv=None):
    """Time each generator, write the CSV and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("speed_team.csv"))
    parser.add_argument("--quick", action="store_true", help="2,000 rows, to try it")
    args = parser.parse_args(argv)
    if get_data_home() is None:
        print("The real tables are absent: set T2SAMPLER_DATA to their folder.")
        return
    X, y = load_table("adult")
    if args.quick:
        X, y = X.iloc[:2000], y.iloc[:2000]
    n_rows, n_bulk = (2000, 20_000) if args.quick else (100_000, 1_000_000)
    timed = {"team": time_team, "SMOTENC": time_smotenc, "CTGAN": time_ctgan}
    if not is_installed("CTGAN"):
        print(tell_missing("CTGAN"))
        del timed["CTGAN"]
    rows = [(name, *time(X, y, n_rows)) for name, time in timed.items()]
    rows.append(("team, in bulk", *time_team(*enlarge(X, y, n_bulk), n_bulk)))
    table = pd.DataFrame(rows, columns=["generator", "seconds", "n_rows"])
    table["times the team"] = table["seconds"] / table["seconds"][0]
    table.to_csv(args.out, index=False)
    print(table.round(2).to_string(index=False))
    print(f"most memory held: {peak_memory() / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
