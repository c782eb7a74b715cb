"""Does augmented data help? AUC of six models with and without added rows.

Real tables are cut to n rows. Settings: "clean" (half of each class), "imbalanced"
(1:9, at least two rows), "flipped" (half of each class, and 30 % of the labels of the
real rows are wrong; those of the test rows never are). Amounts: "double" (imbalanced:
balanced) and "ten" (ten times the rows, at most 1000 new ones, half of each class).
Methods: real rows only, RandomOverSampler, SMOTE or SMOTENC, ADASYN, the smoothed
bootstrap, `StatisticalTeam` untrimmed and with the sampler's defaults, and
`paper_protocol()` (as many candidates as there are real rows, labels last; once per
cell). ADASYN and the smoothed bootstrap take numbers only, and are left out elsewhere,
and so are tables with too few rows. ``--peers`` adds CTGAN, TVAE, a Gaussian copula,
ARF and ForestDiffusion, where they are installed, on three tables at n = 50 and 200
(but ForestDiffusion not on adult, where it takes minutes: a model per level and step).

Two rows add nothing and cost nothing: "class weights" is the real rows with
``class_weight="balanced"`` (the MLP has no such weights and stays as it is), "tuned
threshold" the real rows and the threshold of the best balanced accuracy in five inner
folds, or as many as the rarer class has rows (its AUC is that of real only). Neither
takes part in the ranks.

Gains are means of logistic regression, SVM, MLP and random forest; gains by learner
also tell those of histogram boosting and of a strong learner (extra trees and a linear
model, by vote), which take no part in the mean.

Standard errors and intervals are those of the mean over tables, each the mean of its
cells and seeds; intervals of single cells are over seeds, and hold for all cells at
once (Bonferroni).

One tidy CSV: a row per table, setting, n, seed, amount, method and model, with AUC and
balanced accuracy. About an hour a seed on two cores; ``--quick`` takes a minute;
``--tables``, ``--sizes``, ``--methods`` and ``--learners`` run a part. No tokens.
Finished cells are kept, so an interrupted run goes on where it stopped.

    python benchmarks/utility.py --out utility.csv
"""

import itertools
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _baselines import METHODS, REAL_ONLY, Order, add_rows
from _downstream import (
    FREE,
    LEARNERS,
    add_learners,
    choose,
    measure,
    split_learners,
)
from _figures import find_intervals, plot_gains
from _harness import (
    add_outputs,
    list_cells,
    make_parser,
    print_parts,
    run_cells,
    spell_choices,
    with_errors,
    write_summary,
)
from _peers import PEERS, is_installed, tell_missing
from _tables import TABLES, get_data_home, load_table
from scipy import stats
from sklearn.model_selection import train_test_split

from t2sampler.datasets import flip_labels

SETTINGS, SIZES = ("clean", "imbalanced", "flipped"), (20, 50, 100, 200, 1000)
AMOUNTS = ("double", "ten")
N_TEST, MAX_NEW, FLIPPED = 1000, 1000, 0.3
KEYS = ["table", "setting", "n", "seed"]
OURS, PAPER = "team, default trim", "team, paper_protocol"
UNRANKED = ["team, untrimmed", PAPER, *FREE]
FAST = [*FREE, *(name for name in METHODS if name not in {REAL_ONLY, *PEERS})]
SLOW = [name for name in PEERS if name != "GReaT"]  # that one is a language model
PEER_TABLES, PEER_SIZES = ["adult", "travel", "magic"], [50, 200]
TOO_SLOW = {("adult", "ForestDiffusion")}


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


def take_first(X, y, is_new, strategy):
    """Return the real rows and the first new ones, as many of a class as are wanted.

    Slow peers are fitted once for both amounts.
    """
    order = np.argsort(is_new, kind="stable")  # real rows first
    rank = y.iloc[order].groupby(y.iloc[order], observed=True).cumcount()
    wanted = y.iloc[order].astype(object).map(strategy).astype(int)
    keep = np.sort(order[(rank < wanted).to_numpy()])
    return X.iloc[keep], y.iloc[keep], is_new[keep]


