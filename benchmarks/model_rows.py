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
import sys
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
    MOST_BATCHES,
    N_NEW,
    NO_MODEL,
    Drawn,
    Folders,
    add_endpoint,
    average,
    count_copies,
    count_rows,
    find_costs,
    join_labels,
    make_chat,
    make_order,
    read_costs,
    resample,
    score,
)
from _plain_prompt import Replies, write_rows
from _prompt_variants import LAST, TEAM, VARIANTS

from t2sampler import TeamThenTrimSampler
from t2sampler.generators import LLMTeam

REAL, PLAIN = "real rows", "plain prompt"
TRIMMED, BOTH, OFFLINE = "team, trimmed", "team and offline team", "offline team"
SAMPLERS = {  # ways that ask no model, by the baseline's name
    "random over-sampling": "random over-sampling",
    "SMOTE": "SMOTE",
    OFFLINE: "team, untrimmed",
}
WAYS = [REAL, *SAMPLERS, PLAIN, *VARIANTS, TRIMMED, BOTH]
NEED_NO_MODEL = [REAL, *SAMPLERS]
KEYS = ["case", "seed", "way", "model"]


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
        y=join_labels(team.y, offline.y, ignore_index=True),
    )


def _draw_offline(case, seed, way):
    (X, y), _ = CASES[case].split(seed)
    if way == REAL:
        return Drawn(X[:0], y[:0], {})
    return resample(make_sampler(SAMPLERS[way], X, make_order(y, seed)), X, y)


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
    drawn = resample(sampler, X, y)
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
        kept = resample(trimming, X, y)
        drawn = kept._replace(n_asked=drawn.n_asked + kept.n_asked)
    kept_costs = read_costs(folders.store(case, seed, place), sampler.generator_.usage_)
    unreadable = int(sampler.report_.batches["refused"].sum())
    return drawn._replace(costs={**kept_costs, "unreadable": unreadable})


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
    train = (X, y) if n_new == 0 else (pd.concat([X, drawn.X]), join_labels(y, drawn.y))
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
                "mean of four": average(cells.sub(cells[REAL], axis=0)),
                "worst cell": cells.sub(cells[REAL], axis=0).min().round(1),
                "cells": cells.count(),
                BOOSTING: average(trees.sub(trees[REAL], axis=0)),
            }
        ).drop(index=REAL)
    teams = [way for way in ways if way in {*VARIANTS, TRIMMED, BOTH}]
    if PLAIN in ways and teams:
        gaps = cells[teams].sub(cells[PLAIN], axis=0)
        parts["Against the plain prompt, points, paired, ± s.e."] = pd.DataFrame(
            {"mean of four": average(gaps), "worst cell": gaps.min().round(1)}
        )
    parts["Per 100 new rows, and the rows"] = find_costs(boosted)
    return parts


def parse(argv):
    """Return the options."""
    parser = add_outputs(make_parser(__doc__, "model_rows.csv"), figure=False)
    parser.set_defaults(seeds=2)
    add_endpoint(parser, "model_rows")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    return parser.parse_args(argv)


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
