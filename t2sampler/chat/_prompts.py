"""Text of all messages: a function per template of ``prompts/``, and its fragments.

======================= ======================================================
template                message
======================= ======================================================
system                  system message of every call: the task, columns, real rows
manager                 question for a plan
manager_again           the plan sent back, with its faults
rule_forms              in both questions for rules: how a rule is written
worker_rows             question for whole rows, given how many of each label
worker_columns          question for some columns beside given ones
label_probabilities     question for the probability of each class
label_class             question for the likeliest of many classes
guide                   in both questions of a worker: how rows should be
guide_without_rows      the same where no real row is shown
cllm_*                  messages of CLLM
epic_*                  of EPIC, filled in ``generators/_epic.py``
tagal_*                 of TAGAL, filled in ``chat/_tagal_turns.py``
process_*, optimizer*   of MALLM-GAN, filled in ``chat/_process_prompts.py``
rules*                  question of H-TDBU, filled in ``chat/_rule_writer.py``
======================= ======================================================
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from string import Template

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import find_zone
from t2sampler.chat._context import SUMMARY, PromptContext
from t2sampler.chat._formatting import Json, ValueFormatter, quote
from t2sampler.chat._parse_reply import ID
from t2sampler.team._plan import Component, Plan

MAX_LISTED_VALUES = 30  # levels, or numbers of a list, that the dictionary shows
QUANTILES = (0, 0.5, 1)
QUANTILES_OF_SUMMARY = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
# Titles of the dictionary's values. Quantiles of rows that are all shown would say
# nothing new, and a model takes them for limits.
ALL_SHOWN = "values"
SOME_SHOWN = "values of the real rows (numbers: low median high; others may occur)"
NONE_SHOWN = (
    "real values (numbers: quantiles 0 10 25 50 75 90 100%{}; others may occur)"
)
AVERAGED = ", each the mean of {} rows"
AGAIN = (
    "\nThe last answer lacked these rows, or had values that their columns cannot have."
)
NULLS = " null stands for a missing value, and for nothing else."
BY_ROWS = ", by the real rows and by what you know of the subject"
EMPTY_ANSWER = "(nothing)"  # endpoints refuse an empty message


def write_system(
    context: PromptContext, plan: Plan | None = None, *, with_rows: bool = True
) -> str:
    """Return the system message, the same bytes for every call of a fit.

    The manager's is the beginning of that of all others, so that an endpoint which
    caches prefixes can use it again.

    Parameters
    ----------
    context : PromptContext
    plan : Plan, default=None
        None: for the manager, who is asked for it.
    with_rows : bool, default=True
        False: without real rows, where they do not fit.
    """
    return fill(
        "system",
        label=quote(context.label_key),
        table=write_table(context),
        examples=list_rows(context, context.example_rows if with_rows else []),
        plan=_describe_plan(context, plan),
        rules=_list_rules(context, plan),
    )


def write_table(context: PromptContext) -> str:
    """Return what the table is about, and the dictionary: its columns in words."""
    # Written once: it is the same in every question, and long for wide tables.
    context.dictionary = context.dictionary or _describe_columns(context)
    about = " ".join(context.table_description.split())
    title = f"Table: {quote(about)}\n" if about else ""
    n_rows = context.min_level_rows
    averaged = AVERAGED.format(n_rows) if n_rows > 1 else ""
    is_summary = context.examples == SUMMARY
    values = NONE_SHOWN.format(averaged) if is_summary else SOME_SHOWN
    values = ALL_SHOWN if context.shows_all_rows else values
    return f"{title}Columns by key: {values}, meaning\n{context.dictionary}"


def write_manager(context: PromptContext) -> str:
    """Return the question for a plan."""
    columns = ", ".join(map(quote, context.columns_by_key()))
    label, forms = quote(context.label_key), fill("rule_forms")
    return fill("manager", label=label, columns=columns, forms=forms)


def write_manager_again(faults: Sequence[str]) -> str:
    """Return the message that sends a plan back."""
    return fill("manager_again", faults="; ".join(faults))


def write_worker_rows(
    context: PromptContext,
    keys: Sequence[str],
    labels: Sequence[int],
    *,
    batch: int,
    is_again: bool,
) -> str:
    """Return the question for whole rows: how many of each label are wanted.

    Rows of one label are alike to the worker, so it numbers them as it likes.

    Parameters
    ----------
    context : PromptContext
    keys : sequence of str
        Of a row of the reply.
    labels : sequence of int
        Label code of each row.
    batch : int
        A number that tells apart questions which differ in nothing else.
    is_again : bool
        These rows were asked for before.
    """
    lines = count_labels(context, labels)
    return _fill_question(
        "worker_rows",
        context,
        keys,
        lines,
        is_again=is_again,
        batch=str(batch),
        n_rows=str(len(labels)),
        guide=_write_guide(context),
        nulls=_explain_nulls(context, keys),
    )


def write_cllm_rows(
    context: PromptContext,
    keys: Sequence[str],
    labels: Sequence[int] | None,
    n_rows: int,
    *,
    examples: Sequence[int] = (),
    batch: int,
    is_again: bool,
) -> str:
    """Return the question of `CLLM`; parameters as of `write_worker_rows`.

    Parameters
    ----------
    labels : sequence of int or None
        None: rows are wanted with any label.
    n_rows : int
    examples : sequence of int
        Real rows of this question; empty where all questions have the same.
    """
    label = quote(context.label_key)
    shown = [quote(context.format_row(row, keys)) for row in examples]
    lines = [f"{n_rows} x {{}}"] if labels is None else count_labels(context, labels)
    counts = f"any {label}, as the other values of a row make it likely"
    if labels is not None:
        counts = f"the last lines say how many with which {label}"
    return _fill_question(
        "cllm_rows",
        context,
        keys,
        lines,
        is_again=is_again,
        examples="".join(f"{line}\n" for line in ["Some real rows:", *shown] if shown),
        batch=str(batch),
        n_rows=str(n_rows),
        counts=counts,
        nulls=_explain_nulls(context, keys),
    )


def count_labels(context: PromptContext, labels: Sequence[int]) -> list[str]:
    """Return a line per label: how many rows with it are wanted."""
    key = context.label_key
    levels = context.formatter(key).levels
    return [
        f"{count} x {quote({key: levels[label]})}"
        for label, count in Counter(labels).items()
    ]


def write_worker_columns(
    context: PromptContext,
    keys: Sequence[str],
    given: Sequence[dict[str, Json]],
    *,
    member: str,
    batch: int,
    is_again: bool,
) -> str:
    """Return the question for some columns, one row per line of what is given.

    Parameters
    ----------
    context : PromptContext
    keys : sequence of str
        Of a row of the reply.
    given : sequence of dict
        The number, the label and the given values of each row, by key.
    member : str
        Name of the component, "" where there is no other.
    batch : int
        A number that tells apart questions which differ in nothing else.
    is_again : bool
        These rows were asked for before.
    """
    columns = ", ".join(quote(key) for key in keys if key != context.label_key)
    return _fill_question(
        "worker_columns",
        context,
        keys,
        map(quote, given),
        is_again=is_again,
        member=f"You are {quote(member)}. " if member else "",
        batch=str(batch),
        columns=columns,
        guide=_write_guide(context),
        nulls=_explain_nulls(context, keys),
    )


def write_label_class(
    context: PromptContext,
    keys: Sequence[str],
    given: Sequence[dict[str, Json]],
    *,
    is_again: bool,
) -> str:
    """Return the question for the likeliest label; parameters as of the next."""
    lines, basis = map(quote, given), BY_ROWS if context.example_rows else ""
    return _fill_question(
        "label_class", context, keys, lines, is_again=is_again, basis=basis
    )


def write_label_probabilities(
    context: PromptContext,
    levels: Mapping[str, Json],
    given: Sequence[dict[str, Json]],
    *,
    is_again: bool,
) -> str:
    """Return the question for the probability of each label.

    Parameters
    ----------
    context : PromptContext
    levels : dict of str to JSON value
        Labels by key of a row of the reply.
    given : sequence of dict
        The number and the values of each row, by key; never its label.
    is_again : bool
        These rows were asked for before.
    """
    other = [
        f"{quote(key)} for {quote(level)}"
        for key, level in levels.items()
        if key != level
    ]
    return _fill_question(
        "label_probabilities",
        context,
        list(levels),
        map(quote, given),
        is_again=is_again,
        classes=f", where {', '.join(other)} stand" if other else "",
        basis=BY_ROWS if context.example_rows else "",
    )


def is_team(plan: Plan, context: PromptContext) -> bool:
    """Tell whether more than one component has columns that are shown."""
    return sum(bool(_shown_keys(context, part)) for part in plan.components) > 1


def _fill_question(
    template: str,
    context: PromptContext,
    keys: Sequence[str],
    lines: Iterable[str],
    *,
    is_again: bool,
    **words: str,
) -> str:
    """Fill what all questions for rows have; the rows themselves end the text."""
    # Shown beside the schema, which not every endpoint enforces.
    values = ",".join(f"{quote(key)}:…" for key in keys)
    return fill(
        template,
        label=quote(context.label_key),
        form=f'{{"rows":[{{"{ID}":1,{values}}},…]}}',
        again=AGAIN if is_again else "",
        rows="\n".join(lines),
        **words,
    )


def fill(template: str, **words: str) -> str:
    """Return a template of ``prompts/`` with its places filled.

    What fills them is not read again, so a text may hold any characters.
    """
    return _read_template(template).substitute(words).rstrip("\n")


@cache
def _read_template(name: str) -> Template:
    path = files("t2sampler.chat") / "prompts" / f"{name}.txt"
    return Template(path.read_text(encoding="utf-8"))


def _write_guide(context: PromptContext) -> str:
    return fill("guide" if context.example_rows else "guide_without_rows")


def _explain_nulls(context: PromptContext, keys: Sequence[str]) -> str:
    has_missing = any(context.formatter(key).column.missing for key in keys)
    return NULLS if has_missing else ""


def list_rows(context: PromptContext, rows: Sequence[int]) -> str:
    """Return real rows, one a line, under a line that says how many there are."""
    if not rows:
        return ""
    keys = [*context.columns_by_key(), context.label_key]
    n_real = context.schema.n_rows
    count = f"{len(rows)} of the" if len(rows) < n_real else "All"
    lines = [quote(context.format_row(row, keys)) for row in rows]
    return "\n".join([f"\n{count} {n_real:,} real rows:", *lines])


def _describe_plan(context: PromptContext, plan: Plan | None) -> str:
    if plan is None or not is_team(plan, context):
        return ""
    lines = [_describe_component(context, part) for part in plan.components]
    title = "\nTeam: member, role: the keys they write <- whom they read"
    return "\n".join([title, *lines])


def _describe_component(context: PromptContext, part: Component) -> str:
    keys = " ".join(map(quote, _shown_keys(context, part))) or "none"
    reads = " ".join(map(quote, part.reads)) or "-"
    role = f", {quote(part.role)}" if part.role else ""
    return f"{quote(part.name)}{role}: {keys} <- {reads}"


def _shown_keys(context: PromptContext, part: Component) -> list[str]:
    """Return the keys of a component's columns that are shown."""
    columns = set(part.columns)
    return [context.key_of(c.name) for c in context.columns if c.name in columns]


