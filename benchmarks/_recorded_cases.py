"""Rows recorded from language models, with the real rows that stand beside them.

Only from the data folder. Values are as the models typed them; a row fits if every
number can be read, no text is empty, and the label is one of the real labels. Texts
that no real row holds fit: to find those is the filters' task.

Without examples all models took ``ss`` of drug consumption, a number (sensation
seeking), for one more drug, and typed a code there in every row. Every row would be
refused, so those cases leave the column out, of the real rows too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from t2sampler.datasets import fetch_compas, get_data_home

FOLDER = Path("recorded_llm_rows")
N_CANDIDATES, N_REAL, N_TEST = 200, 40, 2000
FILES = {
    "llama-3.3-70b": "llama-3-3-70b-instruct",
    "mixtral-8x7b": "mixtral-8x7B-instruct-v0.1",
    "mixtral-8x22b": "mixtral-8x22B-instruct-v0.1",
    "granite-3.2-8b": "granite-3.2-8b-instruct",
}
ON_DRUG = ["llama-3.3-70b", "mixtral-8x7b", "granite-3.2-8b"]
SETTINGS = [("0", "0.0"), ("80", "0.0"), ("80", "0.5"), ("80", "1.0")]
USER = {f"CL{i}": "user" if i > 1 else "non-user" for i in range(7)}
DRUG_LEFT_OUT = ["semer", "caff", "choc"]  # as in `fetch_drug`
DRUG_MISREAD = ["ss"]  # by every model that was shown no row


@dataclass(frozen=True)
class Case:
    """Candidates of one model in one setting.

    Attributes
    ----------
    group : str
        Cases of one group differ in their settings only.
    file : Path
        Below the data folder.
    label : str
        Column of the label.
    split : callable
        From a seed to the real rows and the test rows, labels included.
    batch_rows : int
        Rows that were asked for together.
    settings : dict of str to str
        Values that pick the rows of the file.
    labels : dict of str to str
        From typed to real labels; empty: the same.
    """

    group: str
    file: Path
    label: str
    split: Callable
    batch_rows: int = 20
    settings: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rows:
    """What one seed of a case measures on: pairs of DataFrame and Series."""

    real: tuple
    test: tuple
    batches: list
    n_refused: int


def load_rows(case, seed):
    """Return the rows of a case: real, test, and 200 candidates in natural batches."""
    real, test = case.split(seed)
    X, y = _part(real, case.label)
    typed = pd.read_csv(get_data_home() / case.file, dtype=str, keep_default_na=False)
    for name, value in case.settings.items():
        typed = typed[typed[name] == value]
    if case.labels:
        typed = typed.assign(**{case.label: typed[case.label].map(case.labels)})
    batch = np.arange(len(typed)) // case.batch_rows
    order = np.random.default_rng(seed).permutation(len(typed) // case.batch_rows)
    chosen = order[: N_CANDIDATES // case.batch_rows]
    X_new, y_new, fits = read_rows(typed[np.isin(batch, chosen)], X, y)
    batch = batch[np.isin(batch, chosen)][fits]
    batches = [(X_new[batch == i], y_new[batch == i]) for i in chosen]
    return Rows((X, y), _part(test, case.label), batches, int((~fits).sum()))


def read_rows(typed, X, y):
    """Read typed rows by the types of the real columns.

    Parameters
    ----------
    typed : DataFrame of str
        Has the columns of ``X`` and ``y``, and maybe others.
    X : DataFrame
    y : Series

    Returns
    -------
    X_read, y_read : DataFrame and Series
        Rows that fit.
    fits : bool ndarray of shape (n_typed,)
    """
    labels = _read_column(typed[y.name], y.dtype)
    read = pd.DataFrame({name: _read_column(typed[name], X[name].dtype) for name in X})
    fits = (read.notna().all(axis=1) & labels.isin(y.unique())).to_numpy()
    return read[fits], labels[fits].astype(y.dtype), fits


def _read_column(typed, dtype):
    if pd.api.types.is_numeric_dtype(dtype):
        numbers = pd.to_numeric(typed, errors="coerce")
        return numbers.where(np.isfinite(numbers))
    texts = typed.str.strip()
    return texts.where(texts != "")


def _part(table, label):
    return table.drop(columns=label), table[label]


def _split_compas_shown(prompt, seed):
    """Return the 40 rows of a prompt, and others of the table (of equal rows one)."""
    file = FOLDER / "compas_gpt4o" / f"compas_{prompt}_prompt_incontext_examples.csv.gz"
    table = pd.concat(fetch_compas(), axis=1)
    shown = pd.read_csv(get_data_home() / file)[list(table)].astype(table.dtypes)
    names = list(table)
    left = table.assign(copy=table.groupby(names).cumcount())
    used = shown.assign(copy=shown.groupby(names).cumcount())
    is_used = left.merge(used, how="left", indicator="origin")["origin"] == "both"
    rest = table[~is_used.to_numpy()]
    return shown, rest.sample(N_TEST, random_state=seed)


def _split_covid(n, seed):
    """Return the rows shown, n per class, and others of the table."""
    start = get_data_home() / FOLDER / "covid_gpt4"
    real = pd.read_csv(start / f"covid_seed0_n{n}_Original.csv.gz")
    others = pd.read_csv(start / f"covid_seed0_n{n}_Oracle.csv.gz")
    return real, others.sample(N_TEST, random_state=seed)


def _split_table(load, label, seed):
    """Return 40 random rows of a table, and others."""
    table = load()
    size = min(N_TEST, len(table) - N_REAL)
    return train_test_split(
        table,
        train_size=N_REAL,
        test_size=size,
        stratify=table[label],
        random_state=seed,
    )


def _load_compas():
    """Return COMPAS in the form in which small models were asked for it."""
    X, y = fetch_compas()
    names = ["age", *(name for name in X if name.endswith("_count"))]
    return X[names].assign(
        sex=_name(X["sex"], "Male", "Female"),
        race=_name(X["race_Caucasian"], "Caucasian", "African-American"),
        c_charge_degree=_name(X["c_charge_degree_F"], "F", "M"),
        y=y,
    )


def _name(flags, one, zero):
    return flags.map({1: one, 0: zero})


def _load_drug(left_out=()):
    """Return drug consumption with UCI's numbers; nicotine is the label."""
    file = get_data_home() / "drug" / "drug_consumption_uci_quantified.csv.gz"
    table = pd.read_csv(file, index_col=0)
    table = table[table["semer"] == "CL0"]
    table = table.drop(columns=[*DRUG_LEFT_OUT, *left_out])
    return table.assign(nicotine=table["nicotine"].map(USER))


