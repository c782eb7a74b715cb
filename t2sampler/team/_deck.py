"""The real rows of one class, sorted into the leaves of a tree: who may donate."""

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

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