def _list_rules(context: PromptContext, plan: Plan | None) -> str:
    """Return the rules, but for those about what is not sent."""
    rules = plan.rules if plan is not None else ()
    names = [
        str(getattr(rule, "name", rule)) for rule in rules if context.may_send(rule)
    ]
    title = "\nRules that every row keeps:"
    return "\n".join([title, *map(quote, names)]) if names else ""


def _describe_columns(context: PromptContext) -> str:
    """Return the dictionary: a line per column, the label's last."""
    # All that comes from the table is quoted: a cell or a name cannot give orders.
    keys = [*context.columns_by_key(), context.label_key]
    return "\n".join(_describe_column(context, key) for key in keys)


def _describe_column(context: PromptContext, key: str) -> str:
    column = context.formatter(key).column
    name = "" if column.name is None or column.name == key else str(column.name)
    meaning = context.meaning_of(column.name)
    words = "; ".join(quote(text) for text in (name, meaning) if text)
    missing = ""
    if column.missing:
        share = "or" if context.shows_all_rows else _percent(column.missing)
        missing = f", {share} null"
    title = f"{quote(key)} (label)" if key == context.label_key else quote(key)
    values = _describe_values(context, key)
    return f"{title}: {values}{missing}{f'; {words}' if words else ''}"


def _describe_values(context: PromptContext, key: str) -> str:
    formatter, codes = context.formatter(key), context.codes_of(key)
    column, present = formatter.column, codes[~np.isnan(codes)]
    if column.levels:
        with_shares = not context.shows_all_rows  # else the rows themselves tell
        return _describe_levels(formatter, present.astype(np.intp), with_shares)
    numbers = [quote(formatter.format(c)) for c in _list_numbers(context, key, present)]
    zone = find_zone(column.dtype)
    words = [_name_kind(context, key), *numbers, f"in {zone}" if zone else ""]
    return " ".join(word for word in words if word) or "number"


