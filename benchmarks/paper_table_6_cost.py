"""Table 6 of "Team, Then Trim": what rows cost, in tokens and in seconds.

Diabetes under imbalance. Ours are seconds for 100 rows asked for (for `paper_protocol`:
100 candidates), fitting included, on the machine that runs this; methods are timed one
at a time, whatever ``--n-jobs`` says. Real rows are twenty, not the paper's ten, since
SMOTE needs two of a class. The published figures are for one batch of 10 rows and 9
columns, so they are printed apart. The team of statistics and every baseline spend no
token; what a team of language models spends is counted, the manager's question
included, and no answer comes from the store.

The published gains in AUC are differences of Table 1: see
``paper_table_1_imbalance.py``.

Not in the paper: which machine it was, whether the workers' times add up (they read
each other, so mostly they do), and what the manager costs, asked once per table.

One tidy CSV: a row per method and seed. About a minute for 10 seeds; ``--quick`` (2
seeds) takes a quarter of one. No tokens, unless OPENAI_BASE_URL or OPENAI_API_KEY names
a model.

    python benchmarks/paper_table_6_cost.py --out table_6.csv --figure table_6.png
"""

import sys
import time
from pathlib import Path

import pandas as pd
from _baselines import METHODS, REAL_ONLY, Order, make_sampler, resample
from _paper import PaperTable, read_published, run_table

from t2sampler import grow
from t2sampler.datasets import make_diabetes_split

N_REAL, FACTOR = 20, 6  # six-fold: 100 rows are added
TOKENS = [
    ("input tokens per 100 rows", "input_tokens"),
    ("output tokens per 100 rows", "output_tokens"),
]
MEASURES = ["input tokens", "output tokens", "time in s"]
CONTEXT = "Diabetes risk of patients: LR is low, MR moderate and HR high risk."


def measure(method, seed, n_real):
    """Yield the row of one cell."""
    X, _, y, _ = make_diabetes_split("imbalance", n_real=n_real, random_state=seed)
    order = Order(grow(FACTOR), 10, 10, seed, CONTEXT, is_stored=False)
    start = time.perf_counter()
    sampler = make_sampler(method, X, order)
    X_new, _, _ = resample(sampler, X, y)
    values = {"seconds per 100 rows": time.perf_counter() - start}
    if hasattr(sampler, "report_"):
        usage = sampler.report_.usage
        values |= {name: usage[column].sum() for name, column in TOKENS if len(usage)}
    for column, value in values.items():
        place = {"model": "-", "block": "Diabetes", "column": column}
        yield {**place, "value": value, "n_rows": len(X_new)}


def count_tokens():
    """Return published tokens and seconds per 10 rows, and the tokens of ours."""
    cells = pd.Series(read_published(6)).unstack()[MEASURES].dropna()
    workers = cells.loc[cells.index.str.startswith("T2, worker")]
    cells.loc["T2, all workers in sequence"] = workers.sum()
    ours = dict.fromkeys(MEASURES[:2], 0)
    for name in METHODS:
        if name != REAL_ONLY:
            cells.loc[name] = pd.Series(ours)
    return cells


TABLE = PaperTable(
    script=Path(__file__).name,
    doc=__doc__,
    number=6,
    keys=("n_real",),
    settings=((N_REAL,),),
    quick_settings=((N_REAL,),),
    measure=measure,
    find_published=lambda row, block, column: None,
    beside={},
    axis="seconds per 100 rows",
)


def main(argv=None):
    """Run, print, and write what is asked for."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    print("Published, for one batch of 10 rows x 9 columns; tokens of ours beside it")
    print(count_tokens().to_string(na_rep="-", float_format="{:g}".format))
    return run_table(TABLE, [*arguments, "--n-jobs", "1"])


if __name__ == "__main__":
    main()
