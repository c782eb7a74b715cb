"""Which system of the family is worth most, on the same real rows and the same model?

The real rows of a case (`_model_cases.py`: "diabetes" and "repairs" are simulations
that no model knows by heart) get 60 rows more, in equal shares over the classes, from
each system, untrimmed:

- real rows, random over-sampling, SMOTE (SMOTENC where there are categories),
  StatisticalTeam, H-TDBU with inferred rules: no model is asked;
- LLMTeam, CLLM, EPIC, TAGAL (three methods), MALLM-GAN, each with its defaults;
- ", published": the published form of a system; that of CLLM with its curation.

Measured: AUC x 100 of five learners trained on real rows and new ones ("with real
rows") and on new ones alone, on 500 real test rows; how well classifiers tell new rows
from unseen ones (detection, 0.5 is best); which share of the unseen rows' distribution
new rows cover (beta-recall); copies; calls, tokens and seconds.

On the page of results a strong language model answered, two draws of each case. It saw
the questions of several systems, so that their rows are not independent, and seconds
are its own. In one draw of "repairs" even the real rows teach nothing. Four cells tell
apart what differs by five points or more. MALLM-GAN, published, drew before each reply
was cut to its own question's rows.

One tidy CSV: a row per case, seed, system and learner. Replies are kept in
``--stores``, a file per case, seed and system, so that a run that was stopped goes on
where it was; the new rows are in ``--rows``. Without an endpoint only the ways that
need none are run.

    OPENAI_BASE_URL=http://localhost:8000/v1 OPENAI_API_KEY=none \
        python benchmarks/systems.py --model NAME --seeds 2
"""

import itertools
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _baselines import make_sampler, untrimmed
from _harness import (
    add_outputs,
    list_cells,
    make_parser,
    print_parts,
    run_cells,
    spell_choices,
    write_summary,
)
from _model_cases import CASES, tell_missing
from _model_runs import (
    BATCH_ROWS,
    BOOSTING,
    COSTS,
    LEARNERS,
    NO_MODEL,
    Drawn,
    Folders,
    add_endpoint,
    average,
    count_copies,
    join_labels,
    make_chat,
    make_order,
    read_costs,
    resample,
    score,
)

from t2sampler.filters import DataMapsFilter
from t2sampler.generators import CLLM, EPIC, HTDBU, MALLMGAN, TAGAL, LLMTeam
from t2sampler.metrics import beta_recall, detection_score

N_NEW = 60
MOST_BATCHES = 3 * N_NEW // BATCH_ROWS
REAL, PUBLISHED = "real rows", ", published"
SAMPLERS = {  # ways that ask no model, by the baseline's name
    "random over-sampling": "random over-sampling",
    "SMOTE": "SMOTE",
    "StatisticalTeam": "team, untrimmed",
}
RULES = {"H-TDBU": HTDBU, f"H-TDBU{PUBLISHED}": partial(HTDBU, published=True)}
TEAM = "LLMTeam"
SYSTEMS = {
    TEAM: LLMTeam,
    "CLLM": CLLM,
    f"CLLM{PUBLISHED}": partial(CLLM, published=True),
    "EPIC": EPIC,
    f"EPIC{PUBLISHED}": partial(EPIC, published=True),
    "TAGAL": TAGAL,
    f"TAGAL{PUBLISHED}": partial(TAGAL, published=True),
    "TAGAL, reduced_loop": partial(TAGAL, method="reduced_loop"),
    "TAGAL, prompt_refine": partial(TAGAL, method="prompt_refine"),
    "MALLM-GAN": MALLMGAN,
    f"MALLM-GAN{PUBLISHED}": partial(MALLMGAN, published=True),
}
WAYS = [REAL, *SAMPLERS, *RULES, *SYSTEMS]
NEED_NO_MODEL = [REAL, *SAMPLERS, *RULES]
SIMULATIONS = ["diabetes", "repairs"]
KEYS = ["case", "seed", "way", "model"]
OUTCOMES = ["auc", "auc_alone"]
FACTS = ["detection", "beta_recall"]


def draw_rows(case, seed, way, chat, folders):
    """Return the rows that a way adds to the real rows of a case and seed."""
    (X, y), _ = CASES[case].split(seed)
    order = make_order(y, seed, N_NEW)
    if way == REAL:
        return Drawn(X[:0], y[:0], {})
    if way in SAMPLERS:
        return resample(make_sampler(SAMPLERS[way], X, order), X, y)
    if way in RULES:
        return resample(untrimmed(RULES[way](), order), X, y)
    return _ask_system(case, seed, way, chat, folders)


def _ask_system(case, seed, way, chat, folders):
    """Return the rows of a system that asks a model."""
    (X, y), _ = CASES[case].split(seed)
    order = make_order(y, seed, N_NEW)
    generator = SYSTEMS[way](
        chat,
        context=CASES[case].context,
        feature_descriptions=CASES[case].meanings,
        store=folders.store(case, seed, way),
    )
    sampler = untrimmed(generator, order, max_batches=MOST_BATCHES)
    if way == f"CLLM{PUBLISHED}":
        sampler.set_params(cost=DataMapsFilter())
    drawn = resample(sampler, X, y)
    if not hasattr(sampler, "report_"):
        return drawn  # it gave up
    costs = read_costs(folders.store(case, seed, way), sampler.generator_.usage_)
    unreadable = int(sampler.report_.batches["refused"].sum())
    return drawn._replace(costs={**costs, "unreadable": unreadable})


