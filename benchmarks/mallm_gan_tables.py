"""MALLM-GAN in its paper's protocol: models trained on written rows alone.

Weighted F1, in percent, on 200 real test rows of models that are trained on as many
written rows as there are real ones, class by class; the best learner of each seed
counts, and the mean over five seeds is shown, with its standard error. The splits are
those of the published code: train and test rows per table and size (Asia of 25 and 50
rows only).

A seed is another draw of rows from one split by one optimised process, as in the paper,
so the errors hold the chance of drawing and of the learner, not that of the split. The
best of four learners on test rows is a little too good for all ways alike. Test rows
are the same 200 for 100 to 800 real rows, others for 25 and 50.

Differences: boosting is scikit-learn's with the published settings (100 trees, depth 3,
rate 0.1) in place of XGBoost; numbers are scaled, levels one-hot, and missing values
filled, of which the paper says nothing; lists of levels in prompts come from training
rows, not from test rows too. SMOTE's rows are its new ones alone. The tables whose
label is a number (insurance, ATACH2, ERICH) are left out: what is written here goes
with a class. Published values of MALLM-GAN are those of the paper's first version for
Adult, and what others got who ran its code; those of the last version are lost.

Real rows lie within four points of the published ones but for Adult with 800 rows (71
published). On Adult with 100 rows and more, SMOTE and the offline team are 2.5 to 13
points above MALLM-GAN's published values; there are none on the other two tables.

MALLM-GAN asks a language model: without an endpoint only the ways that need none are
run, and its rows here are the published ones.

One tidy CSV: a row per table, size, way, model, seed and learner. Replies are kept in
``--stores``, a file per table, size and way. Five minutes without a model; ``--quick``
(one seed, two tables of 25 and 50 rows) takes seconds. Reads splits and published
values from the folder T2SAMPLER_DATA.

    OPENAI_BASE_URL=http://localhost:8000/v1 OPENAI_API_KEY=none \
        python benchmarks/mallm_gan_tables.py --model NAME
"""

import itertools
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _baselines import Order, make_sampler, untrimmed
from _downstream import make_encoder
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
from _model_runs import NO_MODEL, Drawn, Folders, add_endpoint, make_chat, resample
from _tables import get_data_home
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.svm import SVC

from t2sampler.generators import MALLMGAN

LEARNERS = {
    "logistic": lambda seed: LogisticRegression(max_iter=3000),
    "forest": lambda seed: RandomForestClassifier(max_depth=3, random_state=seed),
    "svm": lambda seed: SVC(random_state=seed),
    "boosting": lambda seed: GradientBoostingClassifier(
        n_estimators=100, max_depth=3, learning_rate=0.1, random_state=seed
    ),
}
CONTEXTS = {  # what the models are told
    "adult": "People in the US census of 1994; do they earn more than 50,000 a year?",
    "asia": "Patients of a lung clinic, all yes or no; do they have dyspnoea?",
    "magic": "Showers in a Cherenkov telescope: gamma rays (g) or hadrons (h)?",
}
SIZES = (25, 50, 100, 200, 400, 800)
QUICK_TABLES, QUICK_SIZES = ("adult", "asia"), (25, 50)
REAL = "real rows"
SAMPLERS = {"SMOTE": "SMOTE", "offline team": "team, untrimmed"}
SYSTEMS = {"MALLM-GAN": {}, "MALLM-GAN, published form": {"published": True}}
WAYS = (REAL, *SAMPLERS, *SYSTEMS)
BATCH_SIZE = 20
KEYS = ["table", "n", "way", "model", "seed"]
PEERS_FILE = "published_peers.csv"


def load(table, n, part):
    """Return the rows of a split, and their labels as text; (None, None) if absent."""
    path = get_data_home() / "mallm_gan_splits" / f"{table}{n}_{part}.csv.gz"
    if not path.exists():
        return None, None
    frame = pd.read_csv(path)
    label = frame.columns[-1]
    return frame.drop(columns=label), frame[label].astype(str)


def draw_rows(cell, chat, folders):
    """Return rows in place of the real ones of a split, and notes on how they came.

    Parameters
    ----------
    cell : dict
        Values of `KEYS`.
    chat : ChatModel or None
    folders : Folders
    """
    table, n, way, seed = (cell[key] for key in ("table", "n", "way", "seed"))
    X, y = load(table, n, "train")
    if way == REAL:
        return Drawn(X, y, {}), ""
    strategy = (2 * y.value_counts()).to_dict()  # as many new ones of each class
    order = Order(strategy, 0, BATCH_SIZE, seed)
    if way in SAMPLERS:
        return resample(make_sampler(SAMPLERS[way], X, order), X, y), ""
    system = MALLMGAN(
        chat,
        context=CONTEXTS[table],
        store=folders.store(f"{table}{n}", "all", way),
        **SYSTEMS[way],
    )
    sampler = untrimmed(system, order, batch_size=BATCH_SIZE)
    drawn = resample(sampler, X, y)
    folders.write(f"{table}{n}", seed, way, drawn.X, drawn.y)
    accuracies = sampler.generator_.discriminator_accuracy_
    return drawn, " ".join(f"{share:.2f}" for share in accuracies)


