"""Do the rows look like real ones, without being copies of them?

Adult, bank and magic are cut to 2000 real rows. Every generator draws as many rows with
the same class shares, and they are compared with 2000 real rows that it never saw.
"held-out real rows" stands for 2000 further real rows in place of drawn ones, which is
what a perfect generator would reach; "random over-sampling" copies real rows, which is
the least privacy there is. Neither counts as a generator. SMOTE is SMOTENC where there
are categories; the smoothed bootstrap needs numbers, so it draws for magic only. "team,
keep_fraction=None" does not relabel rows: each row keeps the class it was drawn for.
Peers that are not installed are named and left out. ForestDiffusion, which fits a model
per level and step, draws for magic only, which has no levels.

Against the rows never seen: detection (mean AUC of boosting and a network, label column
included; 50 is best), alpha-precision and beta-recall (naive embedding, no label
column), TSTR (AUC there of a model trained on the drawn rows alone: logistic regression
and boosting), marginal and correlation distance (label column included). Against the
rows the generator was given, without labels: authenticity, exact copies, the distance
to the closest real row (median, and 5 % quantile) in percent of the same of held-out
rows, and how many are nearer to a real row than to one never seen. In these, but for
copies, the best is who is most like held-out rows: less distance is less privacy, more
is less like a row.

All in percent. "best" is the generator with the best mean over seeds. The last tables
set both teams against the best of the other generators, per metric: the difference is
paired by seed, and above zero where the team is better.

One tidy CSV: a row per table, size, method and seed. About a minute per table and seed,
and core, without peers; ``--quick`` (200 rows, two tables, one seed) takes seconds;
``--tables`` and ``--methods`` run a part, and other tables; of one with fewer than 6000
rows a third is real. No tokens. Finished cells are kept, so an interrupted run goes on
where it stopped. Reads the tables from the folder T2SAMPLER_DATA.

    python benchmarks/quality.py --out quality.csv --figure quality.png
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from _baselines import Order, find_obstacles, make_sampler, resample, untrimmed
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
from _paper import draw_real
from _peers import PEERS
from _tables import TABLES as ALL_TABLES
from _tables import get_data_home, load_table
from sklearn.ensemble import HistGradientBoostingClassifier

from t2sampler import grow
from t2sampler.generators import StatisticalTeam
from t2sampler.metrics import (
    alpha_precision,
    authenticity,
    beta_recall,
    correlation_distance,
    detection_score,
    distance_to_closest_record,
    duplicate_rate,
    marginal_distance,
    train_on_synthetic_test_on_real,
)

KEYS = ["table", "n", "method", "seed"]
TABLES, N_REAL = ("adult", "bank", "magic"), 2000
QUICK, N_QUICK = ("adult", "magic"), 200
HELD_OUT, COPIES = "held-out real rows", "random over-sampling"
TEAM, FAITHFUL = "team, untrimmed", "team, keep_fraction=None"
TEAMS, OTHERS = (TEAM, FAITHFUL), ("SMOTE", "smoothed bootstrap", *PEERS)
METHODS = (HELD_OUT, COPIES, *TEAMS, *OTHERS)
OF_NUMBERS, SLOW_ON_LEVELS = "magic", "ForestDiffusion"
LOW, HIGH, ALIKE = "lower", "higher", "as held-out rows"
GOALS = {
    "detection": LOW,
    "alpha-precision": HIGH,
    "beta-recall": HIGH,
    "TSTR, logistic": HIGH,
    "TSTR, boosting": HIGH,
    "marginal distance": LOW,
    "correlation distance": LOW,
    "authenticity": ALIKE,
    "copies": LOW,
    "DCR, % of held-out": ALIKE,
    "DCR 5 %, % of held-out": ALIKE,
    "nearer to seen": ALIKE,
}


def run_cell(table, n, method, seed):
    """Return the row of one table, size, method and seed; no values without rows."""
    real, unseen = draw_real(*load_table(table), n, 2 * n, seed)
    test, fresh = draw_real(*unseen, n, n, seed)
    new = fresh if method == HELD_OUT else draw_rows(method, real, seed)
    values = dict.fromkeys(GOALS, np.nan)
    if len(new[0]):
        values = compare_with_unseen(test, new, seed)
        values |= compare_with_seen(real[0], new[0], test[0], seed)
    key = dict(zip(KEYS, (table, n, method, seed), strict=True))
    percent = {name: 100 * value for name, value in values.items()}
    return [{**key, "n_rows": len(new[0]), **percent}]


def draw_rows(method, real, seed):
    """Return as many rows as there are real ones, class by class."""
    order = Order(grow(2), n_batches=1, batch_size=len(real[0]), seed=seed)
    if method == FAITHFUL:
        sampler = untrimmed(StatisticalTeam(keep_fraction=None), order)
    else:
        sampler = make_sampler(method, real[0], order)
    X, y, is_new = resample(sampler, *real)
    return X[is_new], y[is_new]


def compare_with_unseen(test, new, seed):
    """Return what says whether rows look and teach like real ones, by name."""
    X_test, X_new = test[0], new[0]
    labelled = [X.assign(label=y) for X, y in (test, new)]
    models = {
        "TSTR, logistic": None,
        "TSTR, boosting": HistGradientBoostingClassifier(random_state=seed),
    }
    transfer = {
        name: float(train_on_synthetic_test_on_real(*new, *test, estimator=model))
        for name, model in models.items()
    }
    return {
        "detection": float(detection_score(*labelled, random_state=seed)),
        "alpha-precision": alpha_precision(X_test, X_new, random_state=seed),
        "beta-recall": beta_recall(X_test, X_new, random_state=seed),
        **transfer,
        "marginal distance": float(marginal_distance(*labelled)),
        "correlation distance": correlation_distance(*labelled),
    }


def compare_with_seen(X, X_new, X_unseen, seed):
    """Return what says whether rows are near those they were made from, by name."""
    closest = distance_to_closest_record(X, X_new, X_unseen, random_state=seed)
    return {
        "authenticity": authenticity(X, X_new, random_state=seed),
        "copies": float(duplicate_rate(X, X_new)),
        "DCR, % of held-out": _divide(closest.to_real, closest.baseline),
        "DCR 5 %, % of held-out": _divide(closest.to_real_low, closest.baseline_low),
        "nearer to seen": closest.share_closer,
    }


def _divide(distance, baseline):
    """Return a ratio; none where held-out rows are copies themselves."""
    return distance / baseline if baseline else np.nan


def find_losses(rows):
    """Return how far each method is from the goal of each metric, lower is better.

    Parameters
    ----------
    rows : DataFrame
        Of one table, held-out real rows among them.
    """
    values = rows.set_index(["method", "seed"])[list(GOALS)]
    held_out = values.loc[HELD_OUT].reindex(values.index, level="seed")
    losses = {LOW: values, HIGH: -values, ALIKE: (values - held_out).abs()}
    return pd.DataFrame({name: losses[goal][name] for name, goal in GOALS.items()})


def find_best(losses, among):
    """Return the names of the best of some methods, by metric: several where alike."""
    means = losses.groupby("method", sort=False).mean()
    means = means[means.index.isin(among)]
    return {name: [*means.index[means[name] == means[name].min()]] for name in means}


def find_gaps(rows):
    """Yield table, metric, team, best other generator and how far it is behind.

    The last is a value per seed; where no other generator ran, there is nothing.
    """
    for table, part in rows.groupby("table", sort=False):
        losses = find_losses(part)
        teams = [name for name in TEAMS if name in losses.index.unique("method")]
        for metric, others in find_best(losses, OTHERS).items():
            for other, team in itertools.product(others[:1], teams):
                gap = losses.loc[other, metric] - losses.loc[team, metric]
                yield table, metric, team, other, gap


def summarise(rows):
    """Return a table of means per real table, and one of gaps per team, by title."""
    rows = rows[rows["n_rows"] > 0]
    parts = {}
    for table, part in rows.groupby("table", sort=False):
        means = with_errors(part[["method", *GOALS]], "method").T
        best = find_best(find_losses(part), (*TEAMS, *OTHERS))
        means["best"] = {metric: " / ".join(names) for metric, names in best.items()}
        n, n_seeds = part["n"].iloc[0], part["seed"].nunique()
        parts[f"{table}, n = {n}: mean ± s.e. over {n_seeds} seeds"] = means
    for table, metric, team, other, gap in find_gaps(rows):
        title = f"{team} against the best other generator, points"
        cells = parts.setdefault(title, pd.DataFrame(index=list(GOALS)))
        cells.loc[metric, table] = f"{spell(gap)} ({other})"
    return parts


def spell(gap):
    """Return mean and standard error of values as text; one value has none."""
    error = f" ± {gap.sem():.2f}" if len(gap) > 1 else ""
    return f"{gap.mean():+.2f}{error}"


def draw(rows, path):
    """Write a figure of the teams against the best other generator."""
    gaps = {
        f"{team}: {table}, {metric}": gap
        for table, metric, team, _, gap in find_gaps(rows[rows["n_rows"] > 0])
    }
    axis = "points better than the best other generator"
    plot_gains(find_intervals(pd.DataFrame(gaps)), path, __doc__.splitlines()[0], axis)


def list_runs(args):
    """Return the cells to run, seed by seed: whatever is finished is balanced."""
    obstacles = find_obstacles()
    print("\n".join(obstacles[name] for name in args.methods if name in obstacles))
    methods = [name for name in args.methods if name not in obstacles]
    methods = dict.fromkeys([HELD_OUT, *methods])  # the others are measured by it
    n, tables, n_seeds = N_REAL, args.tables, args.seeds
    if args.quick:
        n, tables, n_seeds = N_QUICK, QUICK, 1
    sizes = {table: min(n, len(load_table(table)[0]) // 3) for table in tables}
    cells = itertools.product(range(n_seeds), tables, methods)
    return [
        (table, sizes[table], method, seed)
        for seed, table, method in cells
        if table == OF_NUMBERS or method != SLOW_ON_LEVELS
    ]


def main(argv=None):
    """Run what is missing, write the CSV and print the summary."""
    parser = add_outputs(make_parser(__doc__, "quality.csv"))
    parser.set_defaults(seeds=3)
    choices = {"default": list(TABLES), "choices": ALL_TABLES}
    parser.add_argument("--tables", nargs="+", **choices)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    args = parser.parse_args(argv)
    if get_data_home() is None:
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Nothing was run.")
    rows = run_cells(run_cell, list_runs(args), KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    choices = spell_choices(args, {"tables": TABLES, "methods": METHODS})
    write_summary(list_cells(parts), Path(__file__).name, args, choices)
    if args.figure:
        draw(rows, args.figure)
    return parts


if __name__ == "__main__":
    main()
