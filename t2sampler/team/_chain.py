"""A chain of models: each draws its columns given the label and the columns before."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor

from t2sampler._schema import ColumnSchema
from t2sampler.team._plan_from_data import measure_dependence

Codes = NDArray[np.float64]
Positions = NDArray[np.intp]
MAX_READ = 24  # columns that a model reads: those on which its own depend most
N_TREES, MAX_TREE_ROWS = 10, 5000
MAX_SPLIT_LEVELS = 10  # the most frequent levels, which trees are to tell apart
MAX_BOOSTED_ROWS, N_ITERATIONS, N_FOLDS = 5000, 80, 3
MAX_DRAWN_NUMBERS = 10  # a number of fewer distinct values is drawn as a level is
N_NEAR = 50  # residuals, those of the nearest predictions, of which one is drawn
MIN_ATOM = 0.05  # share of the rows from which on a value is repeated as it is
N_UNIFORMS = 2  # of a model and row


class Link(Protocol):
    """Draws columns of rows, given what its features say of them."""

    def draw(self, features: Codes, uniforms: Codes) -> Codes:
        """Return codes of shape (n_rows, n_columns); uniforms are (n_rows, 2)."""


class Chain:
    """Draw columns block by block, given the label and the blocks before.

    Parameters
    ----------
    columns : sequence of ColumnSchema
        Of the table.
    tied : sequence of tuple of int
        Positions of columns that are copied together, from one real row.
    order : sequence of int
        Positions of all columns to draw; tied ones are drawn before the others.
    kind : {"forest", "boosting"}, default="forest"
        What draws the columns that are not tied.
    min_leaf : int >= 1, default=5
        Fewest rows in the leaf of a tree.

    Attributes
    ----------
    n_uniforms : int
        Random numbers that a row takes.
    n_tied_uniforms : int
        Those of the tied columns, which come first.
    """

    def __init__(
        self,
        columns: Sequence[ColumnSchema],
        tied: Sequence[tuple[int, ...]],
        order: Sequence[int],
        kind: str = "forest",
        min_leaf: int = 5,
    ):
        self.columns, self.kind, self.min_leaf = columns, kind, min_leaf
        place = {j: i for i, j in enumerate(order)}
        self.tied = sorted(tied, key=lambda block: min(place[j] for j in block))
        is_tied = {j for block in tied for j in block}
        self.blocks = [*self.tied, *((j,) for j in order if j not in is_tied)]
        self.n_uniforms = N_UNIFORMS * len(self.blocks)
        self.n_tied_uniforms = N_UNIFORMS * len(self.tied)

    def fit(
        self,
        codes: Codes,
        labels: Positions,
        donors: Sequence[tuple[Positions, Positions]] = (),
    ) -> "Chain":
        """Fit a model per block.

        Parameters
        ----------
        codes : float ndarray of shape (n_rows, n_columns)
        labels : int ndarray of shape (n_rows,)
        donors : sequence of (rows, labels)
            For each block of tied columns, in their order: the rows that may be copied,
            and the label for which each may be.
        """
        flat = [j for block in self.blocks for j in block]
        names = [self.columns[j] for j in flat]
        dependence = measure_dependence(codes[:, flat], names) if flat else np.empty(0)
        self.links: list[tuple[list[int], Link]] = []
        start = 0
        for number, block in enumerate(self.blocks):
            own = range(start, start + len(block))
            near = dependence[own, :start].max(axis=0) if start else np.empty(0)
            read = [
                flat[i] for i in np.sort(np.argsort(-near, kind="stable")[:MAX_READ])
            ]
            start += len(block)
            is_tied = number < len(self.tied)
            rows, of = (np.arange(len(codes)), labels)
            if is_tied and donors:
                rows, of = donors[number]
            features = np.column_stack([codes[rows][:, read], of])
            self.links.append(
                (read, self._fit_link(block, features, codes[rows], is_tied))
            )
        return self

    def _fit_link(
        self, block: tuple[int, ...], features: Codes, codes: Codes, is_tied: bool
    ) -> Link:
        columns = [self.columns[j] for j in block]
        values = codes[:, list(block)]
        if is_tied or self.kind == "forest":
            return LeafLink(columns, features, values, self.min_leaf)
        return BoostingLink(columns[0], features, values[:, 0], self.min_leaf)

    def write(
        self, labels: Positions, uniforms: Codes, tied_codes: Codes | None = None
    ) -> Codes:
        """Return codes of shape (n_rows, n_columns); columns of no block are missing.

        Parameters
        ----------
        labels : int ndarray of shape (n_rows,)
        uniforms : float ndarray of shape (n_rows, n_uniforms)
            Those of the tied columns alone will do: then no other column is drawn.
        tied_codes : float ndarray of shape (n_rows, n_columns), default=None
            Rows of which the tied columns stay; None: they are drawn.
        """
        codes = np.full((len(labels), len(self.columns)), np.nan)
        if tied_codes is not None:
            kept = [j for block in self.tied for j in block]
            codes[:, kept] = tied_codes[:, kept]
        n_blocks = uniforms.shape[1] // N_UNIFORMS
        first = 0 if tied_codes is None else len(self.tied)
        for number in range(first, n_blocks):
            read, link = self.links[number]
            features = np.column_stack([codes[:, read], labels])
            own = uniforms[:, N_UNIFORMS * number : N_UNIFORMS * (number + 1)]
            codes[:, list(self.blocks[number])] = link.draw(features, own)
        return codes


class LeafLink:
    """Copy a real row of the same class in the leaf of a random tree.

    A tree is grown on one half of the rows, and its leaves are filled with the others:
    what is drawn is then as far from what the tree predicts as are rows that it was not
    fitted on.
    """

    def __init__(
        self,
        columns: Sequence[ColumnSchema],
        features: Codes,
        values: Codes,
        min_leaf: int,
    ):
        rng = np.random.default_rng(0)
        n_rows, labels = len(values), features[:, -1].astype(np.intp)
        goal = np.column_stack(
            [_spread(x, c) for x, c in zip(values.T, columns, strict=True)]
        )
        # Of a small class all rows are donors, lest one has none.
        is_small = np.bincount(labels)[labels] < 4 * min_leaf
        n_grown = min((n_rows + 1) // 2, MAX_TREE_ROWS)
        self.values = values
        self.trees: list[tuple[DecisionTreeRegressor, Positions, Positions]] = []
        for seed in range(N_TREES):
            grown = rng.permutation(n_rows)[:n_grown]
            settings = {"min_samples_leaf": min_leaf, "max_features": 0.7}
            tree = DecisionTreeRegressor(**settings, random_state=seed)
            tree.fit(features[grown], goal[grown])
            fills = np.ones(n_rows, dtype=bool)
            fills[grown] = is_small[grown]
            filled = np.flatnonzero(fills)
            keys = _number_leaves(tree, features[filled])
            order = np.argsort(keys, kind="stable")
            self.trees.append((tree, keys[order], filled[order]))

    def draw(self, features: Codes, uniforms: Codes) -> Codes:
        drawn = np.empty((len(features), self.values.shape[1]))
        number = (uniforms[:, 0] * N_TREES).astype(np.intp)
        for n, (tree, keys, rows) in enumerate(self.trees):
            new = np.flatnonzero(number == n)
            if not new.size:
                continue
            wanted = _number_leaves(tree, features[new])
            low = np.searchsorted(keys, wanted, side="left")
            high = np.searchsorted(keys, wanted, side="right")
            # Where a leaf has no row of the class, the next leaf of the class has one.
            after = np.append(keys, -1)[low]
            is_last = (low == high) & (after >> 32 != wanted >> 32)
            low = np.maximum(low - is_last, 0)
            high = np.maximum(high, low + 1)
            place = low + (uniforms[new, 1] * (high - low)).astype(np.intp)
            drawn[new] = self.values[rows[place]]
        return drawn


class BoostingLink:
    """Draw a level by its probability, a number as prediction plus residual.

    Residuals are those of rows that were not fitted (three folds), of the rows whose
    prediction is nearest, so that their spread may differ from place to place.
    """

    def __init__(
        self, column: ColumnSchema, features: Codes, values: Codes, min_leaf: int
    ):
        rows = np.random.default_rng(0).permutation(len(values))[:MAX_BOOSTED_ROWS]
        features, values = features[rows], values[rows]
        self.column, self.min_leaf = column, min_leaf
        n_distinct = len(np.unique(values))
        self.is_number = column.is_numeric and n_distinct > MAX_DRAWN_NUMBERS
        # A number may be missing: that is drawn first.
        is_missing = np.isnan(values)
        self.levels = LevelModel(
            self, features, is_missing if self.is_number else values
        )
        if self.is_number:
            self._fit_number(features[~is_missing], values[~is_missing])

    @property
    def settings(self) -> dict[str, object]:
        return {
            "max_iter": N_ITERATIONS,
            "learning_rate": 0.08,
            "max_depth": 6,
            "min_samples_leaf": 2 * self.min_leaf,
            "l2_regularization": 1.0,  # else leaves of a rare level are extreme
            "early_stopping": False,
            "random_state": 0,
        }

    def _fit_number(self, features: Codes, values: Codes) -> None:
        model = HistGradientBoostingRegressor(**self.settings)
        folds = KFold(min(N_FOLDS, len(values)), shuffle=True, random_state=0)
        predicted = cross_val_predict(model, features, values, cv=folds)
        order = np.lexsort((predicted, features[:, -1]))
        self.predicted, self.real = predicted[order], values[order]
        self.labels = features[order, -1]
        distinct, counts = np.unique(values, return_counts=True)
        self.atoms = distinct[counts >= MIN_ATOM * len(values)]
        self.model = model.fit(features, values)

    def draw(self, features: Codes, uniforms: Codes) -> Codes:
        drawn = self.levels.draw(features, uniforms[:, 0])
        if self.is_number:
            numbers = self._draw_numbers(features, uniforms[:, 1])
            drawn = np.where(drawn == 1, np.nan, numbers)
        return drawn[:, None]

    def _draw_numbers(self, features: Codes, uniforms: Codes) -> Codes:
        predicted = self.model.predict(features)
        place = np.empty(len(features), dtype=np.intp)
        for label in np.unique(features[:, -1]):
            new = features[:, -1] == label
            low, high = np.searchsorted(self.labels, [label, label + 1])
            if low == high:  # no row of the class was fitted
                low, high = 0, len(self.labels)
            n_near = min(N_NEAR, high - low)
            near = np.searchsorted(self.predicted[low:high], predicted[new])
            start = np.clip(near - n_near // 2, 0, high - low - n_near)
            place[new] = low + start + (uniforms[new] * n_near).astype(np.intp)
        moved = predicted + self.real[place] - self.predicted[place]
        # A value that many rows share, such as no gain at all, is no noisy prediction.
        is_atom = np.isin(self.real[place], self.atoms)
        return np.where(is_atom, self.real[place], self.column.snap(moved))


class LevelModel:
    """Probabilities of levels; no model where there is one level only."""

    def __init__(
        self, link: BoostingLink, features: Codes, values: NDArray[np.generic]
    ):
        self.values, goal = np.unique(values, return_inverse=True)
        self.model = None
        if len(self.values) > 1:
            model = HistGradientBoostingClassifier(**link.settings)
            self.model = model.fit(features, goal.reshape(-1))

    def draw(self, features: Codes, uniforms: Codes) -> Codes:
        if self.model is None:
            return np.full(len(features), self.values[0], dtype=float)
        bounds = np.cumsum(self.model.predict_proba(features), axis=1)[:, :-1]
        place = (uniforms[:, None] >= bounds).sum(axis=1)
        return np.asarray(self.values[place], dtype=float)


def _number_leaves(tree: DecisionTreeRegressor, features: Codes) -> Positions:
    """Return a number per row: of a class, then of its leaf; like ones are near."""
    leaves = tree.apply(features.astype(np.float32), check_input=False)
    return np.asarray((features[:, -1].astype(np.int64) << 32) + leaves)


def _spread(values: Codes, column: ColumnSchema) -> Codes:
    """Return what trees are grown to tell apart: ranks, or levels as indicators."""
    is_missing = np.isnan(values)
    if column.is_numeric:
        ranks = rankdata(np.where(is_missing, -np.inf, values)) / len(values)
        return np.column_stack([ranks, is_missing])
    levels, counts = np.unique(values, return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[:MAX_SPLIT_LEVELS]
    filled = np.where(is_missing, -1, values)
    return np.asarray(filled[:, None] == np.nan_to_num(levels[frequent], nan=-1))
