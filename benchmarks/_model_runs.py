"""Runs that ask a language model for rows: kept replies, costs, and scores of rows."""

import os
import re
import sqlite3
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from _baselines import PAPER_MODEL, Order
from _downstream import MODELS, make_encoder
from _harness import with_errors
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score

from t2sampler.exceptions import ChatError, GeneratorError, QuotaNotMetWarning
from t2sampler.llm import ChatModel

N_NEW, BATCH_ROWS, N_FITS = 100, 20, 3
MOST_BATCHES = 3 * N_NEW // BATCH_ROWS  # a plain prompt asks three times at most, too
BOOSTING = "boosting"
LEARNERS = {
    **MODELS,
    BOOSTING: lambda seed: HistGradientBoostingClassifier(
        min_samples_leaf=3, random_state=seed
    ),
}
TOKENS = ["input_tokens", "output_tokens", "cached_tokens"]
COSTS = ["calls", *TOKENS]
NO_MODEL = "none"
COPY_DIGITS = 3  # significant ones in which a copied number agrees


class Folders(NamedTuple):
    """Where a run keeps replies and rows."""

    stores: Path
    rows: Path

    def store(self, case, seed, way, suffix="sqlite"):
        """Return the file of one run's replies."""
        self.stores.mkdir(parents=True, exist_ok=True)
        return self.stores / f"{_name_run(case, seed, way)}.{suffix}"

    def write(self, case, seed, way, X, y):
        """Write one run's new rows."""
        self.rows.mkdir(parents=True, exist_ok=True)
        path = self.rows / f"{_name_run(case, seed, way)}.csv"
        pd.concat([X, y], axis=1).to_csv(path, index=False)


def _name_run(case, seed, way):
    return f"{case}-{seed}-{re.sub('[^a-zA-Z0-9=]+', '_', way)}"


class Drawn(NamedTuple):
    """New rows, what they cost, and how many calls were made now."""

    X: pd.DataFrame
    y: pd.Series
    costs: dict
    n_asked: int = 0


def count_rows(y, n_new=N_NEW):
    """Return how many new rows each class of ``y`` gets."""
    labels = y.value_counts().index.tolist()
    sizes = [len(part) for part in np.array_split(range(n_new), len(labels))]
    return dict(zip(labels, sizes, strict=True))


def make_order(y, seed, n_new=N_NEW):
    """Return the order for `count_rows` new rows."""
    strategy = {
        label: int((y == label).sum()) + n for label, n in count_rows(y, n_new).items()
    }
    return Order(strategy, n_batches=0, batch_size=BATCH_ROWS, seed=seed)


def resample(sampler, X, y):
    """Return the new rows of a sampler; none where it cannot draw."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuotaNotMetWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            X_all, y_all = sampler.fit_resample(X, y)
        except ChatError:
            raise  # an endpoint that fails says nothing about the way
        except GeneratorError:
            return Drawn(X[:0], y[:0], {})
    is_new = sampler.synthetic_mask_
    parts = (part[is_new].reset_index(drop=True) for part in (X_all, y_all))
    usage = getattr(sampler.generator_, "usage_", None)
    return Drawn(*parts, {}, 0 if usage is None else int(usage["calls"].sum()))


def read_costs(path, usage):
    """Return calls and tokens of a run, also where its answers had been kept.

    The books count tokens of what was asked now. For the rest, the mean of all that
    the store holds is taken: exact, unless it holds answers to older prompts as well.

    Parameters
    ----------
    path : Path
        The store.
    usage : DataFrame
        The books.
    """
    n_calls = int(usage[["calls", "stored"]].to_numpy().sum())
    if not usage["stored"].sum():
        return {name: int(usage[name].sum()) for name in COSTS}
    sums = ", ".join(f"SUM({name})" for name in TOKENS)
    connection = sqlite3.connect(path)
    n_kept, *tokens = connection.execute(
        f"SELECT COUNT(*), {sums} FROM replies"
    ).fetchone()
    connection.close()
    means = dict(zip(TOKENS, tokens, strict=True))
    return {"calls": n_calls} | {
        k: round(v * n_calls / n_kept) for k, v in means.items()
    }


def score(train, test):
    """Return the AUC, in percent, per learner: the mean over classes and seeds.

    Parameters
    ----------
    train, test : pairs of DataFrame and Series
    """
    (X, y), (X_test, y_test) = train, test
    encoder = make_encoder().fit(X)
    A, B = encoder.transform(X), encoder.transform(X_test)
    labels, truth = (np.asarray(part.astype(str)) for part in (y, y_test))
    return {
        name: 100
        * np.mean([_score(make(i), A, labels, B, truth) for i in range(N_FITS)])
        for name, make in LEARNERS.items()
    }


def _score(model, A, labels, B, truth):
    """Return the mean over classes of the AUC of one class against the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps: default
        model.fit(A, labels)
    if hasattr(model, "predict_proba"):
        scores = model.predict_proba(B)
    else:
        scores = model.decision_function(B)
    if scores.ndim == 1:
        scores = np.column_stack([-scores, scores])
    pairs = zip(model.classes_, scores.T, strict=True)
    return np.mean([roc_auc_score(truth == label, column) for label, column in pairs])


