"""Does augmented data help? AUC of four models with and without added rows.

Real tables are cut to n rows. Settings: "clean" (half of each class), "imbalanced"
(1:9, at least two rows), "flipped" (half of each class, and 30 % of the labels of the
real rows are wrong; those of the test rows never are). Amounts: "double" (imbalanced:
balanced) and "ten" (ten times the rows, at most 1000 new ones, half of each class).
Methods: real rows only, RandomOverSampler, SMOTE or SMOTENC, ADASYN, the smoothed
bootstrap, `StatisticalTeam` untrimmed and with the sampler's defaults, and
`paper_protocol()` (as many candidates as there are real rows, labels last; once per
cell). ADASYN and the smoothed bootstrap take numbers only, and are left out elsewhere,
and so are tables with too few rows.

One tidy CSV: a row per table, setting, n, seed, amount, method and model, with AUC and
balanced accuracy. About an hour a seed on two cores; ``--quick`` takes a minute;
``--tables``, ``--sizes`` and ``--methods`` run a part. No tokens. Finished cells are
kept, so an interrupted run goes on where it stopped.

    python benchmarks/utility.py --out utility.csv
"""

import itertools
import sys
import warnings
from functools import partial
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
from _tables import TABLES, data_folder, load_table
from imblearn.over_sampling import ADASYN, SMOTE, SMOTENC, RandomOverSampler
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from t2sampler import TeamThenTrimSampler, paper_protocol
from t2sampler.datasets import flip_labels
from t2sampler.exceptions import GeneratorError, QuotaNotMetWarning
from t2sampler.generators import StatisticalTeam, from_sampler

OFF = {"sanity": "passthrough", "cost": "passthrough", "diversity": "passthrough"}
SETTINGS, SIZES = ("clean", "imbalanced", "flipped"), (20, 50, 100, 200, 1000)
AMOUNTS = ("double", "ten")
N_TEST, MAX_NEW, FLIPPED = 1000, 1000, 0.3
KEYS = ["table", "setting", "n", "seed"]
REAL = "real only"


def smote_for(X):
    """Return SMOTE, or SMOTENC where the table holds categories."""
    return SMOTE() if X.select_dtypes(exclude="number").empty else SMOTENC("auto")


def untrimmed(generator, **common):
    """Return a sampler that keeps whatever the generator draws."""
    return TeamThenTrimSampler(generator, on_shortfall="warn", **OFF, **common)


METHODS = {  # name: from the real rows and common settings to a sampler
    "random over-sampling": lambda X, common: RandomOverSampler(**common),
    "SMOTE": lambda X, common: untrimmed(from_sampler(smote_for(X)), **common),
    "ADASYN": lambda X, common: untrimmed(from_sampler(ADASYN()), **common),
    "smoothed bootstrap": lambda X, common: untrimmed(
        from_sampler(RandomOverSampler(shrinkage=1.0)), **common
    ),
    "team, untrimmed": lambda X, common: untrimmed(StatisticalTeam(), **common),
    "team, default trim": lambda X, common: TeamThenTrimSampler(**common),
    "team, paper_protocol": lambda X, common: paper_protocol(
        n_batches=max(1, round(len(X) / 10)), random_state=common["random_state"]
    ),
}


