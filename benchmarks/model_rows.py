"""What are rows that a language model wrote worth?

Five tables of 10 or 20 real rows get 100 rows more, in equal shares over the classes,
and models trained on both are scored by AUC on real test rows; for three classes, the
mean of the one-versus-rest AUCs. "diabetes" and "repairs" are simulations, against
medicine and unknown to any model; "travel", "thyroid" and "german" are public, so that
a model may know them by heart.

- real rows: nothing is added;
- random over-sampling, SMOTE (SMOTENC where there are categories), offline team: no
  model is asked. A class of one row is too few for SMOTE, whose cell is then empty;
- plain prompt: the baseline to beat, one prompt with all real rows and "write so many
  of each class", in the manner of CLLM; unreadable rows are asked for twice more;
- team: `LLMTeam` with its defaults, nothing trimmed; other rows named like it have
  other settings;
- examples=5, summary: fewer real rows shown, or none but their quantiles and shares;
  rows win, nothing said, associations, near real rows: other prompts, of
  `_prompt_variants.py`;
- three workers: each writes a third of the columns beside what those before it wrote,
  as in the paper; label check:
  the model says how likely each label is, and rows whose label is not the likeliest are
  dropped; labels last: five batches without wanted labels, which the model decides;
- team, trimmed: the very batches of "team" through the default filters; nothing more
  is asked, and what was dropped is not replaced;
- team and offline team: both, 200 rows.

On the page of results a strong language model answered each question from its text
alone; the two draws of each table are not those that prompts were chosen on.

Learners are logistic regression, SVM (decision function), MLP and random forest;
histogram gradient boosting is told apart and not in the mean. Each is fitted with
three seeds, which are averaged. Standard errors are over tables and seeds.

One tidy CSV: a row per case, seed, way, model and learner. Replies are kept in
``--stores``, a file per case, seed and way, so that a run that was stopped goes on
where it was, and scoring again (with another ``--out``) costs nothing; the store knows
an answer by the address of the endpoint, too. The new rows of each run are in
``--rows``. Use other folders for another model. Costs are those of the answers, kept
ones included. Without an endpoint only the ways that need none are run.

    OPENAI_BASE_URL=http://localhost:8000/v1 OPENAI_API_KEY=none \
        python benchmarks/model_rows.py --model NAME --seeds 2
"""

import itertools
import os
import re
import sqlite3
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from _baselines import PAPER_MODEL, Order, make_sampler, untrimmed
from _downstream import MODELS, make_encoder
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
from _model_cases import CASES, tell_missing
from _plain_prompt import Replies, write_rows
from _prompt_variants import LAST, TEAM, VARIANTS
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score

from t2sampler import TeamThenTrimSampler
from t2sampler.exceptions import ChatError, GeneratorError, QuotaNotMetWarning
from t2sampler.generators import LLMTeam
from t2sampler.llm import ChatModel

N_NEW, BATCH_ROWS, N_FITS = 100, 20, 3
MOST_BATCHES = 3 * N_NEW // BATCH_ROWS  # a plain prompt asks three times at most, too
REAL, PLAIN = "real rows", "plain prompt"
TRIMMED, BOTH, OFFLINE = "team, trimmed", "team and offline team", "offline team"
SAMPLERS = {  # ways that ask no model, by the baseline's name
    "random over-sampling": "random over-sampling",
    "SMOTE": "SMOTE",
    OFFLINE: "team, untrimmed",
}
WAYS = [REAL, *SAMPLERS, PLAIN, *VARIANTS, TRIMMED, BOTH]
NEED_NO_MODEL = [REAL, *SAMPLERS]
BOOSTING = "boosting"
LEARNERS = {
    **MODELS,
    BOOSTING: lambda seed: HistGradientBoostingClassifier(
        min_samples_leaf=3, random_state=seed
    ),
}
KEYS = ["case", "seed", "way", "model"]
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


def count_rows(y):
    """Return how many new rows each class of ``y`` gets."""
    labels = y.value_counts().index.tolist()
    sizes = [len(part) for part in np.array_split(range(N_NEW), len(labels))]
    return dict(zip(labels, sizes, strict=True))


