"""Repair of a manager's plan: faults are found, corrected by rule, and reported."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from t2sampler.team._plan import Component, Plan, find_free_name

MAX_NAME, MAX_ROLE = 60, 200  # characters
MAX_NAMED = 10  # columns or components that a fault names
UNASSIGNED = "rest"  # name of the component of columns that no other has


@dataclass(frozen=True)
class PlanFault:
    """What is wrong with a plan, and how it was repaired.

    The manager, who is told of it, knows columns by their keys; a reader of the
    report knows them by their names.
    """

    problem: str
    repair: str
    keys: tuple[str, ...] = ()

    def describe(self, names: Mapping[str, str] | None = None) -> str:
        """Return the problem, with columns under their keys or other names."""
        columns = [(names or {}).get(key, key) for key in self.keys]
        return f"{self.problem}: {_list_some(columns)}" if columns else self.problem


@dataclass
class ComponentDraft:
    """A component that is not yet checked: columns by key."""

    name: str
    role: str
    keys: list[str]
    reads: list[str]


def repair_parts(
    content: object, keys: Sequence[str], aliases: Mapping[str, str] | None = None
) -> tuple[list[ComponentDraft], list[PlanFault]]:
    """Return components that are a partition without a cycle, and the faults.

    A column in two components belongs to the first; unknown columns and reads are left
    out; columns without a component get one, which comes last and reads all others; a
    read that closes a cycle is left out. The same answer gives the same plan.

    Parameters
    ----------
    content : object
        The answer, as JSON has it.
    keys : sequence of str
        Of the columns to be written.
    aliases : dict of str to str, default=None
        Other words a model may use for a key.
    """
    faults: list[PlanFault] = []
    # In this order: reads refer to names, which have to be unique and complete.
    parts = _assign_columns(_read_parts(content, faults, aliases), keys, faults)
    _make_names_unique(parts, faults)
    _add_unassigned(parts, keys, faults)
    _drop_unknown_reads(parts, faults)
    _break_cycles(parts, faults)
    return parts, faults


def repair_plan(
    content: object,
    columns: Mapping[str, Hashable],
    aliases: Mapping[str, str] | None = None,
) -> tuple[Plan, list[str]]:
    """Return a plan of the table's columns, and a note per fault.

    Parameters
    ----------
    content : object
        The manager's answer, as JSON has it.
    columns : dict of str to hashable
        Column names by key.
    aliases : dict of str to str, default=None
        Other words a model may use for a key.
    """
    parts, faults = repair_parts(content, list(columns), aliases)
    components = [
        Component(
            part.name,
            tuple(columns[key] for key in part.keys),
            tuple(part.reads),
            part.role,
        )
        for part in parts
    ]
    names = {key: repr(name) for key, name in columns.items()}
    notes = [f"Plan: {fault.describe(names)}; {fault.repair}." for fault in faults]
    return Plan(tuple(components)), notes


def assigns_any_column(
    content: object, keys: Sequence[str], aliases: Mapping[str, str] | None = None
) -> bool:
    """Tell whether an answer gives a column to a component."""
    return bool(_assign_columns(_read_parts(content, [], aliases), keys, []))


def _read_parts(
    content: object, faults: list[PlanFault], aliases: Mapping[str, str] | None
) -> list[ComponentDraft]:
    """Return what can pass for a component."""
    listed = content.get("components") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        problem = 'the answer holds no list "components"'
        faults.append(PlanFault(problem, "none was used"))
        return []
    # Cleaned as the answer's names are, so that they can be found in it.
    words = {_clean(word, MAX_NAME): key for word, key in (aliases or {}).items()}
    parts = []
    for number, item in enumerate(listed, start=1):
        if isinstance(item, dict) and isinstance(item.get("columns"), list):
            name = _clean(item.get("name"), MAX_NAME) or f"member {number}"
            role = _clean(item.get("role"), MAX_ROLE)
            keys = [words.get(word, word) for word in _clean_names(item["columns"])]
            parts.append(
                ComponentDraft(name, role, keys, _clean_names(item.get("reads")))
            )
        else:
            problem = f'component {number} has no list "columns"'
            faults.append(PlanFault(problem, "it was left out"))
    return parts


def _assign_columns(
    parts: list[ComponentDraft], keys: Sequence[str], faults: list[PlanFault]
) -> list[ComponentDraft]:
    """Give each column to the first that has it; drop components left without."""
    assigned: set[str] = set()
    repeated: list[str] = []
    unknown: list[str] = []
    for part in parts:
        # Emptied before it is filled again, since a key may be there twice.
        columns, part.keys = list(dict.fromkeys(part.keys)), []
        for key in columns:
            if key not in keys:
                unknown.append(repr(key[:MAX_NAME]))
            elif key in assigned:
                repeated.append(key)
            else:
                assigned.add(key)
                part.keys.append(key)
    if repeated:
        problem = "columns in more than one component"
        faults.append(PlanFault(problem, "the first has them", _distinct(repeated)))
    if unknown:
        problem = "columns the table does not have"
        faults.append(PlanFault(problem, "they were left out", _distinct(unknown)))
    empty = [part.name for part in parts if not part.keys]
    if empty:
        names = ", ".join(empty[:MAX_NAMED])
        problem = f"components without a column of their own: {names}"
        faults.append(PlanFault(problem, "they were left out"))
    return [part for part in parts if part.keys]


def _make_names_unique(parts: list[ComponentDraft], faults: list[PlanFault]) -> None:
    taken: set[str] = set()
    for part in parts:
        # Reads of the name now mean the first component that has it.
        name, part.name = part.name, find_free_name(part.name, taken)
        if part.name != name:
            problem = f"more than one component of the name {name!r}"
            faults.append(PlanFault(problem, f"one was called {part.name!r}"))
        taken.add(part.name)


def _add_unassigned(
    parts: list[ComponentDraft], keys: Sequence[str], faults: list[PlanFault]
) -> None:
    """Put columns without a component into one that reads all others."""
    assigned = {key for part in parts for key in part.keys}
    unassigned = [key for key in keys if key not in assigned]
    if not unassigned:
        return
    others = [part.name for part in parts]
    name = find_free_name(UNASSIGNED, others)
    parts.append(ComponentDraft(name, "", unassigned, others))
    problem, repair = "columns without a component", f"component {name!r} writes them"
    faults.append(PlanFault(problem, repair, tuple(unassigned)))


def _drop_unknown_reads(parts: list[ComponentDraft], faults: list[PlanFault]) -> None:
    names = {part.name for part in parts}
    for part in parts:
        reads = list(dict.fromkeys(part.reads))
        part.reads = [name for name in reads if name in names and name != part.name]
        unknown = [repr(_clean(n, MAX_NAME)) for n in reads if n not in part.reads]
        if unknown:
            problem = f"component {part.name!r} reads what is no other component"
            faults.append(
                PlanFault(problem, "these reads were left out", tuple(unknown))
            )


def _break_cycles(parts: list[ComponentDraft], faults: list[PlanFault]) -> None:
    """Drop the reads that lead back, walking from the first component on."""
    by_name = {part.name: part for part in parts}
    finished: set[str] = set()
    for part in parts:
        path: list[str] = [] if part.name in finished else [part.name]
        while path:
            last = by_name[path[-1]]
            unfinished = [name for name in last.reads if name not in finished]
            if not unfinished:
                finished.add(path.pop())
            elif unfinished[0] in path:
                read = unfinished[0]
                last.reads.remove(read)
                problem = f"components wait for each other: {last.name!r}, {read!r}"
                repair = f"{last.name!r} does not read {read!r}"
                faults.append(PlanFault(problem, repair))
            else:
                path.append(unfinished[0])


def _clean(value: object, max_length: int) -> str:
    """Return a text on one line, without what cannot be printed."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(c for c in text if c.isprintable())[:max_length].strip()


def _clean_names(value: object) -> list[str]:
    """Return the texts of a list, cleaned as names are."""
    listed = value if isinstance(value, list) else []
    return [_clean(item, MAX_NAME) for item in listed if isinstance(item, str)]


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _list_some(texts: Sequence[str]) -> str:
    return ", ".join([*texts[:MAX_NAMED], *(["…"] if len(texts) > MAX_NAMED else [])])
