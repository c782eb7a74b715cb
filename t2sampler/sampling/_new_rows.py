"""New rows in the user's form: text of donors, ids that go on, nothing private."""

import re
import warnings
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from t2sampler._encoding import hash_rows
from t2sampler._forms import BlankForm
from t2sampler.exceptions import SchemaWarning

# A donor is one of so many real rows of the class that are nearest to a new row.
N_NEIGHBORS = 5
MAX_DONORS = 5000  # of a class are searched, so that time stays linear
# So many new rows per real one of a class of fewer rows than this are hardly new.
MAX_PER_ROW, FEW_ROWS = 100, 10
NUMBERS = (int, float, Decimal, np.number)
COPIED, NUMBERED, MISSING = "copied from a donor", "numbered on", "left missing"


@dataclass(frozen=True)
class NewRows:
    """Rows to append, in the user's dtypes.

    Attributes
    ----------
    frame : DataFrame of shape (n_new, n_features)
    target : Series of shape (n_new,)
    donors : int ndarray of shape (n_new,)
        Position of a real row of its class near each new row, or of the row that is
        repeated; -1 where there is none, or none was looked for.
    """

    frame: pd.DataFrame
    target: pd.Series
    donors: np.ndarray


def write_new_rows(
    table, rows, additions, seed, *, copy_text, finds_donors, text_follows=(), place=()
):
    """Return accepted candidates and repeated real rows as the user stores rows.

    Parameters
    ----------
    table : Table
    rows : Rows
        The same rows, as the package holds them.
    additions : Additions
    seed : int
    copy_text : bool
        False: text is left missing.
    finds_donors : bool
        Donors are wanted for more than text.
    text_follows : sequence of column names, default=()
        Columns in which a row and the donor of its text agree. A row has no donor where
        no real row of its class does.
    place : (int, int), default=()
        Where these are a part of all new rows: how many precede them, and how many
        there are in all. Ids go on from part to part.

    Returns
    -------
    new : NewRows
    """
    repeated = additions.repeated
    drawn = [wave.rows.take(wave.taken) for wave in additions.waves if wave.taken.any()]
    frames = [rows.schema.write(part.frame) for part in drawn]
    frames.append(_without_private(table.frame.iloc[repeated], rows.schema))
    labels = [*(part.target for part in drawn), table.target.iloc[repeated]]
    finds_donors |= table.index_repeats
    finds_donors |= copy_text and any(c.kind == "text" for c in rows.schema.columns)
    donors = np.full(sum(map(len, drawn)), -1)
    if drawn and finds_donors:
        # A stream beyond those of the batches and of the repeated rows.
        stream = np.random.SeedSequence(entropy=seed, spawn_key=(2**32 + 1,))
        rng = np.random.default_rng(stream)
        codes = np.concatenate([part.codes for part in drawn])
        classes = np.concatenate([part.labels for part in drawn])
        alike = [j for j, c in enumerate(rows.schema.columns) if c.name in text_follows]
        donors = find_donors(rows, codes, classes, rng, alike)
    frame = _concat([part for part in frames if len(part)], table.frame)
    donors = np.concatenate([donors, repeated])
    for column in rows.schema.columns:
        if column.kind == "text" and copy_text:
            frame[column.name] = _copy(table.frame[column.name], frame, donors)
        elif column.kind == "id":
            real = table.frame[column.name]
            frame[column.name] = number_on(real, len(frame), *place)
    labels = [part for part in labels if len(part)] or labels[-1:]
    target = pd.concat(labels, ignore_index=True).rename(table.target.name)
    return NewRows(frame, target, donors)


