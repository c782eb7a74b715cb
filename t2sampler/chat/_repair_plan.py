"""A plan of whatever a manager answered: what is wrong is put right, and said."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from t2sampler.team._plan import Component, Plan

MAX_NAME, MAX_ROLE = 60, 200  # characters
REST = "rest"


@dataclass(frozen=True)
class Fault:
    """What was wrong with a plan, and what was done about it.

    Columns are named by their keys, since the model knows them by these; `name_columns`
    gives the words for a reader who does not.
    """

    wrong: str
    remedy: str
    keys: tuple[str, ...] = ()

    def say(self, names: Mapping[str, str] | None = None) -> str:
        """Return what was wrong, with its columns by their keys or by other names."""
        titles = [(names or {}).get(key, key) for key in self.keys]
        shown = ", ".join(titles[:10]) + (", …" if len(titles) > 10 else "")
        return f"{self.wrong}: {shown}" if titles else self.wrong


@dataclass
class Part:
    """A component on its way: columns by key."""

    name: str
    role: str
    keys: list[str]
    reads: list[str]


def mend_parts(
    content: object, keys: Sequence[str], names: Mapping[str, str] | None = None
) -> tuple[list[Part], list[Fault]]:
    """Return components that are a partition without a cycle, and what was mended.

    Of two claims to a column the first holds; unknown columns and unknown reads go;
    columns nobody claims are one more component, last, which reads all others; a read
    that closes a cycle goes. The same answer gives the same plan.

    Parameters
    ----------
    content : object
        The answer, as JSON has it.
    keys : sequence of str
        Of the columns to be written.
    names : dict of str to str, default=None
        Other words a model may use for a key.
    """
    faults: list[Fault] = []
    parts = _claim(_open_parts(content, faults, names), keys, faults)
    _name_apart(parts, faults)
    _add_rest(parts, keys, faults)
    _drop_strange_reads(parts, faults)
    _break_cycles(parts, faults)
    return parts, faults


def claims_any(
    content: object, keys: Sequence[str], names: Mapping[str, str] | None = None
) -> bool:
    """Tell whether an answer gives a column to a component."""
    return bool(_claim(_open_parts(content, [], names), keys, []))


def _open_parts(
    content: object, faults: list[Fault], names: Mapping[str, str] | None
) -> list[Part]:
    """Return what can pass for a component."""
    listed = content.get("components") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        faults.append(Fault('the answer holds no list "components"', "none was used"))
        return []
    parts = []
    for number, item in enumerate(listed, start=1):
        if isinstance(item, dict) and isinstance(item.get("columns"), list):
            name = _tidy(item.get("name"), MAX_NAME) or f"member {number}"
            role = _tidy(item.get("role"), MAX_ROLE)
            words = {_tidy(word, MAX_NAME): key for word, key in (names or {}).items()}
            keys = [words.get(word, word) for word in _texts(item["columns"])]
            parts.append(Part(name, role, keys, _texts(item.get("reads"))))
        else:
            wrong = f'component {number} has no list "columns"'
            faults.append(Fault(wrong, "it was left out"))
    return parts


def _claim(parts: list[Part], keys: Sequence[str], faults: list[Fault]) -> list[Part]:
    """Give each column to the first that claims it; drop components left without."""
    owners: dict[str, str] = {}
    twice: list[str] = []
    unknown: list[str] = []
    for part in parts:
        claimed = []
        for key in dict.fromkeys(part.keys):
            if key not in keys:
                unknown.append(key)
            elif key in owners:
                twice.append(key)
            else:
                owners[key] = part.name
                claimed.append(key)
        part.keys = claimed
    if twice:
        wrong = "columns in more than one component"
        faults.append(Fault(wrong, "the first has them", tuple(dict.fromkeys(twice))))
    if unknown:
        wrong = "columns the table does not have"
        told = tuple(repr(key[:MAX_NAME]) for key in dict.fromkeys(unknown))
        faults.append(Fault(wrong, "they were left out", told))
    empty = [part.name for part in parts if not part.keys]
    if empty:
        wrong = f"components without a column of their own: {', '.join(empty[:10])}"
        faults.append(Fault(wrong, "they were left out"))
    return [part for part in parts if part.keys]


def _name_apart(parts: list[Part], faults: list[Fault]) -> None:
    taken: set[str] = set()
    for part in parts:
        name = part.name
        while part.name in taken:
            part.name += "'"
        if part.name != name:
            wrong = f"more than one component of the name {name!r}"
            faults.append(Fault(wrong, f"one was called {part.name!r}"))
        taken.add(part.name)


def _add_rest(parts: list[Part], keys: Sequence[str], faults: list[Fault]) -> None:
    """Put columns nobody claims into a component that reads all others."""
    claimed = {key for part in parts for key in part.keys}
    rest = [key for key in keys if key not in claimed]
    if not rest:
        return
    names = [part.name for part in parts]
    name = REST
    while name in names:
        name += "'"
    parts.append(Part(name, "", rest, names))
    wrong, remedy = "columns without a component", f"component {name!r} writes them"
    faults.append(Fault(wrong, remedy, tuple(rest)))


def _drop_strange_reads(parts: list[Part], faults: list[Fault]) -> None:
    names = {part.name for part in parts}
    for part in parts:
        reads = list(dict.fromkeys(part.reads))
        part.reads = [name for name in reads if name in names and name != part.name]
        strange = [_tidy(name, MAX_NAME) for name in reads if name not in part.reads]
        if strange:
            wrong = f"component {part.name!r} reads what is no other component"
            told = tuple(repr(name) for name in strange)
            faults.append(Fault(wrong, "these reads were left out", told))


def _break_cycles(parts: list[Part], faults: list[Fault]) -> None:
    """Drop the reads that lead back, walking from the first component on."""
    by_name = {part.name: part for part in parts}
    done: set[str] = set()
    for part in parts:
        path: list[str] = [] if part.name in done else [part.name]
        while path:
            here = by_name[path[-1]]
            ahead = [name for name in here.reads if name not in done]
            if not ahead:
                done.add(path.pop())
            elif ahead[0] in path:
                here.reads.remove(ahead[0])
                wrong = f"components wait for each other: {here.name!r}, {ahead[0]!r}"
                remedy = f"{here.name!r} does not read {ahead[0]!r}"
                faults.append(Fault(wrong, remedy))
            else:
                path.append(ahead[0])


def mend_plan(
    content: object,
    columns: Mapping[str, Hashable],
    names: Mapping[str, str] | None = None,
) -> tuple[Plan, list[str]]:
    """Return a plan of the table's columns, and a note per thing that was mended.

    Parameters
    ----------
    content : object
        The manager's answer, as JSON has it.
    columns : dict of str to hashable
        Column names by key.
    names : dict of str to str, default=None
        Other words a model may use for a key.
    """
    parts, faults = mend_parts(content, list(columns), names)
    titles = {key: repr(name) for key, name in columns.items()}
    components = [
        Component(
            part.name,
            tuple(columns[k] for k in part.keys),
            tuple(part.reads),
            part.role,
        )
        for part in parts
    ]
    notes = [f"Plan: {fault.say(titles)}; {fault.remedy}." for fault in faults]
    return Plan(tuple(components)), notes


def _tidy(value: object, most: int) -> str:
    """Return a text on one line, without what cannot be printed."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(c for c in text if c.isprintable())[:most].strip()


def _texts(value: object) -> list[str]:
    """Return the texts of a list, tidied as names are."""
    listed = value if isinstance(value, list) else []
    return [_tidy(item, MAX_NAME) for item in listed if isinstance(item, str)]