def make_order(y, seed):
    """Return the order for `count_rows` new rows."""
    strategy = {
        label: int((y == label).sum()) + n for label, n in count_rows(y).items()
    }
    return Order(strategy, n_batches=0, batch_size=BATCH_ROWS, seed=seed)


def draw_rows(case, seed, way, chat, folders):
    """Return the rows that a way adds to the real rows of a case and seed.

    Parameters
    ----------
    case : str
    seed : int
    way : str
    chat : ChatModel or None
    folders : Folders

    Returns
    -------
    drawn : Drawn
    """
    if way in NEED_NO_MODEL:
        return _draw_offline(case, seed, way)
    if way == PLAIN:
        return _ask_plainly(case, seed, chat, folders)
    if way != BOTH:
        return _ask_team(case, seed, way, chat, folders)
    team = _ask_team(case, seed, TEAM, chat, folders)
    offline = _draw_offline(case, seed, OFFLINE)
    return team._replace(
        X=pd.concat([team.X, offline.X], ignore_index=True),
        y=_join(team.y, offline.y, ignore_index=True),
    )


def _draw_offline(case, seed, way):
    (X, y), _ = CASES[case].split(seed)
    if way == REAL:
        return Drawn(X[:0], y[:0], {})
    return _resample(make_sampler(SAMPLERS[way], X, make_order(y, seed)), X, y)


def _ask_plainly(case, seed, chat, folders):
    (X, y), _ = CASES[case].split(seed)
    replies = Replies(chat, folders.store(case, seed, PLAIN, "jsonl"))
    try:
        written = write_rows(
            replies,
            X,
            y,
            count_rows(y),
            context=CASES[case].context,
            meanings=CASES[case].meanings,
        )
    finally:
        replies.close()
    costs = {**written.usage, "unreadable": written.n_refused}
    return Drawn(written.X, written.y, costs, written.n_asked)


def _ask_team(case, seed, way, chat, folders):
    """Return the rows of a team, or those of the same batches that filters keep."""
    (X, y), _ = CASES[case].split(seed)
    order, place = make_order(y, seed), TEAM if way == TRIMMED else way
    settings = {"chat": chat, **VARIANTS[place](chat, X, y)}
    team = LLMTeam(
        **settings,
        context=CASES[case].context,
        feature_descriptions=CASES[case].meanings,
        store=folders.store(case, seed, place),
    )
    sampler = untrimmed(team, order, max_batches=MOST_BATCHES)
    if way == LAST:
        sampler.set_params(
            sampling_strategy="auto",
            max_batches=None,
            n_batches=N_NEW // BATCH_ROWS,
            batch_size=BATCH_ROWS,
        )
    drawn = _resample(sampler, X, y)
    if not hasattr(sampler, "report_"):
        return drawn  # the team gave up
    if way == TRIMMED:
        trimming = TeamThenTrimSampler(
            team,
            sampling_strategy=order.strategy,
            max_batches=max(1, len(sampler.report_.batches)),
            on_shortfall="warn",
            random_state=seed,
        )
        kept = _resample(trimming, X, y)
        drawn = kept._replace(n_asked=drawn.n_asked + kept.n_asked)
    kept_costs = read_costs(folders.store(case, seed, place), sampler.generator_.usage_)
    unreadable = int(sampler.report_.batches["refused"].sum())
    return drawn._replace(costs={**kept_costs, "unreadable": unreadable})


def _resample(sampler, X, y):
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


def run_cell(case, seed, way, model, *, chat, folders):
    """Return the rows of one case, seed and way."""
    key = dict(zip(KEYS, (case, seed, way, model), strict=True))
    (X, y), test = CASES[case].split(seed)
    drawn = draw_rows(case, seed, way, chat, folders)
    n_new = len(drawn.X)
    if way != REAL:
        folders.write(case, seed, way, drawn.X, drawn.y)
        if drawn.n_asked:
            print(f"{case} {seed} {way}: asked {drawn.n_asked} times", file=sys.stderr)
    train = (X, y) if n_new == 0 else (pd.concat([X, drawn.X]), _join(y, drawn.y))
    is_empty = way != REAL and not n_new
    scores = dict.fromkeys(LEARNERS, np.nan) if is_empty else score(train, test)
    whole = pd.concat([drawn.X, drawn.y], axis=1)
    facts = {
        "n_new": n_new,
        "distinct": len(whole.drop_duplicates()) / n_new if n_new else np.nan,
        "copies": count_copies(X, y, drawn.X, drawn.y),
        **dict.fromkeys([*COSTS, "unreadable"], 0),
        **drawn.costs,
    }
    return [
        {**key, "learner": name, "auc": auc, **facts} for name, auc in scores.items()
    ]


