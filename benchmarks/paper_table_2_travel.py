"""Table 2 of "Team, Then Trim": AUC on travel behavior under label noise.

Sixty real rows of which a share 0, 0.3 or 0.4 has the wrong label, and 500 test rows;
every method sees the same rows (paired by seed). AUC averaged over four models, then
over seeds. The published figures come with no standard error.

**The rows are a stand-in** (`make_travel_behavior`): the distributions of the paper's
simulation are unpublished, so compare methods, and do not expect the published figures.
Also unpublished: whether the test labels are flipped too (both are shown: "clean test"
and "flipped test"), how many rows each baseline added (here as many as there are real
rows, class by class), and which score of the SVM was used (see ``_paper.py``). The
paper's protocol draws as many candidates as there are real rows, in batches of 20.

Without noise real rows and SMOTE have the published AUC. With noise the published
values lie far below ours on clean test labels, and a little below those on flipped
ones.

T2 in the paper is a team of language models; here it is the team of statistics, and the
language models only where there are any.

One tidy CSV: a row per share, method, seed, model, truth and measure. About three
minutes on two cores for 10 seeds; ``--quick`` (2 seeds, shares 0 and 0.4) takes half a
minute. No tokens, unless OPENAI_BASE_URL or OPENAI_API_KEY names a model.

    python benchmarks/paper_table_2_travel.py --out table_2.csv --figure table_2.png
"""

from pathlib import Path

from _baselines import Order, add_rows
from _paper import PaperTable, flip_real_and_test, run_table, score_binary

from t2sampler import grow
from t2sampler.datasets import make_travel_behavior

N_REAL, N_TEST, BATCH_SIZE = 60, 500, 20
CONTEXT = "Travellers are offered points for leaving earlier or later; who accepts?"


def measure(method, seed, rate):
    """Yield the rows of one cell."""
    X, y = make_travel_behavior(N_REAL + N_TEST, random_state=seed)
    X_test, y_test = X[N_REAL:], y[N_REAL:]
    noisy, truths = flip_real_and_test(y[:N_REAL], y_test, rate, seed)
    order = Order(grow(2), N_REAL // BATCH_SIZE, BATCH_SIZE, seed, CONTEXT)
    X_new, y_new, _ = add_rows(method, X[:N_REAL], noisy, order)
    for row in score_binary((X_new, y_new), X_test, truths, seed):
        if row["column"] == "AUC":
            block = f"flip {rate:g}, {row.pop('truth')}"
            yield {"block": block, "n_rows": len(X_new), **row}


TABLE = PaperTable(
    script=Path(__file__).name,
    doc=__doc__,
    number=2,
    keys=("rate",),
    settings=((0.0,), (0.3,), (0.4,)),
    quick_settings=((0.0,), (0.4,)),
    measure=measure,
    find_published=lambda row, block, column: (row, block.split(",")[0]),
)


def main(argv=None):
    """Run, print, and write what is asked for."""
    return run_table(TABLE, argv)


if __name__ == "__main__":
    main()