def find_donors(rows, codes, labels, rng, alike=()):
    """Return a real row for each new one: of its class, and one of the nearest.

    Parameters
    ----------
    rows : Rows
        Real rows.
    codes : float ndarray of shape (n_new, n_columns)
    labels : float ndarray of shape (n_new,)
        Label codes.
    rng : Generator
    alike : sequence of int, default=()
        Positions of columns in which both agree.

    Returns
    -------
    donors : int ndarray of shape (n_new,)
        Positions of real rows; -1 where no real row of the class agrees.
    """
    donors = np.full(len(labels), -1, dtype=np.intp)
    group, real_group = labels, rows.labels
    if len(alike):  # as one number: what is missing agrees with what is missing
        group, real_group = (
            hash_rows(np.column_stack([own, cells[:, alike]]))
            for own, cells in ((labels, codes), (rows.labels, rows.codes))
        )
    for value in np.unique(group):
        new = np.flatnonzero(group == value)
        real = rng.permutation(np.flatnonzero(real_group == value))[:MAX_DONORS]
        if not len(real):
            continue
        if not rows.schema.modelled:  # nothing tells which are near
            donors[new] = rng.choice(real, len(new))
            continue
        n_near = min(N_NEIGHBORS, len(real))
        nearest = NearestNeighbors(n_neighbors=n_near)
        nearest.fit(rows.encoder.transform_codes(rows.codes[real]))
        near = nearest.kneighbors(
            rows.encoder.transform_codes(codes[new]), return_distance=False
        )
        chosen = rng.integers(n_near, size=len(new))
        donors[new] = real[near[np.arange(len(new)), chosen]]
    return donors


def number_on(real, n_new, n_before=0, n_all=None):
    """Return ids for new rows: numbers go on, "A-07" becomes "A-08"; else missing.

    Parameters
    ----------
    real : Series
        Ids of the real rows.
    n_new : int
    n_before : int, default=0
        New rows that have ids already.
    n_all : int, default=None
        New rows that will have ids in the end; None: ``n_new``.

    Examples
    --------
    >>> import pandas as pd
    >>> number_on(pd.Series([7, 3, 5]), 2).tolist()
    [8, 9]
    >>> number_on(pd.Series(["A-09", "A-02"]), 2, 1, 3).tolist()
    ['A-11', 'A-12']
    """
    n_all = n_all or n_new
    places = range(n_before, n_before + n_new)
    present = real.dropna()
    if len(present) and present.dtype.kind in "iu":
        low, high = int(present.min()), int(present.max())
        limits = np.iinfo(_numpy_dtype(real))
        start = high + 1 if high + n_all <= limits.max else low - n_all
        if start >= limits.min:
            numbers = [start + i for i in places]
            return pd.Series(pd.array(numbers, dtype=real.dtype), name=real.name)
    is_categorical = isinstance(real.dtype, pd.CategoricalDtype)
    numbers = None if is_categorical else _count_whole(present, places, n_all)
    if numbers is not None:
        return pd.Series(numbers, dtype=real.dtype, name=real.name)
    names = None if is_categorical else _count_on(present, places)
    if names is not None:
        return pd.Series(names, dtype=object, name=real.name).astype(real.dtype)
    blank = pd.Series(np.nan, index=range(n_new), dtype=object, name=real.name)
    return BlankForm(real.dtype).write(blank)


def _count_whole(present, places, n_all):
    """Return numbers that count on where integers are stored as floats or Decimals."""
    (kind, *others) = set(map(type, present)) or {str}
    if others or not issubclass(kind, NUMBERS):
        return None
    low, high = int(present.min()), int(present.max())
    is_float = present.dtype.kind == "f"
    if is_float and max(-low, high + n_all) > 2 / np.finfo(_numpy_dtype(present)).eps:
        return None  # as floats they would be others
    return [kind(high + 1 + i) for i in places]


def _numpy_dtype(values):
    return getattr(values.dtype, "numpy_dtype", values.dtype)


def _count_on(present, places):
    """Return text that counts on where all ids are one prefix and a number."""
    parts = [re.fullmatch(r"(.*?)(\d{1,18})", str(value)) for value in present]
    if not parts or None in parts or len({part[1] for part in parts}) > 1:
        return None
    last = max(parts, key=lambda part: int(part[2]))
    width = min(len(part[2]) for part in parts)
    return [f"{last[1]}{int(last[2]) + 1 + i:0{width}d}" for i in places]


