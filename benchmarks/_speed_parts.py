"""What `speed.py` times: a function per part, which yields its steps.

Only public names are used, so that another version of the package can be timed: run as
a script, this file times one part with whatever package PYTHONPATH names, and prints
its rows as CSV.
"""

import argparse
import sys
from time import perf_counter

import pandas as pd
from _tables import load_table
from imblearn.over_sampling import SMOTE
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from speed_team import peak_memory, time_smotenc, time_team

from t2sampler import QualityControl, TeamThenTrimSampler
from t2sampler.datasets import flip_labels
from t2sampler.generators import StatisticalTeam
from t2sampler.testing import make_requests

FOREST, SMOTENC = "forest of 100 trees", "SMOTENC"  # what others are multiples of
BATCH_ROWS, BULK_BATCH_ROWS, N_REPEATS = 20, 1000, 5


def watch(call, n_repeats=N_REPEATS):
    """Return the least of the seconds that a call takes: what else runs only adds."""
    seconds = []
    for _ in range(n_repeats):
        start = perf_counter()
        call()
        seconds.append(perf_counter() - start)
    return min(seconds)


def draw_batches(team, n_rows, size=BATCH_ROWS):
    """Return candidates of a fitted team, batch by batch."""
    requests = make_requests(n_rows // size, size, seed=1)
    return [(batch.X, batch.y) for batch in team.draw(requests)]


def time_table(n_rows, n_features):
    """Yield the steps of `fit_resample`, and what stands beside them."""
    X, y = make_classification(
        n_rows, n_features, n_informative=5, weights=[0.7], random_state=1711
    )
    team = StatisticalTeam().fit(X, y)
    batches = draw_batches(team, n_rows)
    control = QualityControl(
        sanity="passthrough", diversity="passthrough", random_state=0
    )
    calls = {
        FOREST: RandomForestClassifier(random_state=0).fit,
        "fit of the generator": StatisticalTeam().fit,
        "draw as many rows": lambda X, y: draw_batches(team, n_rows),
        "cost filter on these": lambda X, y: control.fit(X, y).trim(batches),
        "fit_resample": TeamThenTrimSampler(random_state=0).fit_resample,
        "SMOTE": SMOTE(random_state=0).fit_resample,
    }
    for name, call in calls.items():
        seconds = watch(lambda call=call: call(X, y))
        yield {"step": name, "rows": n_rows, "seconds": seconds}


def time_small_trim():
    """Yield seconds of fitting on 100 rows and trimming 200 in batches of 20.

    Fitted anew each time: a version that keeps models would not fit them again.
    """
    X, y = load_table("adult")
    rows = X.sample(300, random_state=0).index
    X, y = X.loc[rows].reset_index(drop=True), y[rows].reset_index(drop=True)
    control = QualityControl(random_state=0)
    for share in (0.0, 0.3):
        labels, _ = flip_labels(y[100:], share, random_state=0)
        batches = [
            (X[i : i + 20], labels[i - 100 : i - 80]) for i in range(100, 300, 20)
        ]
        seconds = watch(
            lambda batches=batches: control.fit(X[:100], y[:100]).trim(batches)
        )
        step = f"fit and trim, {share:.0%} of the labels wrong"
        yield {"step": step, "rows": 200, "seconds": seconds}


def time_adult(n_rows, n_real=None):
    """Yield seconds of the fit and the draw of rows of Adult, and of SMOTENC."""
    X, y = (part[:n_real] for part in load_table("adult"))
    for step, call in ((SMOTENC, time_smotenc), ("fit and draw", time_team)):
        seconds, n_drawn = call(X, y, n_rows)
        yield {"step": step, "rows": n_drawn, "seconds": seconds}


def time_bulk(sizes):
    """Yield seconds of filtering candidates in batches of 1,000 for 1,000 rows."""
    X, y = load_table("adult")
    X = X.sample(1000, random_state=0)
    y = y[X.index]
    team = StatisticalTeam().fit(X, y)
    levels = sum(
        min(20, X[name].nunique()) for name in X.select_dtypes(exclude="number")
    )
    n_encoded = X.select_dtypes("number").shape[1] + levels
    for n_rows in sizes:
        batches = draw_batches(team, n_rows, BULK_BATCH_ROWS)
        control = QualityControl(random_state=0).fit(X, y)
        before, start = peak_memory(), perf_counter()
        control.trim(batches)
        seconds = perf_counter() - start
        memory = (peak_memory() - before) / (8 * n_encoded * n_rows)
        row = {"step": "filters", "rows": n_rows, "seconds": seconds}
        yield {**row, "memory": memory}


def list_parts(is_quick):
    """Return the parts by name, as functions without arguments."""
    adult = (2000, 2000) if is_quick else (100_000,)
    sizes = [3000, 10_000] if is_quick else [10_000, 100_000, 1_000_000]
    return {
        "100 x 30": lambda: time_table(100, 30),
        "1000 x 15": lambda: time_table(1000, 15),
        "small trim": time_small_trim,
        "adult": lambda: time_adult(*adult),
        "bulk": lambda: time_bulk(sizes),
    }


def main(argv=None):
    """Time one part and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=list_parts(is_quick=False))
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args(argv)
    rows = list_parts(args.quick)[args.part]()
    pd.DataFrame(rows).to_csv(sys.stdout, index=False)


if __name__ == "__main__":
    main()
