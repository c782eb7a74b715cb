"""A plan from the data alone: groups of dependent columns, and what each reads.

Columns that depend on each other much are a component; a component reads those placed
before it on which it depends.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from t2sampler._schema import ColumnSchema, TableSchema
from t2sampler._table import Rows
from t2sampler.constraints import Elapsed, Linear, Product
from t2sampler.constraints._infer import (
    infer_date_orders,
    infer_formulas,
    infer_sums,
)
from t2sampler.team._plan import Component, Plan, find_free_name

# More rows hardly change an entropy over a few bins, nor whether a relation holds.
MAX_DEPENDENCE_ROWS, MAX_RELATION_ROWS = 5000, 20_000
MIN_BINS, MAX_BINS = 2, 8
# Dependence from which columns join a component, and from which reading pays. In few
# rows chance alone shows as much as MIN_LINK_ROWS / n_rows.
MIN_LINK, MIN_LINK_ROWS = 0.05, 5.0
MIN_READ = 0.005
MAX_READS = 3
LEFT_OUT = "left missing"
FORMULAS = (Elapsed, Linear, Product)
Groups = list[list[int]]


def infer_relations(real: Rows) -> list[Any]:
    """Return the rules between columns that hold in every real row.

    Rules within one column are left out: codes keep them by themselves.

    Parameters
    ----------
    real : Rows
    """
    is_searched = np.zeros(len(real), dtype=bool)
    is_searched[_subsample(len(real), MAX_RELATION_ROWS)] = True
    searched = real.take(is_searched)
    rules = [rule for rule in searched.infer_rules() if len(rule.columns) > 1]
    for infer in (infer_sums, infer_formulas, infer_date_orders):
        rules += find_obeyed(infer(searched.frame, real.schema, rules), real)
    return rules


def find_obeyed(rules: Iterable[Any], real: Rows) -> list[Any]:
    """Return the relations and formulas among rules that hold in every real row."""
    return [
        rule
        for rule in rules
        if isinstance(rule, FORMULAS) and rule.holds(real.frame).all()
    ]


def _subsample(n_rows: int, n_most: int) -> NDArray[np.intp]:
    """Return positions of at most ``n_most`` rows in order, always the same ones."""
    if n_rows <= n_most:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(0).permutation(n_rows)[:n_most])


def measure_dependence(
    codes: NDArray[np.float64], columns: Sequence[ColumnSchema]
) -> NDArray[np.float64]:
    r"""Return the normalised mutual information of all pairs of columns.

    .. math:: \frac{H(a) + H(b) - H(a, b) - c}{\sqrt{H(a) H(b)}}, \qquad
       c = \frac{(k_a - 1)(k_b - 1)}{2 n}

    over at most 8 bins per column (fewer for few rows, and one more for missing
    values); c is what unrelated columns show by chance (Miller and Madow).

    Parameters
    ----------
    codes : float ndarray of shape (n_rows, n_columns)
    columns : sequence of ColumnSchema

    Returns
    -------
    dependence : float ndarray of shape (n_columns, n_columns)
        Within [0, 1]; 0 for constant columns.
    """
    codes = codes[_subsample(len(codes), MAX_DEPENDENCE_ROWS)]
    n_rows = len(codes)
    bins = [bin_column(x, column) for x, column in zip(codes.T, columns, strict=True)]
    sizes = np.array([int(b.max(initial=0)) + 1 for b in bins])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
    indicators = np.zeros((n_rows, int(sizes.sum())), dtype=np.float32)
    for start, b in zip(starts, bins, strict=True):
        indicators[np.arange(n_rows), start + b] = 1
    joint = (indicators.T @ indicators).astype(float) / n_rows
    terms = joint * np.log(np.where(joint > 0, joint, 1))
    blocks = np.add.reduceat(np.add.reduceat(terms, starts, axis=0), starts, axis=1)
    entropy = -np.diag(blocks)
    chance = np.outer(sizes - 1, sizes - 1) / (2 * n_rows)
    # A block sums p log p over the pairs of bins of two columns: minus their entropy.
    shared = entropy[:, None] + entropy + blocks - chance
    scale = np.sqrt(np.outer(entropy, entropy))
    dependence: NDArray[np.float64] = np.where(
        scale > 0, shared / np.where(scale > 0, scale, 1), 0
    )
    return np.clip(dependence, 0, 1)


def bin_column(
    codes: NDArray[np.float64], column: ColumnSchema, max_bins: int = MAX_BINS
) -> NDArray[np.intp]:
    """Return a bin per row: bands of equal size, frequent levels; missing last."""
    n_bins = int(np.clip(round(len(codes) ** (1 / 3)), MIN_BINS, max_bins))
    present = ~np.isnan(codes)
    bins = np.zeros(len(codes), dtype=np.intp)
    if column.is_numeric:
        # Ties share their middle rank, so a spike is a bin of its own.
        ranks = rankdata(codes[present]) - 0.5
        bins[present] = (ranks * n_bins / max(1, present.sum())).astype(np.intp)
    else:
        bins[present] = _rank_levels(codes[present], n_bins)
    bins[~present] = n_bins
    return np.unique(bins, return_inverse=True)[1].reshape(-1).astype(np.intp)


def _rank_levels(codes: NDArray[np.float64], n_bins: int) -> NDArray[np.intp]:
    """Return levels by falling frequency; the rare ones share the last bin."""
    place, counts = np.unique(codes, return_inverse=True, return_counts=True)[1:]
    rank = np.empty(len(counts), dtype=np.intp)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    bins: NDArray[np.intp] = np.minimum(rank, n_bins - 1)[place]
    return bins


def make_plan(
    codes: NDArray[np.float64],
    schema: TableSchema,
    rules: Sequence[object] = (),
    max_columns: int = 4,
) -> Plan:
    """Find components, their order and what each reads; the same data, the same plan.

    Columns that a rule ties together are one component, however many they are; beyond
    that columns join by average linkage while they depend on each other by more than
    chance. The component most dependent on the others comes first, then always the one
    most dependent on those already placed; it reads those it depends on most.

    Parameters
    ----------
    codes : float ndarray of shape (n_rows, n_columns)
    schema : TableSchema
    rules : sequence of rules, default=()
        Relations between columns that hold in every real row.
    max_columns : int >= 1, default=4
        Columns of a component.

    Returns
    -------
    plan : Plan
        Names, ids, free text and empty columns are a component of their own.
    """
    columns = [schema.columns[j] for j in schema.modelled]
    components: list[Component] = []
    if columns:
        dependence = measure_dependence(codes[:, schema.modelled], columns)
        names = [column.name for column in columns]
        min_link = max(MIN_LINK, MIN_LINK_ROWS / max(1, len(codes)))
        groups = _tie_by_rules(names, rules)
        groups = _join_dependent(dependence, groups, max_columns, min_link)
        components = _put_in_order(dependence, groups, names)
    left_out = tuple(c.name for c in schema.columns if not c.is_modelled)
    if left_out:
        components.append(left_missing_component(left_out, components))
    return Plan(tuple(components))


def left_missing_component(
    columns: Iterable[Hashable], others: Iterable[Component]
) -> Component:
    """Return the component of columns that no worker writes."""
    name = find_free_name(LEFT_OUT, {part.name for part in others})
    role = "names, ids, free text, empty columns: not copied from real rows"
    return Component(name, tuple(columns), role=role)


def _tie_by_rules(names: list[Hashable], rules: Sequence[object]) -> Groups:
    """Return positions of columns, together where a rule reads more than one."""
    group = list(range(len(names)))
    position = {name: j for j, name in enumerate(names)}
    for rule in rules:
        tied = [position[n] for n in getattr(rule, "columns", ()) if n in position]
        old = {group[j] for j in tied}
        group = [min(old) if g in old else g for g in group]
    return [[j for j, g in enumerate(group) if g == k] for k in sorted(set(group))]


def _join_dependent(
    dependence: NDArray[np.float64], groups: Groups, max_columns: int, min_link: float
) -> Groups:
    """Merge groups by average linkage while they depend on each other and have room."""
    groups = [list(group) for group in groups]
    members = np.zeros((len(groups), len(dependence)))
    for i, group in enumerate(groups):
        members[i, group] = 1
    sums, sizes = members @ dependence @ members.T, members.sum(axis=1)
    while len(groups) > 1:
        link = sums / np.outer(sizes, sizes)
        link[sizes[:, None] + sizes > max_columns] = 0
        np.fill_diagonal(link, 0)
        a, b = sorted(int(k) for k in np.unravel_index(np.argmax(link), link.shape))
        if link[a, b] < min_link:
            break
        sums[a] += sums[b]
        sums[:, a] += sums[:, b]
        sizes[a] += sizes[b]
        sums, sizes = np.delete(np.delete(sums, b, 0), b, 1), np.delete(sizes, b)
        groups[a] = sorted(groups[a] + groups.pop(b))
    return groups


def _put_in_order(
    dependence: NDArray[np.float64], groups: Groups, names: list[Hashable]
) -> list[Component]:
    """Return a component per group, in the order of writing, with what it reads."""
    link = _strongest_links(dependence, groups)
    order = [int(np.argmax(link.sum(axis=1)))]
    titles = _name_groups([[names[j] for j in group] for group in groups])
    reads: dict[int, list[int]] = {order[0]: []}
    # As a maximum spanning tree grows, but a group may read more than one before it.
    while len(order) < len(groups):
        nearest = link[:, order].max(axis=1)
        nearest[order] = -1
        new = int(np.argmax(nearest))
        best = sorted(order, key=lambda placed: -link[new, placed])[:MAX_READS]
        reads[new] = [placed for placed in best if link[new, placed] >= MIN_READ]
        order.append(new)
    return [
        Component(
            titles[k],
            tuple(names[j] for j in groups[k]),
            tuple(titles[parent] for parent in reads[k]),
        )
        for k in order
    ]


def _strongest_links(
    dependence: NDArray[np.float64], groups: Groups
) -> NDArray[np.float64]:
    """Return the largest dependence between columns of two groups; 0 within one."""
    starts = np.cumsum([0, *(len(group) for group in groups)])[:-1]
    order = [j for group in groups for j in group]
    sorted_links = dependence[np.ix_(order, order)]
    link = np.maximum.reduceat(np.maximum.reduceat(sorted_links, starts, 0), starts, 1)
    np.fill_diagonal(link, 0)
    strongest: NDArray[np.float64] = link
    return strongest


def _name_groups(groups: list[list[Hashable]]) -> list[str]:
    """Name each group for its first column."""
    titles: list[str] = []
    for group in groups:
        more = f" +{len(group) - 1}" if len(group) > 1 else ""
        first = group[0] if str(group[0]) else "(unnamed)"
        titles.append(find_free_name(f"{first}{more}", titles))  # 1 and "1" look alike
    return titles