def _without_private(frame, schema):
    """Return repeated real rows without what identifies a person."""
    frame = frame.copy()
    for column in schema.columns:
        if column.kind == "private":
            blank = BlankForm(column.form.dtype)
            frame[column.name] = blank.write(blank.read(frame[column.name]))
    return frame


def _concat(frames, like):
    return pd.concat(frames, ignore_index=True) if frames else like.iloc[:0].copy()


def _copy(real, frame, donors):
    """Return text of donors where new rows have none of their own."""
    own = frame[real.name].reset_index(drop=True)
    copied = real.iloc[np.where(donors < 0, 0, donors)].reset_index(drop=True)
    takes = own.isna().to_numpy() & (donors >= 0)
    return copied.where(takes, own).astype(real.dtype)


def describe_columns(schema, copy_text):
    """Return a row per column: its kind, who said so, and what new rows hold.

    Parameters
    ----------
    schema : TableSchema
    copy_text : bool

    Returns
    -------
    columns : DataFrame
        Columns "kind", "by" ("user" or "inferred"), "dtype" and "new_rows".
    """
    fates = {"text": COPIED if copy_text else MISSING, "id": NUMBERED}
    fates |= dict.fromkeys(("private", "empty"), MISSING)
    table = pd.DataFrame(
        [
            (
                column.kind,
                "user" if column.is_given else "inferred",
                str(column.form.dtype),
                fates.get(column.kind, "generated"),
            )
            for column in schema.columns
        ],
        columns=["kind", "by", "dtype", "new_rows"],
    )
    return table.set_axis(pd.Index(schema.names, name="column", tupleize_cols=False))


def note_columns(schema, copy_text):
    """Return notes on columns whose new values are not generated, and warn of them.

    Nobody is warned of what the user has said.

    Warns
    -----
    SchemaWarning
        A column is left missing, or numbered on, in new rows.
    """
    notes = []
    for column in schema.columns:
        note = _note_column(column, copy_text)
        if note is None:
            continue
        notes.append(note)
        if column.kind in ("id", "private") and not column.is_given:
            other = "category" if column.kind == "private" else "number"
            warnings.warn(
                f"{note} Say so yourself, and this warning ends: column_kinds="
                f"{{{column.name!r}: {column.kind!r}}}; or have it generated: {other!r}"
                " or another kind.",
                SchemaWarning,
                stacklevel=4,
            )
    return notes


def _note_column(column, copy_text):
    dtype = column.form.dtype
    blank = "leave it missing"
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        blank = f"hold {np.zeros(1, dtype)[0]} in it, as {dtype} has no missing value"
    text = "take that of a real row of their class" if copy_text else blank
    is_integer = getattr(dtype, "kind", "") in "iu"
    numbered = "are numbered on" if is_integer else f"are counted on, or {blank}"
    told = {
        "id": f"names the rows: new rows {numbered}.",
        "private": f"holds {column.reason or 'what is private'}: new rows {blank}, and "
        "no model sees it.",
        "text": f"holds free text: new rows {text}.",
        "empty": "holds no value, and neither do new rows.",
    }
    is_code = column.kind == "category" and not column.is_given
    if is_code and column.dtype.kind in "iu":
        return f"Column {column.name!r} holds codes: new rows keep to those that occur."
    if column.kind not in told:
        return None
    return f"Column {column.name!r} {told[column.kind]}"


def warn_of_few_rows(schema, wanted):
    """Warn where very many new rows are to come from a handful of real ones.

    Warns
    -----
    SchemaWarning
    """
    for label, n_new in wanted.items():
        n_real = schema.n_per_label.get(label, 0)
        if 0 < n_real < FEW_ROWS and n_new > MAX_PER_ROW * n_real:
            warnings.warn(
                f"Class {label} has {n_real} real rows, and {n_new:,} new ones are "
                "asked for: they cannot vary more than those. Ask for fewer by "
                "`sampling_strategy`, or give more real rows.",
                SchemaWarning,
                stacklevel=4,
            )
