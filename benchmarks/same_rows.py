"""Does a change of the code change rows? A digest of ten seeded runs on real tables.

Each run over-samples a part of a real table; the digest is taken of every value of the
result, of the labels, of the dtypes, of where each row comes from and of all figures
per batch. Three of the runs ask a team of language models whose answers
`t2sampler.testing` makes up. Run it before and after a change that should keep rows as
they are, and compare the two files:

    python benchmarks/same_rows.py --out before.csv
    python benchmarks/same_rows.py --out after.csv --against before.csv

It ends with status 1 where a digest differs. Half a minute; no tokens. Digests depend
on the versions of numpy and scikit-learn: compare files of one environment only.
"""

import argparse
import hashlib
import sys

import numpy as np
import pandas as pd
from _tables import load_table
from imblearn.over_sampling import SMOTENC

from t2sampler import (
    CostAssessmentFilter,
    TeamThenTrimSampler,
    grow,
    paper_protocol,
)
from t2sampler.generators import LLMTeam, from_sampler
from t2sampler.team import Component, Plan
from t2sampler.testing import ScriptedChat


def chat_team(**settings):
    return LLMTeam(ScriptedChat(), store=False, **settings)


def chain(names):
    """Return a plan of two workers, the second of which reads the first."""
    half = len(names) // 2
    parts = [
        Component("first", list(names[:half])),
        Component("second", list(names[half:]), ["first"]),
    ]
    return Plan(parts)


RUNS = {  # name -> (table, rows, from the names of columns to a sampler)
    "default, german": ("german", 120, lambda names: TeamThenTrimSampler()),
    "default, thyroid": ("thyroid", 150, lambda names: TeamThenTrimSampler()),
    "default, adult": ("adult", 200, lambda names: TeamThenTrimSampler()),
    "grow, travel": (
        "travel",
        90,
        lambda names: TeamThenTrimSampler(sampling_strategy=grow(2)),
    ),
    "paper's cost rule, magic": (
        "magic",
        60,
        lambda names: TeamThenTrimSampler(
            cost=CostAssessmentFilter(reference="real", keep_twin=True, n_bootstrap=200)
        ),
    ),
    "paper's protocol, thyroid": (
        "thyroid",
        80,
        lambda names: paper_protocol(tau_coef=3, n_batches=20).set_params(
            diversity="passthrough"
        ),
    ),
    "SMOTENC's rows, bank": (
        "bank",
        100,
        lambda names: TeamThenTrimSampler(from_sampler(SMOTENC("auto"))),
    ),
    "scripted team, bank": (
        "bank",
        60,
        lambda names: TeamThenTrimSampler(chat_team()),
    ),
    "scripted team with a plan, compas": (
        "compas",
        60,
        lambda names: TeamThenTrimSampler(chat_team(plan=chain(names))),
    ),
    "scripted team, labels last, travel": (
        "travel",
        60,
        lambda names: TeamThenTrimSampler(
            chat_team(label=ScriptedChat()), n_batches=4, cost="passthrough"
        ),
    ),
}


def digest_run(table, n_rows, make, seed):
    """Return new rows and the digest of all that a run gives back."""
    X, y = load_table(table)
    rows = np.random.default_rng(seed).permutation(len(X))[:n_rows]
    X, y = X.iloc[rows], y.iloc[rows]
    sampler = make(X.columns).set_params(random_state=seed)
    X_res, y_res = sampler.fit_resample(X, y)
    parts = [X_res, y_res.to_frame("label"), sampler.provenance_]
    text = "\n".join(part.to_csv() + part.dtypes.astype(str).to_csv() for part in parts)
    figures = sampler.report_.batches.select_dtypes("number").to_numpy().tolist()
    text += repr(figures)
    return len(X_res) - len(X), hashlib.sha256(text.encode()).hexdigest()[:16]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", help="CSV to write")
    parser.add_argument("--against", help="CSV of an earlier run to compare with")
    options = parser.parse_args(arguments)
    lines = [
        {"run": name, "n_new": n_new, "digest": digest}
        for seed, (name, run) in enumerate(RUNS.items(), start=31)
        for n_new, digest in [digest_run(*run, seed)]
    ]
    found = pd.DataFrame(lines)
    if options.against:
        before = pd.read_csv(options.against, index_col="run")
        found["is_same"] = found["digest"].eq(
            before["digest"].reindex(found["run"]).values
        )
    if options.out:
        found.to_csv(options.out, index=False)
    print(found.to_string(index=False))
    return int("is_same" in found and not found["is_same"].all())


if __name__ == "__main__":
    sys.exit(main())
