"""Does quality control help on rows that real language models wrote?

Per case 200 recorded rows, in the batches in which they were asked for, are added to
the real rows as each rule says: none, all, CLLM's curation, each filter alone,
`paper_protocol()`'s filters, and the default ones. COMPAS of GPT-4o and Covid of GPT-4
stand beside the very rows shown to the model, so that seeds differ in candidates and
test rows only; the small models beside 40 random rows, some of which they may have
been shown. Batches are of 20 rows, of 100 for GPT-4o, whatever the paper uses; those
of Covid are consecutive rows, since its calls were not recorded. Without examples all
models of "drug ... shown 0" took one number of the table for a drug, so that no row
would fit: those cases leave that column out (see ``_recorded_cases.py``).

Gains are means of logistic regression, SVM by its decision function and random forest;
histogram boosting and a strong learner (extra trees and a linear model, by vote) stand
beside them on their own.

One tidy CSV: a row per case, seed, rule and model. About half an hour on two cores;
``--rules`` and ``--learners`` run a part; ``--quick`` (4 cases, 2 seeds) takes half a
minute. No tokens: nothing is asked again. Finished parts are kept, so an interrupted
run goes on where it stopped.

    python benchmarks/recorded.py --out recorded.csv
"""

import itertools
import sys
from functools import partial
from pathlib import Path

import pandas as pd
from _curation import (
    ALL,
    JUDGES,
    REAL,
    RULES,
    USUAL,
    add_rules,
    apply_rules,
    measure_rules,
)
from _downstream import add_learners, choose, split_learners
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
from _recorded_cases import CASES, N_CANDIDATES, load_rows

from t2sampler.datasets import get_data_home

KEYS = ["case", "seed"]
QUICK = [
    "compas gpt-4o cllm",
    "covid gpt-4, hidden names n 20",
    "compas granite-3.2-8b shown 80 poison 0.5",
    "drug llama-3.3-70b shown 0 poison 0.0",
]


def run_cell(case, seed, *, rules=RULES, learners=USUAL):
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
            apply_rules(rows.real, rows.batches, seed, names=rules),
            rows.test,
            seed,
            choose(learners),
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
    """Return gains, and what was refused and kept, a line per case: tables by title."""
    n_seeds = rows["seed"].nunique()
    by_learner = {name: find_gains(part) for name, part in split_learners(rows).items()}
    learners, gains = next(iter(by_learner.items()))
    lines = [
        with_errors(gains, "case"),
        *(
            average(gains, f"mean over the cases, {n}")
            for n, gains in by_learner.items()
        ),
    ]
    one_model = rows[rows["model"] == rows["model"].iloc[0]]
    counts = one_model.pivot_table("n_kept", "case", "rule", sort=False)
    first = one_model[one_model["rule"] == ALL].groupby("case", sort=False)
    counts.insert(0, "refused", first["n_refused"].mean())
    return {
        f"AUC against real only, points: {learners} ± s.e. over {n_seeds} seeds, "
        "paired": pd.concat(lines),
        f"Of {N_CANDIDATES} candidates, refused since they do not fit the table, and "
        "kept": counts.drop(columns=REAL).round(0).astype(int),
    }


def average(gains, name):
    """Return the mean over all cases as a line of its own."""
    return with_errors(gains.groupby("seed").mean(), lambda seed: name)


def main(argv=None):
    """Run what is missing, print the summary, and write what is asked for."""
    parser = add_outputs(make_parser(__doc__, "recorded.csv"))
    add_rules(parser)
    add_learners(parser, JUDGES)
    args = parser.parse_args(argv)
    if get_data_home() is None:
        sys.exit("No folder with recorded rows; set T2SAMPLER_DATA. Nothing was run.")
    cases, seeds = (QUICK, range(2)) if args.quick else (CASES, range(args.seeds))
    # Seed by seed, so that whatever is finished is balanced.
    cells = [(case, seed) for seed, case in itertools.product(seeds, cases)]
    run = partial(run_cell, rules=args.rules, learners=args.learners)
    rows = run_cells(run, cells, KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    choices = spell_choices(args, {"rules": RULES, "learners": JUDGES})
    write_summary(list_cells(parts), Path(__file__).name, args, choices)
    if args.figure:
        rows = next(iter(split_learners(rows).values()))
        intervals = find_intervals(group_gains(find_gains(rows)))
        plot_gains(intervals, args.figure, "Rows recorded from models, trimmed")


if __name__ == "__main__":
    main()
