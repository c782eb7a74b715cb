"""The words that are sent: a prefix that stays the same, then what varies."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, find_zone
from t2sampler.chat._context import SUMMARY, Briefing
from t2sampler.chat._formatting import Json, Spelling, quote
from t2sampler.team._plan import Component, Plan

MOST_LEVELS = 30  # of a category that are listed
FIGURES = {  # of numbers, where not all real rows are shown
    False: "values of the real rows (numbers: low median high; others may occur)",
    True: "real values (numbers: quantiles 0 10 25 50 75 90 100%; others may occur)",
}
NO_FIGURES = "values"  # a few figures of a few rows would read as limits
SHARES = {False: (0, 0.5, 1), True: (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)}
AGAIN = (
    "\nThe last answer lacked these rows, or had values that their columns cannot have."
)
NULLS = " null stands for a missing value, and for nothing else."
GUIDE = (
    " Use the real rows, and what you know of the subject: follow them in the range of "
    "each column, in how the columns go together and in how they go with the label, "
    "and differ from them and from one another as real rows would. Copy no real row."
)
GUIDE_WITHOUT_ROWS = (
    " Use what you know of the subject: the values of a row fit together and fit its "
    "label, and rows differ from one another as real ones would."
)
BY_ROWS = ", by the real rows and by what you know of the subject"
NOTHING = "none"


def write_prefix(
    briefing: Briefing, plan: Plan | None = None, *, with_rows: bool = True
) -> str:
    """Return the system message, the same bytes for every call of a fit.

    What the manager is told comes first and is the start of what all others are told,
    so that an endpoint that keeps prefixes has it.

    Parameters
    ----------
    briefing : Briefing
    plan : Plan, default=None
        None: for the manager, who is yet to write it.
    with_rows : bool, default=True
        False: no real rows, where they do not fit.
    """
    briefing.dictionary = briefing.dictionary or _describe_columns(briefing)
    context = quote(" ".join(briefing.context.split()))
    rows = briefing.example_rows if with_rows else []
    return fill(
        "team",
        context=f"\nTable: {context}" if briefing.context else "",
        label=quote(briefing.label_key),
        columns=briefing.dictionary,
        examples=_write_examples(briefing, rows),
        plan=_describe_plan(briefing, plan),
        rules=_describe_rules(plan),
        figures=NO_FIGURES
        if briefing.shows_all
        else FIGURES[briefing.examples == SUMMARY],
    )


def write_question(
    template: str,
    briefing: Briefing,
    rows: Sequence[dict[str, Json] | str],
    *,
    is_again: bool = False,
    **words: str,
) -> str:
    """Return the message that asks for rows; the rows themselves end it.

    Parameters
    ----------
    template : str
        Name of a file in ``prompts``.
    briefing : Briefing
    rows : sequence of dict or str
        What is given of each, by key; text stands as it is.
    is_again : bool, default=False
        These rows were asked for before.
    **words : str
        For the template's other places.
    """
    return fill(
        template,
        label=quote(briefing.label_key),
        again=AGAIN if is_again else "",
        rows="\n".join(row if isinstance(row, str) else quote(row) for row in rows),
        **words,
    )


def fill(template: str, **words: str) -> str:
    """Return a template with its places filled; what fills them is never read again."""
    return _template(template).substitute(words).rstrip("\n")


def is_team(plan: Plan, briefing: Briefing) -> bool:
    """Tell whether more than one component has columns that are shown."""
    return sum(bool(_shown(briefing, part)) for part in plan.components) > 1


@cache
def _template(name: str) -> Template:
    path = files("t2sampler.chat") / "prompts" / f"{name}.txt"
    return Template(path.read_text(encoding="utf-8"))


def _write_examples(briefing: Briefing, rows: Sequence[int]) -> str:
    """Return real rows, one a line, under a line that says how many there are."""
    if not rows:
        return ""
    keys = [*briefing.columns_by_key(), briefing.label_key]
    n_real = briefing.schema.n_rows
    some = f"{len(rows)} of the {n_real:,}" if len(rows) < n_real else f"All {n_real:,}"
    lines = [quote(briefing.spell_row(row, keys)) for row in rows]
    return "\n".join([f"\n{some} real rows:", *lines])


def _describe_plan(briefing: Briefing, plan: Plan | None) -> str:
    if plan is None or not is_team(plan, briefing):
        return ""
    lines = [_describe_part(briefing, part) for part in plan.components]
    title = "\nTeam: member, role: the keys they write <- whom they read"
    return "\n".join([title, *lines])


def _describe_rules(plan: Plan | None) -> str:
    if plan is None or not plan.rules:
        return ""
    lines = [quote(str(getattr(rule, "name", rule))) for rule in plan.rules]
    return "\n".join(["\nRules that every row keeps:", *lines])


def _describe_part(briefing: Briefing, part: Component) -> str:
    keys = " ".join(quote(key) for key in _shown(briefing, part)) or NOTHING
    reads = " ".join(quote(name) for name in part.reads) or "-"
    role = f", {quote(part.role)}" if part.role else ""
    return f"{quote(part.name)}{role}: {keys} <- {reads}"


def _shown(briefing: Briefing, part: Component) -> list[str]:
    """Return the keys of a component's columns that are shown."""
    own = set(part.columns)
    return [briefing.key_of(c.name) for c in briefing.columns if c.name in own]


