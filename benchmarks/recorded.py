"""Does quality control help on rows that real language models wrote?

Per case 200 recorded rows, in the batches in which they were asked for, are added to
the real rows as each rule says: none, all, CLLM's curation, each filter alone,
`paper_protocol()`'s filters, and the default ones. COMPAS of GPT-4o and Covid of GPT-4
stand beside the very rows shown to the model, so that seeds differ in candidates and
test rows only; the small models beside 40 random rows, some of which they may have
been shown. Batches are of 20 rows, of 100 for GPT-4o, whatever the paper uses; those
of Covid are consecutive rows, since its calls were not recorded.

One tidy CSV: a row per case, seed, rule and model (logistic regression, SVM by its
decision function, random forest). About a quarter of an hour on
two cores; ``--quick`` (4 cases, 2 seeds) takes half a minute. No tokens: nothing is
asked again. Finished parts are kept, so an interrupted run goes on where it stopped.

    python benchmarks/recorded.py --out recorded.csv
"""

import itertools
import sys
from pathlib import Path

from _curation import ALL, REAL, find_intervals, measure_rules
from _harness import make_parser, run_cells, with_errors
from _recorded_cases import CASES, load_rows

from t2sampler.datasets import data_folder

KEYS = ["case", "seed"]
QUICK = [
    "compas gpt-4o cllm",
    "covid gpt-4, hidden names n 20",
    "compas granite-3.2-8b shown 80 poison 0.5",
    "drug llama-3.3-70b shown 0 poison 0.0",
]


def run_cell(case, seed):
    """Return the rows of one case and seed."""
    rows = load_rows(CASES[case], seed)
    return [
        {
            "case": case,
            "seed": seed,
            "rule": rule,
            **scores,
            "n_candidates": len(keep),
            "n_refused": rows.n_refused,
            "n_kept": int(keep.sum()),
        }
        for rule, keep, models in measure_rules(
            rows.real, rows.batches, rows.test, seed
        )
        for scores in models
    ]


def find_gains(rows):
    """Return AUC against real only, mean of the models: a row per case and seed.

    Cases whose rows were all refused have no gains.
    """
    cells = rows[rows["n_candidates"] > 0].pivot_table("auc", KEYS, "rule", sort=False)
    return cells.sub(cells[REAL], axis=0).drop(columns=REAL)


def group_gains(gains):
    """Return gains averaged over the cases of a group: a row per seed."""
    groups = gains.rename(index=lambda case: CASES[case].group, level="case")
    means = groups.groupby(KEYS, sort=False).mean().unstack("case")
    means.columns = [f"{group}: {rule}" for rule, group in means.columns]
    return means[sorted(means)]


def summarise(rows):
    """Print gains and the share kept, a line per case."""
    gains = find_gains(rows)
    print("AUC against real only, points; mean of three models ± s.e., paired by seed")
    print(with_errors(gains, "case").to_string())
    per_seed = gains.groupby("seed").mean()
    print(with_errors(per_seed, lambda seed: "mean over the cases").to_string())
    one_model = rows[rows["model"] == rows["model"].iloc[0]]
    counts = one_model.pivot_table("n_kept", "case", "rule", sort=False)
    first = one_model[one_model["rule"] == ALL].groupby("case", sort=False)
    counts.insert(0, "refused", first["n_refused"].mean())
    print("candidates refused, since they do not fit the table, and kept")
    print(counts.drop(columns=REAL).round(0).astype(int).to_string())


def main(argv=None):
    """Run what is missing, write the CSV and print the summary."""
    parser = make_parser(__doc__, "recorded.csv")
    parser.add_argument("--figure", type=Path, help="gains with intervals, by group")
    args = parser.parse_args(argv)
    if data_folder() is None:
        sys.exit("No folder with recorded rows; set T2SAMPLER_DATA. Nothing was run.")
    cases, seeds = (QUICK, range(2)) if args.quick else (CASES, range(args.seeds))
    # Seed by seed, so that whatever is finished is balanced.
    cells = [(case, seed) for seed, case in itertools.product(seeds, cases)]
    rows = run_cells(run_cell, cells, KEYS, args)
    summarise(rows)
    if args.figure:
        from _figures import plot_gains

        intervals = find_intervals(group_gains(find_gains(rows)))
        plot_gains(intervals, args.figure, "Rows recorded from models, trimmed")


if __name__ == "__main__":
    main()