def _list_numbers(
    context: PromptContext, key: str, present: NDArray[np.float64]
) -> list[float]:
    """Return all values where there are few distinct ones, else some quantiles."""
    column, n_rows = context.formatter(key).column, 1
    if _has_listed_numbers(context, key):
        return list(column.grid.values)
    if context.shows_all_rows:
        return []
    is_summary = context.examples == SUMMARY
    shares = QUANTILES_OF_SUMMARY if is_summary else QUANTILES
    if not context.example_rows:  # a quantile would be the value of a row
        n_rows = context.min_level_rows
    if len(present) < n_rows:
        return []
    with np.errstate(all="ignore"):
        averages = _average_quantiles(present, shares, n_rows)
    return [float(q) for q in (averages if n_rows == 1 else column.snap(averages))]


def _average_quantiles(
    present: NDArray[np.float64], shares: Sequence[float], n_rows: int
) -> NDArray[np.float64]:
    """Return quantiles, each as the mean of the ``n_rows`` values around it."""
    if n_rows == 1:
        return np.quantile(present, shares)
    ordered, last = np.sort(present), len(present) - n_rows
    middles = np.array(shares) * (len(present) - 1)
    starts = np.clip(np.round(middles - (n_rows - 1) / 2), 0, last).astype(np.intp)
    return np.array([ordered[start : start + n_rows].mean() for start in starts])