def run_cell(name, setting, n, seed, *, methods=tuple(FAST), learners=tuple(LEARNERS)):
    """Return the rows of one table, setting, size and seed."""
    key = dict(zip(KEYS, (name, setting, n, seed), strict=True))
    parts = cut(*load_table(name), setting, n, seed)
    if parts is None:
        return [{**key, "amount": "-", "method": "too few rows"}]
    train, test = parts
    free = [REAL_ONLY, *(method for method in methods if method in FREE)]
    tables, drawn = {("-", method): train for method in free}, {}
    others = [method for method in methods if method not in FREE]
    for method, amount in itertools.product(others, reversed(AMOUNTS)):
        is_ten_spared = amount == "ten" and (method == PAPER or n >= MAX_NEW)
        if is_ten_spared or (name, method) in TOO_SLOW:
            continue
        order = Order(count_rows(train[1], setting, amount), max(1, n // 10), 10, seed)
        if method in drawn:
            X, y, is_new = take_first(*drawn[method], order.strategy)
        else:
            X, y, is_new = add_rows(method, *train, order)
        if method in SLOW:
            drawn[method] = X, y, is_new
        if is_new.any() or method == PAPER:  # others that add nothing cannot draw
            tables[amount, method] = X, y
    return [
        {**key, "amount": amount, "method": method, "n_rows": len(table[0]), **row}
        for (amount, method), table in tables.items()
        for row in FREE.get(method, measure)(table, test, seed, choose(learners))
    ]


def find_gains(rows, score):
    """Return gains over real only, the mean over models, by cell and method.

    At the largest size both amounts are the same rows, and count for both; so do
    methods that add none.
    """
    mean = rows.dropna(subset=[score]).groupby([*KEYS, "amount", "method"])[score]
    gains = mean.mean().unstack(["amount", "method"])
    gains = gains.sub(gains["-", REAL_ONLY], axis=0)
    free = gains.pop("-").drop(columns=REAL_ONLY)
    for method, amount in itertools.product(free, AMOUNTS):
        gains[amount, method] = free[method]
    same = gains.index.get_level_values("n") >= MAX_NEW
    for method in gains["double"].columns.difference([PAPER, *free]):
        gains.loc[same, ("ten", method)] = gains.loc[same, ("double", method)]
    return gains


def summarise(rows):
    """Return mean gains with standard errors over tables, ranks and cells, by title."""
    words = {"auc": "AUC", "balanced_accuracy": "balanced accuracy"}
    parts, by_model = {}, dict(tuple(rows.groupby("model", sort=False)))
    by_learner = split_learners(rows)
    learners, rows = next(iter(by_learner.items()))
    for (score, word), amount in itertools.product(words.items(), AMOUNTS):
        gains = find_gains(rows, score)[amount]
        title = (
            f"{word}, rows added: {amount}; against real only, points: {learners} "
            f"± s.e. over {rows['table'].nunique()} tables, "
            f"{rows['seed'].nunique()} seeds each"
        )
        parts[title] = pd.concat([average(gains, ["setting"]), average(gains)])
        by_table = gains.groupby(["setting", "table"]).mean().round(2)
        by_table.index = [", ".join(key) for key in by_table.index]
        parts[f"{word}, rows added: {amount}; the same, by table"] = by_table
        parts[f"{word}, rows added: {amount}; the same, by learner"] = pd.concat(
            average(find_gains(part, score)[amount], ["setting"], f", {model}")
            for model, part in by_model.items()
        ).sort_index(key=lambda names: names.str.split(", ").str[0], kind="stable")
    parts["Mean rank in the gain in AUC, over cells"] = pd.concat(
        {name: rank_methods(part) for name, part in by_learner.items()}, axis=1
    )
    parts |= dict(map(list_lowest, by_learner, by_learner.values()))
    return parts


def list_lowest(learner, rows):
    """Return a title, and the cells in which we gain least by a learner."""
    cells = find_cells(rows).sort_values("mean").round(2)
    cells.index = [", ".join(map(str, key)) for key in cells.index]
    n_below = (cells["high"] < 0).sum()
    title = (
        f"{OURS}, gain in AUC, {learner}: the ten lowest of {len(cells)} cells; "
        f"interval for all cells at once; {n_below} of them below zero"
    )
    return title, cells.head(10)


def average(gains, by=("setting", "n"), more=""):
    """Return means over tables with their standard errors, as text."""
    by = list(by)
    of_table = gains.groupby([*by, "table"], sort=False).mean()
    means = with_errors(of_table, by)
    keys = [key if isinstance(key, tuple) else (key,) for key in means.index]
    means.index = [", n = ".join(map(str, key)) + more for key in keys]
    return means


def draw(rows, path):
    """Write a figure of the gains in AUC, intervals over tables and seeds."""
    rows = next(iter(split_learners(rows).values()))
    gains = find_gains(rows, "auc")["double"].unstack(["setting", "n"])
    gains.columns = [f"{setting}, n = {n}: {name}" for name, setting, n in gains]
    plot_gains(find_intervals(gains), path, __doc__.splitlines()[0])


def rank_methods(rows):
    """Return the mean rank in AUC gain by amount and method; real only takes part."""
    gains = find_gains(rows, "auc").groupby(["table", "setting", "n"]).mean()
    ranks = {}
    for amount in AMOUNTS:
        part = gains[amount].drop(columns=UNRANKED, errors="ignore")
        part = part.assign(**{REAL_ONLY: 0.0})
        ranks[amount] = part.rank(axis=1, ascending=False).mean().sort_values()
    return pd.DataFrame(ranks).round(2)


def find_cells(rows):
    """Return our gain in AUC by cell, its interval corrected for their number.

    Returns
    -------
    cells : DataFrame with the columns mean, low and high
        Indexed by table, setting, n and amount.
    """
    gains = find_gains(rows, "auc").xs(OURS, axis=1, level="method")
    gains = gains.stack().rename_axis([*KEYS, "amount"])
    cells = gains.groupby(["table", "setting", "n", "amount"])
    reach = stats.t.ppf(1 - 0.025 / cells.ngroups, (cells.count() - 1).clip(lower=1))
    reach = reach * cells.sem()
    mean = cells.mean()
    return pd.DataFrame({"mean": mean, "low": mean - reach, "high": mean + reach})


def choose_peers():
    """Return tables, sizes and methods of a run with the peers that are installed."""
    for name in SLOW:
        if not is_installed(name):
            print(tell_missing(name), file=sys.stderr)
    return PEER_TABLES, PEER_SIZES, FAST + list(filter(is_installed, SLOW))


def main(argv=None):
    """Run what is missing, write the CSV and print the summary."""
    parser = add_outputs(make_parser(__doc__, "utility.csv"))
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--methods", nargs="+", default=FAST, choices=FAST + SLOW)
    parser.add_argument("--peers", action="store_true", help="with slow peers; hours")
    parser.add_argument("--first-seed", type=int, default=0)
    add_learners(parser, list(LEARNERS))
    args = parser.parse_args(argv)
    if get_data_home() is None:
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Nothing was run.")
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    names, sizes, methods = args.tables, args.sizes, args.methods
    if args.peers:
        names, sizes, methods = choose_peers()
    if args.quick:
        names, sizes, seeds = ["german", "travel"], [50], seeds[:1]
    # Seed by seed, so that whatever is finished is balanced.
    order = itertools.product(seeds, sizes, names, SETTINGS)
    cells = [(name, setting, n, seed) for seed, n, name, setting in order]
    run = partial(run_cell, methods=tuple(methods), learners=tuple(args.learners))
    rows = run_cells(run, cells, KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    usual = {"tables": TABLES, "sizes": SIZES, "methods": FAST, "learners": LEARNERS}
    choices = spell_choices(args, usual)
    write_summary(list_cells(parts), Path(__file__).name, args, choices)
    if args.figure:
        draw(rows, args.figure)


if __name__ == "__main__":
    main()
