"""The command line: `t2sampler demo | augment | estimate | plan | store`.

Arguments are parsed and checked here, by the standard library alone, so that ``--help``
and mistakes are answered at once. The commands are in `t2sampler._commands`, which is
imported when one of them runs, since it loads scikit-learn.
"""

import argparse
import csv
import importlib.util
import json
import math
import os
import re
import sys
import warnings
from functools import partial
from pathlib import Path

from t2sampler import __version__
from t2sampler.exceptions import T2SamplerError, T2SamplerWarning

CSV_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
TABLE_SUFFIXES = (*CSV_SUFFIXES, ".parquet", ".xlsx")
LIBRARIES = {".parquet": ("parquet", "pyarrow"), ".xlsx": ("excel", "openpyxl")}
PAGE_SUFFIXES = (".html", ".htm")
KINDS = ("number", "category", "datetime", "timedelta", "text", "id", "private")
STRATEGIES = ("auto", "minority", "not minority", "not majority", "all")
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
    # Each repeat of the demo would give the same warnings.
    messages = [] if args.command == "demo" else [w.message for w in caught]
    messages = [*dict.fromkeys(_describe(text) for text in [*messages, *notes])]
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
        "table", nargs="?", type=_read_input, help="default: a bundled table"
    )
    demo.add_argument("--target", help="name of the label column")
    demo.add_argument(
        "--out",
        type=_read_folder,
        default=Path("t2sampler-demo"),
        help="folder to write to; default: %(default)s",
    )
    augment = add("augment", help="write the table with rows added")
    _add_outputs(augment)
    estimate = add(
        "estimate", help="estimate calls, tokens and cost of augment; asks no model"
    )
    plan = add(
        "plan", help="print which columns are generated together, and in which order"
    )
    for command in (augment, estimate, plan):
        command.add_argument(
            "table", type=_read_input, help=f"file in {', '.join(TABLE_SUFFIXES)}"
        )
        command.add_argument("--target", required=True, help="name of the label column")
        _add_model_options(command, is_needed=command is estimate)
    for command in (augment, estimate):
        _add_counts(command)
        command.add_argument(
            "--generator",
            choices=GENERATORS,
            help="what writes the rows; default: llm-team with --model, else fitted "
            "models. All but h-tdbu need --model",
        )
    for command in (demo, augment, estimate):
        seed = partial(_read_number, kind=int, high=MAX_SEED)
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
        type=_read_sep,
        help=r"what separates cells of a CSV; default: found among , ; \t and |",
    )
    group.add_argument(
        "--decimal", choices=(".", ","), help="decimal mark of a CSV; default: found"
    )
    group.add_argument(
        "--encoding",
        type=_read_encoding,
        help="of a CSV; default: UTF-8, or what its byte-order mark says",
    )
    group.add_argument(
        "--na-values",
        metavar="TEXT,...",
        action="extend",
        type=_split_list,
        help="cells that stand for a missing value, beside empty ones",
    )
    group.add_argument(
        "--kinds",
        metavar="COLUMN=KIND,...",
        action="extend",
        type=_read_kinds,
        help=f"kinds of columns: {', '.join(KINDS)}; default: inferred",
    )
    return parser


