"""Table 3 of "Team, Then Trim": accuracy, AUC, F1 and recall on COMPAS.

COMPAS as at OpenML (42192: 13 numbers and indicators, 5278 people), cut to 10 to 200
real rows; 500 others are the test rows. Every method sees the same rows (paired by
seed). Averaged over sizes and four models, then over seeds. The published figures come
with no standard error.

Unpublished, and chosen here: the sizes between 10 and 200 (10, 20, 50, 100 and 200),
that both tables have the shares of the whole, how many rows each baseline added (as
many as there are real rows, class by class), which class F1 and recall are of (the
positive one, see `_paper.score_binary`), and which score of the SVM was used (see
``_paper.py``). The paper's protocol draws as many candidates as there are real rows, in
batches of 20 (of 10 where there are 10).

Real rows alone and SMOTE lie a little below the published accuracy and AUC, more below
F1 and recall: the sizes, or the class that F1 and recall are of, may be others.

T2 in the paper is a team of language models; here it is the team of statistics, and the
language models only where there are any.

One tidy CSV: a row per size, method, seed, model and measure. About ten minutes on
two cores for 10 seeds; ``--quick`` (2 seeds, sizes 10 and 50) takes half a minute. No
tokens, unless OPENAI_BASE_URL or OPENAI_API_KEY names a model. Reads COMPAS from the
folder T2SAMPLER_DATA, else from OpenML.

    python benchmarks/paper_table_3_compas.py --out table_3.csv --figure table_3.png
"""

from pathlib import Path

from _baselines import Order, add_rows
from _paper import PaperTable, draw_real, run_table, score_binary

from t2sampler import grow
from t2sampler.datasets import fetch_compas

N_TEST, BATCH_SIZE = 500, 20
CONTEXT = "People arrested in Florida; is there a new charge within two years (1)?"


def measure(method, seed, n):
    """Yield the rows of one cell."""
    (X, y), (X_test, y_test) = draw_real(*fetch_compas(), n, N_TEST, seed)
    batch_size = min(BATCH_SIZE, n)
    order = Order(grow(2), round(n / batch_size), batch_size, seed, CONTEXT)
    X_new, y_new, _ = add_rows(method, X, y, order)
    for row in score_binary((X_new, y_new), X_test, {"COMPAS": y_test}, seed):
        yield {"block": row.pop("truth"), "n_rows": len(X_new), **row}


TABLE = PaperTable(
    script=Path(__file__).name,
    doc=__doc__,
    number=3,
    keys=("n",),
    settings=((10,), (20,), (50,), (100,), (200,)),
    quick_settings=((10,), (50,)),
    measure=measure,
    find_published=lambda row, block, column: (row, column),
)


def main(argv=None):
    """Run, print, and write what is asked for."""
    return run_table(TABLE, argv)


if __name__ == "__main__":
    main()
