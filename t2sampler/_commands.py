"""What each command of the command line does, with arguments that `cli` has checked."""

import sys
from contextlib import closing

from t2sampler import _demo
from t2sampler._files import (
    join_table,
    read_table,
    split_table,
    write_table,
    write_text,
)
from t2sampler._table import Table
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.llm import Budget, ChatModel
from t2sampler.llm._cache import ReplyStore
from t2sampler.report import render_page
from t2sampler.sampling import TeamThenTrimSampler, grow
from t2sampler.sampling._progress import say_usage

N_REPEATS = 5


def demo(args):
    """Compare models without and with the sampler, then write an enlarged table."""
    if args.table is None:
        frame, target = _demo.load_bundled()
        labels = frame[target]
        splits = [_demo.cut_bundled(labels, args.seed + i) for i in range(N_REPEATS)]
        kept, name = splits[0][0], "scikit-learn's breast cancer table"
    else:
        target, name, kept = args.target, args.table, slice(None)
        frame = read_table(args.table, target)
        Table(*split_table(frame, target))  # refuse what cannot be handled
        splits = list(_demo.split_rows(frame[target], N_REPEATS, args.seed))
    n_train, n_test = map(len, splits[0])
    message = f"{name}: {N_REPEATS} times {n_train} rows to train on, {n_test} held out"
    print(message, flush=True)  # what follows takes a while
    scores = _demo.compare(*split_table(frame, target), splits, args.seed)
    print(f"\nHeld-out AUC, mean ± standard deviation\n{_demo.format_scores(scores)}\n")
    args.out.mkdir(parents=True, exist_ok=True)
    frame = frame.iloc[kept].reset_index(drop=True)
    out, page = args.out / "augmented.csv", args.out / "report.html"
    _write_augmented(frame, target, out, page, random_state=args.seed)


def augment(args):
    """Write the table with rows added, and the report on request."""
    generator = _open_generator(args)
    frame = _read_table(args)
    settings = {"generator": generator, **_read_settings(args, frame)}
    _write_augmented(frame, args.target, args.out, args.report, **settings)


def estimate(args):
    """Print what `augment` would cost."""
    generator = _open_generator(args, needs_key=False)
    frame = _read_table(args)
    sampler = TeamThenTrimSampler(generator, **_read_settings(args, frame))
    print(sampler.estimate(*split_table(frame, args.target)))


def plan(args):
    """Print the plan of the team that `augment` would use."""
    team = _open_generator(args)
    if args.model is not None:  # with few columns it would plan without the model
        team.set_params(manager=team.chat)
    print(team.fit(*split_table(_read_table(args), args.target)).plan_)
    for note in team.notes_:
        print(f"t2sampler plan: {note}", file=sys.stderr)


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
    if args.model is None:
        return StatisticalTeam()
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
    return LLMTeam(
        chat,
        context=args.context or "",
        feature_descriptions=args.descriptions or None,
        examples="auto" if args.examples is None else args.examples,
        budget=Budget(max_tokens=args.budget_tokens) if has_limit else None,
    )


def _read_table(args):
    """Return the table; it has all columns that are described."""
    frame = read_table(args.table, args.target)
    described, columns = args.descriptions or (), set(frame.columns)
    unknown = [name for name in described if name not in columns]
    if unknown:
        raise ValueError(
            f"--descriptions names {', '.join(unknown)}, which the table does not "
            f"have; its columns are {', '.join(map(str, frame.columns))}."
        )
    return frame


def _read_settings(args, frame):
    strategy = args.strategy
    if args.factor is not None:
        strategy = grow(args.factor)
    elif isinstance(strategy, dict):
        strategy = _match_labels(strategy, frame[args.target])
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


def _write_augmented(frame, target, out, page, **settings):
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