def _add_outputs(parser):
    table = partial(_read_output, suffixes=TABLE_SUFFIXES)
    parser.add_argument("--out", required=True, type=table, help="table to write")
    parser.add_argument(
        "--report",
        type=partial(_read_output, suffixes=PAGE_SUFFIXES),
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
    parser.add_argument(
        "--test-size",
        type=_read_test_size,
        help="hold out so many real rows first, or such a share of each class; the "
        "others alone are learned from and enlarged",
    )
    counts = parser.add_mutually_exclusive_group()
    counts.add_argument(
        "--strategy",
        type=_read_strategy,
        default="auto",
        help="sampling_strategy of imbalanced-learn: auto, minority, all, 0.5, "
        '{"yes": 100}, ...; default: auto',
    )
    counts.add_argument(
        "--factor",
        type=partial(_read_number, kind=float, low=1),
        help="multiply the rows of every class by this number",
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
        type=_read_descriptions,
        help="JSON file: an object from column names to their meanings",
    )
    group.add_argument(
        "--examples",
        type=_read_examples,
        help="maximum number of real rows in a prompt, or "
        '"summary" for statistics only; default: as many as fit',
    )
    group.add_argument(
        "--budget-tokens",
        metavar="N",
        type=partial(_read_number, kind=int),
        help="maximum number of tokens to use, input and output together",
    )
    group.add_argument(
        "--prices",
        type=partial(_read_number, kind=float),
        nargs=2,
        metavar=("INPUT", "OUTPUT"),
        help="prices of a million tokens",
    )


def _check_combination(args):
    """Refuse options that need another one, and files that are not to be replaced."""
    if "table" in args:
        _check_table(args)
    if args.command == "augment":
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


def _read_input(text):
    """Return the path of a table that can be opened."""
    path = _check_suffix(text, TABLE_SUFFIXES)
    _open(path).close()
    return path


def _read_output(text, suffixes):
    """Return the path of a file to write, in a folder that exists."""
    path = _check_suffix(text, suffixes)
    folder = path.absolute().parent
    reason = None
    if not folder.is_dir():
        reason = "its folder does not exist"
    elif path.is_dir():
        reason = "it is a folder"
    elif not os.access(folder, os.W_OK):
        reason = "its folder is read-only"
    if reason:
        raise argparse.ArgumentTypeError(f"{path} cannot be written: {reason}")
    return path


def _read_folder(text):
    """Return the path of a folder, which may not exist yet."""
    if Path(text).exists() and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a file, not a folder")
    return Path(text)


def _check_suffix(text, suffixes):
    if not text.lower().endswith(suffixes):
        raise argparse.ArgumentTypeError(
            f"{text} must end with {', '.join(suffixes[:-1])} or {suffixes[-1]}. The "
            "suffix names the format"
        )
    path = Path(text)
    extra, library = LIBRARIES.get(path.suffix.lower(), ("", ""))
    if library and importlib.util.find_spec(library) is None:
        raise argparse.ArgumentTypeError(
            f"{text} needs {library}, the extra `{extra}` of t2sampler. Run: pip "
            f"install {library}"
        )
    return path


def _open(path):
    try:
        return path.open(encoding="utf-8-sig")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from error


def _read_sep(text):
    """Return a separator of cells: one character."""
    sep = {r"\t": "\t", "tab": "\t"}.get(text, text)
    if len(sep) != 1 or sep in '"\r\n':
        raise argparse.ArgumentTypeError(
            rf"expected one character, such as ; or | or \t, got {text!r}"
        )
    return sep


def _read_encoding(text):
    try:
        "".encode(text)
    except LookupError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no encoding of text; examples are utf-8, latin-1 and cp1252"
        ) from error
    return text


def _split_list(text):
    """Return the parts of a list with commas; a part in quotes may hold some."""
    return [part.strip() for part in next(csv.reader([text], skipinitialspace=True))]


def _read_kinds(text):
    """Return pairs of a column and its kind."""
    pairs, name = [], ""
    for part in _split_list(text):
        before, mark, kind = part.rpartition("=")
        if not mark:  # a name with a comma in it
            name += f"{part},"
        elif kind.strip() not in KINDS:
            raise argparse.ArgumentTypeError(
                f"{kind.strip()!r} in {part!r} is no kind of column; the kinds are "
                f"{', '.join(KINDS)}"
            )
        else:
            pairs.append(((name + before).strip(), kind.strip()))
            name = ""
    if name or not pairs:
        raise argparse.ArgumentTypeError(
            f"expected COLUMN=KIND, such as day=number,zip=category, got {text!r}"
        )
    return pairs


def _read_test_size(text):
    """Return a number of rows, or a share of them."""
    try:
        size = float(text)
    except ValueError:
        size = math.nan
    if not (0 < size < 1 or (1 <= size < math.inf and size == int(size))):
        raise argparse.ArgumentTypeError(
            f"expected a share between 0 and 1 or a number of rows, got {text!r}"
        )
    return size if size < 1 else int(size)


def _read_number(text, kind, low=0, high=math.inf):
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high or number == math.inf:
        noun = {int: "an integer", float: "a number"}[kind]
        reach = "" if high == math.inf else f" and at most {high}"
        raise argparse.ArgumentTypeError(
            f"expected {noun} of at least {low}{reach}, got {text!r}"
        )
    return number


def _read_strategy(text):
    """Return a ``sampling_strategy``: a word, a ratio, or a dict with text as keys."""
    try:
        strategy = json.loads(text)
    except json.JSONDecodeError:
        strategy = text
    is_counts = isinstance(strategy, dict) and all(
        type(count) is int and count >= 0 for count in strategy.values()
    )
    is_ratio = type(strategy) in (int, float) and 0 < strategy <= 1
    if not is_counts and not is_ratio and strategy not in STRATEGIES:
        raise argparse.ArgumentTypeError(
            f"expected a sampling_strategy: {', '.join(STRATEGIES)}, a ratio in (0, 1] "
            f"or a JSON object from labels to numbers of rows, got {text!r}"
        )
    return float(strategy) if is_ratio else strategy


def _read_examples(text):
    """Return a number of rows, or "summary"."""
    if text == "summary":
        return text
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(
            f'expected a number of rows or "summary", got {text!r}'
        )
    return int(text)


def _read_descriptions(text):
    """Return a dict from names of columns to what they mean."""
    try:
        with _open(Path(text)) as file:
            content = json.load(file)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no JSON text: {error}") from error
    is_read = isinstance(content, dict)
    if not is_read or not all(isinstance(text, str) for text in content.values()):
        raise argparse.ArgumentTypeError(
            f"{text} must hold a JSON object that maps names of columns to text"
        )
    return content
