"""What does a stricter cost filter save, and what does it cost?

The cells of ``hallucination_grid.py``, on seeds of their own (from 20). There is one
row per setting of the cost filter; the other filters are off. ``tau_coef`` says how far
a pool may contradict the real rows by chance, ``max_noise_rate`` up to which share of
mislabelled candidates all are kept. A pool that is let through when it should not be
costs points where nine candidates in ten are spoiled; one that is not let through costs
the gain of candidates where most are good and the real labels are not.

One tidy CSV, as that of ``hallucination_grid.py``. About 20 minutes a seed on one core;
``--quick`` takes a minute. No tokens. Finished cells are kept.

    python benchmarks/trim_tradeoff.py --seeds 2 --figure trim_tradeoff.png
"""

import itertools
from functools import partial
from pathlib import Path

import pandas as pd
from _curation import ALL, PARTS, REAL, apply_controls, apply_extremes
from _figures import plot_curve
from _harness import (
    add_outputs,
    list_cells,
    make_parser,
    print_parts,
    run_cells,
    write_summary,
)
from hallucination_grid import (
    CELL,
    FLIPS,
    KEYS,
    LEAST_GROUP,
    SHARES,
    SIZES,
    TABLES,
    average_groups,
    compare,
    describe,
    run_cell,
)

from t2sampler import CostAssessmentFilter, QualityControl

FIRST_SEED = 20
MOSTLY_GOOD, MOSTLY_BAD = 0.3, 0.6  # shares of spoiled candidates
CURVE = {f"tau_coef = {c:g}": {"tau_coef": c} for c in (0, 0.5, 1, 1.5, 2, 3)}
CURVE["tau = -inf"] = {"tau": float("-inf")}
OTHERS = {f"max_noise_rate = {s:g}": {"max_noise_rate": s} for s in (0.05, 0.15, 0.3)}
SETTINGS = CURVE | OTHERS  # name: what differs from the default


def apply_settings(real, batches, seed, oracle=None):
    """Yield the rules as `apply_rules` does: the extremes, then each setting."""
    yield from apply_extremes(real, batches, oracle)
    off = dict.fromkeys(PARTS, "passthrough")
    controls = {
        name: QualityControl(
            **{**off, "cost": CostAssessmentFilter(**setting)}, random_state=seed
        )
        for name, setting in SETTINGS.items()
    }
    yield from apply_controls(controls, real, batches)


def summarise(rows):
    """Return, a row per setting, gains over the better of none and all, and groups."""
    auc = rows.pivot_table("auc", KEYS, "rule", sort=False)
    regret = compare(auc, on_other_seeds=False)
    groups = regret.groupby(CELL).mean().groupby(["n", "flip", "h"]).mean()
    table = pd.concat(
        [
            describe(regret, "mean"),
            average_groups(groups, "flip", "flipped"),
            average_groups(groups, "h", "spoiled"),
            groups.min().round(1).rename("worst group"),
            (groups < LEAST_GROUP).sum().rename(f"groups below {LEAST_GROUP}"),
        ],
        axis=1,
    )
    title = (
        "AUC against the better of real only and all, points, cost filter alone: mean "
        f"± s.e. over {rows['seed'].nunique()} seeds; means by share of flipped real "
        f"labels and of spoiled candidates; of {len(groups)} groups of cells (one n, "
        "flip and h)"
    )
    return {title: table}


def draw(rows, path):
    """Write the curve from asking much to asking nothing of a pool."""
    auc = rows.pivot_table("auc", KEYS, "rule", sort=False)[[REAL, ALL, *CURVE]]
    by_share = compare(auc, on_other_seeds=False).groupby("h").mean()
    good, bad = by_share.loc[:MOSTLY_GOOD].mean(), by_share.loc[MOSTLY_BAD:].mean()
    points = pd.DataFrame({"x": good, "y": bad}).loc[list(CURVE)]
    axes = (
        f"at most {MOSTLY_GOOD:.0%} of the candidates spoiled: points of AUC against "
        "the better of none and all",
        f"at least {MOSTLY_BAD:.0%} spoiled",
    )
    plot_curve(points, path, __doc__.splitlines()[0], axes)


def main(argv=None):
    """Run what is missing, print the summary, and write what is asked for."""
    args = add_outputs(make_parser(__doc__, "trim_tradeoff.csv")).parse_args(argv)
    seeds = range(FIRST_SEED, FIRST_SEED + args.seeds)
    grid = [TABLES, SIZES, FLIPS, SHARES]
    if args.quick:
        grid, seeds = [["breast cancer"], [50], [0.0, 0.4], [0.3, 0.9]], seeds[:2]
    cells = [(*cell, seed) for seed in seeds for cell in itertools.product(*grid)]
    rows = run_cells(partial(run_cell, rules=apply_settings), cells, KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    write_summary(list_cells(parts), Path(__file__).name, args)
    if args.figure:
        draw(rows, args.figure)


if __name__ == "__main__":
    main()
