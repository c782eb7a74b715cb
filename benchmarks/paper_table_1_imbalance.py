"""Table 1 of "Team, Then Trim": AUC of three risk groups on Diabetes.

Ten real rows with LR:MR:HR at 7:2:1 ("imbalance") or 8:2:0 ("incompleteness"), and 500
test rows at 7:2:1; every method sees the same rows (paired by seed). One-vs-rest AUC
per group, averaged over four models, then over seeds. The published figures come with
no standard error.

What the paper leaves open: the cuts between the groups (see `make_diabetes`), how SMOTE
was run (it needs two rows of a class, and of HR there is one: here it then adds
nothing, and the smoothed bootstrap stands beside it), and which score of the SVM was
used: with its calibrated probabilities real rows under imbalance come out within two
standard errors of the published values, with its decision function far above them (see
``_paper.py``).

Under incompleteness real rows lie far above the published values, and so does SMOTE,
though its gain for LR is as published. No explanation of both groups was found among
these: other cuts (tertiles; four fifths for the real rows alone), features as they are,
test rows standardised by themselves, predictions in place of scores, and test rows at
8:2:0. All published AUCs of MR lie between 48 and 55. Of what was tried one change
brings ours near that: test rows with as many of each group, which makes HR the main
rival of MR. It is shown as a block of its own, beside the same published values, and
leaves LR too high; cuts at the tertiles lower LR. So the test rows may have been others
than the 7:2:1 that the paper states.

T2 in the paper is a team of language models; here it is the team of statistics, and the
language models only where there are any. Statistics cannot write a class they have
never seen, so HR under incompleteness has no number of ours without them.

One tidy CSV: a row per setting, method, seed, model and group. About three minutes on
two cores for 10 seeds; ``--quick`` (2 seeds) takes half a minute. No tokens, unless
OPENAI_BASE_URL or OPENAI_API_KEY names a model.

    python benchmarks/paper_table_1_imbalance.py --out table_1.csv --figure table_1.png
"""

from pathlib import Path

from _baselines import Order, add_rows
from _paper import PaperTable, fit_models, run_table
from sklearn.metrics import roc_auc_score

from t2sampler.datasets import make_diabetes_split

KINDS = (("imbalance",), ("incompleteness",))
EVEN = "incompleteness, even test"
TEST_SHARES = {EVEN: (1 / 3, 1 / 3, 1 / 3)}  # of LR, MR and HR; else 7:2:1
GROUPS = ("LR", "MR", "HR")
CONTEXT = "Diabetes risk of patients: LR is low, MR moderate and HR high risk."


def score_groups(train, test, seed):
    """Yield model, group and AUC (in percent) of every group the rows know."""
    (X, y), (X_test, y_test) = train, test
    for name, score, _, groups in fit_models(X, y.astype(str), X_test, seed):
        for group in sorted(groups, key=GROUPS.index):
            auc = roc_auc_score(y_test == group, score[:, list(groups).index(group)])
            yield {"model": name, "column": group, "value": 100 * auc}


def measure(method, seed, kind):
    """Yield the rows of one cell."""
    X, X_test, y, y_test = make_diabetes_split(
        kind.split(",")[0],
        test_shares=TEST_SHARES.get(kind, (0.7, 0.2, 0.1)),
        random_state=seed,
    )
    missing = set(GROUPS) - set(y)
    order = Order(
        "auto",
        n_batches=10,
        batch_size=10,
        seed=seed,
        context=CONTEXT,
        new_classes=dict.fromkeys(missing, y.value_counts().max()) or None,
    )
    X_new, y_new, _ = add_rows(method, X, y, order)
    for row in score_groups((X_new, y_new), (X_test, y_test), seed):
        yield {"block": kind, "n_rows": len(X_new), **row}


TABLE = PaperTable(
    script=Path(__file__).name,
    doc=__doc__,
    number=1,
    keys=("kind",),
    settings=(*KINDS, (EVEN,)),
    quick_settings=KINDS,
    measure=measure,
    find_published=lambda row, kind, group: (row, f"{kind.split(',')[0]} {group}"),
)


def main(argv=None):
    """Run, print, and write what is asked for."""
    return run_table(TABLE, argv)


if __name__ == "__main__":
    main()