def _has_listed_numbers(context: PromptContext, key: str) -> bool:
    """Tell whether the dictionary lists all numbers: few, and none of a row or two."""
    column, codes = context.formatter(key).column, context.codes_of(key)
    if not 1 < len(column.grid.values) <= MAX_LISTED_VALUES:
        return False
    if context.example_rows:
        return True
    counts = np.unique(codes[~np.isnan(codes)], return_counts=True)[1]
    return bool(counts.min() >= context.min_level_rows)


def _name_kind(context: PromptContext, key: str) -> str:
    column = context.formatter(key).column
    if column.kind != "number":
        return "ISO date" if column.kind == "datetime" else "ISO duration"
    if _has_listed_numbers(context, key):
        return "one of"
    return "integer" if column.grid.is_integer else ""


def _describe_levels(
    formatter: ValueFormatter, codes: NDArray[np.intp], with_shares: bool
) -> str:
    """Return the most frequent levels, those of an ordered column in their order."""
    counts = np.bincount(codes, minlength=len(formatter.levels))
    ranked = np.argsort(-counts, kind="stable")
    withheld = list(formatter.withheld)
    listed = ranked[~np.isin(ranked, withheld)]
    # Many levels would fill the prompt; those left out may still be written.
    shown = listed[:MAX_LISTED_VALUES]
    if formatter.column.is_ordered:
        shown = np.sort(shown)
    n_present = max(1, int(counts.sum()))
    words = [
        quote(formatter.levels[k])
        + (f" {_share(int(counts[k]), n_present)}" if with_shares else "")
        for k in shown.tolist()
    ]
    n_more = len(listed) - len(shown)
    if withheld:
        share = _share(int(counts[withheld].sum()), n_present)
        words.append(f"{quote(formatter.other)} {share} for {len(withheld)} rare ones")
    order = "rising " if formatter.column.is_ordered else ""
    return f"{order}{', '.join(words)}" + (f", {n_more} more" if n_more else "")


def _share(count: int, n_present: int) -> str:
    return _percent(count / n_present) if count else "new"


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f}%" if percent >= 1 or percent == 0 else "<1%"
