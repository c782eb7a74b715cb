"""Ten rows of three ordered groups: does a team add more than copies do?

The setting of Table 1 of the paper under imbalance: ten real rows with LR:MR:HR at
7:2:1, 500 test rows, one-vs-rest AUC per group, the mean over four models (SVM by
calibrated probabilities); classes are balanced. The team of statistics with the default
trim gets the label as plain words, or as an ordered category (LR < MR < HR), and is
compared to random over-sampling of the same ten rows, seed by seed. Balanced accuracy
is that of the models' own predictions, over the three groups.

One tidy CSV: a row per seed, method, model and column. Some minutes on one core
for 40 seeds; ``--quick`` takes 20 seconds. No tokens. Finished cells are kept.

    python benchmarks/ten_rows.py --seeds 40 --out ten_rows.csv
"""

import itertools
from pathlib import Path

import numpy as np
from _baselines import Order, add_rows
from _harness import (
    add_outputs,
    list_cells,
    make_parser,
    print_parts,
    run_cells,
    with_errors,
    write_summary,
)
from _paper import PLAIN, fit_models
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from t2sampler.datasets import make_diabetes_split

KEYS = ["seed", "method"]
COPIES, TEAM = "random over-sampling", "team, default trim"
METHODS = {  # name: method, and whether it is told the order
    "real only": ("real only", False),
    COPIES: (COPIES, False),
    f"{TEAM}, plain label": (TEAM, False),
    f"{TEAM}, ordered label": (TEAM, True),
}
GROUPS = ("LR", "MR", "HR")
BALANCED = "balanced accuracy"


def run_cell(seed, name):
    """Return the rows of one seed and method."""
    X, X_test, y, y_test = make_diabetes_split("imbalance", random_state=seed)
    method, is_ordered = METHODS[name]
    labels = y if is_ordered else y.astype(str)
    order = Order("auto", n_batches=10, batch_size=10, seed=seed)
    X_new, y_new, _ = add_rows(method, X, labels, order)
    key = dict(zip(KEYS, (seed, name), strict=True))
    truth = y_test.astype(str)
    rows = []
    for model, score, predicted, groups in fit_models(
        X_new, y_new.astype(str), X_test, seed
    ):
        if model == PLAIN:
            continue  # the same SVM with another score
        place = list(groups).index
        values = {
            group: roc_auc_score(truth == group, score[:, place(group)])
            for group in GROUPS
        } | {BALANCED: balanced_accuracy_score(truth, np.asarray(predicted))}
        rows += [
            {**key, "model": model, "column": column, "value": 100 * value}
            for column, value in values.items()
        ]
    return rows


def summarise(rows):
    """Return means, and paired differences to copies: tables by title."""
    columns = [*GROUPS, BALANCED]
    values = rows.pivot_table("value", KEYS, "column", sort=False)[columns]
    copies = values.xs(COPIES, level="method")
    others = values.drop(index=[COPIES, "real only"], level="method", errors="ignore")
    n_seeds = rows["seed"].nunique()
    return {
        f"AUC and balanced accuracy, mean ± s.e. over {n_seeds} seeds": with_errors(
            values, "method"
        ),
        f"Against {COPIES}, points, paired, ± s.e.": with_errors(
            others.sub(copies, level="seed"), "method"
        ),
    }


def main(argv=None):
    """Run what is missing, print the summary, and write what is asked for."""
    parser = add_outputs(make_parser(__doc__, "ten_rows.csv"), figure=False)
    parser.add_argument("--first-seed", type=int, default=0)
    args = parser.parse_args(argv)
    n_seeds = 2 if args.quick else args.seeds
    seeds = range(args.first_seed, args.first_seed + n_seeds)
    rows = run_cells(run_cell, itertools.product(seeds, METHODS), KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    write_summary(list_cells(parts), Path(__file__).name, args)


if __name__ == "__main__":
    main()
