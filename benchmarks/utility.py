"""Does augmented data help? AUC of four models with and without added rows.

Real tables are cut to n rows and either doubled ("double": natural class shares) or cut
to 1:9 and balanced ("balance"). Methods: real rows only, RandomOverSampler, SMOTE or
SMOTENC, `StatisticalTeam` untrimmed, the sampler's defaults, and `paper_protocol()` (as
many candidates as there are real rows, labels last).

One tidy CSV: a row per table, setting, n, seed, method and model. About six minutes a
seed on two cores; ``--quick`` takes half a minute. No tokens. Finished parts are kept,
so an interrupted run goes on where it stopped.

    python benchmarks/utility.py --out utility.csv
"""

import itertools
import sys
import warnings
from pathlib import Path

import pandas as pd
from _downstream import measure
from _figures import find_intervals, plot_gains
from _harness import (
    add_outputs,
    list_cells,
    make_parser,
    print_parts,
    run_cells,
    with_errors,
    write_summary,
)
from _tables import data_folder, load_table
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from sklearn.model_selection import train_test_split

from t2sampler import TeamThenTrimSampler, grow, paper_protocol
from t2sampler.exceptions import QuotaNotMetWarning
from t2sampler.generators import StatisticalTeam, from_sampler

OFF = {"sanity": "passthrough", "cost": "passthrough", "diversity": "passthrough"}
NAMES = ["compas", "drug", "adult", "german", "thyroid", "travel"]
N_TEST = 1000
KEYS = ["table", "setting", "n", "seed"]


def smote_for(X):
    """Return SMOTE, or SMOTENC where the table holds categories."""
    return SMOTE() if X.select_dtypes(exclude="number").empty else SMOTENC("auto")


def make_methods(X, setting, seed):
    """Return the samplers compared, by name."""
    strategy = grow(2) if setting == "double" else "auto"
    common = {"sampling_strategy": strategy, "random_state": seed}
    n_batches = max(1, round(len(X) / 10))
    return {
        "random over-sampling": RandomOverSampler(**common),
        "SMOTE": TeamThenTrimSampler(from_sampler(smote_for(X)), **OFF, **common),
        "team, untrimmed": TeamThenTrimSampler(StatisticalTeam(), **OFF, **common),
        "team, default trim": TeamThenTrimSampler(StatisticalTeam(), **common),
        "team, paper_protocol": paper_protocol(n_batches=n_batches, random_state=seed),
    }


def cut(X, y, setting, n, seed):
    """Return ``n`` training rows and the test rows of a table."""
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=min(N_TEST, len(X) // 3), stratify=y, random_state=seed
    )
    if setting == "double":
        shares = y.value_counts(normalize=True)
        sizes = (shares * n).round().astype(int).clip(lower=2)
    else:
        minor = max(2, round(n / 10))
        order = y.value_counts().index
        sizes = pd.Series([n - minor, minor], index=order)
    rows = [y[y == label].sample(k, random_state=seed) for label, k in sizes.items()]
    index = pd.concat(rows).index
    return (X.loc[index], y.loc[index]), (X_test, y_test)


def run_cell(name, setting, n, seed):
    """Return the rows of one table, setting, size and seed."""
    train, test = cut(*load_table(name), setting, n, seed)
    tables = {"real only": train}
    for method, sampler in make_methods(train[0], setting, seed).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", QuotaNotMetWarning)
            tables[method] = sampler.fit_resample(*train)
    key = dict(zip(KEYS, (name, setting, n, seed), strict=True))
    return [
        {**key, "method": method, "n_rows": len(table[0]), **row}
        for method, table in tables.items()
        for row in measure(table, test, seed)
    ]


def find_gains(rows):
    """Return AUC against real only, mean of the models: a row per cell."""
    auc = rows.pivot(index=[*KEYS, "model"], columns="method", values="auc")
    gains = auc.sub(auc["real only"], axis=0).drop(columns="real only")
    return gains.groupby(KEYS).mean()


def summarise(rows):
    """Return mean gains, with standard errors over tables and seeds, by title."""
    gains = with_errors(find_gains(rows), ["setting", "n"])
    gains.index = [f"{setting}, n = {n}" for setting, n in gains.index]
    n_seeds = rows["seed"].nunique()
    title = (
        "AUC against real only, points: mean of four models ± s.e. over "
        f"{rows['table'].nunique()} tables and {n_seeds} seeds"
    )
    return {title: gains}


def draw(rows, path):
    """Write a figure of the gains, intervals over tables and seeds."""
    gains = find_gains(rows).unstack(["setting", "n"])
    gains.columns = [f"{setting}, n = {n}: {name}" for name, setting, n in gains]
    plot_gains(find_intervals(gains), path, __doc__.splitlines()[0])


def main(argv=None):
    """Run what is missing, print the summary, and write what is asked for."""
    args = add_outputs(make_parser(__doc__, "utility.csv")).parse_args(argv)
    if data_folder() is None:
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Nothing was run.")
    names, sizes, seeds = NAMES, [20, 50, 100, 200], range(args.seeds)
    if args.quick:
        names, sizes, seeds = ["german", "travel"], [50], range(1)
    # Seed by seed, so that whatever is finished is balanced.
    order = itertools.product(seeds, names, ["double", "balance"], sizes)
    cells = [(name, setting, n, seed) for seed, name, setting, n in order]
    rows = run_cells(run_cell, cells, KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    write_summary(list_cells(parts), Path(__file__).name, args)
    if args.figure:
        draw(rows, args.figure)


if __name__ == "__main__":
    main()
