"""Hot-deck imputation of a component: values of real rows, moved by a kernel."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.tree import DecisionTreeRegressor

from t2sampler._schema import ColumnSchema, TableSchema
from t2sampler.team._conditions import Condition
from t2sampler.team._equations import find_equations
from t2sampler.team._smoothing import Kernel, NormalScores
from t2sampler.team._task import Answer, RowTask
from t2sampler.team._tree_features import TreeFeatures, spread_targets

# A tree's shape needs no more rows and levels than these; all rows are donors.
MAX_TREE_ROWS = 20_000
MAX_TREE_DEPTH = 12
# min_leaf="auto": a tenth of the class, within these bounds.
MIN_AUTO_LEAF, MAX_AUTO_LEAF = 5, 50
# A class of fewer rows takes levels from other classes, too: a share of the rows that
# falls from that of a class of one row to 0.
N_ROWS_OF_OWN_LEVELS = 5
MAX_SHARE_BORROWED = 0.2
# Columns of a task's noise: one for the donor, one for borrowing, the rest for moving.
DONOR, BORROWING, N_BEFORE_KERNEL = 0, 1, 2

Codes = NDArray[np.float64]
Positions = NDArray[np.intp]


class DonorPool:
    """Real rows of one class, in leaves of similar given values.

    Parameters
    ----------
    min_leaf : int
        Fewest rows in a leaf.

    Attributes
    ----------
    donors : int ndarray of shape (n_donors,)
        Positions in the real table, leaf by leaf.
    counts : int ndarray of shape (n_leaves,)
        Donors per leaf.
    """

    def __init__(self, min_leaf: int):
        self.min_leaf = min_leaf

    def fit(
        self, rows: Positions, features: NDArray[np.float32], targets: Codes
    ) -> "DonorPool":
        """Sort rows into leaves.

        Parameters
        ----------
        rows : int ndarray of shape (n_rows,)
            Positions of the donors in the real table.
        features : float32 ndarray of shape (n_rows, n_features)
            What the tree splits by; without any there is one leaf.
        targets : float ndarray of shape (n_rows, n_targets)
            What it splits for.
        """
        self._tree = None
        if features.shape[1] and len(rows) >= 2 * self.min_leaf:
            # Permuted even where all are used: the order decides between tied splits.
            some = np.random.default_rng(0).permutation(len(rows))[:MAX_TREE_ROWS]
            self._tree = DecisionTreeRegressor(
                max_depth=MAX_TREE_DEPTH, min_samples_leaf=self.min_leaf, random_state=0
            )
            # Checks take longer than a tree of few rows.
            with config_context(skip_parameter_validation=True):
                self._tree.fit(features[some], targets[some], check_input=False)
        nodes = self._find_nodes(features)
        order = np.argsort(nodes, kind="stable")
        self.donors = rows[order]
        occupied, self._starts, self.counts = np.unique(
            nodes[order], return_index=True, return_counts=True
        )
        self._leaf_of_node = np.zeros(int(occupied.max()) + 1, dtype=np.intp)
        self._leaf_of_node[occupied] = np.arange(len(occupied))
        return self

    @property
    def leaf_of_donor(self) -> Positions:
        """Leaf of each of the donors."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def draw(
        self, features: NDArray[np.float32], uniforms: Codes
    ) -> tuple[Positions, Positions]:
        """Return a donor per candidate, as a row of the real table, and its leaf."""
        leaves = self._leaf_of_node[self._find_nodes(features)]
        steps = (uniforms * self.counts[leaves]).astype(np.intp)
        return self.donors[self._starts[leaves] + steps], leaves

    def draw_near(
        self, features: NDArray[np.float32], uniforms: Codes, distances: Codes
    ) -> tuple[Positions, Positions, Codes]:
        """Return donors that meet a condition, or come nearest to it.

        Parameters
        ----------
        features : float32 ndarray of shape (n_candidates, n_features)
        uniforms : float ndarray of shape (n_candidates,)
        distances : float ndarray of shape (n_real_rows,)
            How far each real row is from the condition; 0 where it is met.

        Returns
        -------
        donors, leaves : int ndarrays of shape (n_candidates,)
        likelihoods : float ndarray of shape (n_candidates,)
            How likely the condition is met, given the features: the share of donors of
            the leaf that meet it, smoothed by one pseudo-donor of the class.
        """
        own = distances[self.donors]
        is_near = own <= np.sort(own)[min(self.min_leaf, len(own)) - 1]
        leaf_of_donor = self.leaf_of_donor
        counts = np.bincount(leaf_of_donor[is_near], minlength=len(self.counts))
        leaves = self._leaf_of_node[self._find_nodes(features)]
        # Of the candidate's own leaf, or of the whole class where that has none near.
        has_near = counts[leaves] > 0
        n_choices = np.where(has_near, counts[leaves], is_near.sum())
        first = np.where(has_near, (np.cumsum(counts) - counts)[leaves], 0)
        steps = (uniforms * n_choices).astype(np.intp)
        chosen = np.flatnonzero(is_near)[first + steps]
        n_met = np.bincount(leaf_of_donor[own == 0], minlength=len(self.counts))
        share = ((own == 0).sum() + 0.5) / (len(own) + 1)
        likelihoods = (n_met[leaves] + share) / (self.counts[leaves] + 1)
        return self.donors[chosen], leaf_of_donor[chosen], likelihoods

    def _find_nodes(self, features: NDArray[np.float32]) -> Positions:
        if self._tree is None:
            return np.zeros(len(features), dtype=np.intp)
        nodes: Positions = self._tree.apply(features, check_input=False)
        return nodes


