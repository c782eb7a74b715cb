"""The command line: `t2sampler demo | compare | augment | estimate | plan | store`.

Arguments are parsed and checked here, by the standard library alone, so that ``--help``
and mistakes are answered at once. The commands are in `t2sampler._commands`, which is
imported when one of them runs, since it loads scikit-learn.
"""

import argparse
import re
import sys
import warnings
from functools import partial
from pathlib import Path

from t2sampler import __version__
from t2sampler._cli_values import (
    CSV_SUFFIXES,
    KINDS,
    TABLE_SUFFIXES,
    is_table,
    read_count,
    read_descriptions,
    read_encoding,
    read_examples,
    read_folder,
    read_input,
    read_kinds,
    read_number,
    read_output,
    read_output_or_folder,
    read_sep,
    read_strategy,
    read_test_size,
    split_list,
)
from t2sampler.exceptions import T2SamplerError, T2SamplerWarning

PAGE_SUFFIXES = (".html", ".htm")
MAX_SEED = 2**32 - 1  # as NumPy and scikit-learn have it
NEED_MODEL = (
    *("base_url", "api_key_env", "context", "descriptions", "examples"),
    *("budget_tokens", "prices"),
)
GENERATORS = ("llm-team", "cllm", "epic", "tagal", "mallm-gan", "h-tdbu")


