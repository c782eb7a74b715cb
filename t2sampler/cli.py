"""The command line: `t2sampler demo | augment | estimate | plan | store`."""

import argparse
import json
import sys
import warnings
from numbers import Integral, Real
from pathlib import Path

from t2sampler import _cli_team, _demo
from t2sampler._files import (
    TABLE_SUFFIXES,
    check_folder,
    check_suffix,
    join_table,
    read_table,
    split_table,
    write_table,
    write_text,
)
from t2sampler._table import open_table
from t2sampler.exceptions import T2SamplerError, T2SamplerWarning
from t2sampler.report import render_page
from t2sampler.sampling import TeamThenTrimSampler, grow
from t2sampler.sampling._progress import say_usage

N_REPEATS = 5


def main(argv=None):
    """Run one command and return its exit code: 0, or 2 for a user's mistake."""
    args = _build_parser().parse_args(argv)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", T2SamplerWarning)
            args.run(args)
    except (T2SamplerError, ValueError, OSError) as error:
        print(f"t2sampler {args.command}: {_describe(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"t2sampler {args.command}: stopped", file=sys.stderr)
        return 130
    if args.run is not _run_demo:  # whose splits would each say it
        for message in dict.fromkeys(str(warning.message) for warning in caught):
            print(f"t2sampler {args.command}: {message}", file=sys.stderr)
    return 0


def _run_demo(args):
    if args.table is None:
        frame, target = _demo.load_bundled()
        labels = frame[target]
        splits = [_demo.cut_bundled(labels, args.seed + i) for i in range(N_REPEATS)]
        kept, name = splits[0][0], "scikit-learn's breast cancer table"
    else:
        target, name, kept = _need_target(args.target), args.table, slice(None)
        frame = read_table(args.table, target)
        open_table(*split_table(frame, target))  # refuse what cannot be handled
        splits = list(_demo.split_rows(frame[target], N_REPEATS, args.seed))
    n_train, n_test = map(len, splits[0])
    message = (
        f"{name}: {N_REPEATS} times {n_train} rows to learn from, {n_test} held out"
    )
    print(message, flush=True)  # what follows takes a while
    scores = _demo.compare(*split_table(frame, target), splits, args.seed)
    print(f"\nHeld-out AUC, mean ± standard deviation\n{_demo.format_scores(scores)}\n")
    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    frame = frame.iloc[kept].reset_index(drop=True)
    out, page = folder / "augmented.csv", folder / "report.html"
    _augment(frame, target, out, page, random_state=args.seed)


def _run_augment(args):
    out = check_suffix(args.out, TABLE_SUFFIXES)
    page = check_suffix(args.report, (".html", ".htm")) if args.report else None
    for path in filter(None, (out, page)):
        check_folder(path)
    team = _cli_team.open_team(args)
    frame = _read_table(args, team)
    settings = {"generator": team, **_read_settings(args, frame)}
    _augment(frame, args.target, out, page, **settings)


def _run_estimate(args):
    team = _cli_team.open_team(args, is_asked=False)
    frame = _read_table(args, team)
    sampler = TeamThenTrimSampler(team, **_read_settings(args, frame))
    print(sampler.estimate(*split_table(frame, args.target)))


def _run_store(args):
    done = _cli_team.clear_store() if args.clear else _cli_team.describe_store()
    print(done)


def _read_table(args, team):
    frame = read_table(args.table, args.target)
    _cli_team.check_descriptions(team, frame.columns)
    return frame


def _read_settings(args, frame):
    strategy = _read_strategy(args.strategy, frame[args.target])
    if args.factor is not None:
        strategy = grow(args.factor)
    return {"sampling_strategy": strategy, "random_state": args.seed}


def _augment(frame, target, out, page, **settings):
    sampler = TeamThenTrimSampler(verbose=int(sys.stderr.isatty()), **settings)
    X, y = sampler.fit_resample(*split_table(frame, target))
    write_table(join_table(X, y, frame.columns), out)
    origins = sampler.provenance_["origin"].value_counts()
    counts = ", ".join(f"{count:,} {origin}" for origin, count in origins.items())
    print(f"{out}: {counts} rows, the real ones first")
    if len(sampler.report_.usage):
        print(f"asked: {say_usage(sampler.report_.usage)}")
    if page is not None:
        write_text(render_page(sampler.report_, title=f"How {out.name} was made"), page)
        print(f"{page}: what became of every candidate")


def _run_plan(args):
    team = _cli_team.open_team(args)
    if args.model is not None:  # else a small table would have one worker unasked
        team.set_params(manager=team.chat)
    table = open_table(*split_table(_read_table(args, team), args.target))
    print(team.fit(table.frame, table.target).plan_)
    for note in getattr(team, "notes_", ()):
        print(f"t2sampler plan: {note}", file=sys.stderr)


def _read_strategy(text, y):
    """Return a ``sampling_strategy``: a word, a ratio, or a dict of the table's labels.

    Labels stand as strings in JSON; they are matched to those of ``y`` as printed.
    """
    try:
        given = json.loads(text)
    except json.JSONDecodeError:
        return text
    if isinstance(given, Real) and not isinstance(given, bool):
        return float(given)
    if not isinstance(given, dict):
        return text
    labels = {str(label): label for label in y.dropna().unique().tolist()}
    for label, count in given.items():
        if label not in labels or not isinstance(count, Integral):
            raise ValueError(
                f"--strategy must map labels of the table to numbers of rows, got "
                f"{label!r}: {count!r}. The labels are {', '.join(sorted(labels))}."
            )
    return {labels[label]: count for label, count in given.items()}


def _need_target(target):
    if target is None:
        raise ValueError("a table needs --target, the name of its column of labels.")
    return target


def _describe(error):
    """Return an error as one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return " ".join(str(error).split())


def _build_parser():
    parser = argparse.ArgumentParser(
        prog="t2sampler",
        description="Over-sample a table: a team proposes rows, three filters trim "
        "them. CSV and Parquet; nothing leaves this machine unless --model says so.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="compare models without and with sampler")
    demo.add_argument("table", nargs="?", help="a CSV; default: a bundled table")
    demo.add_argument("--target", help="column of labels")
    demo.add_argument("--out", default="t2sampler-demo", help="folder for the results")
    demo.set_defaults(run=_run_demo)

    augment = commands.add_parser("augment", help="write the table with rows added")
    augment.add_argument("--out", required=True, help="CSV or Parquet file to write")
    augment.add_argument("--report", help="HTML file that tells every row's fate")
    augment.set_defaults(run=_run_augment)
    estimate = commands.add_parser("estimate", help="tell what augment would cost")
    estimate.set_defaults(run=_run_estimate)
    for command in (augment, estimate):
        counts = command.add_mutually_exclusive_group()
        counts.add_argument(
            "--strategy",
            default="auto",
            help='as in imbalanced-learn: auto, minority, all, 0.5, {"yes": 100}, …',
        )
        counts.add_argument("--factor", type=float, help="multiply every class by this")

    plan = commands.add_parser("plan", help="print who writes which columns")
    plan.set_defaults(run=_run_plan)
    for command in (augment, estimate, plan):
        command.add_argument("table", help="CSV or Parquet file")
        command.add_argument("--target", required=True, help="column of labels")
        _cli_team.add_team_options(command, is_needed=command is estimate)
    for command in (demo, augment, estimate):
        command.add_argument("--seed", type=int, default=0, help="default: 0")

    store = commands.add_parser("store", help="tell which answers are kept")
    store.add_argument("--clear", action="store_true", help="delete them")
    store.set_defaults(run=_run_store)
    return parser
