"""A plan: components of columns, and which components each reads."""

import json
from collections import Counter
from collections.abc import Container, Hashable, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

import numpy as np

from t2sampler._brief import WIDTH, fill
from t2sampler.constraints import rules_from_json, rules_to_json
from t2sampler.exceptions import PlanError

Name = TypeVar("Name", bound=Hashable)
MAX_SHOWN = 40  # characters of a list of columns in the printed plan


@dataclass(frozen=True)
class Component:
    """Columns that one worker writes together.

    Parameters
    ----------
    name : str
    columns : sequence of hashable
        Names of the columns the worker writes.
    reads : sequence of str, default=()
        Names of the components whose columns the worker is given.
    role : str, default=''
        The worker's profession, for its prompt: "demographer", "cardiologist".

    Examples
    --------
    >>> from t2sampler.team import Component
    >>> Component("work", ["job", "hours"], reads=["person"]).columns
    ('job', 'hours')
    """

    name: str
    columns: tuple[Hashable, ...]
    reads: tuple[str, ...] = ()
    role: str = ""

    def __post_init__(self) -> None:
        for field in ("columns", "reads"):
            object.__setattr__(self, field, _as_tuple(getattr(self, field), field))
        if not isinstance(self.name, str) or not self.name:
            raise PlanError(
                f"A component's `name` must be a text, got {self.name!r}. Name it for "
                "what its columns have in common."
            )
        if not self.columns:
            raise PlanError(
                f"Component {self.name!r} expected at least one column, got none. "
                "Leave it out, or give it columns."
            )


