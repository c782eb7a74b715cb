"""What the scripts of the paper's tables share: cells, scores and the comparison.

A script describes its table as a `PaperTable` and hands it to `run_table`, which runs
what the CSV lacks, prints the published value, ours and the difference side by side,
and writes a summary and a figure where asked to.

The paper averages over four models of scikit-learn with their defaults and over seeds.
Which score of the SVM it used is unpublished. With ``SVC(probability=True)`` real rows
alone have the published level in Table 1; with its decision function they lie far above
it. Those probabilities are calibrated by 5-fold cross-validation, which turns scores
upside down on few rows, and anything that adds rows repairs it. So every comparison of
AUC is printed twice, the second time with the SVM's decision function.
"""

import itertools
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _baselines import (
    LANGUAGE_MODELS,
    METHODS,
    PAPER_MODEL,
    REAL_ONLY,
    find_obstacles,
    name_language_models,
)
from _downstream import make_encoder
from _figures import plot_gains
from _harness import add_outputs, make_parser, run_cells
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from t2sampler.datasets import flip_labels

PUBLISHED = Path(__file__).with_name("published.csv")
MODELS = {
    "logistic": lambda seed: LogisticRegression(),
    "svm": lambda seed: SVC(probability=True, random_state=seed),
    "mlp": lambda seed: MLPClassifier(random_state=seed),
    "forest": lambda seed: RandomForestClassifier(random_state=seed),
}
CALIBRATED, PLAIN = "svm", "svm, decision function"
BESIDE = {  # our method: the published row it stands beside
    REAL_ONLY: "D_ori",
    "SMOTE": "SMOTE",
    "CTGAN": "CTGAN",
    "TVAE": "TVAE",
    "team, paper_protocol": "T2",
    "CLLM (published only)": "CLLM",
    "EPIC (published only)": "EPIC",
}
PREDICTED = ("Accuracy", "F1", "Recall")  # need no score
CONFIDENCE = 0.95
N_QUICK = 2  # seeds
MIN_ROWS, MAX_FLIPS = 2, 100  # of a class; attempts at leaving it as many


@dataclass(frozen=True)
class PaperTable:
    """One table of the paper.

    Attributes
    ----------
    script : str
        The file that runs it.
    doc : str
        The docstring of the script.
    number : int
        Of the table in the paper.
    keys : tuple of str
        What a setting holds.
    settings, quick_settings : tuple of tuple
    measure : callable
        Takes a method's name, a seed and a setting; yields dicts of ``model``,
        ``block``, ``column``, ``value`` and ``n_rows``.
    find_published : callable
        From a published method, a block and a column to row and column of
        ``published.csv``.
    methods : tuple of str
        `LANGUAGE_MODELS` stands for the rows of the model asked for.
    beside : dict of str to str
        Our methods, and the published ones they stand beside.
    axis : str
        Of the figure.
    """

    script: str
    doc: str
    number: int
    keys: tuple
    settings: tuple
    quick_settings: tuple
    measure: Callable
    find_published: Callable
    methods: tuple = (*METHODS, LANGUAGE_MODELS)
    beside: dict = field(default_factory=lambda: BESIDE)
    axis: str = "AUC against real only, points"

    @property
    def title(self):
        """First line of the docstring."""
        return self.doc.splitlines()[0]


def run_table(table, argv=None):
    """Run what is missing, print the comparison; return it by scoring of the SVM."""
    args = _parse(table, argv)
    methods = _find_methods(args)
    table = _name_model(table, args.model)
    seeds = range(count_seeds(args))
    settings = table.quick_settings if args.quick else table.settings
    keys = [*table.keys, "method", "seed"]
    cells = [  # seed by seed, so that whatever is finished is balanced
        (*setting, method, seed)
        for seed, setting, method in itertools.product(seeds, settings, methods)
    ]
    rows = run_cells(partial(_run_cell, table.measure, keys), cells, keys, args)
    parts = split(rows)
    summaries = {title: compare(part, table, methods) for title, part in parts.items()}
    print(f"{table.title} {len(seeds)} seeds; gains over real only are paired.")
    for title, summary in summaries.items():
        ran = summary[summary["seeds"] > 0]
        print(f"\n{title}\n{ran.to_string(na_rep='-', index=False)}")
    _print_others(next(iter(summaries.values())))
    _write(table, args, summaries)
    return summaries


