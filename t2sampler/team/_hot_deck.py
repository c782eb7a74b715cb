"""The real rows of one class, sorted into the leaves of a tree: who may donate."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

from t2sampler._schema import ColumnSchema, TableSchema
from t2sampler.team._conditions import Allowed
from t2sampler.team._equations import find_equations
from t2sampler.team._smoothing import Kernel, Scores
from t2sampler.team._task import Answer, RowTask
from t2sampler.team._tree_features import TreeFeatures, spread_targets

MAX_TREE_ROWS = 20_000  # a tree's shape needs no more; all rows are donors
MAX_DEPTH = 12


class Deck:
    """Donor rows of one class, in leaves of alike given values.

    Parameters
    ----------
    min_leaf : int
        Fewest rows in a leaf.
    """

    def __init__(self, min_leaf: int):
        self.min_leaf = min_leaf

    def fit(
        self,
        rows: NDArray[np.intp],
        features: NDArray[np.float32],
        targets: NDArray[np.float64],
    ) -> "Deck":
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
            some = np.random.default_rng(0).permutation(len(rows))[:MAX_TREE_ROWS]
            self._tree = DecisionTreeRegressor(
                max_depth=MAX_DEPTH, min_samples_leaf=self.min_leaf, random_state=0
            ).fit(features[some], targets[some])
        nodes = self._nodes(features)
        order = np.argsort(nodes, kind="stable")
        self.donors = rows[order]
        occupied, starts, counts = np.unique(
            nodes[order], return_index=True, return_counts=True
        )
        self._leaf = np.zeros(int(occupied.max()) + 1, dtype=np.intp)
        self._leaf[occupied] = np.arange(len(occupied))
        self._starts, self.counts = starts, counts
        return self

    @property
    def leaf_of_donor(self) -> NDArray[np.intp]:
        """Leaf of each of the donors."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def find(
        self, features: NDArray[np.float32], uniforms: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return a donor, as a row of the real table, and its leaf."""
        leaves = self._leaf[self._nodes(features)]
        steps = (uniforms * self.counts[leaves]).astype(np.intp)
        return self.donors[self._starts[leaves] + steps], leaves

    def find_near(
        self,
        features: NDArray[np.float32],
        uniforms: NDArray[np.float64],
        gaps: NDArray[np.float64],
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Return donors that meet a condition, or come nearest to it.

        Parameters
        ----------
        features : float32 ndarray of shape (n_candidates, n_features)
        uniforms : float ndarray of shape (n_candidates,)
        gaps : float ndarray of shape (n_real_rows,)
            How far each real row is from the condition; 0 where it is met.

        Returns
        -------
        donors, leaves : int ndarrays of shape (n_candidates,)
        chances : float ndarray of shape (n_candidates,)
            How likely the condition is met beside what is given.
        """
        own = gaps[self.donors]
        near = own <= np.sort(own)[min(self.min_leaf, len(own)) - 1]
        leaf_of_donor = self.leaf_of_donor
        counts = np.bincount(leaf_of_donor[near], minlength=len(self.counts))
        leaves = self._leaf[self._nodes(features)]
        is_there = counts[leaves] > 0
        n_choices = np.where(is_there, counts[leaves], near.sum())
        first = np.where(is_there, (np.cumsum(counts) - counts)[leaves], 0)
        chosen = np.flatnonzero(near)[first + (uniforms * n_choices).astype(np.intp)]
        met = np.bincount(leaf_of_donor[own == 0], minlength=len(self.counts))
        usual = ((own == 0).sum() + 0.5) / (len(own) + 1)
        chances = (met[leaves] + usual) / (self.counts[leaves] + 1)
        return self.donors[chosen], leaf_of_donor[chosen], chances

    def _nodes(self, features: NDArray[np.float32]) -> NDArray[np.intp]:
        if self._tree is None:
            return np.zeros(len(features), dtype=np.intp)
        nodes: NDArray[np.intp] = self._tree.apply(features)
        return nodes


FEWEST, MOST = 5, 50  # donors in a leaf
SMALL_CLASS = 5  # rows below which a class borrows levels from the others
BORROWED = 0.2  # share of borrowed levels in a class of one row