def main(argv=None):
    """Run one command and return its exit code: 0, or 2 for a user's mistake."""
    args = _build_parser().parse_args(argv)
    try:
        _check_combination(args)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", T2SamplerWarning)
            notes = _run_command(args) or ()
    except (T2SamplerError, ValueError, TypeError, OSError) as error:
        print(f"t2sampler {args.command}: {_describe(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"t2sampler {args.command}: stopped", file=sys.stderr)
        return 130
    messages = [*(warning.message for warning in caught), *notes]
    messages = [*dict.fromkeys(_describe(text) for text in messages)]
    for message in messages:
        is_told = any(m.startswith(message) for m in messages if m != message)
        if not is_told:  # a note may be the first sentence of a warning
            print(f"t2sampler {args.command}: {message}", file=sys.stderr)
    return 0


def _run_command(args):
    """Run a command and return its notes."""
    from t2sampler import _commands

    return getattr(_commands, args.command)(args)


def _describe(message):
    """Return an error, a warning or a note as one line."""
    if isinstance(message, OSError) and message.strerror:
        return f"{message.filename or type(message).__name__}: {message.strerror}."
    text = " ".join(str(message).split())
    # What is a parameter in Python is an option here.
    return re.sub(r"column_kinds=\{'(.+?)': '(\w+)'\}", r"--kinds '\1=\2'", text)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """Refuse an argument in one sentence, as `main` reports other mistakes."""
        self.exit(2, f"{self.prog}: {message.rstrip('.')}.\n")


def _build_parser():
    parser = _Parser(
        prog="t2sampler",
        description="Over-sample a table with rows that a generator proposes and three "
        "filters check. Reads and writes CSV, Parquet and Excel. Rows stay on this "
        "machine unless --model names a language model elsewhere.",
    )
    parser.add_argument(
        "--version", action="version", version=f"t2sampler {__version__}"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add = partial(commands.add_parser, parents=[_build_reading_options()])
    demo = add("demo", help="compare models trained without and with the sampler")
    demo.add_argument(
        "table", nargs="?", type=read_input, help="default: a bundled table"
    )
    demo.add_argument("--target", help="name of the label column")
    demo.add_argument(
        "--out",
        type=read_folder,
        default=Path("t2sampler-demo"),
        help="folder to write to; default: %(default)s",
    )
    compare = add(
        "compare", help="tell whether over-sampling helps, and what helps for free"
    )
    compare.add_argument(
        "--out",
        type=partial(read_output, suffixes=PAGE_SUFFIXES),
        help="HTML file to write: the verdict, a figure and all scores",
    )
    augment = add("augment", help="write the table with rows added")
    _add_outputs(augment)
    estimate = add(
        "estimate", help="estimate calls, tokens and cost of augment; asks no model"
    )
    plan = add(
        "plan", help="print which columns are generated together, and in which order"
    )
    for command in (compare, augment, estimate, plan):
        command.add_argument(
            "table", type=read_input, help=f"file in {', '.join(TABLE_SUFFIXES)}"
        )
        command.add_argument("--target", required=True, help="name of the label column")
    for command in (augment, estimate, plan):
        _add_model_options(command, is_needed=command is estimate)
    for command in (augment, estimate):
        counts = _add_counts(command)
        if command is augment:
            _add_rows(augment, counts)
        command.add_argument(
            "--generator",
            choices=GENERATORS,
            help="what writes the rows; default: llm-team with --model, else fitted "
            "models. All but h-tdbu need --model",
        )
    for command in (demo, compare):
        command.add_argument(
            "--jobs",
            type=partial(read_number, kind=int, low=1),
            help="number of processors to use; default: all",
        )
    for command in (demo, compare, augment, estimate):
        seed = partial(read_number, kind=int, high=MAX_SEED)
        command.add_argument("--seed", type=seed, default=0, help="default: 0")
    store = commands.add_parser("store", help="show how many model replies are stored")
    store.add_argument("--clear", action="store_true", help="delete them")
    return parser


def _build_reading_options():
    """Return the parser of options that all commands with a table have."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("reading the table")
    group.add_argument(
        "--sep",
        type=read_sep,
        help=r"what separates cells of a CSV; default: found among , ; \t and |",
    )
    group.add_argument(
        "--decimal", choices=(".", ","), help="decimal mark of a CSV; default: found"
    )
    group.add_argument(
        "--encoding",
        type=read_encoding,
        help="of a CSV; default: UTF-8, or what its byte-order mark says",
    )
    group.add_argument(
        "--na-values",
        metavar="TEXT,...",
        action="extend",
        type=split_list,
        help="cells that stand for a missing value, beside empty ones",
    )
    group.add_argument(
        "--kinds",
        metavar="COLUMN=KIND,...",
        action="extend",
        type=read_kinds,
        help=f"kinds of columns: {', '.join(KINDS)}; default: inferred",
    )
    return parser


def _add_outputs(parser):
    table = partial(read_output, suffixes=TABLE_SUFFIXES)
    parser.add_argument(
        "--out",
        required=True,
        type=read_output_or_folder,
        help="table to write; with --rows a folder, such as rows/",
    )
    parser.add_argument(
        "--report",
        type=partial(read_output, suffixes=PAGE_SUFFIXES),
        help="HTML file to write: which candidates were left out, and why",
    )
    parser.add_argument(
        "--mark",
        metavar="COLUMN",
        help="add a column of this name: True in generated rows, False in real ones",
    )
    parser.add_argument(
        "--test-out",
        type=table,
        help="table to write the rows of --test-size to; default: OUT_test",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="allow to replace the table itself"
    )


def _add_counts(parser):
    """Add options of how many rows; return the group of those that exclude others."""
    parser.add_argument(
        "--test-size",
        type=read_test_size,
        help="hold out so many real rows first, or such a share of each class; the "
        "others alone are learned from and enlarged",
    )
    counts = parser.add_mutually_exclusive_group()
    counts.add_argument(
        "--strategy",
        type=read_strategy,
        default="auto",
        help="sampling_strategy of imbalanced-learn: auto, minority, all, 0.5, "
        '{"yes": 100}, ...; default: auto',
    )
    counts.add_argument(
        "--factor",
        type=partial(read_number, kind=float, low=1),
        help="multiply the rows of every class by this number",
    )
    return counts


def _add_rows(parser, counts):
    counts.add_argument(
        "--rows",
        metavar="N",
        type=read_count,
        help="write so many new rows alone, such as 1e8, as Parquet files of 100,000; "
        "a run that was stopped goes on",
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=partial(read_number, kind=int, low=1),
        help="with --rows: files that are filled at the same time; default: 1",
    )


def _add_model_options(parser, *, is_needed):
    group = parser.add_argument_group("language model")
    group.add_argument(
        "--model", required=is_needed, help="name of the model at its endpoint"
    )
    group.add_argument(
        "--base-url",
        help="address of the endpoint; default: $OPENAI_BASE_URL, or that of OpenAI",
    )
    group.add_argument(
        "--api-key-env",
        metavar="NAME",
        help="environment variable that holds the key; default: OPENAI_API_KEY for the "
        "default addresses, no key for any other",
    )
    group.add_argument("--context", help="what the table is about, in a sentence")
    group.add_argument(
        "--descriptions",
        metavar="FILE",
        type=read_descriptions,
        help="JSON file: an object from column names to their meanings",
    )
    group.add_argument(
        "--examples",
        type=read_examples,
        help="maximum number of real rows in a prompt, or "
        '"summary" for statistics only; default: as many as fit',
    )
    group.add_argument(
        "--budget-tokens",
        metavar="N",
        type=partial(read_number, kind=int),
        help="maximum number of tokens to use, input and output together",
    )
    group.add_argument(
        "--prices",
        type=partial(read_number, kind=float),
        nargs=2,
        metavar=("INPUT", "OUTPUT"),
        help="prices of a million tokens",
    )


def _check_combination(args):
    """Refuse options that need another one, and files that are not to be replaced."""
    if "table" in args:
        _check_table(args)
    if args.command == "augment":
        _check_rows(args)
        _check_outputs(args)
    if getattr(args, "model", None) is None:
        if (generator := getattr(args, "generator", None)) not in (None, "h-tdbu"):
            raise ValueError(
                f"--generator {generator} needs --model, the name of a language model."
            )
        for name in NEED_MODEL:
            if getattr(args, name, None) is not None:
                option = name.replace("_", "-")
                raise ValueError(
                    f"--{option} needs --model, the name of a language model."
                )


def _check_table(args):
    if args.table is not None and args.target is None:
        raise ValueError("a table needs --target, the name of its label column.")
    is_csv = args.table is not None and args.table.name.lower().endswith(CSV_SUFFIXES)
    for name in () if is_csv else ("sep", "decimal", "encoding"):
        if getattr(args, name) is not None:
            raise ValueError(f"--{name} needs a table in CSV.")


def _check_rows(args):
    """Refuse a folder without --rows, and what does not go with it."""
    if args.rows is None:
        if not is_table(args.out):
            raise ValueError(
                f"--out {args.out} is a folder, which needs --rows, how many new rows "
                f"to write. Or name a file in {', '.join(TABLE_SUFFIXES)}."
            )
        if args.jobs is not None:
            raise ValueError("--jobs needs --rows, how many new rows to write.")
        return
    if is_table(args.out):
        raise ValueError(
            f"--rows writes a folder of Parquet files: expected --out to name one, "
            f"such as rows/, got {args.out}."
        )
    for name in ("model", "report", "mark"):
        if getattr(args, name) is not None:
            raise ValueError(
                f"--{name} does not go with --rows. Leave one of them out."
            )
    if args.test_size is not None and args.test_out is None:
        raise ValueError("--test-size needs --test-out, too, beside --rows.")


def _check_outputs(args):
    if args.test_out is not None and args.test_size is None:
        raise ValueError("--test-out needs --test-size, which rows to hold out.")
    outputs = {"--out": args.out, "--test-out": args.test_out, "--report": args.report}
    if args.test_size is not None and args.test_out is None:
        args.test_out = outputs["--test-out"] = _name_test_file(args.out)
        if args.test_out.exists() and not args.overwrite:  # nobody has named this one
            raise ValueError(
                f"{args.test_out}, for the rows of --test-size, exists. Name another "
                "file with --test-out, or give --overwrite."
            )
    outputs = {option: path for option, path in outputs.items() if path is not None}
    if len({path.resolve() for path in outputs.values()}) < len(outputs):
        raise ValueError(f"{' and '.join(outputs)} must be different files.")
    for option, path in outputs.items():
        is_input = path.exists() and path.samefile(args.table)
        if is_input and not args.overwrite:
            raise ValueError(
                f"{option} {path} is the table that is read. Name another file, or "
                "give --overwrite."
            )


def _name_test_file(path):
    """Return out_test.csv.gz for out.csv.gz."""
    suffix = next(s for s in TABLE_SUFFIXES if path.name.lower().endswith(s))
    stem, suffix = path.name[: -len(suffix)], path.name[-len(suffix) :]
    return path.with_name(f"{stem}_test{suffix}")