def _find_methods(args):
    """Return the methods that can run here; say why the others cannot."""
    obstacles = find_obstacles()
    print("\n".join(obstacles[name] for name in args.methods if name in obstacles))
    methods = [name for name in args.methods if name not in obstacles]
    return _spread(methods, args.model)


def _spread(methods, model):
    """Return the methods, language models by the names of their rows."""
    names = (
        name_language_models(model) if name == LANGUAGE_MODELS else [name]
        for name in methods
    )
    return [*itertools.chain.from_iterable(names)]


def _name_model(table, model):
    """Return the table with the rows of one language model, T2 beside the last."""
    if LANGUAGE_MODELS not in table.methods:
        return table
    beside = table.beside and {**table.beside, name_language_models(model)[-1]: "T2"}
    return replace(table, methods=tuple(_spread(table.methods, model)), beside=beside)


def _print_others(summary):
    """Print the published values of methods that did not run here."""
    others = summary[summary["seeds"] == 0]
    if len(others):
        columns = ["block", "column"]
        values = others.pivot(index="method", columns=columns, values="published")
        print(f"\nPublished, and not run here\n{values.to_string(na_rep='-')}")


def _parse(table, argv):
    script = table.script.removesuffix(".py")
    parser = add_outputs(make_parser(table.doc, f"{script}.csv"))
    parser.add_argument("--methods", nargs="+", default=table.methods, metavar="NAME")
    model = os.environ.get("OPENAI_MODEL", PAPER_MODEL)
    parser.add_argument("--model", default=model, help="for language models")
    return parser.parse_args(argv)


def count_seeds(args):
    """Return how many seeds are run."""
    return min(args.seeds, N_QUICK) if args.quick else args.seeds


def _run_cell(measure, keys, *cell):
    """Return the rows of one setting, method and seed."""
    *setting, method, seed = cell
    key = dict(zip(keys, cell, strict=True))
    return [{**key, **row} for row in measure(method, seed, *setting)]


def split(rows):
    """Return the rows that count, by how the SVM is scored; predictions are one."""
    if PLAIN not in set(rows["model"]):
        return {"": rows}
    is_predicted = rows["column"].isin(PREDICTED)
    return {
        "SVM scored by calibrated probabilities": rows[rows["model"] != PLAIN],
        "SVM scored by its decision function": rows[
            (rows["model"] != CALIBRATED) & ~is_predicted
        ],
    }


def compare(rows, table, methods):
    """Return published values, ours with standard error, difference, and the gain.

    Parameters
    ----------
    rows : DataFrame
        One scoring of the SVM.
    table : PaperTable
    methods : list of str
        Those that ran.
    """
    places = ["block", "column"]
    values = rows.groupby([*places, "method", "seed"], sort=False)["value"].mean()
    per_seed = values.unstack("seed")
    real = per_seed.xs(REAL_ONLY, level="method") if REAL_ONLY in methods else None
    blocks = rows[places].drop_duplicates().itertuples(index=False, name=None)
    n_rows = rows.groupby(["block", "method"])["n_rows"].mean()
    published = read_published(table.number)
    names = dict.fromkeys([*table.methods, *table.beside])  # each once
    lines = []
    for block, column in blocks:
        for method in names:
            ours = per_seed.reindex([(block, column, method)]).iloc[0]
            gain = ours - _find_reference(real, block, column)
            cell = table.find_published(table.beside.get(method), block, column)
            lines.append(
                {
                    "block": block,
                    "column": column,
                    "method": method,
                    "published": published.get(cell, np.nan),
                    "ours": ours.mean(),
                    "error": ours.sem(),
                    "gain": gain.mean(),
                    "gain error": gain.sem(),
                    "rows": n_rows.get((block, method), np.nan),
                    "seeds": ours.notna().sum(),
                }
            )
    summary = pd.DataFrame(lines)
    difference = summary["ours"] - summary["published"]
    summary.insert(6, "difference", difference)
    summary.insert(
        7, "in s.e.", difference / summary["error"].where(summary["error"] > 0)
    )
    return summary.dropna(subset=["published", "ours"], how="all").round(2)


def _find_reference(real, block, column):
    """Return the values of real rows alone; missing for a class they do not have."""
    is_there = real is not None and (block, column) in real.index
    return real.loc[block, column] if is_there else np.nan


def read_published(number):
    """Return the values of one of the paper's tables, by row and column."""
    published = pd.read_csv(PUBLISHED)
    cells = published[published["table"] == number]
    return cells.set_index(["row", "column"])["value"].to_dict()