class HotDeckWorker:
    """Write one component by a hot deck within the wanted class.

    A regression tree per class sorts that class's real rows by the given columns. A
    candidate falls into a leaf, and one of the leaf's rows donates all values of the
    component at once, so that the copied values fit together, missing values, spikes
    and rare levels included. Numbers that do not recur are then moved by a kernel and
    snapped to the column's grid. Where that breaks an equation, one number is solved
    for from the others; a row that still breaks a rule keeps the donor's values. In a
    class of fewer than five rows a few candidates take the levels of a donor from
    another class that misses the same numbers.

    Parameters
    ----------
    columns : sequence of ColumnSchema
        To write.
    reads : sequence of ColumnSchema
        Given.
    rules : sequence of rules, default=()
        Relations within ``columns`` that hold in every real row.
    min_leaf : int >= 1 or "auto", default="auto"
        Fewest donors in a leaf. "auto": five where all columns are numbers that move;
        else a tenth of the class, from five to fifty, because a row assembled from a
        few similar donors is almost a copy of one of them.
    smoothing : float in [0, inf), default=1.0
        Factor on the kernel's bandwidth; 0 keeps the donors' values.
    """

    def __init__(
        self,
        columns: Sequence[ColumnSchema],
        reads: Sequence[ColumnSchema],
        rules: Sequence[object] = (),
        *,
        min_leaf: int | str = "auto",
        smoothing: float = 1.0,
    ):
        self.columns = columns
        self.reads = reads
        self.rules = rules
        self.min_leaf = min_leaf
        self.smoothing = smoothing

    def fit(self, codes: Codes, given: Codes, labels: Positions) -> "HotDeckWorker":
        """Sort the real rows into donor pools and learn how numbers may move.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
            Of the columns to write.
        given : float ndarray of shape (n_rows, n_reads)
        labels : int ndarray of shape (n_rows,)
            Label codes.
        """
        self._codes = codes
        self._equations = find_equations(self.rules, self.columns)
        targets = np.zeros((len(codes), 1))  # without anything to read: one leaf
        if self.reads:
            targets = spread_targets(codes, self.columns)
        self._features = TreeFeatures(self.reads).fit(given, targets)
        features = self._features.transform(given)
        self._scores_of = self._find_moving(codes)
        self._pools = {
            int(k): DonorPool(self._find_min_leaf(len(rows))).fit(
                rows, features[rows], targets[rows]
            )
            for k in np.unique(labels)
            for rows in [np.flatnonzero(labels == k)]
        }
        self._fit_kernel(codes, labels)
        return self

    @property
    def n_uniforms(self) -> int:
        """One for the donor, one for borrowing, one per number that may move."""
        return N_BEFORE_KERNEL + len(self._scores_of)

    def write(self, task: RowTask) -> Answer:
        """Return codes of shape (n_rows, n_columns); no row has a fault."""
        donors, leaves, _ = self._draw_donors(task)
        copied = self._codes[donors]
        codes = self._vary(copied, donors, leaves, task)
        return Answer(self._obey(codes, copied))

    def write_conditional(
        self, task: RowTask, conditions: Mapping[int, Condition]
    ) -> tuple[Codes, Codes]:
        """Write rows that meet conditions.

        Parameters
        ----------
        task : RowTask
        conditions : dict of int to Condition
            By position among the columns to write.

        Returns
        -------
        codes : float ndarray of shape (n_rows, n_columns)
        likelihoods : float ndarray of shape (n_rows,)
            How likely a row would have come out so without the conditions; 0 where a
            rule is broken.
        """
        distances = np.sum(
            [c.distance(self._codes[:, j]) for j, c in conditions.items()], axis=0
        )
        donors, leaves, likelihoods = self._draw_donors(task, distances)
        copied = self._codes[donors]
        for j, condition in conditions.items():
            copied[:, j] = condition.project(copied[:, j], task.noise[:, BORROWING])
        copied = self._solve(copied, conditions)
        codes = self._vary(copied, donors, leaves, task)
        for j, condition in conditions.items():  # what has left keeps the donor's value
            is_met = condition.holds(codes[:, j])
            codes[:, j] = np.where(is_met, codes[:, j], copied[:, j])
        codes = self._obey(codes, copied, conditions)
        are_met = [c.holds(codes[:, j]) for j, c in conditions.items()]
        is_good = self._keeps_rules(codes) & np.all(are_met, axis=0)
        return codes, np.where(is_good, likelihoods, 0)

    def _find_moving(self, codes: Codes) -> dict[int, NormalScores]:
        """Return normal scores of the numbers that may move, by position."""
        if self.smoothing == 0:
            return {}
        scores = {
            j: NormalScores(column).fit(codes[:, j])
            for j, column in enumerate(self.columns)
            if column.is_numeric
        }
        return {j: score for j, score in scores.items() if score.is_smooth}

    def _find_min_leaf(self, n_rows: int) -> int:
        """Return the fewest donors in a leaf of a class of so many rows."""
        if self.min_leaf != "auto":
            return int(self.min_leaf)
        if len(self._scores_of) == len(self.columns):
            return MIN_AUTO_LEAF
        return int(np.clip(n_rows // 10, MIN_AUTO_LEAF, MAX_AUTO_LEAF))

    def _fit_kernel(self, codes: Codes, labels: Positions) -> None:
        """Learn how numbers spread in the leaves of all classes, numbered through."""
        sizes = [len(pool.counts) for pool in self._pools.values()]
        starts = np.cumsum([0, *sizes]).tolist()
        self._first_leaf = dict(zip(self._pools, starts[:-1], strict=True))
        if not self._scores_of:
            return
        leaves = np.empty(len(codes), dtype=np.intp)
        for k, pool in self._pools.items():
            leaves[pool.donors] = self._first_leaf[k] + pool.leaf_of_donor
        self._scores = np.column_stack(
            [score.transform(codes[:, j]) for j, score in self._scores_of.items()]
        )
        self._kernel = Kernel(self.smoothing).fit(self._scores, leaves, labels)

    def _draw_donors(
        self, task: RowTask, distances: Codes | None = None
    ) -> tuple[Positions, Positions, Codes]:
        """Return a donor per row, its leaf, and how likely the condition is met."""
        features = self._features.transform(task.given)
        donors = np.empty(len(task.labels), dtype=np.intp)
        leaves, likelihoods = donors.copy(), np.ones(len(donors))
        for k in np.unique(task.labels).tolist():
            rows, pool = task.labels == k, self._pools[k]
            given, uniforms = features[rows], task.noise[rows, DONOR]
            if distances is None:
                donors[rows], own_leaves = pool.draw(given, uniforms)
            else:
                donors[rows], own_leaves, likelihoods[rows] = pool.draw_near(
                    given, uniforms, distances
                )
            leaves[rows] = self._first_leaf[k] + own_leaves
        return donors, leaves, likelihoods

    def _vary(
        self, copied: Codes, donors: Positions, leaves: Positions, task: RowTask
    ) -> Codes:
        """Return rows of donors with levels borrowed and numbers moved."""
        codes = self._borrow(copied, task)
        if not self._scores_of:
            return codes
        scores = self._scores[donors]
        noise = task.noise[:, N_BEFORE_KERNEL:]
        moved = self._kernel.move(scores, leaves, task.labels, noise)
        for i, (j, score) in enumerate(self._scores_of.items()):
            is_fixed = np.isnan(scores[:, i])  # a value that recurs, or a missing one
            codes[:, j] = np.where(is_fixed, codes[:, j], score.restore(moved[:, i]))
        return codes

    def _borrow(self, copied: Codes, task: RowTask) -> Codes:
        """Give a few rows of tiny classes the levels of any real row."""
        levels = [j for j, column in enumerate(self.columns) if column.levels]
        sizes = np.zeros(max(self._pools) + 1)
        for k, pool in self._pools.items():
            sizes[k] = len(pool.donors)
        falls = 1 - (sizes - 1) / (N_ROWS_OF_OWN_LEVELS - 1)
        share = (MAX_SHARE_BORROWED * falls.clip(min=0))[task.labels]
        rows = np.flatnonzero(task.noise[:, BORROWING] < share)
        codes = copied.copy()
        if levels and rows.size:
            # Below its share the same number is uniform again, and chooses the lender.
            place = task.noise[rows, BORROWING] / share[rows] * len(self._codes)
            lender = np.minimum(place.astype(np.intp), len(self._codes) - 1)
            numbers = [j for j in range(len(self.columns)) if j not in levels]
            gaps = np.isnan(codes[rows][:, numbers])
            alike = (gaps == np.isnan(self._codes[lender][:, numbers])).all(axis=1)
            rows, lender = rows[alike], lender[alike]
            codes[rows[:, None], levels] = self._codes[lender[:, None], levels]
        return codes

    def _solve(self, codes: Codes, fixed: Collection[int] = ()) -> Codes:
        """Solve for numbers by the equations, in the rows that break a rule."""
        if not self._equations:
            return codes
        solved = codes.copy()
        broken = np.flatnonzero(~self._keeps_rules(codes))
        for equation in self._equations:
            solved[broken] = equation.solve(solved[broken], fixed)
        return solved

    def _obey(self, codes: Codes, copied: Codes, fixed: Collection[int] = ()) -> Codes:
        """Solve for numbers, and put the donor's values back where a rule is broken."""
        codes = self._solve(codes, fixed)
        is_changed = ~((codes == copied) | np.isnan(codes)).all(axis=1)
        rows = np.flatnonzero(is_changed)
        if not self.rules or not rows.size:
            return codes
        broken = rows[~self._keeps_rules(codes[rows])]
        codes[broken] = copied[broken]
        return codes

    def _keeps_rules(self, codes: Codes) -> NDArray[np.bool_]:
        """Return which rows break no rule."""
        keeps = np.ones(len(codes), dtype=bool)
        if self.rules:
            frame = TableSchema(tuple(self.columns), None, 0, {}).decode(codes)
            for rule in self.rules:
                keeps &= rule.holds(frame)  # type: ignore[attr-defined]
        return keeps
