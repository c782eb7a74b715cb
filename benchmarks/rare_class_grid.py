"""Does trimming help where a class is rare, and what does it drop of either class?

Real rows have a minority of 5, 10 or 15 %. Candidates come from the
true distribution, in two kinds: of "natural" ones each class has its share of the real
rows, as where nobody asks for labels; of "wanted" ones it has half, as where a sampler
asks for the rare class. A share h of them is spoiled as in `hallucination_grid.py`:
half have the other label, half have every column drawn from a real row of its own. Real
labels are flipped at two rates, whatever their class.

Five tables, cut to these shares: adult, bank and magic, and two of
`make_classification`; real rows, candidates and test rows are disjoint, and half of the
test rows are of each class. Rules: none, all, the oracle (exactly the spoiled rows go),
CLLM's curation and the cost filter, on 100 candidates in batches of 20. AUC is the mean
of logistic regression, random forest (50 trees) and histogram boosting. Cells with less
than two real rows of the rare class (5 % of 24) are left out.

One tidy CSV: a row per table, minority, n, flip, kind, h, seed, rule and model: AUC and
balanced accuracy, what the rule kept, and the shares it dropped of the labels of either
class. About ten minutes a seed on two cores; ``--tables``, ``--sizes`` and ``--rules``
run a part; ``--quick`` (16 cells) takes half a minute. No tokens. Finished cells are
kept.

    python benchmarks/rare_class_grid.py --out rare_class_grid.csv
"""

import itertools
import sys
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from _curation import ALL, ORACLE, REAL, add_rules, apply_rules, measure_rules
from _downstream import choose, measure
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
from _tables import get_data_home, load_table
from hallucination_grid import (
    LEAST_CELL,
    N_CANDIDATES,
    N_TEST,
    average,
    compare,
    count_clear,
    describe,
    spoil,
)
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from t2sampler.datasets import flip_labels

KEYS = ["table", "minority", "n", "flip", "kind", "h", "seed"]
GROUP = KEYS[1:-1]
MINORITIES, SIZES, FLIPS = [0.05, 0.1, 0.15], [24, 50, 100, 200], [0.0, 0.2]
KINDS, SHARES = ["natural", "wanted"], [0.0, 0.3, 0.6]
FIRST_SEED = 200
USUAL_RULES = ["CLLM's curation", "cost alone"]
FOUND = ["wrong rare", "right rare", "wrong other", "right other", "whole pool"]
LEAST_GROUP = -2.0  # points that a rule should not lose
MODELS = choose(["logistic", "forest", "boosting"])
MODELS["forest"] = lambda seed: RandomForestClassifier(50, random_state=seed)


def make_table(n_features, n_clusters, seed):
    """Return 6,000 rows, half of each class."""
    X, y = make_classification(
        n_samples=6000,
        n_features=n_features,
        n_informative=n_features // 3,
        n_clusters_per_class=n_clusters,
        random_state=seed,
    )
    return pd.DataFrame(X).rename(columns="x{}".format), pd.Series(y, name="label")


REAL_TABLES = {name: partial(load_table, name) for name in ("adult", "bank", "magic")}
TABLES = REAL_TABLES | {
    "made, 9 columns": partial(make_table, 9, 1, 2201),
    "made, 24 columns": partial(make_table, 24, 3, 2202),
}


@lru_cache
def load(table):
    """Return a table's ``X`` and ``y``, not to be changed, and its rarer label."""
    X, y = TABLES[table]()
    return X, y, y.value_counts().idxmin()