def count_rows(y, setting, amount):
    """Return the rows of each class after adding, as ``sampling_strategy``."""
    counts = y.value_counts()
    n_new = min((1 if amount == "double" else 9) * len(y), MAX_NEW)
    if setting != "imbalanced":
        return {label: int(n + n_new // 2) for label, n in counts.items()}
    each = counts.max()
    if amount != "double":
        each = max(each, (len(y) + n_new) // 2)
    return dict.fromkeys(counts.index, int(each))


def cut(X, y, setting, n, seed):
    """Return ``n`` training rows and test rows, or None where there are too few."""
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=min(N_TEST, len(X) // 3), stratify=y, random_state=seed
    )
    minor = max(2, round(n / 10)) if setting == "imbalanced" else n // 2
    counts = y.value_counts()
    sizes = dict(zip(counts.index, (n - minor, minor), strict=True))
    if any(counts[label] < size for label, size in sizes.items()):
        return None
    rows = [y[y == label].sample(k, random_state=seed) for label, k in sizes.items()]
    index = pd.concat(rows).index
    X, y = X.loc[index], y.loc[index]
    if setting == "flipped":
        y, _ = flip_labels(y, FLIPPED, random_state=seed)
    return (X, y), (X_test, y_test)


def add_rows(name, train, setting, amount, seed):
    """Return a method's table, or None where it cannot draw."""
    strategy = count_rows(train[1], setting, amount)
    common = {"sampling_strategy": strategy, "random_state": seed}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuotaNotMetWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            return METHODS[name](train[0], common).fit_resample(*train)
        except GeneratorError:
            return None


def run_cell(name, setting, n, seed, methods=tuple(METHODS)):
    """Return the rows of one table, setting, size and seed."""
    key = dict(zip(KEYS, (name, setting, n, seed), strict=True))
    parts = cut(*load_table(name), setting, n, seed)
    if parts is None:
        return [{**key, "amount": "-", "method": "too few rows"}]
    train, test = parts
    tables = {("-", REAL): train}
    for amount, method in itertools.product(AMOUNTS, methods):
        if amount == "ten" and (method == "team, paper_protocol" or n >= MAX_NEW):
            continue
        tables[amount, method] = add_rows(method, train, setting, amount, seed)
    return [
        {**key, "amount": amount, "method": method, "n_rows": len(table[0]), **row}
        for (amount, method), table in tables.items()
        if table is not None
        for row in measure(table, test, seed)
    ]


def find_gains(rows, score):
    """Return gains over real only, the mean over models, by cell and method.

    At the largest size both amounts are the same rows, and count for both.
    """
    mean = rows.dropna(subset=[score]).groupby([*KEYS, "amount", "method"])[score]
    gains = mean.mean().unstack(["amount", "method"])
    gains = gains.sub(gains["-", REAL], axis=0).drop(columns=[("-", REAL)])
    same = gains.index.get_level_values("n") >= MAX_NEW
    for amount, method in gains.columns:
        if amount == "ten":
            gains.loc[same, (amount, method)] = gains.loc[same, ("double", method)]
    return gains


def summarise(rows, by=("setting", "n")):
    """Return mean gains with standard errors over tables and seeds, by title."""
    words = {"auc": "AUC", "balanced_accuracy": "balanced accuracy"}
    parts = {}
    for (score, word), amount in itertools.product(words.items(), AMOUNTS):
        gains = with_errors(find_gains(rows, score)[amount], list(by))
        gains.index = [", n = ".join(map(str, _as_tuple(key))) for key in gains.index]
        title = (
            f"{word}, rows added: {amount}; against real only, points: mean of four "
            f"models ± s.e. over {rows['table'].nunique()} tables and "
            f"{rows['seed'].nunique()} seeds"
        )
        parts[title] = gains
    return parts


def _as_tuple(key):
    return key if isinstance(key, tuple) else (key,)


def draw(rows, path):
    """Write a figure of the gains in AUC, intervals over tables and seeds."""
    gains = find_gains(rows, "auc")["double"].unstack(["setting", "n"])
    gains.columns = [f"{setting}, n = {n}: {name}" for name, setting, n in gains]
    plot_gains(find_intervals(gains), path, __doc__.splitlines()[0])


def rank_methods(rows):
    """Return the mean rank in AUC gain by amount and method; real only takes part."""
    gains = find_gains(rows, "auc").groupby(["table", "setting", "n"]).mean()
    ranks = {}
    for amount in AMOUNTS:
        part = gains[amount].assign(**{REAL: 0.0})
        ranks[amount] = part.rank(axis=1, ascending=False).mean().sort_values()
    return pd.DataFrame(ranks).round(2)


def find_bad_cells(rows, method="team, untrimmed", limit=-0.5):
    """Return cells whose interval, corrected for their number, lies below ``limit``."""
    gains = find_gains(rows, "auc").xs(method, axis=1, level="method")
    cells = gains.groupby(["table", "setting", "n"])
    n_cells = cells.ngroups
    reach = stats.t.ppf(1 - 0.025 / n_cells, (cells.count() - 1).clip(lower=1))
    high = cells.mean() + reach * cells.sem()
    return cells.mean()[(high < limit).any(axis=1)].round(2)


def main(argv=None):
    """Run what is missing, write the CSV and print the summary."""
    parser = add_outputs(make_parser(__doc__, "utility.csv"))
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--first-seed", type=int, default=0)
    args = parser.parse_args(argv)
    if data_folder() is None:
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Nothing was run.")
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    names, sizes = args.tables, args.sizes
    if args.quick:
        names, sizes, seeds = ["german", "travel"], [50], seeds[:1]
    # Seed by seed, so that whatever is finished is balanced.
    order = itertools.product(seeds, sizes, names, SETTINGS)
    cells = [(name, setting, n, seed) for seed, n, name, setting in order]
    run = partial(run_cell, methods=tuple(args.methods))
    rows = run_cells(run, cells, KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    print_parts(summarise(rows, ["setting"]))
    print(f"\nMean rank in AUC gain\n{rank_methods(rows).to_string()}")
    print(f"\nClearly worse than real only\n{find_bad_cells(rows).to_string()}")
    write_summary(list_cells(parts), Path(__file__).name, args)
    if args.figure:
        draw(rows, args.figure)


if __name__ == "__main__":
    main()
