"""The words that are sent: a prefix that stays the same, then what varies."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, find_zone
from t2sampler.team._briefing import LABEL, SUMMARY, Briefing
from t2sampler.team._plan import Component, Plan
from t2sampler.team._spelling import Json, Spelling, quote

MOST_LEVELS = 30  # of a category that are listed
FIGURES = ("low median high", "quantiles 0 10 25 50 75 90 100%")
SHARES = ((0, 0.5, 1), (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1))
HINTS = "; follow its hint (a value or range) unless the row speaks against it"
AGAIN = (
    "\nThe last answer lacked these rows, or had values that their columns cannot have."
)
NULLS = "; null only for a missing value"
NOTHING = "none"


def write_prefix(briefing: Briefing, plan: Plan | None = None) -> str:
    """Return the system message, the same bytes for every call of a fit.

    Parameters
    ----------
    briefing : Briefing
    plan : Plan, default=None
        None: for the manager, who is yet to write it.
    """
    briefing.dictionary = briefing.dictionary or _describe_columns(briefing)
    parts = plan.components if plan is not None else ()
    rules = plan.rules if plan is not None else ()
    return fill(
        "team",
        context=quote(" ".join(briefing.context.split())),
        columns=briefing.dictionary,
        plan="\n".join(_describe_part(briefing, p) for p in parts) or NOTHING,
        rules="\n".join(quote(str(getattr(r, "name", r))) for r in rules) or NOTHING,
        figures=FIGURES[briefing.examples == SUMMARY],
    )


def write_question(
    template: str,
    briefing: Briefing,
    *,
    examples: Sequence[int],
    example_keys: Sequence[str],
    header: Sequence[str],
    rows: Sequence[Sequence[Json]],
    is_again: bool = False,
    **words: str,
) -> str:
    """Return the message that asks for rows; the rows themselves end it.

    Parameters
    ----------
    template : str
        Name of a file in ``prompts``.
    briefing : Briefing
    examples : sequence of int
        Positions of real rows.
    example_keys, header : sequence of str
        What the values of the example rows, and of the rows, are.
    rows : sequence of sequence of JSON values
    is_again : bool, default=False
        These rows were asked for before.
    **words : str
        For the template's other places.
    """
    return fill(
        template,
        again=AGAIN if is_again else "",
        examples=write_examples(briefing, examples, example_keys),
        header=quote(list(header)),
        rows="\n".join(quote(list(row)) for row in rows),
        **words,
    )


def write_examples(
    briefing: Briefing, examples: Sequence[int], keys: Sequence[str]
) -> str:
    """Return real rows under a line that says which columns they have; "" for none."""
    if not examples or not keys:
        return ""
    lines = [quote(briefing.spell_example(row, keys)) for row in examples]
    return "\n".join([f"\nReal rows: {quote(list(keys))}", *lines])


def fill(template: str, **words: str) -> str:
    """Return a template with its places filled; what fills them is never read again."""
    return _template(template).substitute(words).rstrip("\n")


@cache
def _template(name: str) -> Template:
    path = files("t2sampler.team") / "prompts" / f"{name}.txt"
    return Template(path.read_text(encoding="utf-8"))


def _describe_part(briefing: Briefing, part: Component) -> str:
    shown = [
        column.name for column in briefing.columns if column.name in set(part.columns)
    ]
    keys = " ".join(briefing.key_of(name) for name in shown) or NOTHING
    reads = " ".join(quote(name) for name in part.reads) or "-"
    role = f", {quote(part.role)}" if part.role else ""
    return f"{quote(part.name)}{role}: {keys} <- {reads}"


def _describe_columns(briefing: Briefing) -> str:
    columns = {**briefing.columns_by_key(), LABEL: briefing.label}
    return "\n".join(_describe_column(briefing, *item) for item in columns.items())


def _describe_column(briefing: Briefing, key: str, column: ColumnSchema) -> str:
    spelling = briefing.spelling(key)
    name = column.name if isinstance(column.name, str) else str(column.name)
    meaning = briefing.describe(column.name)
    values = _describe_values(briefing, key, spelling)
    missing = f", {_percent(column.missing)} null" if column.missing else ""
    tail = f", {quote(meaning)}" if meaning else ""
    return f"{key} {quote(name)}: {values}{missing}{tail}"


def _describe_values(briefing: Briefing, key: str, spelling: Spelling) -> str:
    column = spelling.column
    codes = briefing.labels if key == LABEL else briefing.codes_of(column.name)
    present = codes[~np.isnan(codes)]
    if column.levels:
        return _describe_levels(spelling, present.astype(np.intp))
    shares = SHARES[briefing.examples == SUMMARY]
    with np.errstate(all="ignore"):
        found = [float(q) for q in np.quantile(present, shares)]
    if 1 < len(column.grid.values) <= MOST_LEVELS:
        found = list(column.grid.values)
    zone = find_zone(column.dtype)
    figures = [quote(spelling.spell(code)) for code in found]
    words = [_kind_word(column), *figures, f"in {zone}" if zone else ""]
    return " ".join(word for word in words if word)


def _kind_word(column: ColumnSchema) -> str:
    if column.kind != "number":
        return "ISO date" if column.kind == "datetime" else "ISO duration"
    if 1 < len(column.grid.values) <= MOST_LEVELS:
        return "one of"
    return "integer" if column.grid.is_integer else ""


def _describe_levels(spelling: Spelling, codes: NDArray[np.intp]) -> str:
    counts = np.bincount(codes, minlength=len(spelling.levels))
    shown = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    if spelling.column.is_ordered:
        shown = np.sort(shown)
    total = max(1, int(counts.sum()))
    words = [
        f"{quote(spelling.levels[k])} {_share(int(counts[k]), total)}"
        for k in shown.tolist()
    ]
    n_more = len(spelling.levels) - len(shown)
    order = "rising " if spelling.column.is_ordered else ""
    return f"{order}{', '.join(words)}" + (f", {n_more} more" if n_more else "")


def _share(count: int, total: int) -> str:
    return _percent(count / total) if count else "new"


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f}%" if percent >= 1 or percent == 0 else "<1%"