def count_copies(X, y, X_new, y_new):
    """Return how many new rows equal a real one, label included.

    Numbers with decimals may differ beyond three significant digits: models are not
    shown more of them than a few.
    """
    real, new = (
        pd.concat([_shorten(a), b.astype(str)], axis=1)
        for a, b in ((X, y), (X_new, y_new))
    )
    seen = set(real.itertuples(index=False, name=None))
    return sum(row in seen for row in new.itertuples(index=False, name=None))


def _shorten(X):
    is_float = X.dtypes.map(lambda dtype: dtype.kind == "f")
    short = {n: X[n].map(lambda v: f"{v:.{COPY_DIGITS}g}") for n in X.columns[is_float]}
    cells = X.astype(object).assign(**short)
    return cells.map(lambda cell: "missing" if pd.isna(cell) else cell)


def join_labels(y, y_new, **options):
    return pd.concat([y.astype(object), y_new.astype(object)], **options)


def average(cells):
    """Return the mean of each column with its standard error, as text."""
    stacked = cells.stack().rename("value").reset_index("way")
    return with_errors(stacked, "way")["value"].reindex(cells.columns)


def find_costs(rows):
    """Return what each way took per 100 new rows, and what its rows are like."""
    rows = rows[rows["n_new"] > 0]
    groups = rows.groupby("way", sort=False)
    sums = groups[[*COSTS, "unreadable", "copies"]].sum()
    per_100 = sums.mul(100 / groups["n_new"].sum(), axis=0).round(1)
    per_100.insert(0, "distinct, %", (100 * groups["distinct"].mean()).round(1))
    per_100.insert(0, "rows in a cell", groups["n_new"].mean().round(1))
    return per_100


def add_endpoint(parser, folder):
    """Give a parser the options of a model, and of the folders of its replies."""
    model = os.environ.get("OPENAI_MODEL", PAPER_MODEL)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--stores", type=Path, default=Path(folder, "stores"))
    parser.add_argument("--rows", type=Path, default=Path(folder, "rows"))
    parser.add_argument("--model", default=model)
    parser.add_argument("--base-url", default=os.environ.get("OPENAI_BASE_URL"))
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds a call")
    parser.add_argument("--max-tokens", type=int, default=8192, help="of a reply")
    parser.add_argument("--concurrency", type=int, default=16, help="calls of a cell")
    return parser


def make_chat(args):
    """Return the model to ask, or None where there is no endpoint."""
    if not (args.base_url or os.environ.get("OPENAI_API_KEY")):
        return None
    os.environ.setdefault("OPENAI_API_KEY", "none")  # local servers ask for any
    return ChatModel(
        args.model,
        base_url=args.base_url,
        timeout=args.timeout,
        max_tokens=args.max_tokens,
        max_concurrency=args.concurrency,
    )