@dataclass(frozen=True, repr=False)
class Plan:
    """Components in an order without cycles, and the rules that rows must obey.

    Parameters
    ----------
    components : sequence of Component
    rules : sequence of rules of `t2sampler.constraints`, default=()

    Raises
    ------
    PlanError
        Two components share a name or a column, a component reads one that does not
        exist, or components wait for each other.

    Examples
    --------
    >>> from t2sampler.team import Component, Plan
    >>> plan = Plan(
    ...     [
    ...         Component("person", ["age", "sex"]),
    ...         Component("work", ["job", "hours"], reads=["person"]),
    ...         Component("home", ["rooms"], reads=["person"]),
    ...     ]
    ... )
    >>> [[part.name for part in level] for level in plan.levels()]
    [['person'], ['work', 'home']]
    >>> print(plan)
    step  component  columns       reads
       1  person     age, sex
       2  work       job, hours    <- person
       2  home       rooms         <- person
    >>> Plan.from_json(plan.to_json()) == plan
    True
    """

    components: tuple[Component, ...]
    rules: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        # Lists are accepted; tuples are kept, so that equal plans compare equal.
        object.__setattr__(self, "components", tuple(self.components))
        object.__setattr__(self, "rules", tuple(self.rules))
        names = [part.name for part in self.components]
        _refuse_repeats(names, "component", "Give each a name of its own.")
        _refuse_repeats(
            self.columns, "column", "Each column is written by one component."
        )
        for part in self.components:
            _refuse_unknown(part, names)
        self.levels()

    @property
    def columns(self) -> list[Hashable]:
        """All columns, component by component."""
        return [column for part in self.components for column in part.columns]

    def check(self, columns: Iterable[Hashable]) -> None:
        """Refuse a table whose columns are not exactly those of the plan.

        Parameters
        ----------
        columns : iterable of hashable
            Column names of the table.

        Raises
        ------
        PlanError
            Columns that no component writes, or that the table does not have.
        """
        columns = list(columns)
        missing = [column for column in columns if column not in set(self.columns)]
        unknown = [column for column in self.columns if column not in set(columns)]
        if missing:
            raise PlanError(
                f"The plan expected to write every column of the table, got no "
                f"component for {missing}. Add them to a component."
            )
        if unknown:
            raise PlanError(
                f"The plan expected columns of the table, got {unknown}, which it does "
                "not have. Take them out, or correct their names."
            )

    def levels(self) -> list[list[Component]]:
        """Return components step by step; those of one step do not read each other."""
        parts = {part.name: part for part in self.components}
        sorter = TopologicalSorter({name: part.reads for name, part in parts.items()})
        try:
            sorter.prepare()
        except CycleError as error:
            circle = " <- ".join(error.args[1][::-1])
            raise PlanError(
                f"A plan expected components in an order, got some that wait for each "
                f"other: {circle}. Drop one of these `reads`."
            ) from error
        steps = []
        while sorter.is_active():
            ready = set(sorter.get_ready())
            steps.append([part for name, part in parts.items() if name in ready])
            sorter.done(*ready)
        return steps

    def read_columns(self, component: Component) -> list[Hashable]:
        """Return the columns of the components that ``component`` reads."""
        parts = {part.name: part for part in self.components}
        return [column for name in component.reads for column in parts[name].columns]

    def to_json(self) -> str:
        """Return the plan as JSON text, to be read, edited and passed in again.

        Returns
        -------
        text : str

        Raises
        ------
        PlanError
            A column name that JSON cannot carry.
        """
        parts = [
            {
                "name": part.name,
                "columns": [_write_name(column) for column in part.columns],
                "reads": list(part.reads),
                "role": part.role,
            }
            for part in self.components
        ]
        rules = json.loads(rules_to_json(self.rules))
        return json.dumps({"components": parts, "rules": rules}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Return the plan that `to_json` wrote.

        Parameters
        ----------
        text : str

        Returns
        -------
        plan : Plan

        Raises
        ------
        PlanError
            The text is no plan.
        """
        try:
            content = json.loads(text)
            components = [_read_component(part) for part in content["components"]]
            rules = json.dumps(content.get("rules", []))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, PlanError):
                raise
            raise PlanError(
                "Expected a plan as JSON text with a list `components`, each with "
                f"`name` and `columns`, got {text!r:.60}. Pass what `to_json` returned."
            ) from error
        return cls(tuple(components), rules_from_json(rules))

    def __repr__(self) -> str:
        return (
            f"Plan: {len(self.components)} components in {len(self.levels())} steps, "
            f"{len(self.rules)} rules; `print` it to see them"
        )

    def __str__(self) -> str:
        rows = [("step", "component", "columns", "reads")]
        for step, level in enumerate(self.levels(), start=1):
            for part in level:
                arrow = f"<- {', '.join(map(str, part.reads))}" if part.reads else ""
                columns = _shorten(", ".join(map(str, part.columns)))
                rows.append((str(step), _shorten(part.name), columns, arrow))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [
            f"{step:>{widths[0]}}  {name:<{widths[1]}}  {columns:<{widths[2] + 2}}  "
            f"{reads}".rstrip()
            for step, name, columns, reads in rows
        ]
        indent = " " * min(sum(widths) + 9, WIDTH // 2)
        lines = [fill(line, indent=indent) for line in lines]
        return "\n".join([*lines, *(str(getattr(r, "name", r)) for r in self.rules)])


def find_free_name(name: Name, taken: Container[Hashable]) -> Name | str:
    """Return the name, with quotes after it until it is not among those taken."""
    free: Name | str = name
    while free in taken:
        free = f"{free}'"
    return free


def _as_tuple(names: object, field: str) -> tuple[Hashable, ...]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise PlanError(
            f"A component's `{field}` must be a list of names, got {names!r}. Write "
            f"[{names!r}]."
        )
    return tuple(names)


def _refuse_repeats(names: Iterable[Hashable], what: str, remedy: str) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise PlanError(
            f"A plan expected each {what} once, got {repeated} more than once. {remedy}"
        )


def _refuse_unknown(part: Component, names: list[str]) -> None:
    unknown = [name for name in part.reads if name not in names]
    if unknown:
        raise PlanError(
            f"Component {part.name!r} expected to read components of the plan, got "
            f"{unknown}. The plan has {names}."
        )


def _write_name(name: Hashable) -> object:
    """Return a column name as JSON has it: tuples become lists."""
    if isinstance(name, np.generic):
        name = name.item()
    if isinstance(name, tuple):
        return [_write_name(part) for part in name]
    if name is None or isinstance(name, str | int | float):
        return name
    raise PlanError(
        f"A plan as JSON expected column names that are text or numbers, got {name!r}. "
        "Rename the column."
    )


def _read_name(name: object) -> Hashable:
    if isinstance(name, list):
        return tuple(_read_name(part) for part in name)
    if isinstance(name, dict):
        raise TypeError(name)
    return name


def _read_component(part: dict[str, list[object]]) -> Component:
    columns = part["columns"]
    if isinstance(columns, str):
        raise TypeError(columns)
    return Component(
        part["name"],  # type: ignore[arg-type]  # Component checks it
        tuple(_read_name(name) for name in columns),
        part.get("reads", ()),  # type: ignore[arg-type]
        str(part.get("role", "")),
    )


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