def cut(table, minority, n, seed):
    """Return real rows, test rows, and candidates by kind, all of them true.

    Real rows and test rows are the same for both kinds.
    """
    X, y, rare = load(table)
    rng = np.random.default_rng(seed)
    n_rare = round(minority * n)
    classes = [
        np.split(rng.permutation(np.flatnonzero(is_class)), [size, size + N_TEST // 2])
        for is_class, size in ((y == rare, n_rare), (y != rare, n - n_rare))
    ]
    real, test, (rares, others) = zip(*classes, strict=True)
    sizes = {
        "natural": round(N_CANDIDATES * n_rare / n),
        "wanted": N_CANDIDATES // 2,
    }
    candidates = [(rares[:k], others[: N_CANDIDATES - k]) for k in sizes.values()]
    rows = [rng.permutation(np.concatenate(part)) for part in (real, test, *candidates)]
    real, test, *candidates = [
        (X.iloc[i].reset_index(drop=True), y.iloc[i].reset_index(drop=True))
        for i in rows
    ]
    return real, test, dict(zip(sizes, candidates, strict=True))


@lru_cache(maxsize=1)
def cut_flipped(table, minority, n, flip, seed):
    """Return what `cut` does, real labels flipped, and the scores of the real rows."""
    (X, y), test, candidates = cut(table, minority, n, seed)
    y, _ = flip_labels(y, flip, random_state=seed)
    return (X, y), test, candidates, list(measure((X, y), test, seed, MODELS))


def run_cell(*cell, rules=tuple(USUAL_RULES)):
    """Return the rows of one cell, its values as in ``KEYS``, rule by rule."""
    table, minority, n, flip, kind, h, seed = cell
    real, test, candidates, known = cut_flipped(table, minority, n, flip, seed)
    batches, truth = spoil(real, candidates[kind], h, seed)
    is_rare = pd.concat([y for _, y in batches]).to_numpy() == load(table)[2]
    judged = apply_rules(real, batches, seed, truth == "", rules)
    key = dict(zip(KEYS, cell, strict=True))
    return [
        {**key, "rule": rule, **scores, **rate(keep, truth, is_rare)}
        for rule, keep, models in measure_rules(judged, test, seed, MODELS, known)
        for scores in models
    ]


def rate(keep, truth, is_rare):
    """Return rows kept, shares dropped by class, and whether the whole pool was."""
    found = {"n_kept": keep.sum(), "whole pool": float(not keep.any())}
    for label, is_labelled in (("rare", is_rare), ("other", ~is_rare)):
        for kind, error in (("wrong", "label_flip"), ("right", "")):
            rows = is_labelled & (truth == error)
            found[f"{kind} {label}"] = (~keep[rows]).mean() if rows.any() else np.nan
    return found


def summarise(rows):
    """Return gains, groups and what was dropped: tables by title."""
    regret = compare(pivot(rows), on_other_seeds=False)
    dropped = rows[~rows["rule"].isin([REAL, ALL, ORACLE])]
    rule = dropped["rule"].iloc[-1]
    lowest = find_groups(regret).sort_values(rule)[:10].round(2)
    lowest.index = [", ".join(map(str, key)) for key in lowest.index]
    by = ["rule", "minority", "kind"]
    found = with_errors(dropped.groupby([*by, "seed"], sort=False)[FOUND].mean(), by)
    found.index = [f"{rule}, {share:.0%}, {kind}" for rule, share, kind in found.index]
    return {
        "AUC against the better of real only and all, points: mean ± s.e. over "
        f"{rows['seed'].nunique()} seeds. A group has one minority, n, share of "
        "flipped real labels, kind and share of spoiled rows, and all tables; "
        "intervals of cells hold for all of them at once": judge(rows),
        "The same, by what cells have in common": pd.concat(
            split(regret, level) for level in KEYS[:-1]
        ),
        f"{rule}: the ten lowest groups ({', '.join(GROUP)})": lowest,
        "Share dropped of the candidates that are labelled as the rare class or as the "
        "other, wrongly or rightly, and of whole pools": found,
    }


def pivot(rows, score="auc"):
    """Return the means over models, a column per rule."""
    return rows.pivot_table(score, KEYS, "rule", sort=False)


def judge(rows):
    """Return gains over the better of real only and all, a row per rule."""
    auc = pivot(rows)
    parts = {"better of two": auc}
    for name, part in rows.groupby("model", sort=False):
        parts[f"{name} alone"] = pivot(part)
    parts["balanced accuracy"] = pivot(rows, "balanced_accuracy")
    regrets = {
        name: compare(part, on_other_seeds=False) for name, part in parts.items()
    }
    columns = [describe(regret, name) for name, regret in regrets.items()]
    columns.insert(1, describe(compare(auc, on_other_seeds=True), "on other seeds"))
    groups = find_groups(regrets["better of two"])
    clear = count_clear(regrets["better of two"], LEAST_CELL)
    columns += [
        groups.min().round(1).rename("worst group"),
        (groups < LEAST_GROUP).sum().rename(f"groups below {LEAST_GROUP:g}"),
        clear.rename(f"cells clearly below {LEAST_CELL:g}"),
    ]
    return pd.concat(columns, axis=1)


def find_groups(regret):
    """Return means over the tables of a group."""
    return regret.groupby(KEYS[:-1]).mean().groupby(GROUP).mean()


def split(regret, level):
    """Return means and errors by one of a cell's values."""
    table = with_errors(average(regret, [level]), level)
    table.index = [f"{level} {value}" for value in table.index]
    return table


def main(argv=None):
    """Run what is missing, print the summary, and write what is asked for."""
    parser = add_outputs(make_parser(__doc__, "rare_class_grid.csv"), figure=False)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="N")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    add_rules(parser, USUAL_RULES)
    args = parser.parse_args(argv)
    if get_data_home() is None and set(args.tables) & set(REAL_TABLES):
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Nothing was run.")
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    grid = [args.tables, MINORITIES, args.sizes, FLIPS, KINDS, SHARES]
    if args.quick:
        grid = [["bank", "made, 9 columns"], [0.1], [50], [0.0, 0.2], KINDS, [0.0, 0.6]]
        seeds = seeds[:2]
    # Seed by seed, so that whatever is finished is balanced.
    cells = [(*cell, seed) for seed in seeds for cell in itertools.product(*grid)]
    cells = [cell for cell in cells if round(cell[1] * cell[2]) > 1]
    rows = run_cells(partial(run_cell, rules=tuple(args.rules)), cells, KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    usual = {"tables": TABLES, "sizes": SIZES, "rules": USUAL_RULES}
    choices = spell_choices(args, usual)
    write_summary(list_cells(parts), Path(__file__).name, args, choices)


if __name__ == "__main__":
    main()