def _join(y, y_new, **options):
    return pd.concat([y.astype(object), y_new.astype(object)], **options)


def summarise(rows):
    """Return tables by title: AUC, gains, the team against the plain prompt, costs."""
    ways = [way for way in WAYS if way in set(rows["way"])]
    boosted = rows[rows["learner"] == BOOSTING]
    mean_of_four = rows[rows["learner"] != BOOSTING]
    cells, trees = (
        part.pivot_table("auc", ["case", "seed"], "way", sort=False).reindex(
            columns=ways
        )
        for part in (mean_of_four, boosted)
    )
    table = cells.round(1).astype(object)
    table.index = [f"{case}, {seed}" for case, seed in cells.index]
    table.loc["mean"] = cells.mean(skipna=False).round(1)
    parts = {
        "AUC x 100, mean of four learners, by case and seed": table.where(
            table.notna(), ""
        )
    }
    if REAL in ways:
        parts["Against real rows, points, ± s.e. over cells"] = pd.DataFrame(
            {
                "mean of four": _average(cells.sub(cells[REAL], axis=0)),
                "worst cell": cells.sub(cells[REAL], axis=0).min().round(1),
                "cells": cells.count(),
                BOOSTING: _average(trees.sub(trees[REAL], axis=0)),
            }
        ).drop(index=REAL)
    teams = [way for way in ways if way in {*VARIANTS, TRIMMED, BOTH}]
    if PLAIN in ways and teams:
        gaps = cells[teams].sub(cells[PLAIN], axis=0)
        parts["Against the plain prompt, points, paired, ± s.e."] = pd.DataFrame(
            {"mean of four": _average(gaps), "worst cell": gaps.min().round(1)}
        )
    parts["Per 100 new rows, and the rows"] = find_costs(boosted)
    return parts


def _average(cells):
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


def parse(argv):
    """Return the options."""
    parser = add_outputs(make_parser(__doc__, "model_rows.csv"), figure=False)
    parser.set_defaults(seeds=2)
    model = os.environ.get("OPENAI_MODEL", PAPER_MODEL)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--stores", type=Path, default=Path("model_rows/stores"))
    parser.add_argument("--rows", type=Path, default=Path("model_rows/rows"))
    parser.add_argument("--model", default=model)
    parser.add_argument("--base-url", default=os.environ.get("OPENAI_BASE_URL"))
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds a call")
    parser.add_argument(
        "--max-tokens", type=int, default=8192, help="of a team's reply"
    )
    parser.add_argument("--concurrency", type=int, default=16, help="calls of a cell")
    return parser.parse_args(argv)


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


def main(argv=None):
    """Run what is missing, print the summary, and write what is asked for."""
    args = parse(argv)
    if args.quick:
        args.cases, args.seeds = ["diabetes", "repairs"], 1
    if missing := tell_missing(args.cases):
        sys.exit(missing)
    chat, ways = make_chat(args), args.ways
    if chat is None:
        ways = [way for way in ways if way in NEED_NO_MODEL]
        print(
            "No endpoint: neither --base-url nor OPENAI_API_KEY. Ways without a model:"
        )
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    # Seed by seed, so that whatever is finished is balanced.
    cells = [
        (case, seed, way, NO_MODEL if way in NEED_NO_MODEL else args.model)
        for seed, case, way in itertools.product(seeds, args.cases, ways)
    ]
    run = partial(run_cell, chat=chat, folders=Folders(args.stores, args.rows))
    rows = run_cells(run, cells, KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    choices = [*spell_choices(args, {"cases": CASES, "ways": WAYS})]
    if chat is not None:
        choices.append(f"--model {args.model}")
    write_summary(list_cells(parts), Path(__file__).name, args, choices)
    return parts


if __name__ == "__main__":
    main()