def _describe_columns(briefing: Briefing) -> str:
    columns = {**briefing.columns_by_key(), briefing.label_key: briefing.label}
    return "\n".join(_describe_column(briefing, *item) for item in columns.items())


def _describe_column(briefing: Briefing, key: str, column: ColumnSchema) -> str:
    spelling = briefing.spelling(key)
    name = "" if column.name is None or column.name == key else str(column.name)
    meaning = briefing.describe(column.name)
    values = _describe_values(briefing, key, spelling)
    missing = ""
    if column.missing:
        share = "or" if briefing.shows_all else _percent(column.missing)
        missing = f", {share} null"
    words = "; ".join(quote(text) for text in (name, meaning) if text)
    title = f"{quote(key)} (label)" if key == briefing.label_key else quote(key)
    return f"{title}: {values}{missing}{f'; {words}' if words else ''}"


def _describe_values(briefing: Briefing, key: str, spelling: Spelling) -> str:
    column = spelling.column
    labels = briefing.labels.astype(float)
    is_label = key == briefing.label_key
    codes = labels if is_label else briefing.codes_of(column.name)
    present = codes[~np.isnan(codes)]
    if column.levels:
        shows_shares = not briefing.shows_all
        return _describe_levels(spelling, present.astype(np.intp), shows_shares)
    found = _find_figures(briefing, column, present)
    zone = find_zone(column.dtype)
    figures = [quote(spelling.spell(code)) for code in found]
    words = [_kind_word(column), *figures, f"in {zone}" if zone else ""]
    return " ".join(word for word in words if word) or "number"


def _find_figures(
    briefing: Briefing, column: ColumnSchema, present: NDArray[np.float64]
) -> list[float]:
    """Return what is told of numbers: all values of a list, else some quantiles."""
    if 1 < len(column.grid.values) <= MOST_LEVELS:
        return list(column.grid.values)
    if briefing.shows_all:
        return []
    with np.errstate(all="ignore"):
        shares = SHARES[briefing.examples == SUMMARY]
        return [float(q) for q in np.quantile(present, shares)]


def _kind_word(column: ColumnSchema) -> str:
    if column.kind != "number":
        return "ISO date" if column.kind == "datetime" else "ISO duration"
    if 1 < len(column.grid.values) <= MOST_LEVELS:
        return "one of"
    return "integer" if column.grid.is_integer else ""


def _describe_levels(
    spelling: Spelling, codes: NDArray[np.intp], shows_shares: bool
) -> str:
    counts = np.bincount(codes, minlength=len(spelling.levels))
    shown = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    if spelling.column.is_ordered:
        shown = np.sort(shown)
    total = max(1, int(counts.sum()))
    words = [
        quote(spelling.levels[k])
        + (f" {_share(int(counts[k]), total)}" if shows_shares else "")
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