def _list_compas_shown():
    for prompt in ("cllm", "fair"):
        file = FOLDER / "compas_gpt4o" / f"compas_gpt4o_{prompt}_prompt.csv.gz"
        split = partial(_split_compas_shown, prompt)
        group = "compas gpt-4o"
        yield f"{group} {prompt}", Case(group, file, "two_year_recid", split, 100)


def _list_covid():
    for n in (20, 50, 100):
        for kind, group in (
            ("gpt4", "covid gpt-4"),
            ("gpt4_nocol", "covid gpt-4, hidden names"),
            ("tvae", "covid tvae"),
        ):
            file = FOLDER / "covid_gpt4" / f"covid_seed0_n{n}_{kind}.csv.gz"
            case = Case(group, file, "target", partial(_split_covid, n))
            yield f"{group} n {n}", case


def _list_many(table, models, loads, label, labels):
    """Yield the cases of small models; ``loads``: without examples, and with."""
    for model in models:
        tail = f"__{FILES[model]}__prompt_bias_llms_attack__male_female_icl"
        for n_icl, poison in SETTINGS:
            case = Case(
                f"{table} {model}",
                FOLDER / f"{table}_many" / f"{table}{tail}.csv.gz",
                label,
                partial(_split_table, loads[n_icl != "0"], label),
                settings={"n_icl": n_icl, "poison_rate": poison},
                labels=labels,
            )
            yield f"{case.group} shown {n_icl} poison {poison}", case


DRUG_LOADS = (partial(_load_drug, DRUG_MISREAD), _load_drug)
CASES = {
    **dict(_list_compas_shown()),
    **dict(_list_covid()),
    **dict(_list_many("compas", FILES, (_load_compas, _load_compas), "y", {})),
    **dict(_list_many("drug", ON_DRUG, DRUG_LOADS, "nicotine", USER)),
}
