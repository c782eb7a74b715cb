"""H-TDBU in its paper's protocol: 12,000 rows, train on them, test on real ones.

Bank marketing beside a text of a bank's news, of which the table holds the sentiment;
Adult and German credit as they are. 12,000 rows are drawn with the class shares of the
real ones; a logistic regression (liblinear, numbers scaled, levels one-hot) is trained
on them and tested on a quarter of the real rows (stratified, three seeds). Cells are
means over seeds, published ones beside ours.

**The sentiment is a stand-in.** The paper glues sentences of FinancialPhraseBank to the
rows of Bank marketing, by a rule from the label to the allowed sentiments; the glued
table is not public, nor is it said how it is drawn beyond that. Here a column
"sentiment" is drawn per row among those allowed, by the shares of that collection
(59.4 % neutral, 28.1 % positive, 12.5 % negative). "manual" allows neutral and positive
for a client who signs, "strict" (the rule that Gemini wrote) positive alone; both allow
neutral and negative for all others. The paper's text features (length, words, TF-IDF)
have no counterpart, so AUROC of its real rows under the manual rule is not ours. Adult
and German are of other sources: **German has 9 of the 20 columns here**, so the real
rows themselves reach less than the published rows; compare the distance to "real rows".

Differences of protocol: the paper fits its generators on all real rows, test rows among
them; here they never see the test rows. The paper runs one chain of trees in the order
of the file: that is "published form", with scikit-learn's boosting in place of XGBoost
and random numbers of its own per draw. Published CTGAN and TVAE are of one seed, and
the paper's own values for them of three.

"XModal" is the published code's: the mean over cells of the difference of
P(sentiment given label). "TVD" is the paper's formula, the total variation of the joint
distribution; both against all real rows. "broken" is the share of the drawn rows that
break a rule, in percent: the rule from label to sentiment, for Adult and German those
that were inferred (bounds and levels of a column, a column that follows from another).
Seconds are those of one busy core; fitting includes the feedback loop.

Found: no row breaks a rule, and label and sentiment go together as in real rows, where
the published form, as published, loses part of it. A logistic regression learns from
the drawn rows what it learns from real ones, but for .002 to .006 of AUROC (.000 under
the strict rule, by which the sentiment alone tells the label); the published chain of
forests is .03 below on Adult and under the manual rule, and not on German.

Rows of "boosting, published form" were made with leaves of at least 20 rows, before
these became four: German's AUROC is .005 lower now, with fewer broken rules.

One tidy CSV: a row per table, method and seed. Half an hour on one core; ``--quick``
(one seed, two tables, 1000 real rows, 500 drawn) takes half a minute. No tokens.
Finished cells are kept. Reads the tables, and the published values, from the folder
T2SAMPLER_DATA.

    python benchmarks/htdbu_tables.py --out htdbu.csv
"""

import itertools
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from _harness import (
    add_outputs,
    list_cells,
    make_parser,
    print_parts,
    run_cells,
    spell_choices,
    write_summary,
)
from _tables import get_data_home, load_table
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from t2sampler.constraints import Implies, OneOf
from t2sampler.generators import HTDBU, StatisticalTeam
from t2sampler.metrics import cross_modal_distance
from t2sampler.testing import make_requests

