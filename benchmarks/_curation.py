"""Rules that say which candidates are kept: CLLM's curation and this package's filters.

`apply_rules` is the list that the benchmarks of quality control compare.
"""

import numpy as np
import pandas as pd
from _downstream import MORE, choose, measure

from t2sampler import DataMapsFilter, QualityControl, paper_protocol

PARTS = ("sanity", "cost", "diversity")
USUAL = ["logistic", "svm", "forest"]  # their mean is what the tables show
JUDGES = [*USUAL, *MORE]
REAL, ALL, ORACLE = "real only", "all", "oracle"


def make_controls(seed):
    """Return CLLM's curation, the three filters alone, the paper's and the defaults.

    CLLM trains on curated rows alone; here they are added to the real ones, as with
    every other rule.
    """
    off = dict.fromkeys(PARTS, "passthrough")
    paper = paper_protocol()
    # As published: its real rows are as many of each class.
    published = DataMapsFilter(class_weight=None)
    settings = {"CLLM's curation": {**off, "cost": published}}
    settings |= {f"{name} alone": {**off, name: None} for name in PARTS}
    settings["paper_protocol"] = {name: getattr(paper, name) for name in PARTS}
    settings["default filters"] = {}
    return {
        name: QualityControl(**parts, random_state=seed)
        for name, parts in settings.items()
    }


RULES = list(make_controls(0))


def add_rules(parser, usual=RULES):
    """Give a parser the option that chooses among the rules."""
    parser.add_argument(
        "--rules",
        nargs="+",
        default=usual,
        choices=RULES,
        help="beside none, all and the oracle; another choice needs another --out",
    )


def apply_rules(real, batches, seed, oracle=None, names=RULES):
    """Yield a rule's name, what it keeps and the table to train on, rule by rule.

    Parameters
    ----------
    real : pair of DataFrame and Series
    batches : list of pairs of DataFrame and Series
    seed : int
    oracle : bool ndarray or None, default=None
        Candidates known to be good, where that is known.
    names : list of str
        Of `RULES`.
    """
    yield from apply_extremes(real, batches, oracle)
    controls = make_controls(seed)
    yield from apply_controls({name: controls[name] for name in names}, real, batches)


def apply_extremes(real, batches, oracle=None):
    """Yield the rules that look at nothing, as `apply_rules` does."""
    X, y = stack(batches)
    masks = {REAL: np.zeros(len(X), dtype=bool), ALL: np.ones(len(X), dtype=bool)}
    if oracle is not None:
        masks[ORACLE] = oracle
    for name, keep in masks.items():
        yield name, keep, stack([real, (X[keep], y[keep])])


def apply_controls(controls, real, batches):
    """Yield each `QualityControl` of a dict by name, as `apply_rules` does."""
    for name, control in controls.items():
        result = control.fit(*real).trim(batches)
        yield name, np.concatenate(result.keep), stack([real, (result.X, result.y)])


def measure_rules(rules, test, seed, models=None, real_scores=None):
    """Yield a rule's name, what it keeps, and the scores of its table, model by model.

    Tables that rules have in common are scored once.

    Parameters
    ----------
    rules : iterable
        From `apply_rules`.
    test : pair of DataFrame and Series
    seed : int
    models : dict of str to callable or None, default=None
        None: the usual ones.
    real_scores : list of dict or None, default=None
        Scores of the real rows alone, where they are known.
    """
    known, models = {}, models or choose(USUAL)
    for name, keep, train in rules:
        table = keep.tobytes(), len(train[0])  # twins make a table longer
        if name == REAL and real_scores is not None:
            known[table] = real_scores
        if table not in known:
            known[table] = list(measure(train, test, seed, models))
        yield name, keep, known[table]


def stack(tables):
    """Return one table of several; those without a row are left out."""
    tables = [(X, y) for X, y in tables if len(X)] or tables[:1]
    X, y = zip(*tables, strict=True)
    return pd.concat(X, ignore_index=True), pd.concat(y, ignore_index=True)
