"""Table 4 of "Team, Then Trim": detection, alpha-precision and beta-recall.

Drug-A (White women of 25 to 34), Drug-B (White men of 18 to 24) and COMPAS, cut to some
real rows; every method adds as many rows as there are real ones, class by class, and
its rows are compared with real rows it never saw. "real only" stands for the given real
rows themselves: what a perfect generator would reach. Averaged over sizes, then over
seeds. In percent; detection is better when lower, down to 50.

Detection is the mean AUC of three detectors (boosting, a network, and the published
mixture, which never sees the labels and is noise); "Detection, no mixture" is the mean
of the first two, which is what `detection_score` gives by default. Detectors see the
label column. Alpha-precision and beta-recall are computed without it, by the naive
embedding and the normalisation of synthcity. Which version the published numbers are is
unknown, as are the sizes (20, 50 and 100 here, for COMPAS also 200), the real rows
compared with, and the threshold of the Drug label (see `fetch_drug`): read the order of
the methods, not the difference to the published values.

T2 in the paper is a team of language models; here it is the team of statistics, and the
language models only where there are any. ADASYN and the smoothed bootstrap need
numbers, so Drug has none of theirs; nor is there a row where a method draws nothing.

One tidy CSV: a row per table, size, method, seed and metric. About fifteen minutes on
two cores for 10 seeds; ``--quick`` (2 seeds, one size) takes a minute. No tokens,
unless OPENAI_BASE_URL or OPENAI_API_KEY names a model. Reads the tables from the folder
T2SAMPLER_DATA.

    python benchmarks/paper_table_4_quality.py --out table_4.csv --figure table_4.png
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
from _baselines import REAL_ONLY, Order, add_rows
from _paper import PaperTable, draw_real, run_table
from _tables import get_data_home
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.mixture import GaussianMixture
from sklearn.utils import check_random_state

from t2sampler import grow
from t2sampler.datasets import fetch_compas, fetch_drug
from t2sampler.metrics import alpha_precision, beta_recall, detection_score

TABLES = {  # name: loader, rows never seen, batch size of the paper
    "DRUG-A": (partial(fetch_drug, "A"), 100, 10),
    "DRUG-B": (partial(fetch_drug, "B"), 100, 10),
    "COMPAS": (fetch_compas, 500, 20),
}
SIZES = (20, 50, 100)
N_COMPONENTS = 10  # of the published mixture
METRICS = ("Detection", "Detection, no mixture", "alpha-precision", "beta-recall")
CONTEXT = "People; the label is nicotine use, or a new charge within two years."


class Mixture(ClassifierMixin, BaseEstimator):
    """The published third detector: a clustering that never sees the labels."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the mixture on all rows."""
        n_components = min(N_COMPONENTS, len(X))
        mixture = GaussianMixture(n_components, random_state=self.random_state)
        self.mixture_ = mixture.fit(X)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        """Return the share of the second cluster as that of the synthetic class."""
        share = self.mixture_.predict_proba(X)[:, 1]
        return np.column_stack([1 - share, share])


def measure(method, seed, table, n):
    """Yield the rows of one cell."""
    fetch, n_test, batch_size = TABLES[table]
    (X, y), (X_test, y_test) = draw_real(*fetch(), n, n_test, seed)
    order = Order(grow(2), max(1, round(n / batch_size)), batch_size, seed, CONTEXT)
    X_new, y_new, is_new = add_rows(method, X, y, order)
    if method == REAL_ONLY:
        is_new = np.ones(len(X), dtype=bool)
    rows = X_new[is_new], y_new[is_new]
    values = compare_rows((X_test, y_test), rows, seed) if is_new.any() else {}
    for column in METRICS:
        value = 100 * values.get(column, np.nan)
        place = {"model": "-", "block": table, "column": column}
        yield {**place, "value": value, "n_rows": is_new.sum()}


def compare_rows(real, new, seed):
    """Return the metrics of new rows against real ones, by name."""
    (X, y), (X_new, y_new) = real, new
    labelled = X.assign(label=y), X_new.assign(label=y_new)
    detection = detection_score(*labelled, random_state=seed)
    mixture = Mixture(check_random_state(seed).randint(2**31 - 1))
    noise = detection_score(*labelled, detectors={"gmm": mixture}, random_state=seed)
    return {
        "Detection": np.mean([*detection.by_detector.values(), float(noise)]),
        "Detection, no mixture": float(detection),
        "alpha-precision": alpha_precision(X, X_new, random_state=seed),
        "beta-recall": beta_recall(X, X_new, random_state=seed),
    }


SETTINGS = [(name, n) for name in TABLES for n in SIZES]
TABLE = PaperTable(
    script=Path(__file__).name,
    doc=__doc__,
    number=4,
    keys=("table", "n"),
    settings=(*SETTINGS, ("COMPAS", 200)),
    quick_settings=(("DRUG-A", 50), ("COMPAS", 50)),
    measure=measure,
    find_published=lambda row, block, column: (f"{block}, {row}", column),
    axis=f"points against {REAL_ONLY} (detection: lower is better)",
)


def main(argv=None):
    """Run, print, and write what is asked for."""
    if get_data_home() is None:
        sys.exit("No folder with real tables; set T2SAMPLER_DATA. Nothing was run.")
    return run_table(TABLE, argv)


if __name__ == "__main__":
    main()
