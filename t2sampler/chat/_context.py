"""Prompt context: what all prompts of one fit share about the real table."""

import re
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, TableSchema
from t2sampler._table import Rows
from t2sampler.chat._formatting import Json, ValueFormatter, quote
from t2sampler.llm._tokens import count_tokens
from t2sampler.team._selection import CopyDetector

DEFAULT_LABEL_KEY = "y"  # of a label whose name cannot be a key
SUMMARY, AUTO = "summary", "auto"
MIN_LEVEL_ROWS = 3  # rows that a level or a bound which is sent stands for
MAX_EXAMPLE_TOKENS = 6000  # of all example rows together: some 90 rows of nine columns
# Short names that a model copies without an error; "i", "y" and "rows" have a meaning.
KEY_PATTERN = re.compile(r"(?!(?:i|y|rows)$)[^\W\d_][\w .-]{0,29}")
EXAMPLE_SEED = 0  # the same rows in the same order, so that endpoints cache the prefix


class PromptContext:
    """What prompts may show of the real table, and under which keys.

    The key of a column is its name where that is short and plain, else "c1", "c2", …
    after its place in the table; that of the label is its name, or "y". Columns of
    names, ids and free text, and empty ones, are neither shown nor asked for.

    Parameters
    ----------
    schema : TableSchema
        With a target.
    table_description : str, default=''
        What the table is about.
    column_descriptions : dict, default=None
        From a column's name (or the label's) to its meaning.
    examples : "auto", int >= 0 or "summary", default="auto"
        Real rows in every question. "auto": all, or as many as ``max_example_tokens``
        hold; "summary": none, and only summaries of the columns leave the machine.
        Where not all fit, classes take turns.
    max_example_tokens : int, default=6000
    min_level_rows : int, default=3
        A level that fewer real rows have is sent only in a row that is shown; where
        none is shown, numbers are means of so many rows.
    frame : DataFrame of shape (n_rows, n_features)
        The real rows.
    target : Series of shape (n_rows,)
    rows_vary : bool, default=False
        Each question shows some of the ``example_rows``, not all of them; "auto" then
        stands for all real rows, and a question has its own bound.

    Attributes
    ----------
    columns : list of ColumnSchema
        Those that are shown.
    codes : float ndarray of shape (n_rows, n_features)
    labels : int ndarray of shape (n_rows,)
        Label codes.
    label_key : str
    example_rows : list of int
        Positions of the real rows that are shown, in the order they are shown in; with
        ``rows_vary``, of those that may be shown.
    dictionary : str
        All columns in words; "" until the first system message is written.
    """

    def __init__(
        self,
        schema: TableSchema,
        table_description: str = "",
        column_descriptions: Mapping[Hashable, str] | None = None,
        examples: int | str = AUTO,
        *,
        max_example_tokens: int = MAX_EXAMPLE_TOKENS,
        min_level_rows: int = MIN_LEVEL_ROWS,
        frame: pd.DataFrame,
        target: pd.Series,
        rows_vary: bool = False,
    ):
        if schema.target is None:
            raise TypeError("PromptContext expected a schema with labels.")
        self.schema, self.label = schema, schema.target
        self.table_description = table_description
        self.column_descriptions = dict(column_descriptions or {})
        _check_descriptions(self.column_descriptions)
        self.examples, self.min_level_rows = examples, min_level_rows
        self.rows_vary, self.dictionary = rows_vary, ""
        self.rows = Rows(frame, target, schema)
        self.codes = self.rows.codes
        self.labels = self.rows.labels.astype(np.intp)
        self.columns = [c for c in schema.columns if c.is_modelled]
        self._keys = _make_keys(schema)
        self._places = {self._keys[c.name]: j for c, j in self._shown_columns()}
        self._formatters = {
            self._keys[c.name]: ValueFormatter(c, self.codes[:, j])
            for c, j in self._shown_columns()
        }
        self.label_key = self._make_label_key()
        formatter = ValueFormatter(self.label, self.labels.astype(float))
        self._formatters[self.label_key] = formatter
        self.example_rows, seen = self._choose_examples(max_example_tokens)
        self._withhold_levels(seen)
        # As coarse as shown: a model cannot copy digits that it never saw.
        self._real_rows = CopyDetector().fit(self._round(self.codes))

    def key_of(self, name: Hashable) -> str:
        """Return the key of a column that is shown."""
        return self._keys[name]

    def codes_of(self, key: str) -> NDArray[np.float64]:
        """Return the real rows' codes under a key."""
        if key == self.label_key:
            return self.labels.astype(float)
        codes: NDArray[np.float64] = self.codes[:, self._places[key]]
        return codes

    def formatter(self, key: str) -> ValueFormatter:
        """Return the formatter of a key's values."""
        return self._formatters[key]

    def formatters(self, columns: Sequence[ColumnSchema]) -> dict[str, ValueFormatter]:
        """Return formatters by key, without columns that are never shown."""
        keys = [self.key_of(c.name) for c in columns if c.is_modelled]
        return {key: self._formatters[key] for key in keys}

    def columns_by_key(self) -> dict[str, ColumnSchema]:
        """Return the columns that are shown, by key."""
        return {self.key_of(column.name): column for column in self.columns}

    def aliases(self) -> dict[str, str]:
        """Return other words for keys: the name, and the column's place as "c1"."""
        words = {f"c{j + 1}": self._keys[c.name] for c, j in self._shown_columns()}
        named = {c.name: key for key, c in self.columns_by_key().items()}
        words |= {name: key for name, key in named.items() if isinstance(name, str)}
        if DEFAULT_LABEL_KEY not in self.schema.names:
            words[DEFAULT_LABEL_KEY] = self.label_key
        # A key is never another column's alias, and "i" is the number of a row.
        taken = {*self._formatters, "i"}
        return {word: key for word, key in words.items() if word not in taken}

    def words_about(self, key: str) -> str:
        """Return a column's name and meaning, which may tell its unit."""
        name = self._formatters[key].column.name
        return f"{name if name is not None else ''} {self.meaning_of(name)}".strip()

    def meaning_of(self, name: Hashable) -> str:
        """Return the user's description of a column on one line; "" without one."""
        return " ".join(self.column_descriptions.get(name, "").split())

    def format_row(self, row: int, keys: Sequence[str]) -> dict[str, Json]:
        """Return the values of a real row by key."""
        values: dict[str, Json] = {}
        for key in keys:
            is_label = key == self.label_key
            code = self.labels[row] if is_label else self.codes[row, self._places[key]]
            values[key] = self._formatters[key].format(float(code))
        return values

    def format_given(
        self, columns: Sequence[ColumnSchema], codes: NDArray[np.float64]
    ) -> dict[str, Json]:
        """Return the values of one row by key, without columns that are never shown."""
        pairs = zip(columns, codes.tolist(), strict=True)
        keyed = [(self.key_of(c.name), code) for c, code in pairs if c.is_modelled]
        return {key: self._formatters[key].format(code) for key, code in keyed}

    def count_levels(self, name: Hashable) -> NDArray[np.intp]:
        """Return how many real rows have each level of a column."""
        key = self._keys[name]
        codes, n_levels = self.codes_of(key), len(self._formatters[key].levels)
        return np.bincount(codes[~np.isnan(codes)].astype(np.intp), minlength=n_levels)

    def draw_withheld(
        self, key: str, labels: NDArray[np.intp], uniforms: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return codes of levels that are not sent: those of real rows of each label.

        Where a label's rows have none, those of any label.
        """
        codes = self.codes_of(key)
        rare = np.flatnonzero(np.isin(codes, list(self._formatters[key].withheld)))
        donors = {k: rare[self.labels[rare] == k] for k in np.unique(labels).tolist()}
        drawn = np.empty(len(labels))
        for i, label in enumerate(labels.tolist()):
            rows = donors[label] if len(donors[label]) else rare
            drawn[i] = codes[rows[int(uniforms[i] * len(rows))]]
        return drawn

    def may_send(self, rule: object) -> bool:
        """Tell whether a rule names no column, and no level, that is not sent."""
        names = set(getattr(rule, "columns", ())) & set(self.schema.names)
        if not names <= self._keys.keys():
            return False
        text = str(getattr(rule, "name", rule))
        formatters = [self._formatters[self._keys[name]] for name in names]
        return not any(str(f.names[k]) in text for f in formatters for k in f.withheld)

    @property
    def shows_all_rows(self) -> bool:
        """Tell whether all real rows are in every question."""
        n_rows = len(self.labels)
        return not self.rows_vary and len(self.example_rows) == n_rows > 0

    @property
    def copies_allowed(self) -> float:
        """Return the share of rows that may equal a real one: that of real rows."""
        return self._real_rows.repeat_rate_

    def are_copies(self, codes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows equal a real one, as far as a model could see it."""
        return self._real_rows.are_copies(self._round(codes))

    def describe_shown_rows(self, fitted: Sequence[str] = ()) -> str:
        """Return the report's note on what models saw of the real rows.

        Parameters
        ----------
        fitted : sequence of str
            Components that fitted workers write: they copy values of real rows.
        """
        names = ", ".join(repr(column.name) for column in self.columns) or "no column"
        note = f"No real row was shown to a model, only summaries of {names}."
        if self.example_rows:
            which = "some of them in each" if self.rows_vary else "the same in each"
            may = "may have been" if self.rows_vary else "were"
            note = (
                f"{len(self.example_rows):,} of {self.schema.n_rows:,} real rows {may} "
                f"shown to a model, {which} question: their labels, and their values "
                f"of {names}."
            )
        kept = [
            f"{c.name!r} ({c.kind})" for c in self.schema.columns if not c.is_modelled
        ]
        if kept:
            note += f" Nothing was sent of {', '.join(kept)}."
        note += "".join(self._describe_withheld())
        if fitted:
            note += (
                f" The fitted workers of {list(fitted)} copy values of real rows, and "
                "models that read their columns saw these values, too."
            )
        return note

    def _describe_withheld(self) -> Iterator[str]:
        """Yield a sentence per column with levels that were not sent."""
        for column in self.columns:
            formatter = self._formatters[self._keys[column.name]]
            if formatter.withheld:
                counts = self.count_levels(column.name)[list(formatter.withheld)]
                yield (
                    f" {len(counts):,} levels of {column.name!r}, of {counts.sum():,} "
                    f"rows, were not sent: fewer than min_level_rows="
                    f"{self.min_level_rows} rows have each. Models wrote "
                    f"{formatter.other!r} for them, and this machine drew one of them."
                )

    def _make_label_key(self) -> str:
        name = self.label.name
        # A column may have the label's name: keys of a row are distinct.
        if is_valid_key(name) and name not in self._places:
            return str(name)
        return DEFAULT_LABEL_KEY

    def _shown_columns(self) -> Iterator[tuple[ColumnSchema, int]]:
        """Yield the columns that are shown, with their place in the table."""
        return ((c, j) for j, c in enumerate(self.schema.columns) if c.is_modelled)

    def _choose_examples(self, max_tokens: int) -> tuple[list[int], list[int]]:
        """Return the rows to show, and those by which rare levels may be sent.

        All that may be shown are, else classes in turn.
        """
        if self.examples == SUMMARY:
            return [], []
        rng = np.random.default_rng(EXAMPLE_SEED)
        order = rng.permutation(len(self.labels))
        in_turn = order[np.argsort(_rank_within(self.labels[order]), kind="stable")]
        is_auto = self.examples == AUTO
        n_shown = (
            self.count_fitting(in_turn.tolist(), max_tokens)
            if is_auto
            else int(self.examples)
        )
        # In the shuffled order again: classes in turn would be a pattern to copy.
        shown: list[int] = order[np.isin(order, in_turn[:n_shown])].tolist()
        if self.rows_vary and is_auto and len(shown) < len(order):
            # Which rows a question has is left to chance: none of them sends a level.
            return order.tolist(), []
        return shown, shown

    def _withhold_levels(self, seen_rows: Sequence[int]) -> None:
        """Keep levels of few rows back, but for those that these rows have."""
        for column, j in self._shown_columns():
            if column.kind != "category":
                continue
            key, codes = self._keys[column.name], self.codes[:, j]
            seen = codes[seen_rows]
            sent = set(seen[~np.isnan(seen)].astype(int).tolist())
            counts = self.count_levels(column.name)
            rare = np.flatnonzero(counts < self.min_level_rows).tolist()
            self._formatters[key] = ValueFormatter(column, codes, set(rare) - sent)

    def count_fitting(self, rows: Sequence[int], max_tokens: int) -> int:
        """Return how many rows, from the first on, ``max_tokens`` hold."""
        keys, n_tokens = [self.label_key, *self._places], 0
        for count, row in enumerate(rows):
            n_tokens += count_tokens(quote(self.format_row(row, keys))) + 1  # its "\n"
            if n_tokens > max_tokens:
                return count
        return len(rows)

    def _round(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns that are shown, as coarse as they are shown."""
        rounded = [
            np.round(codes[:, j], self._formatters[self._keys[c.name]].decimals)
            if c.kind == "number"
            else codes[:, j]
            for c, j in self._shown_columns()
        ]
        return np.column_stack(rounded) if rounded else np.empty((len(codes), 0))


def is_valid_key(text: object) -> bool:
    """Tell whether a text can be a key as it is."""
    return isinstance(text, str) and bool(KEY_PATTERN.fullmatch(text))


def _make_keys(schema: TableSchema) -> dict[Hashable, str]:
    """Return the keys of the columns that are shown, by name."""
    names = set(schema.names)
    return {
        column.name: _make_key(column.name, j, names)
        for j, column in enumerate(schema.columns)
        if column.is_modelled
    }


def _make_key(name: Hashable, place: int, names: Collection[Hashable]) -> str:
    """Return a column's name where it is plain, else a key that is no other's name."""
    if is_valid_key(name):
        return str(name)
    key = f"c{place + 1}"
    while key in names:
        key += "_"
    return key


def _rank_within(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many rows of the same label stand before each."""
    ranks: NDArray[np.intp] = pd.Series(labels).groupby(labels).cumcount().to_numpy()
    return ranks


def _check_descriptions(descriptions: Mapping[Hashable, str]) -> None:
    for name, meaning in descriptions.items():
        if not isinstance(meaning, str):
            raise ValueError(
                "`feature_descriptions` must map column names to text, got "
                f"{meaning!r:.60} for {name!r}. Leave the column out, or describe it."
            )
