"""What each command of the command line does, with arguments that `cli` has checked."""

import sys
from contextlib import closing

import numpy as np
from sklearn.model_selection import train_test_split

from t2sampler import _demo, comparison
from t2sampler._files import (
    TableFile,
    join_table,
    read_table,
    split_table,
    take_rows,
    write_table,
)
from t2sampler.comparison._compare import check_labels
from t2sampler.exceptions import SchemaError
from t2sampler.generators import (
    CLLM,
    EPIC,
    HTDBU,
    MALLMGAN,
    TAGAL,
    LLMTeam,
    StatisticalTeam,
)
from t2sampler.llm import Budget, ChatModel
from t2sampler.llm._cache import ReplyStore
from t2sampler.report._words import count
from t2sampler.sampling import TeamThenTrimSampler, draw_partitions, grow
from t2sampler.sampling._progress import say_usage

MAKE = {  # by the name of the option
    "llm-team": LLMTeam,
    "cllm": CLLM,
    "epic": EPIC,
    "tagal": TAGAL,
    "mallm-gan": MALLMGAN,
    "h-tdbu": HTDBU,
}


def demo(args):
    """Compare models without and with the sampler, then write an enlarged table."""
    if args.table is None:
        frame, target = _demo.load_bundled()
        table = TableFile(None, frame, target)
        name, rows = "scikit-learn's breast cancer table", np.arange(len(frame))
    else:
        table, name = _read_table(args), args.table
        rows = _demo.cut_rows(table.frame[table.target], args.seed)
    notes = _print_comparison(args, table, rows, name).notes
    print()
    args.out.mkdir(parents=True, exist_ok=True)
    sampler = _open_sampler(args, StatisticalTeam(), random_state=args.seed)
    out, page = args.out / "augmented.csv", args.out / "report.html"
    everything = np.arange(len(table.frame))
    return [*notes, *_write_augmented(sampler, table, everything, out=out, page=page)]


def compare(args):
    """Print whether over-sampling helps on a table, and on request write a page."""
    table = _read_table(args)
    rows = np.arange(len(table.frame))
    found = _print_comparison(args, table, rows, args.table)
    if args.out is not None:
        found.save(args.out, title=f"Does over-sampling help on {args.table.name}?")
        print(f"\n{args.out}: the same, with a figure")


def augment(args):
    """Write the table with rows added, and on request a report and held-out rows."""
    generator = _open_generator(args)
    table = _read_table(args)
    names = [*table.features, table.target]
    if args.mark is not None and args.mark.strip() in ("", *names):
        raise ValueError(
            f"--mark {args.mark!r} must be a new name; the table has the columns "
            f"{', '.join(names)}."
        )
    train, test = _split_rows(args, table)
    sampler = _open_sampler(args, generator, **_read_settings(args, table))
    if args.rows is not None:
        notes = _write_parts(sampler, table, train, args)
    else:
        notes = _write_augmented(
            sampler, table, train, out=args.out, page=args.report, mark=args.mark
        )
    return notes + (_write_held_out(table, test, args.test_out) if len(test) else [])


def estimate(args):
    """Print what `augment` would cost."""
    generator = _open_generator(args, needs_key=False)
    table = _read_table(args)
    train, _ = _split_rows(args, table)
    sampler = _open_sampler(args, generator, **_read_settings(args, table))
    frame = take_rows(table.frame, train)
    print(sampler.estimate(*split_table(frame, table.target)))


def plan(args):
    """Print the plan of the team that `augment` would use, and return its notes."""
    team = _open_generator(args)
    if args.model is not None:  # with few columns it would plan without the model
        team.set_params(manager=team.chat)
    source = _read_table(args)
    team.set_params(column_kinds=dict(args.kinds or ()) or None)
    team.fit(*split_table(source.frame, source.target))
    print(team.plan_, team.schema_.describe_kinds(), sep="\n\n")
    return team.notes_


def store(args):
    """Print what the store of replies holds, or empty it."""
    with closing(ReplyStore()) as replies:
        kept = replies.describe()
        if args.clear:
            print(f"{kept['path']}: {replies.clear():,} answers deleted")
        else:
            print(
                f"{kept['path']}: {kept['replies']:,} answers, "
                f"{kept['input_tokens']:,} input and {kept['output_tokens']:,} output "
                f"tokens, {kept['bytes'] / 1e6:,.1f} MB"
            )


def _print_comparison(args, table, rows, name):
    """Compare models on some rows of a table, print what was found, and return it."""
    X, y = split_table(take_rows(table.frame, rows), table.target)
    check_labels(X, y)
    message = f"{name}: models are compared on {len(rows):,} rows"
    print(f"{message}; this may take a minute\n", flush=True)
    found = comparison.compare(
        X,
        y,
        column_kinds=dict(args.kinds or ()) or None,
        random_state=args.seed,
        n_jobs=args.jobs or -1,
    )
    print(found)
    return found