class FittedRows:
    """Write one component by a hot deck within the wanted class.

    A regression tree per class sorts that class's real rows by the given columns. A
    candidate falls into a leaf, and one of the leaf's rows donates all values of the
    component at once: what belongs together stays together, missing values, spikes and
    rare levels included. Numbers that do not recur are then moved by a kernel and
    snapped to the column's grid. Where that breaks an equation, one number follows
    from the others; a row that still breaks a rule keeps the donor's values. In a class
    of fewer than five rows a few candidates take the levels of a donor from another
    class that misses the same numbers.

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
        else a tenth of the class, from five to fifty, since a row whose values were all
        copied from a few alike rows is a likeness of one of them.
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
        self.columns, self.reads = tuple(columns), tuple(reads)
        self.rules = tuple(rules)
        self._equations = find_equations(self.rules, self.columns)
        self.min_leaf, self.smoothing = min_leaf, smoothing

    def fit(
        self,
        codes: NDArray[np.float64],
        given: NDArray[np.float64],
        labels: NDArray[np.intp],
    ) -> "FittedRows":
        """Sort the real rows into decks and learn how numbers may move.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
            Of the columns to write.
        given : float ndarray of shape (n_rows, n_reads)
        labels : int ndarray of shape (n_rows,)
            Label codes.
        """
        self._codes = codes
        targets = np.zeros((len(codes), 1))  # without anything to read: one leaf
        if self.reads:
            targets = spread_targets(codes, self.columns)
        self._features = TreeFeatures(self.reads).fit(given, targets)
        features = self._features.transform(given)
        self._fit_scores()
        self._decks = {
            int(k): Deck(self._least(len(rows))).fit(
                rows, features[rows], targets[rows]
            )
            for k in np.unique(labels)
            for rows in [np.flatnonzero(labels == k)]
        }
        self._number_leaves(len(codes))
        self._fit_kernel(labels)
        return self

    @property
    def n_uniforms(self) -> int:
        """One for the donor, one for borrowing, one per number that may move."""
        return 2 + len(self._smooth)

    def write(self, task: RowTask) -> Answer:
        """Return codes of shape (n_rows, n_columns); no row has a fault."""
        donors, leaves = self._find_donors(task)
        copied = self._codes[donors]
        codes = self._borrow(copied, task)
        if self._smooth:
            codes = self._move(codes, donors, leaves, task)
        return Answer(self._obey(codes, copied))

    def write_given(
        self, task: RowTask, allowed: Mapping[int, Allowed]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Write rows whose columns hold what is allowed.

        Parameters
        ----------
        task : RowTask
        allowed : dict of int to Allowed
            By position among the columns to write.

        Returns
        -------
        codes : float ndarray of shape (n_rows, n_columns)
        chances : float ndarray of shape (n_rows,)
            How likely a row would have come out so; 0 where a rule is broken.
        """
        gaps = np.sum([a.gap(self._codes[:, j]) for j, a in allowed.items()], axis=0)
        donors, leaves, chances = self._find_near_donors(task, gaps)
        copied = self._solve(_move_in(self._codes[donors], allowed, task), allowed)
        codes = self._borrow(copied, task)
        if self._smooth:
            codes = self._move(codes, donors, leaves, task)
        for j, column in allowed.items():  # whatever has left keeps the donor's value
            codes[:, j] = np.where(column.holds(codes[:, j]), codes[:, j], copied[:, j])
        codes = self._obey(codes, copied, allowed)
        is_met = [column.holds(codes[:, j]) for j, column in allowed.items()]
        return codes, np.where(self._holds(codes) & np.all(is_met, axis=0), chances, 0)

    def _number_leaves(self, n_rows: int) -> None:
        """Give the leaves of all decks one common numbering."""
        sizes = [len(deck.counts) for deck in self._decks.values()]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        self._first_leaf = dict(zip(self._decks, starts[:-1].tolist(), strict=True))
        self._leaves = np.empty(n_rows, dtype=np.intp)
        for k, deck in self._decks.items():
            self._leaves[deck.donors] = self._first_leaf[k] + deck.leaf_of_donor

    def _least(self, n_rows: int) -> int:
        """Return the fewest donors in a leaf of a class of so many rows."""
        if self.min_leaf != "auto":
            return int(self.min_leaf)
        if len(self._smooth) == len(self.columns):
            return FEWEST
        return int(np.clip(n_rows // 10, FEWEST, MOST))

    def _fit_scores(self) -> None:
        numeric = [j for j, column in enumerate(self.columns) if column.is_numeric]
        scores = {j: Scores(self.columns[j]).fit(self._codes[:, j]) for j in numeric}
        moves = self.smoothing > 0
        self._smooth = {j: s for j, s in scores.items() if moves and s.is_smooth}

    def _fit_kernel(self, labels: NDArray[np.intp]) -> None:
        if self._smooth:
            self._scores = np.column_stack(
                [s.transform(self._codes[:, j]) for j, s in self._smooth.items()]
            )
            self._kernel = Kernel(self.smoothing).fit(
                self._scores, self._leaves, labels
            )

    def _find_donors(self, task: RowTask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        features = self._features.transform(task.given)
        donors = np.empty(len(task.labels), dtype=np.intp)
        leaves = np.empty(len(task.labels), dtype=np.intp)
        for k in np.unique(task.labels).tolist():
            rows = task.labels == k
            found = self._decks[k].find(features[rows], task.noise[rows, 0])
            donors[rows], leaves[rows] = found[0], self._first_leaf[k] + found[1]
        return donors, leaves

    def _find_near_donors(
        self, task: RowTask, gaps: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        features = self._features.transform(task.given)
        donors = np.empty(len(task.labels), dtype=np.intp)
        leaves, chances = donors.copy(), np.empty(len(donors))
        for k in np.unique(task.labels).tolist():
            rows = task.labels == k
            found = self._decks[k].find_near(features[rows], task.noise[rows, 0], gaps)
            donors[rows], leaves[rows] = found[0], self._first_leaf[k] + found[1]
            chances[rows] = found[2]
        return donors, leaves, chances

    def _borrow(
        self, copied: NDArray[np.float64], task: RowTask
    ) -> NDArray[np.float64]:
        """Give a few rows of tiny classes the levels of any real row."""
        levels = [j for j, column in enumerate(self.columns) if column.levels]
        sizes = np.zeros(max(self._decks) + 1)
        for k, deck in self._decks.items():
            sizes[k] = deck.counts.sum()
        share = BORROWED * (1 - (sizes - 1) / (SMALL_CLASS - 1)).clip(min=0)
        share = share[task.labels]
        rows = np.flatnonzero(task.noise[:, 1] < share)
        codes = copied.copy()
        if levels and rows.size:
            place = task.noise[rows, 1] / share[rows] * len(self._codes)
            lender = np.minimum(place.astype(np.intp), len(self._codes) - 1)
            numbers = [j for j in range(len(self.columns)) if j not in levels]
            gaps = np.isnan(codes[rows][:, numbers])
            alike = (gaps == np.isnan(self._codes[lender][:, numbers])).all(axis=1)
            rows, lender = rows[alike], lender[alike]
            codes[rows[:, None], levels] = self._codes[lender[:, None], levels]
        return codes

    def _move(
        self,
        codes: NDArray[np.float64],
        donors: NDArray[np.intp],
        leaves: NDArray[np.intp],
        task: RowTask,
    ) -> NDArray[np.float64]:
        scores = self._scores[donors]
        moved = self._kernel.move(scores, leaves, task.labels, task.noise[:, 2:])
        for i, (j, column) in enumerate(self._smooth.items()):
            values = column.restore(moved[:, i])
            codes[:, j] = np.where(np.isnan(scores[:, i]), codes[:, j], values)
        return codes

    def _solve(
        self, codes: NDArray[np.float64], fixed: Collection[int] = ()
    ) -> NDArray[np.float64]:
        """Have numbers follow from others in the rows that break a rule."""
        if not self._equations:
            return codes
        solved = codes.copy()
        broken = np.flatnonzero(~self._holds(codes))
        for equation in self._equations:
            solved[broken] = equation.solve(solved[broken], fixed)
        return solved

    def _obey(
        self,
        codes: NDArray[np.float64],
        copied: NDArray[np.float64],
        fixed: Collection[int] = (),
    ) -> NDArray[np.float64]:
        """Put the donor's values back where a rule is broken."""
        codes = self._solve(codes, fixed)
        changed = ~((codes == copied) | np.isnan(codes)).all(axis=1)
        rows = np.flatnonzero(changed)
        if not self.rules or not rows.size:
            return codes
        broken = rows[~self._holds(codes[rows])]
        codes[broken] = copied[broken]
        return codes

    def _holds(self, codes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows break no rule."""
        holds = np.ones(len(codes), dtype=bool)
        if self.rules:
            frame = TableSchema(self.columns, None, 0, {}).decode(codes)
            for rule in self.rules:
                holds &= rule.holds(frame)  # type: ignore[attr-defined]
        return holds


def _move_in(
    codes: NDArray[np.float64], allowed: Mapping[int, Allowed], task: RowTask
) -> NDArray[np.float64]:
    """Return codes that hold what is allowed."""
    codes = codes.copy()
    for j, column in allowed.items():
        codes[:, j] = column.move_in(codes[:, j], task.noise[:, 1])
    return codes
