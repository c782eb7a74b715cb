"""The skeleton of rows: columns tied by rules, and the real rows that obey them.

A rule may read the label under its name, as if it were one more column.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import TableSchema
from t2sampler._table import Rows
from t2sampler.constraints import Between, Implies, OneOf
from t2sampler.constraints._infer import MAX_CHANCE, MAX_LEVELS
from t2sampler.exceptions import GeneratorError
from t2sampler.team._plan import find_free_name
from t2sampler.team._plan_from_data import infer_relations, measure_dependence

Positions = NDArray[np.intp]
MAX_TIED = 4  # columns that a few rules may tie together, and a half of any table
Donors = tuple[Positions, Positions]


@dataclass(frozen=True)
class RuleGroup:
    """Rules that share columns.

    Attributes
    ----------
    columns : tuple of int
        Positions of the columns that they read; the label is not among them.
    rules : tuple of rules
    """

    columns: tuple[int, ...]
    rules: tuple[Any, ...]


class RuledTable:
    """A table beside its label, and the rules that its rows are to obey.

    Parameters
    ----------
    rows : Rows
        Real rows.

    Attributes
    ----------
    label : hashable
        Name under which rules read the label: its own, or "label"; with quotes after it
        where a column has that name.
    schema : TableSchema
        With the label as last column.
    frame : DataFrame
        Real rows, the label among them.
    """

    def __init__(self, rows: Rows):
        self.rows = rows
        if rows.schema.target is None:
            raise TypeError("RuledTable expected a schema with labels.")
        self.target = target = rows.schema.target
        self.label = name_label(rows.schema)
        columns = (*rows.schema.columns, replace(target, name=self.label))
        self.schema = TableSchema(columns, target, rows.schema.n_rows, {})
        self.frame = self.join(rows.frame, rows.target)

    def join(self, frame: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
        """Return rows with their label as the last column."""
        label = target.set_axis(frame.index).rename(self.label)
        joined = pd.concat([frame, label], axis=1)
        joined.columns = pd.Index(self.schema.names, tupleize_cols=False)
        return joined

    def infer_rules(self) -> tuple[Any, ...]:
        """Return the rules that all real rows obey, and not by chance.

        Those of `infer_constraints`, sums and formulas as a team finds them, and for
        each class the levels that it never has.
        """
        rules = [*self.rows.infer_rules(), *infer_relations(self.rows)]
        rules += self._infer_levels()
        return tuple(rule for n, rule in enumerate(rules) if rule not in rules[:n])

    def _infer_levels(self) -> list[Implies]:
        """Return, for classes that lack levels of a column, which ones they have.

        If a level of share p were independent of a class of n rows, the class would
        lack it with probability (1 - p) ** n.
        """
        target, labels = self.target, self.rows.labels.astype(np.intp)
        columns = [
            (j, c)
            for j, c in enumerate(self.rows.schema.columns)
            if c.kind in ("category", "bool") and len(c.levels) <= MAX_LEVELS
        ]
        counts = {
            j: _count_pairs(
                labels, self.rows.codes[:, j], len(target.levels), len(c.levels)
            )
            for j, c in columns
        }
        n_cells = sum(table.size for table in counts.values())
        rules = []
        for j, column in columns:
            shares = counts[j].sum(axis=0) / len(labels)
            for k, seen in enumerate(counts[j]):
                chance = (1 - shares) ** seen.sum() * n_cells
                if ((seen == 0) & (chance < MAX_CHANCE)).any():
                    pairs = zip(column.levels, seen, strict=True)
                    has = tuple(level for level, n in pairs if n)
                    own = OneOf(self.label, (target.levels[k],))
                    rules.append(Implies(own, OneOf(column.name, has)))
        return rules

    def count_broken(self, rules: Iterable[Any]) -> list[int]:
        """Return how many real rows break each rule."""
        return [int((~obey([rule], self.frame)).sum()) for rule in rules]

    def find_groups(self, rules: Sequence[Any]) -> list[RuleGroup]:
        """Return rules by the columns that they share; the label ties none.

        Rules of one column that all real rows obey are left out, as what is drawn from
        such a column obeys them too.
        """
        places = {name: j for j, name in enumerate(self.rows.schema.names)}
        modelled = set(self.rows.schema.modelled)
        groups: list[tuple[set[int], list[Any]]] = []
        for rule in rules:
            names = getattr(rule, "columns", self.rows.schema.names)
            read = {places[name] for name in names if name in places} & modelled
            if len(names) == 1 and obey([rule], self.frame).all():
                continue
            own = (read, [rule])
            for other in [g for g in groups if g[0] & read]:
                own = (other[0] | own[0], [*other[1], *own[1]])
                groups.remove(other)
            groups.append(own)
        return [RuleGroup(tuple(sorted(js)), tuple(own)) for js, own in groups]

    def is_tight(self, group: RuleGroup) -> bool:
        """Tell whether a group is small enough to be copied from one real row."""
        n_most = max(MAX_TIED, len(self.rows.schema.modelled) // 2)
        return 0 < len(group.columns) <= n_most

    def is_whole(self, columns: Iterable[int]) -> bool:
        """Tell whether columns are all that are drawn: copied, they repeat a row."""
        return set(columns) >= set(self.rows.schema.modelled)

    def find_donors(self, group: RuleGroup) -> Donors:
        """Return rows that obey the rules of a group, and the label each may be for.

        Where no row of a class obeys them, rows of others that do with its label.

        Raises
        ------
        GeneratorError
            A class for which no real row obeys the rules.
        """
        labels = self.rows.labels.astype(np.intp)
        obeys = obey(group.rules, self.frame)
        rows, of = [np.flatnonzero(obeys)], [labels[obeys]]
        for k in np.setdiff1d(labels, labels[obeys]).tolist():
            other = np.full(len(labels), float(k))
            named = self.target.decode(other)
            rows.append(
                np.flatnonzero(obey(group.rules, self.join(self.rows.frame, named)))
            )
            if not len(rows[-1]):
                raise GeneratorError(
                    f"HTDBU expected rows of class {named.iloc[0]!r} to be possible, "
                    f"but no real row obeys {[rule.name for rule in group.rules]} with "
                    "this label. Relax these rules."
                )
            of.append(np.full(len(rows[-1]), k))
        return np.concatenate(rows), np.concatenate(of)

    def order_columns(self) -> list[int]:
        """Return the columns to draw, those that tell most of the label first."""
        places, schema = self.rows.schema.modelled, self.rows.schema
        columns = [*(schema.columns[j] for j in places), self.target]
        codes = np.column_stack([self.rows.codes[:, places], self.rows.labels])
        dependence = measure_dependence(codes, columns)[-1, :-1]
        return [places[i] for i in np.argsort(-dependence, kind="stable")]


def name_label(schema: TableSchema) -> Hashable:
    """Return the name under which rules read the label of a table."""
    own = None if schema.target is None else schema.target.name
    return find_free_name("label" if own is None else own, schema.names)


def obey(rules: Iterable[Any], frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which rows obey all of some rules."""
    obeys = np.ones(len(frame), dtype=bool)
    with np.errstate(all="ignore"):
        for rule in rules:
            obeys &= np.asarray(rule.holds(frame), dtype=bool)
    return obeys