def run_cell(case, seed, way, model, *, chat, folders):
    """Return the rows of one case, seed and way."""
    key = dict(zip(KEYS, (case, seed, way, model), strict=True))
    (X, y), test = CASES[case].split(seed)
    start = time.perf_counter()
    drawn = draw_rows(case, seed, way, chat, folders)
    seconds = time.perf_counter() - start
    n_new = len(drawn.X)
    if way != REAL:
        folders.write(case, seed, way, drawn.X, drawn.y)
        if drawn.n_asked:
            print(f"{case} {seed} {way}: asked {drawn.n_asked} times", file=sys.stderr)
    with_real, alone = _score_both((X, y), drawn, test)
    facts = {
        "n_new": n_new,
        "copies": count_copies(X, y, drawn.X, drawn.y),
        "seconds": seconds,
        **dict.fromkeys([*COSTS, "unreadable"], 0),
        **drawn.costs,
        **_compare(drawn.X, test[0], seed),
    }
    return [
        {
            **key,
            "learner": name,
            "auc": with_real[name],
            "auc_alone": alone[name],
            **facts,
        }
        for name in LEARNERS
    ]


def _score_both(real, drawn, test):
    """Return AUC per learner of real and new rows together, and of new ones alone."""
    nothing = dict.fromkeys(LEARNERS, np.nan)
    (X, y), n_new = real, len(drawn.X)
    if not n_new:
        return score(real, test), nothing
    with_real = score((pd.concat([X, drawn.X]), join_labels(y, drawn.y)), test)
    has_all = set(drawn.y.astype(str)) == set(y.astype(str))
    return with_real, score((drawn.X, drawn.y), test) if has_all else nothing


def _compare(new, unseen, seed):
    """Return how new rows differ from as many unseen ones."""
    if len(new) < N_NEW // 2:
        return dict.fromkeys(FACTS, np.nan)
    unseen = unseen.sample(len(new), random_state=seed)
    return {
        "detection": float(detection_score(unseen, new, random_state=seed)),
        "beta_recall": beta_recall(unseen, new, random_state=seed),
    }


def summarise(rows):
    """Return tables by title: AUC by cell, gains, published forms, costs."""
    ways = [way for way in WAYS if way in set(rows["way"])]
    cells = {
        outcome: rows.pivot_table(
            outcome, ["case", "seed"], "way", sort=False, dropna=False
        ).reindex(columns=ways)
        for outcome in OUTCOMES
    }
    trees = rows[rows["learner"] == BOOSTING].pivot_table(
        "auc", ["case", "seed"], "way", sort=False
    )
    table = cells["auc"].round(1).astype(object)
    table.index = [f"{case}, {seed}" for case, seed in table.index]
    table.loc["mean"] = cells["auc"].mean(skipna=False).round(1)
    parts = {
        "AUC x 100 with real rows, mean of five learners, by case and seed": table.T
    }
    if REAL in ways:
        gains, alone = (part.sub(cells["auc"][REAL], axis=0) for part in cells.values())
        parts["Against real rows, points, ± s.e. over cells"] = pd.DataFrame(
            {
                "with real rows": average(gains),
                "worst cell": gains.min().round(1),
                BOOSTING: average(trees.reindex(columns=ways).sub(trees[REAL], axis=0)),
                "new rows alone": average(alone),
                "cells": gains.count(),
            }
        ).drop(index=REAL)
    parts["Defaults against published forms, points, paired, ± s.e."] = (
        _compare_published(cells["auc"])
    )
    parts["The rows, and what 100 of them take"] = _find_facts(rows)
    return {title: part for title, part in parts.items() if len(part)}


def _compare_published(cells):
    """Return by how much each default is better than its published form."""
    pairs = {way: f"{way}{PUBLISHED}" for way in cells if f"{way}{PUBLISHED}" in cells}
    gaps = pd.DataFrame({way: cells[way] - cells[form] for way, form in pairs.items()})
    if gaps.empty:
        return gaps
    gaps = gaps.rename_axis(columns="way")
    return pd.DataFrame(
        {"default - published": average(gaps), "worst cell": gaps.min().round(1)}
    )


def _find_facts(rows):
    """Return what new rows are like, and what 100 of them cost."""
    once = rows[(rows["learner"] == BOOSTING) & (rows["n_new"] > 0)]
    groups = once.groupby("way", sort=False)
    facts = groups[FACTS].mean().round(2)
    facts.insert(0, "rows in a cell", groups["n_new"].mean().round(1))
    costs = ["copies", "unreadable", *COSTS]
    per_100 = groups[costs].sum().mul(100 / groups["n_new"].sum(), axis=0)
    facts = facts.join(per_100.round(1))
    facts["seconds a cell"] = groups["seconds"].median().round(1)
    return facts


def parse(argv):
    """Return the options."""
    parser = add_outputs(make_parser(__doc__, "systems.csv"), figure=False)
    parser.set_defaults(seeds=2)
    add_endpoint(parser, "systems")
    parser.add_argument("--cases", nargs="+", default=SIMULATIONS, choices=CASES)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    return parser.parse_args(argv)


def main(argv=None):
    """Run what is missing, print the summary, and write what is asked for."""
    args = parse(argv)
    if args.quick:
        args.cases, args.seeds = SIMULATIONS[:1], 1
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
    choices = [*spell_choices(args, {"cases": SIMULATIONS, "ways": WAYS})]
    if chat is not None:
        choices.append(f"--model {args.model}")
    write_summary(list_cells(parts), Path(__file__).name, args, choices)
    return parts


if __name__ == "__main__":
    main()