KEYS = ["table", "method", "seed"]
SEEDS, N_DRAWN, BATCH_SIZE, TEST_SHARE = (42, 123, 2024), 12_000, 500, 0.25
N_QUICK, N_QUICK_DRAWN = 1000, 500
PEERS_FILE = "published_peers.csv"
SENTIMENT = "sentiment"
SHARES = {"neutral": 0.594, "positive": 0.281, "negative": 0.125}
ALLOWED = {  # sentiments by label
    "manual": {"no": ["neutral", "negative"], "yes": ["neutral", "positive"]},
    "strict": {"no": ["neutral", "negative"], "yes": ["positive"]},
}
MANUAL, STRICT = "bank, manual rule", "bank, strict rule"
RULES = {MANUAL: "manual", STRICT: "strict"}
TABLES = {  # name here: name in the published results
    MANUAL: "weak_multimodal",
    STRICT: "weak_multimodal_gemini",
    "adult": "adult_income",
    "german": "german_credit",
}
QUICK = (MANUAL, "german")
POSITIVE = {MANUAL: "yes", STRICT: "yes", "adult": ">50K", "german": "good"}
REAL, INFERRED = "real rows", "forest, rules inferred"
MAKERS = {
    "forest": lambda rules: HTDBU(rules),
    "boosting": lambda rules: HTDBU(rules, texture="boosting"),
    "StatisticalTeam": lambda rules: HTDBU(rules, texture=StatisticalTeam()),
    INFERRED: lambda rules: HTDBU("infer"),
    "forest, published form": lambda rules: HTDBU(rules, published=True),
    "boosting, published form": lambda rules: HTDBU(
        rules, texture="boosting", published=True
    ),
}
METHODS = (REAL, *MAKERS)
AUROC, XMODAL = "AUROC", "XModal"
METRICS = {"TSTR accuracy": "accuracy", "TSTR F1": "F1", "TSTR AUROC": AUROC}
PUBLISHED = {**METRICS, "TRTR AUROC": AUROC, XMODAL: XMODAL}
COLUMNS = ["accuracy", "F1", AUROC, XMODAL, "TVD", "broken", "fit s", "draw s"]
ALWAYS = ["accuracy", "F1", AUROC]


def load(table, seed):
    """Return all real rows and their labels, with the sentiment where there is one."""
    if table not in RULES:
        X, y = load_table(table)
        return X, y.astype(object)
    # The whole file: the shipped loader leaves out how long the call took.
    frame = pd.read_csv(get_data_home() / "tagal_sets" / "bank.csv.gz")
    y = frame.pop("y").astype(object)
    return frame.assign(**{SENTIMENT: draw_sentiments(y, RULES[table], seed)}), y


def draw_sentiments(y, rule, seed):
    """Return a sentiment per row among those that a rule allows for its label."""
    rng, drawn = np.random.default_rng(seed), np.empty(len(y), dtype=object)
    for label, allowed in ALLOWED[rule].items():
        shares = np.array([SHARES[word] for word in allowed])
        rows = np.flatnonzero(y == label)
        drawn[rows] = rng.choice(allowed, len(rows), p=shares / shares.sum())
    return drawn


def make_rules(table, label):
    """Return the rules of a table; none but inferred ones where there is no text."""
    if table not in RULES:
        return "infer"
    return [
        Implies(OneOf(label, [value]), OneOf(SENTIMENT, allowed))
        for value, allowed in ALLOWED[RULES[table]].items()
    ]


def run_cell(table, method, seed, n_real=None, n_drawn=N_DRAWN):
    """Return the row of one table, method and seed."""
    X, y = load(table, seed)
    if n_real is not None:
        X, _, y, _ = train_test_split(
            X, y, train_size=n_real, stratify=y, random_state=seed
        )
    parts = train_test_split(X, y, test_size=TEST_SHARE, stratify=y, random_state=seed)
    X_real, X_test, y_real, y_test = (part.reset_index(drop=True) for part in parts)
    new, figures = (X_real, y_real), {}
    if method != REAL:
        rules = make_rules(table, y.name)
        new, figures = draw_rows(method, rules, new, seed, n_drawn)
    values = score(*new, X_test, y_test, POSITIVE[table])
    if table in RULES:
        values |= compare_sentiments((X, y), new)
    key = dict(zip(KEYS, (table, method, seed), strict=True))
    empty = dict.fromkeys(COLUMNS, np.nan)
    return [{**key, "n_rows": len(new[0]), **empty, **values, **figures}]


def draw_rows(method, rules, real, seed, n_drawn):
    """Return rows, the share that breaks a rule, and the seconds that they took."""
    generator = MAKERS[method](rules)
    start = time.perf_counter()
    generator.fit(*real)
    fitted = time.perf_counter()
    requests = make_requests(n_drawn // BATCH_SIZE, BATCH_SIZE, seed=seed)
    batches = list(generator.draw(requests))
    drawn = time.perf_counter()
    X = pd.concat([batch.X for batch in batches], ignore_index=True)
    y = pd.concat([batch.y for batch in batches], ignore_index=True)
    rows = X.assign(**{y.name: y})
    holds = np.all([rule.holds(rows) for rule in generator.rules_], axis=0)
    figures = {"fit s": fitted - start, "draw s": drawn - fitted}
    return (X, y), {"broken": 100 * float((~holds).mean()), **figures}


def score(X, y, X_test, y_test, positive):
    """Return accuracy, F1 and AUROC of a model on real rows."""
    numbers = make_column_selector(dtype_include="number")
    levels = make_column_selector(dtype_exclude="number")
    encoder = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), levels)
    )
    model = LogisticRegression(solver="liblinear", max_iter=1000)
    model = make_pipeline(encoder, model).fit(X, y == positive)
    guessed, is_positive = model.predict(X_test), y_test == positive
    return {
        "accuracy": accuracy_score(is_positive, guessed),
        "F1": f1_score(is_positive, guessed),
        AUROC: roc_auc_score(is_positive, model.predict_proba(X_test)[:, 1]),
    }