def _write(table, args, summaries):
    """Write the summaries, and a figure of the first, where asked to."""
    if args.summary:
        summary = pd.concat(
            part.assign(scoring=title) for title, part in summaries.items()
        )
        text = summary[summary["seeds"] > 0].to_csv(index=False)
        args.summary.write_text(f"# {spell(table, args)}\n{text}", encoding="utf-8")
    if args.figure:
        title, summary = next(iter(summaries.items()))
        heading = f"{table.title}\n{title}"
        plot_gains(make_gains(summary), args.figure, heading, table.axis)


def spell(table, args):
    """Return the command that gives the same summary."""
    parts = [f"python benchmarks/{table.script}", "--quick" if args.quick else ""]
    parts.append(f"--seeds {count_seeds(args)}")
    if _spread(args.methods, args.model) != list(table.methods):
        parts.append("--methods " + " ".join(f'"{name}"' for name in args.methods))
    if LANGUAGE_MODELS not in find_obstacles():
        parts.append(f"--model {args.model}")
    parts.append(f"--summary docs/results/{args.summary.name}")
    return " ".join(part for part in parts if part)


def make_gains(summary):
    """Return gains over real only with intervals that seeds support, for a figure."""
    rows = summary[summary["gain error"] > 0]
    if "AUC" in set(rows["column"]):
        rows = rows[rows["column"] == "AUC"]
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, rows["seeds"] - 1) * rows["gain error"]
    return pd.DataFrame(
        {
            "label": rows["method"] + ": " + rows["block"] + " " + rows["column"],
            "mean": rows["gain"],
            "low": rows["gain"] - reach,
            "high": rows["gain"] + reach,
        }
    )


def fit_models(X, y, X_test, seed):
    """Yield name, scores (a column per class), predictions and classes per model."""
    encoder = make_encoder().fit(X)
    A, B = encoder.transform(X), encoder.transform(X_test)
    for name, make in MODELS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 steps: default
            warnings.filterwarnings("ignore", message="The `probability` parameter")
            model = make(seed).fit(A, np.asarray(y))
            scores = {name: model.predict_proba(B)}
        if name == CALIBRATED:
            decision = model.decision_function(B)
            if decision.ndim == 1:
                decision = np.column_stack([-decision, decision])
            scores[PLAIN] = decision
        for score_name, score in scores.items():
            yield score_name, score, model.predict(B), model.classes_


def score_binary(train, X_test, truths, seed):
    """Yield truth, model, column and value in percent of a binary label.

    F1 and recall are those of the positive class: averaged over the classes, recall
    could not exceed accuracy as far as it does in the published Table 3.

    Parameters
    ----------
    train : pair of DataFrame and Series
    X_test : DataFrame
    truths : dict of str to Series
        Labels of the test rows, by the name of what is taken for true.
    seed : int
    """
    for name, score, predicted, classes in fit_models(*train, X_test, seed):
        for truth_name, labels in truths.items():
            truth = np.asarray(labels) == classes[1]
            is_positive = predicted == classes[1]
            values = {
                "Accuracy": accuracy_score(truth, is_positive),
                "AUC": roc_auc_score(truth, score[:, 1]),
                "F1": f1_score(truth, is_positive),
                "Recall": recall_score(truth, is_positive),
            }
            row = {"truth": truth_name, "model": name}
            for column, value in values.items():
                yield {**row, "column": column, "value": 100 * value}


def flip_real_and_test(y, y_test, rate, seed):
    """Return noisy labels of the real rows, and what may be true of the test rows.

    A flip that leaves a class with fewer than two real rows is drawn again.
    """
    rng = np.random.RandomState(seed)
    noisy = y
    for _ in range(MAX_FLIPS):
        noisy, _ = flip_labels(y, rate, random_state=rng)
        if noisy.value_counts().reindex(y.unique(), fill_value=0).min() >= MIN_ROWS:
            break
    truths = {"clean test": y_test}
    if rate:
        truths["flipped test"], _ = flip_labels(y_test, rate, random_state=rng)
    return noisy, truths


def draw_real(X, y, n_rows, n_test, seed):
    """Return ``n_rows`` real rows and ``n_test`` others, both of the same shares."""
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=n_rows, test_size=n_test, stratify=y, random_state=seed
    )
    tables = [table.reset_index(drop=True) for table in (X, y, X_test, y_test)]
    return tuple(tables[:2]), tuple(tables[2:])