def _open_generator(args, *, needs_key=True):
    """Return the team that the options name.

    Raises
    ------
    ValueError
        A setting of the model is out of its range.
    ChatError
        There is no key, and the command ``needs_key``: better found now than after
        the table has been read.
    """
    name = getattr(args, "generator", None)
    if args.model is None:
        return StatisticalTeam() if name is None else HTDBU()
    prices = args.prices and dict(zip(("input", "output"), args.prices, strict=True))
    chat = ChatModel(
        args.model,
        base_url=args.base_url,
        api_key_env=args.api_key_env,
        prices=prices,
    )
    if needs_key:
        chat.connect()
    has_limit = args.budget_tokens is not None
    return MAKE[name or "llm-team"](
        chat=chat,
        context=args.context or "",
        feature_descriptions=args.descriptions or None,
        examples="auto" if args.examples is None else args.examples,
        budget=Budget(max_tokens=args.budget_tokens) if has_limit else None,
    )


def _open_sampler(args, generator, **settings):
    settings["column_kinds"] = dict(args.kinds or ()) or None
    verbose = int(sys.stderr.isatty())
    return TeamThenTrimSampler(generator, verbose=verbose, **settings)


def _read_table(args):
    """Return the table; it has all columns that other options name."""
    kinds = dict(args.kinds or ())
    table = read_table(
        args.table,
        args.target,
        kinds=kinds,
        sep=args.sep,
        decimal=args.decimal,
        encoding=args.encoding,
        na_values=args.na_values or (),
    )
    features = table.features
    described = getattr(args, "descriptions", None) or ()
    _check_known("--descriptions", described, [*features, str(table.target)])
    _check_known("--kinds", kinds, features)
    return table


def _check_known(option, names, columns):
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise ValueError(
            f"{option} names {', '.join(unknown)}, which the table does not have; its "
            f"columns are {', '.join(columns)}."
        )


def _split_rows(args, table):
    """Return positions of the rows to enlarge, and of those to hold out."""
    labels = table.frame[table.target]
    positions = np.arange(len(labels))
    if args.test_size is None:
        return positions, positions[:0]
    counts = labels.value_counts()
    if counts.min() < 2:
        raise SchemaError(
            f"Class {counts.idxmin()} has 1 row, and a class needs at least 2 so that "
            "one can be held out. Leave out --test-size, or add a row."
        )
    parts = train_test_split(
        positions,
        test_size=args.test_size,
        stratify=labels.astype(str),
        random_state=args.seed,
    )
    return tuple(map(np.sort, parts))


def _read_settings(args, table):
    strategy = args.strategy
    if args.factor is not None:
        strategy = grow(args.factor)
    elif isinstance(strategy, dict):
        strategy = _match_labels(strategy, table.frame[table.target])
    return {"sampling_strategy": strategy, "random_state": args.seed}


def _match_labels(counts, y):
    """Return counts by the labels of ``y``, which JSON can only give as text."""
    labels = {str(label): label for label in y.dropna().unique().tolist()}
    unknown = [label for label in counts if label not in labels]
    if unknown:
        raise ValueError(
            f"--strategy names {', '.join(unknown)}, which is no label of the table. "
            f"The labels are {', '.join(sorted(labels))}."
        )
    return {labels[label]: count for label, count in counts.items()}


def _write_augmented(sampler, table, rows, *, out, page, mark=None):
    """Write some rows of a table enlarged, and return the notes of the run."""
    frame = take_rows(table.frame, rows)
    X, y = sampler.fit_resample(*split_table(frame, table.target))
    frame = join_table(X, y, frame)
    if mark is not None:
        frame[mark] = sampler.synthetic_mask_
    write_table(frame, out, source=table, rows=rows)
    origins = sampler.provenance_["origin"].value_counts()
    counts = ", ".join(f"{n_rows:,} {origin}" for origin, n_rows in origins.items())
    print(f"{out}: {counts} rows, the real ones first")
    if len(sampler.report_.usage):
        print(f"asked: {say_usage(sampler.report_.usage)}")
    if page is not None:
        sampler.report_.save(page, title=f"How {out.name} was made")
        print(f"{page}: what became of every candidate")
    return [*sampler.report_.notes]


def _write_parts(sampler, table, rows, args):
    """Write new rows alone, as a folder of files; return a note on repeats."""
    X, y = split_table(take_rows(table.frame, rows), table.target)
    parts = draw_partitions(sampler, X, y, args.rows, args.out, n_jobs=args.jobs)
    print(
        f"{args.out}: {parts['rows'].sum():,} new rows in "
        f"{count(len(parts), 'file')}, "
        f"{parts['repeated'].sum():,} of them repeated real ones"
    )
    if len(parts) == 1:
        return []
    return ["each file was filtered by itself: a row may stand in several of them."]


def _write_held_out(table, rows, out):
    """Write real rows as they are, and return notes on classes without any."""
    held_out = take_rows(table.frame, rows)
    write_table(held_out, out, source=table, rows=rows)
    labels = table.frame[table.target].value_counts()
    counts = held_out[table.target].value_counts().reindex(labels.index, fill_value=0)
    classes = ", ".join(f"{n_rows:,} {label}" for label, n_rows in counts.items())
    print(f"{out}: {len(rows):,} real rows held out ({classes})")
    return [
        f"no row of class {label} is held out. Give --test-size a larger value."
        for label in counts.index[counts == 0]
    ]
