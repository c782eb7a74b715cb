"""The command line's team of language models: its options, and what it keeps."""

import json
from contextlib import closing
from pathlib import Path

from t2sampler.chat._context import AUTO
from t2sampler.generators import LLMTeam, StatisticalTeam
from t2sampler.llm import Budget, ChatModel
from t2sampler.llm._cache import Store

OPTIONS = ("base_url", "api_key_env", "context", "descriptions", "budget_tokens")
OPTIONS += ("prices", "examples")


def add_team_options(parser, *, is_needed=False):
    """Add what says which language model is asked, and what it is told."""
    group = parser.add_argument_group("language model")
    group.add_argument("--model", required=is_needed, help="its name at the endpoint")
    group.add_argument("--base-url", help="default: $OPENAI_BASE_URL, or OpenAI's own")
    group.add_argument(
        "--api-key-env",
        metavar="NAME",
        help="environment variable with the key; default: OPENAI_API_KEY for OpenAI's "
        "own endpoint and $OPENAI_BASE_URL, none for another",
    )
    group.add_argument("--context", help="what the table is about")
    group.add_argument(
        "--descriptions", metavar="FILE", help="JSON: column name to what it means"
    )
    group.add_argument(
        "--examples",
        help='most real rows shown, or "summary" for none; default: all that fit',
    )
    group.add_argument("--budget-tokens", type=int, help="most tokens spent")
    group.add_argument(
        "--prices",
        type=float,
        nargs=2,
        metavar=("INPUT", "OUTPUT"),
        help="of a million tokens",
    )


def open_team(args, *, is_asked=True):
    """Return the team the options name; a missing key is found before any work.

    Raises
    ------
    ValueError
        Options that need ``--model``, or a file that holds no descriptions.
    ChatError
        There is no key, and somebody ``is_asked``.
    """
    if args.model is None:
        _refuse_options(args)
        return StatisticalTeam()
    prices = dict(zip(("input", "output"), args.prices or (), strict=False))
    chat = ChatModel(
        args.model,
        base_url=args.base_url,
        api_key_env=args.api_key_env,
        prices=prices or None,
    )
    if is_asked:
        chat.connect()
    descriptions = args.descriptions and _read_descriptions(args.descriptions)
    budget = None
    if args.budget_tokens is not None:
        budget = Budget(max_tokens=args.budget_tokens)
    return LLMTeam(
        chat,
        context=args.context or "",
        feature_descriptions=descriptions or None,
        examples=_read_examples(args.examples),
        budget=budget,
    )


def check_descriptions(team, columns):
    """Refuse descriptions of columns that the table does not have."""
    described = getattr(team, "feature_descriptions", None) or {}
    unknown = [name for name in described if name not in set(columns)]
    if unknown:
        raise ValueError(
            f"--descriptions names {', '.join(unknown)}, which the table does not "
            f"have; its columns are {', '.join(map(str, columns))}."
        )


def describe_store():
    """Return what is kept, as a sentence."""
    with closing(Store()) as store:
        kept = store.describe()
    return (
        f"{kept['path']}: {kept['replies']:,} answers, {kept['input_tokens']:,} input "
        f"and {kept['output_tokens']:,} output tokens, {kept['bytes'] / 1e6:,.1f} MB"
    )


def clear_store():
    """Forget all answers; return what was done, as a sentence."""
    with closing(Store()) as store:
        path = store.describe()["path"]
        return f"{path}: {store.clear():,} answers deleted"


def _refuse_options(args):
    for name in OPTIONS:
        if getattr(args, name) is not None:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} needs --model, the name of a language model.")


def _read_examples(text):
    if text is None or text.isdecimal():
        return AUTO if text is None else int(text)
    if text != "summary":
        raise ValueError(f'--examples must be a number or "summary", got {text!r}.')
    return text


def _read_descriptions(path):
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON text: {error}.") from error
    if not isinstance(content, dict) or not all(
        isinstance(meaning, str) for meaning in content.values()
    ):
        raise ValueError(
            f"{path} must hold a JSON object that maps names of columns to text."
        )
    return content