def compare_sentiments(real, new):
    """Return both distances of the joint distribution of label and sentiment."""
    joined = [X.assign(**{y.name: y}) for X, y in (real, new)]
    pair = [real[1].name, SENTIMENT]
    shares = [
        pd.crosstab(rows[pair[0]], rows[SENTIMENT], normalize="index").reindex(
            index=real[1].unique(), columns=list(SHARES), fill_value=0
        )
        for rows in joined
    ]
    return {
        XMODAL: float((shares[0] - shares[1]).abs().to_numpy().mean()),
        "TVD": cross_modal_distance(joined[0][pair], joined[1][pair], pair),
    }


@cache
def read_published():
    """Return the published values, a row per data set and method."""
    peers = pd.read_csv(get_data_home() / PEERS_FILE)
    rows = peers[(peers["system"] == "H-TDBU") & peers["metric"].isin(PUBLISHED)]
    rows = rows.assign(metric=rows["metric"].map(PUBLISHED))
    keys = ["dataset", "method"]
    return rows.groupby([*keys, "metric"], sort=False)["value"].first().unstack()


def summarise(rows):
    """Return a table per data set: published methods first, then ours."""
    parts = {}
    for table, part in rows.groupby("table", sort=False):
        means = part.groupby("method", sort=False)[COLUMNS].mean()
        published = read_published().loc[TABLES[table]]
        both = pd.concat([published.rename(index="published: {}".format), means])
        shown = [name for name in COLUMNS if name in ALWAYS or both[name].notna().any()]
        text = both[shown].map(lambda value: "-" if pd.isna(value) else f"{value:.4f}")
        times = [name for name in shown if name.endswith(" s")]
        text[times] = both[times].map(
            lambda value: "-" if pd.isna(value) else f"{value:.1f}"
        )
        n_seeds = part["seed"].nunique()
        n_rows = part.loc[part["method"] != REAL, "n_rows"].max()
        parts[f"{table}, mean over {n_seeds} seeds, {n_rows:,} rows drawn"] = text
    return parts


def main(argv=None):
    """Run what is missing, write the CSV and print the summary."""
    parser = add_outputs(make_parser(__doc__, "htdbu_tables.csv"), figure=False)
    parser.set_defaults(seeds=len(SEEDS), n_jobs=1)
    choices = {"default": list(TABLES), "choices": TABLES}
    parser.add_argument("--tables", nargs="+", **choices)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    args = parser.parse_args(argv)
    home = get_data_home()
    if home is None or not (home / PEERS_FILE).exists():
        sys.exit(
            f"No folder with real tables and {PEERS_FILE}; set T2SAMPLER_DATA. Nothing "
            "was run."
        )
    seeds, tables, run = SEEDS[: args.seeds], args.tables, run_cell
    if args.quick:
        seeds, tables, run = SEEDS[:1], QUICK, run_quick
    cells = itertools.product(seeds, tables, args.methods)
    cells = [
        (table, method, seed)
        for seed, table, method in cells
        if table in RULES or method != INFERRED  # rules are inferred anyway
    ]
    rows = run_cells(run, cells, KEYS, args)
    parts = summarise(rows)
    print_parts(parts)
    choices = spell_choices(args, {"tables": TABLES, "methods": METHODS})
    write_summary(list_cells(parts), Path(__file__).name, args, choices)
    return parts


def run_quick(table, method, seed):
    """Return the row of a cell of few rows."""
    n_real = min(N_QUICK, len(load(table, seed)[0]) - 2)
    return run_cell(table, method, seed, n_real, N_QUICK_DRAWN)


if __name__ == "__main__":
    main()