def relax_rule(rule: Any, frame: pd.DataFrame) -> Any:
    """Return the rule, widened to what rows show; None where it has no wider form.

    Bounds move to the outermost values, lists get the values that are missing; of an
    implication the second part, where the first one holds.

    Examples
    --------
    >>> seen = pd.DataFrame({"age": [17, 40], "old": ["no", "yes"]})
    >>> relax_rule(Between("age", 18, 60), seen).name
    'age is from 17 to 60'
    >>> relax_rule(Implies(Between("age", 18), OneOf("old", ["no"])), seen).name
    "if age is at least 18, then old is one of 'no', 'yes'"
    """
    if isinstance(rule, Implies):
        then = relax_rule(rule.then, frame[obey([rule.if_], frame)])
        return then and Implies(rule.if_, then)
    broken = frame[~obey([rule], frame)]
    if isinstance(rule, OneOf):
        more = sorted(broken[rule.column].unique(), key=str)
        return OneOf(rule.column, (*rule.values, *more))
    if isinstance(rule, Between) and len(broken):
        seen = broken[rule.column]
        low = None if rule.low is None else min(rule.low, seen.min())
        high = None if rule.high is None else max(rule.high, seen.max())
        return Between(rule.column, low, high)
    return None if len(broken) else rule


def _count_pairs(
    labels: Positions, codes: NDArray[np.float64], n_labels: int, n_levels: int
) -> Positions:
    """Return a table of how many rows have each label and level."""
    has = ~np.isnan(codes)
    cells = labels[has] * n_levels + codes[has].astype(np.intp)
    return np.bincount(cells, minlength=n_labels * n_levels).reshape(n_labels, n_levels)