def run_cell(*values, chat, folders):
    """Return a row per learner of one cell."""
    cell = dict(zip(KEYS, values, strict=True))
    drawn, accuracies = draw_rows(cell, chat, folders)
    test = load(cell["table"], cell["n"], "test")
    facts = {**cell, "n_rows": len(drawn.X), "discriminator": accuracies}
    return [
        {**facts, "learner": name, "F1": value}
        for name, value in score((drawn.X, drawn.y), test, cell["seed"]).items()
    ]


def score(train, test, seed):
    """Return the weighted F1, in percent, per learner; NaN without rows of a class."""
    (X, y), (X_test, y_test) = train, test
    if y.nunique() < y_test.nunique():
        return dict.fromkeys(LEARNERS, np.nan)
    encoder = make_encoder().fit(X)
    A, B = encoder.transform(X), encoder.transform(X_test)
    values = {}
    for name, make in LEARNERS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            guessed = make(seed).fit(A, y).predict(B)
        values[name] = 100 * f1_score(y_test, guessed, average="weighted")
    return values


def read_published():
    """Return published values in percent, by data set and method; a column per n."""
    peers = pd.read_csv(get_data_home() / PEERS_FILE)
    rows = peers[(peers["system"] == "MALLM-GAN") & (peers["metric"] == "F1w")]
    rows = rows.assign(n=rows["n"].astype(int), dataset=rows["dataset"].str.lower())
    wide = rows.pivot_table(index=["dataset", "method"], columns="n", values="value")
    return (100 * wide).round(0)


def summarise(rows):
    """Return a table per data set: published methods first, then ours."""
    parts, published = {}, read_published()
    cells = rows.groupby(KEYS, sort=False)["F1"].max()
    for table, part in cells.groupby("table", sort=False):
        text = with_errors(part, ["way", "n"]).replace("nan", "").unstack("n")
        text = text.reindex(part.index.unique("way"))
        beside = published.loc[table].reindex(columns=text.columns).dropna(how="all")
        beside = beside.map(lambda value: "" if np.isnan(value) else f"{value:.0f}")
        beside = beside.rename(index="published: {}".format)
        n_seeds = part.index.unique("seed").size
        title = f"{table}, weighted F1, %, ± s.e. over {n_seeds} seeds, by real rows"
        parts[title] = pd.concat([beside, text])
    told = rows[rows["discriminator"].notna()]
    if len(told):
        wide = told.groupby(["table", "n", "way"], sort=False)["discriminator"].first()
        parts["Accuracy of the discriminator, per epoch"] = wide.to_frame("epochs")
    return parts


def main(argv=None):
    """Run what is missing, print the summary, and write what is asked for."""
    parser = add_outputs(make_parser(__doc__, "mallm_gan_tables.csv"), figure=False)
    parser.set_defaults(seeds=5)
    add_endpoint(parser, "mallm_gan_tables")
    every = {"tables": tuple(CONTEXTS), "sizes": SIZES, "ways": WAYS}
    for name, values in every.items():
        kind = type(values[0])
        options = {"type": kind, "default": list(values), "choices": values}
        parser.add_argument(f"--{name}", nargs="+", **options)
    args = parser.parse_args(argv)
    home = get_data_home()
    if home is None or not (home / "mallm_gan_splits").exists():
        sys.exit(
            "No folder with mallm_gan_splits; set T2SAMPLER_DATA. Nothing was run."
        )
    if args.quick:
        args.tables, args.sizes, args.seeds = QUICK_TABLES, QUICK_SIZES, 1
    chat = make_chat(args)
    if chat is None:
        print(
            "No endpoint: neither --base-url nor OPENAI_API_KEY; MALLM-GAN is skipped."
        )
    rows = run_cells(
        partial(run_cell, chat=chat, folders=Folders(args.stores, args.rows)),
        list_what_runs(args, has_model=chat is not None),
        KEYS,
        args,
    )
    parts = summarise(rows)
    print_parts(parts)
    choices = [] if args.quick else [*spell_choices(args, every)]
    if chat is not None:
        choices.append(f"--model {args.model}")
    write_summary(list_cells(parts), Path(__file__).name, args, choices)
    return parts


def list_what_runs(args, *, has_model):
    """Return the cells, seed by seed, so that whatever is finished is balanced."""
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    return [
        (table, n, way, args.model if way in SYSTEMS else NO_MODEL, seed)
        for seed, table, n, way in itertools.product(
            seeds, args.tables, args.sizes, args.ways
        )
        if load(table, n, "train")[0] is not None and (has_model or way not in SYSTEMS)
    ]


if __name__ == "__main__":
    main()
