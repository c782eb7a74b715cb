"""The command line: `t2sampler demo | augment | estimate | plan | store`.

Arguments are parsed and checked here, by the standard library alone, so that ``--help``
and mistakes are answered at once. The commands are in `t2sampler._commands`, which is
imported when one of them runs, since it loads scikit-learn.
"""

import argparse
import json
import math
import sys
import warnings
from functools import partial
from pathlib import Path

from t2sampler import __version__
from t2sampler.exceptions import T2SamplerError, T2SamplerWarning

TABLE_SUFFIXES = (".csv", ".csv.gz", ".parquet")
PAGE_SUFFIXES = (".html", ".htm")
STRATEGIES = ("auto", "minority", "not minority", "not majority", "all")
MAX_SEED = 2**32 - 1  # as NumPy and scikit-learn have it
NEED_MODEL = (
    *("base_url", "api_key_env", "context", "descriptions", "examples"),
    *("budget_tokens", "prices"),
)


def main(argv=None):
    """Run one command and return its exit code: 0, or 2 for a user's mistake."""
    args = _build_parser().parse_args(argv)
    try:
        _check_combination(args)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", T2SamplerWarning)
            _run_command(args)
    except (T2SamplerError, ValueError, OSError) as error:
        print(f"t2sampler {args.command}: {_describe(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"t2sampler {args.command}: stopped", file=sys.stderr)
        return 130
    if args.command != "demo":  # each of its repeats would give the same warnings
        for message in dict.fromkeys(str(warning.message) for warning in caught):
            print(f"t2sampler {args.command}: {message}", file=sys.stderr)
    return 0


def _run_command(args):
    from t2sampler import _commands

    getattr(_commands, args.command)(args)


def _describe(error):
    """Return an error as one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return " ".join(str(error).split())


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """Refuse an argument in one sentence, as `main` reports other mistakes."""
        self.exit(2, f"{self.prog}: {message.rstrip('.')}.\n")


def _build_parser():
    parser = _Parser(
        prog="t2sampler",
        description="Over-sample a table with rows that a generator proposes and three "
        "filters check. Reads and writes CSV and Parquet. Rows stay on this machine "
        "unless --model names a language model elsewhere.",
    )
    parser.add_argument(
        "--version", action="version", version=f"t2sampler {__version__}"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser(
        "demo", help="compare models trained without and with the sampler"
    )
    demo.add_argument(
        "table", nargs="?", type=_read_input, help="CSV file; default: a bundled table"
    )
    demo.add_argument("--target", help="name of the label column")
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("t2sampler-demo"),
        help="folder to write to; default: %(default)s",
    )
    augment = commands.add_parser("augment", help="write the table with rows added")
    augment.add_argument(
        "--out",
        required=True,
        type=partial(_read_output, suffixes=TABLE_SUFFIXES),
        help="CSV or Parquet file to write",
    )
    augment.add_argument(
        "--report",
        type=partial(_read_output, suffixes=PAGE_SUFFIXES),
        help="HTML file to write: which candidates were left out, and why",
    )
    estimate = commands.add_parser(
        "estimate", help="estimate calls, tokens and cost of augment; asks no model"
    )
    plan = commands.add_parser(
        "plan", help="print which columns are generated together, and in which order"
    )
    for command in (augment, estimate, plan):
        command.add_argument("table", type=_read_input, help="CSV or Parquet file")
        command.add_argument("--target", required=True, help="name of the label column")
        _add_model_options(command, is_needed=command is estimate)
    for command in (augment, estimate):
        _add_counts(command)
    for command in (demo, augment, estimate):
        seed = partial(_read_number, kind=int, high=MAX_SEED)
        command.add_argument("--seed", type=seed, default=0, help="default: 0")
    store = commands.add_parser("store", help="show how many model replies are stored")
    store.add_argument("--clear", action="store_true", help="delete them")
    return parser


def _add_counts(parser):
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
    """Refuse options that need another one."""
    if args.command == "demo" and args.table is not None and args.target is None:
        raise ValueError("a table needs --target, the name of its label column.")
    if getattr(args, "model", None) is not None:
        return
    for name in NEED_MODEL:
        if getattr(args, name, None) is not None:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} needs --model, the name of a language model.")


def _read_input(text):
    """Return the path of a table that can be opened."""
    path = _check_suffix(text, TABLE_SUFFIXES)
    _open(path).close()
    return path


def _read_output(text, suffixes):
    """Return the path of a file to write, in a folder that exists."""
    path = _check_suffix(text, suffixes)
    if not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(
            f"{path} cannot be written: its folder does not exist"
        )
    return path


def _check_suffix(text, suffixes):
    if not text.lower().endswith(suffixes):
        raise argparse.ArgumentTypeError(
            f"{text} must end with {', '.join(suffixes[:-1])} or {suffixes[-1]}. The "
            "suffix names the format"
        )
    return Path(text)


def _open(path):
    try:
        return path.open(encoding="utf-8")
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from error


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
