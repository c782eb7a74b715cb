"""Do new rows have the form of the real ones: gaps, range, grid, levels, middle?"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import hypergeom, norm

from t2sampler._schema import ColumnSchema
from t2sampler._table import Rows
from t2sampler.sampling._loop import Wave

ALPHA = 0.05  # chance that a run without any shift reports one
MIN_EXPECTED = 10  # rows; where fewer are expected in a cell, the test is exact
MAX_VALUES = 20  # a number with more distinct values is compared by its median
MIN_SHARE = 0.01  # levels rarer than this are listed only where they have shifted
MAX_TOLD = 5  # shifts in the note of a run
SENTENCES = {  # of a note: what a share of rows does
    "level": "{column}={level!r} is {shares}.",
    "unknown level": "{column} has a level that no real row has in {shares}.",
    "missing": "{column} is missing in {shares}.",
    "outside range": "{column} is outside the range of all real rows in {shares}.",
    "off grid": "{column} is off the grid of all real rows in {shares}.",
    "above median": "{column} is above the class's real median in {shares}.",
}
COLUMNS = [
    *("class", "column", "what", "level"),
    *("real", "of_real", "real_share", "new", "of_new", "new_share"),
    *("p_value", "is_shift"),
]

Codes = NDArray[np.float64]
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Feature:
    """What is counted of one column, as a position among ``levels`` per row.

    Rows at -1 have none of them. ``of_class`` is False where the new rows of a class
    are compared with all real rows.
    """

    column: Hashable
    what: str
    real: Positions
    new: Positions
    levels: tuple[Any, ...] = (None,)
    of_class: bool = True


def compare_form(real: Rows, new: Rows) -> pd.DataFrame:
    """Compare new rows with the real rows of their class, column by column.

    Parameters
    ----------
    real : Rows
    new : Rows
        With the schema of the real rows, from any generator.

    Returns
    -------
    shifts : DataFrame
        A row per class, column and what is compared, with counts and shares of real and
        new rows: "missing"; "level" (numbers of at most 20 values have levels, too);
        "above median", that of the class's real rows, for other numbers; "unknown
        level", "outside range" and "off grid", which are compared with all real rows,
        so that new classes have them as well. What no row has is left out, and so are
        levels of less than 1 % that have not shifted. ``p_value`` is corrected for the
        number of comparisons; ``is_shift`` tells where it is at most 0.05.

    Notes
    -----
    The test is Fisher's exact one, or that of two proportions where ten rows or more
    are expected in each cell, with Holm's correction. It takes new rows as a sample
    that is independent of the real ones. They are made from these, so that less differs
    by chance than the test allows for: it tells too little rather than too much.

    Columns that no model sees are not compared. O(n) per column.
    """
    labels = [rows.labels.astype(np.intp) for rows in (real, new)]
    n_classes = len(real.schema.target.levels)
    n_real, n_new = (np.bincount(side, minlength=n_classes) for side in labels)
    features = list(list_features(real, new, *labels))
    parts = []
    for i, feature in enumerate(features):
        n_levels = len(feature.levels)
        counts = _count(labels[0], feature.real, n_classes, n_levels)
        new_counts = _count(labels[1], feature.new, n_classes, n_levels)
        of_real = n_real
        if not feature.of_class:
            counts = np.tile(counts.sum(axis=0), (n_classes, 1))
            of_real = np.full(n_classes, len(real))
        is_met = (counts + new_counts > 0) & (of_real * n_new > 0)[:, None]
        k, level = np.nonzero(is_met)
        own = np.full(len(k), i)
        cells = counts[is_met], of_real[k], new_counts[is_met], n_new[k]
        parts.append(np.stack([k, own, level, *cells]))
    counted = np.concatenate(parts, axis=1) if parts else np.zeros((7, 0), dtype=int)
    return _test(counted, features, real.schema.target.levels)


def join_generated(real: Rows, waves: Sequence[Wave]) -> Rows:
    """Return the candidates that are in the result, with the codes they have."""
    nothing = real.take(np.zeros(len(real), dtype=bool))
    parts = [nothing, *(wave.rows.take(wave.taken) for wave in waves)]
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    target = pd.concat([part.target for part in parts], ignore_index=True)
    rows = Rows(frame, target, real.schema)
    rows.codes = np.concatenate([part.codes for part in parts])
    rows.labels = np.concatenate([part.labels for part in parts])
    return rows


def list_features(
    real: Rows, new: Rows, real_labels: Positions, new_labels: Positions
) -> Iterator[Feature]:
    """Yield what is counted, column by column."""
    medians = pd.DataFrame(real.codes).groupby(real_labels).median()
    medians = medians.reindex(range(len(real.schema.target.levels))).to_numpy()
    for j in real.schema.modelled:
        column = real.schema.columns[j]
        codes, new_codes = real.codes[:, j], new.codes[:, j]
        yield _flag(column, "missing", np.isnan(codes), np.isnan(new_codes))
        if column.levels:
            yield _place(column, np.arange(float(len(column.levels))), codes, new_codes)
            yield _flag(column, "unknown level", codes < 0, new_codes < 0, False)
            continue
        yield _flag(column, "outside range", *_outside(column, codes, new_codes), False)
        yield _flag(column, "off grid", *_off_grid(column, codes, new_codes), False)
        values = np.unique(codes[~np.isnan(codes)])
        if len(values) <= MAX_VALUES:
            yield _place(column, values, codes, new_codes)
        else:
            above = codes > medians[real_labels, j]
            new_above = new_codes > medians[new_labels, j]
            yield _flag(column, "above median", above, new_above)


def tell_shifts(shifts: pd.DataFrame) -> list[str]:
    """Return a note of levels that vanished and of the largest shifts, or nothing.

    Parameters
    ----------
    shifts : DataFrame
        From `compare_form`.
    """
    found = shifts[shifts["is_shift"]]
    size = (found["new_share"] - found["real_share"]).abs()
    found = found.iloc[np.lexsort((-size, found["new"] > 0))]
    told = [_tell(shift) for shift in found.head(MAX_TOLD).to_dict("records")]
    if len(found) > MAX_TOLD:
        told.append(f"`report_.shifts` lists {len(found) - MAX_TOLD} more such shifts.")
    return [" ".join(told)] if told else []


def _tell(shift: dict[str, Any]) -> str:
    shares = (
        f"{_spell(shift['real'], shift['of_real'], 'real rows')} and "
        f"{_spell(shift['new'], shift['of_new'], 'new ones')}"
    )
    sentence = SENTENCES[shift["what"]].format(**shift, shares=shares)
    return f"Class {shift['class']!r}: {sentence}"


def _spell(count: int, total: int, rows: str) -> str:
    if count == 0:
        return f"0 of {total:,} {rows}"
    percent = 100 * count / total
    return f"{percent:{'.0f' if percent >= 10 else '.2g'}} % of {rows}"


def _flag(
    column: ColumnSchema,
    what: str,
    real: NDArray[np.bool_],
    new: NDArray[np.bool_],
    of_class: bool = True,
) -> Feature:
    """Return a feature that a row has or has not."""
    positions = np.where(real, 0, -1), np.where(new, 0, -1)
    return Feature(column.name, what, *positions, of_class=of_class)


def _place(column: ColumnSchema, values: Codes, real: Codes, new: Codes) -> Feature:
    """Return a feature whose levels are these codes, in ascending order."""
    positions = []
    for codes in (real, new):
        place = np.searchsorted(values, codes).clip(max=max(0, len(values) - 1))
        positions.append(np.where(values[place] == codes, place, -1))
    levels = tuple(column.levels or column.decode(values).tolist())
    return Feature(column.name, "level", *positions, levels=levels)


def _outside(column: ColumnSchema, *sides: Codes) -> list[NDArray[np.bool_]]:
    return [(codes < column.low) | (codes > column.high) for codes in sides]


def _off_grid(column: ColumnSchema, *sides: Codes) -> list[NDArray[np.bool_]]:
    is_near = [np.isclose(column.grid.snap(c), c, 1e-12, 0) for c in sides]
    return [~near & ~np.isnan(c) for near, c in zip(is_near, sides, strict=True)]


def _count(
    labels: Positions, positions: Positions, n_classes: int, n_levels: int
) -> Positions:
    """Return counts of shape (n_classes, n_levels)."""
    is_counted = positions >= 0
    cells = labels[is_counted] * n_levels + positions[is_counted]
    return np.bincount(cells, minlength=n_classes * n_levels).reshape(-1, n_levels)


def _test(
    counted: Positions, features: list[Feature], classes: tuple[Any, ...]
) -> pd.DataFrame:
    """Return the table of `compare_form` from counts, most of which are not shifts."""
    k, feature, level, *counts = counted
    p_values = correct_by_holm(find_p_values(*counts))
    is_shift = p_values <= ALPHA
    real, of_real, new, of_new = counts
    is_rare = np.maximum(real / of_real, new / of_new) < MIN_SHARE
    what = np.array([feature.what for feature in features], dtype=object)[feature]
    listed = np.flatnonzero(is_shift | ~is_rare | (what != "level"))
    table = {
        "class": _pick(classes, k[listed]),
        "column": _pick([feature.column for feature in features], feature[listed]),
        "what": what[listed],
        "level": _pick_levels(features, feature[listed], level[listed]),
    }
    figures = dict(zip(("real", "of_real", "new", "of_new"), counts, strict=True))
    figures |= {"real_share": real / of_real, "new_share": new / of_new}
    figures |= {"p_value": p_values, "is_shift": is_shift}
    table |= {name: values[listed] for name, values in figures.items()}
    return pd.DataFrame(table)[COLUMNS]


def _pick(values: Any, positions: Positions) -> pd.Series:
    return pd.Series([values[i] for i in positions.tolist()], dtype=object)


def _pick_levels(
    features: list[Feature], feature: Positions, level: Positions
) -> pd.Series:
    pairs = zip(feature.tolist(), level.tolist(), strict=True)
    return pd.Series([features[i].levels[j] for i, j in pairs], dtype=object)


def find_p_values(
    real: Positions, of_real: Positions, new: Positions, of_new: Positions
) -> Codes:
    """Return two-sided p-values of the difference of two proportions.

    Examples
    --------
    >>> import numpy as np
    >>> find_p_values(*np.array([[12, 30], [108, 100], [0, 60], [167, 200]])).round(5)
    array([2.e-05, 1.e+00])
    """
    hits, total = real + new, of_real + of_new
    smaller = np.minimum(hits, total - hits) * np.minimum(of_real, of_new)
    p_values = np.empty(len(hits))
    exact = smaller < MIN_EXPECTED * total
    cells = new[exact], total[exact], hits[exact], of_new[exact]
    x, rest = cells[0], cells[1:]
    tails = hypergeom.cdf(x, *rest), hypergeom.sf(x - 1, *rest)
    p_values[exact] = np.minimum(1, 2 * np.minimum(*tails))
    far = ~exact
    share = hits[far] / total[far]
    error = np.sqrt(share * (1 - share) * (1 / of_real[far] + 1 / of_new[far]))
    gap = new[far] / of_new[far] - real[far] / of_real[far]
    p_values[far] = 2 * norm.sf(np.abs(gap) / error)
    return p_values


def correct_by_holm(p_values: Codes) -> Codes:
    """Return p-values corrected for their number: at most one in twenty runs errs.

    Examples
    --------
    >>> import numpy as np
    >>> correct_by_holm(np.array([0.5, 0.01, 0.03])).tolist()
    [0.5, 0.03, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.maximum.accumulate(p_values[order] * factors)
    return np.minimum(1, corrected)
