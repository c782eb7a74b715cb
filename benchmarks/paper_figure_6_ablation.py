"""Figure 6 of "Team, Then Trim": the filters one by one, AUC on Diabetes.

The setting of Table 1 under imbalance (ten real rows, three risk groups, 500 test
rows), a team of statistics, and every choice of the three filters: none, each alone,
each left out, all. Twice: with the filters of `paper_protocol` (ten batches of ten,
trimmed ones are not replaced) and with the sampler's defaults (as many rows as balance
the classes).

The figure is published without numbers; only its ends have some, in Table 1: real rows,
and T2 with all filters. T2 there is a team of language models. Open points are those of
``paper_table_1_imbalance.py``.

One tidy CSV: a row per method, seed, model and group. About three minutes on two cores
for 10 seeds; ``--quick`` (2 seeds) takes half of one. No tokens.

    python benchmarks/paper_figure_6_ablation.py --figure figure_6.png
"""

import itertools
import warnings
from pathlib import Path

from _baselines import REAL_ONLY
from _paper import PaperTable, run_table
from paper_table_1_imbalance import score_groups

from t2sampler import TeamThenTrimSampler, paper_protocol
from t2sampler.datasets import make_diabetes_split
from t2sampler.exceptions import QuotaNotMetWarning

FILTERS = ("sanity", "cost", "diversity")
SAMPLERS = {"paper": paper_protocol, "default": TeamThenTrimSampler}


def name_choices():
    """Return the filters that are on, by name: none first, all last."""
    sizes = range(len(FILTERS) + 1)
    return {
        f"{settings}: {' + '.join(chosen) or 'no filter'}": (settings, chosen)
        for settings in SAMPLERS
        for size in sizes
        for chosen in itertools.combinations(FILTERS, size)
    }


CHOICES = name_choices()


def measure(method, seed, kind):
    """Yield the rows of one cell."""
    X, X_test, y, y_test = make_diabetes_split(kind, random_state=seed)
    if method != REAL_ONLY:
        settings, chosen = CHOICES[method]
        off = {name: "passthrough" for name in FILTERS if name not in chosen}
        sampler = SAMPLERS[settings](random_state=seed).set_params(**off)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", QuotaNotMetWarning)
            X, y = sampler.fit_resample(X, y)
    for row in score_groups((X, y), (X_test, y_test), seed):
        yield {"block": kind, "n_rows": len(X), **row}


TABLE = PaperTable(
    script=Path(__file__).name,
    doc=__doc__,
    number=1,
    keys=("kind",),
    settings=(("imbalance",),),
    quick_settings=(("imbalance",),),
    measure=measure,
    find_published=lambda row, kind, group: (row, f"{kind} {group}"),
    methods=(REAL_ONLY, *CHOICES),
    beside={REAL_ONLY: "D_ori", f"paper: {' + '.join(FILTERS)}": "T2"},
)


def main(argv=None):
    """Run, print, and write what is asked for."""
    return run_table(TABLE, argv)


if __name__ == "__main__":
    main()
