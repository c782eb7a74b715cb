"""Can the verdict of `compare` be trusted? Labels of noise, twenty repeats, seconds.

"noise": tables of 60 rows with numbers and categories, whose labels (45 and 15) are
drawn without regard to them. A verdict other than "no difference" is an error. The mean
balanced accuracy at thresholds that are tuned should be one half. The sampler is
SMOTENC, which is quick; in "noise-team" it is `TeamThenTrimSampler` without its cost
filter.

"agreement": real tables of 200 rows with `TeamThenTrimSampler`. Does the verdict of two
repeats of five folds agree with that of twenty repeats, on other splits? The label of
insurance is whether the charges are in the upper quarter.

Both with logistic regression and a decision tree. "time" is 1,000 rows of Adult with
the three default learners and all arms, on two processors: the only part whose figures
hang on the machine.

One tidy CSV: a row per part, table, seed and number of repeats. Noise takes four
minutes of a processor, with a team twelve, agreement twenty and time three;
``--quick`` takes four. Reads the tables from the folder T2SAMPLER_DATA. No tokens:
nothing is asked.

    python benchmarks/compare_check.py --out compare_check.csv
"""

import sys
import time
from itertools import product

import numpy as np
import pandas as pd
from _harness import (
    add_outputs,
    list_cells,
    make_parser,
    print_parts,
    run_cells,
    spell_choices,
    write_summary,
)
from _tables import get_data_home, load_table
from imblearn.over_sampling import SMOTENC
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.tree import DecisionTreeClassifier

from t2sampler import TeamThenTrimSampler, compare

PARTS = ("noise", "noise-team", "agreement", "time")
KEYS = ["part", "table", "seed"]
REAL = ("adult", "compas", "drug", "insurance", "magic")
N_NOISE, N_REAL, N_TIMED = 60, 200, 1000
SAMPLERS = {
    "noise": SMOTENC(["job"]),
    "noise-team": TeamThenTrimSampler(cost="passthrough"),
    "agreement": TeamThenTrimSampler(),
}
LEARNERS = {
    "logistic regression": LogisticRegression(max_iter=5000),
    "tree": DecisionTreeClassifier(min_samples_leaf=5),
}


def make_noise(seed):
    """Return a table of numbers and categories, and labels that ignore it."""
    rng = np.random.default_rng([seed, 100])
    X = pd.DataFrame(rng.normal(size=(N_NOISE, 3)), columns=list("abc"))
    X["d"] = X["a"] + rng.normal(size=N_NOISE)
    X["job"] = rng.choice(["cook", "clerk", "smith"], N_NOISE)
    return X, pd.Series(rng.permutation(np.repeat(["common", "rare"], [45, 15])))


def cut_table(name, n_rows, seed):
    """Return some rows of a real table, drawn at random."""
    if name == "insurance":
        X = pd.read_csv(get_data_home() / "insurance" / "insurance.csv")
        charges = X.pop("charges")
        y = charges > charges.quantile(0.75)
    else:
        X, y = load_table(name)
    rows = np.random.default_rng([seed, 7]).permutation(len(X))[:n_rows]
    return X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)


def run_cell(part, table, seed):
    """Return the rows of one table and seed."""
    if part == "time":
        X, y = cut_table(table, N_TIMED, seed)
        start = time.perf_counter()
        found = compare(X, y, random_state=seed, n_jobs=2)
        row = describe(part, table, seed, 2, found)
        return [row | {"seconds": time.perf_counter() - start}]
    is_noise = part.startswith("noise")
    X, y = make_noise(seed) if is_noise else cut_table(table, N_REAL, seed)
    rows = []
    for n_repeats in (2,) if is_noise else (2, 20):
        folds = RepeatedStratifiedKFold(
            n_splits=5, n_repeats=n_repeats, random_state=n_repeats + 100 * seed
        )
        found = compare(X, y, LEARNERS, SAMPLERS[part], cv=folds, random_state=seed)
        rows.append(describe(part, table, seed, n_repeats, found))
    return rows


def describe(part, table, seed, n_repeats, found):
    """Return what the verdict rests on, as a row."""
    names = ["outcome", "mean", "low", "high", "smallest", "free", "free_mean"]
    cells = found.outcomes.iloc[0][names].to_dict()
    tuned = found.scores.query("score == 'balanced_accuracy_tuned'")["value"].mean()
    keys = {"part": part, "table": table, "seed": seed, "n_repeats": n_repeats}
    return keys | cells | {"tuned": tuned}


def list_choices(args):
    """Yield the part, table and seed of every cell."""
    for part in args.parts:
        if part.startswith("noise"):
            yield from product([part], ["noise"], range(args.seeds))
        elif part == "agreement":
            yield from ((part, name, 0) for name in REAL[: 1 if args.quick else None])
        else:
            yield part, "adult", 0


def summarise(rows):
    """Return tables by title."""
    parts = {}
    noise = rows[rows["part"].str.startswith("noise")]
    if len(noise):
        groups = noise.groupby("part", sort=False)
        table = groups["outcome"].value_counts().unstack(fill_value=0)
        table["balanced accuracy at tuned thresholds"] = [
            f"{tuned.mean():.4f} ± {tuned.sem():.4f}" for _, tuned in groups["tuned"]
        ]
        parts["Runs on noise by verdict"] = table.rename_axis(None, axis=1)
    real = rows[rows["part"] == "agreement"]
    if len(real):
        real = real.assign(
            cell=real["outcome"]
            + real["mean"].map(": {:+.4f}".format)
            + real["low"].map(" ({:+.4f} to ".format)
            + real["high"].map("{:+.4f})".format)
        )
        parts["Gain in ROC AUC over nothing by number of repeats"] = real.pivot(
            index="table", columns="n_repeats", values="cell"
        ).rename(columns=lambda n: f"{n} repeats")
    timed = rows[rows["part"] == "time"]
    if len(timed):
        table = timed.set_index("table")[["outcome", "seconds"]].round(0)
        parts["All defaults, 1,000 rows"] = table
    return parts


def main(argv=None):
    parser = add_outputs(make_parser(__doc__, "compare_check.csv"), figure=False)
    parser.set_defaults(seeds=100, n_jobs=1)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args(argv)
    if args.quick:
        args.seeds = min(args.seeds, 3)
    if get_data_home() is None:
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Nothing was run.")
    parts = summarise(run_cells(run_cell, list_choices(args), KEYS, args))
    print_parts(parts)
    choices = spell_choices(args, {"parts": PARTS})
    write_summary(list_cells(parts), "compare_check.py", args, choices)


if __name__ == "__main__":
    main()
