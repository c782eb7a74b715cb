"""What all prompts of one fit share: the columns, how they are called and spelled."""

import re
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, TableSchema
from t2sampler.chat._formatting import Json, Spelling, quote
from t2sampler.llm._tokens import count_tokens
from t2sampler.team._selection import RealRows

LABEL = "y"  # the key of a label whose name cannot be one
SUMMARY, AUTO = "summary", "auto"
MAX_EXAMPLE_TOKENS = 6000  # of all example rows together: some 90 rows of nine columns
PLAIN_NAME = re.compile(r"(?!(?:i|y|rows)$)[^\W\d_][\w .-]{0,29}")
EXAMPLE_ORDER = 0  # seed: the same rows stand in every question, in the same order


class Briefing:
    """The real table as the team may see it.

    A column goes by its name where that is short and plain, else by "c1", "c2", … after
    its place in the table; the label goes by its name, or by "y". Columns of names, ids
    and free text, and empty ones, are neither shown nor asked for.

    Parameters
    ----------
    schema : TableSchema
        With a target.
    context : str, default=''
        What the table is about.
    descriptions : dict, default=None
        From a column's name (or the label's) to what it means.
    examples : "auto", int >= 0 or "summary", default="auto"
        Real rows that stand in every question. "auto": all, or as many as
        ``max_example_tokens`` hold; "summary": none, and only summaries of the columns
        leave the machine. Where not all fit, classes take turns.
    max_example_tokens : int, default=6000
    frame : DataFrame of shape (n_rows, n_features)
        The real rows.
    target : Series of shape (n_rows,)

    Attributes
    ----------
    label_key : str
    example_rows : list of int
        Positions of the real rows that are shown, in the order they are shown in.
    """

    def __init__(
        self,
        schema: TableSchema,
        context: str = "",
        descriptions: Mapping[Hashable, str] | None = None,
        examples: int | str = AUTO,
        *,
        max_example_tokens: int = MAX_EXAMPLE_TOKENS,
        frame: pd.DataFrame,
        target: pd.Series,
    ):
        if schema.target is None:
            raise TypeError("Briefing expected a schema with labels.")
        self.schema, self.label = schema, schema.target
        self.context = context
        self.descriptions = dict(descriptions or {})
        _check_descriptions(self.descriptions)
        self.examples = examples
        self.dictionary = ""  # all columns in words, once they were written
        self.frame = frame
        self.codes = schema.encode(frame)
        self.labels = self.label.encode(target).astype(np.intp)
        self.columns = [c for c in schema.columns if c.is_modelled]
        self._place = {c.name: j for j, c in enumerate(schema.columns)}
        names = {c.name for c in schema.columns}
        self._keys = {c.name: _find_key(c.name, j, names) for c, j in self._numbered()}
        self._spellings = {
            self._keys[c.name]: Spelling(c, self.codes[:, j])
            for c, j in self._numbered()
        }
        self._places = {self._keys[c.name]: j for c, j in self._numbered()}
        self.label_key = self._find_label_key()
        spelling = Spelling(self.label, self.labels.astype(float))
        self._spellings[self.label_key] = spelling
        self.example_rows = self._choose_examples(max_example_tokens)
        self._real_rows = RealRows().fit(self._round(self.codes))

    def key_of(self, name: Hashable) -> str:
        """Return the key of a column that is shown."""
        return self._keys[name]

    def codes_of(self, name: Hashable) -> NDArray[np.float64]:
        """Return the real rows' codes of a column."""
        codes: NDArray[np.float64] = self.codes[:, self._place[name]]
        return codes

    def spelling(self, key: str) -> Spelling:
        """Return how the values of a key are spelled."""
        return self._spellings[key]

    def spellings(self, columns: Sequence[ColumnSchema]) -> dict[str, Spelling]:
        """Return spellings by key; columns that are never shown are left out."""
        keys = [self.key_of(c.name) for c in columns if c.is_modelled]
        return {key: self._spellings[key] for key in keys}

    def columns_by_key(self) -> dict[str, ColumnSchema]:
        """Return the columns that are shown, by key."""
        return {self.key_of(column.name): column for column in self.columns}

    def names(self) -> dict[str, str]:
        """Return other words for keys: a name, and the column's place as "c1"."""
        words = {f"c{j + 1}": self._keys[c.name] for c, j in self._numbered()}
        named = {c.name: key for key, c in self.columns_by_key().items()}
        words |= {name: key for name, key in named.items() if isinstance(name, str)}
        if "y" not in self._place:
            words["y"] = self.label_key
        taken = {*self._spellings, "i"}
        return {word: key for word, key in words.items() if word not in taken}

    def about(self, key: str) -> str:
        """Return the words that say what a column holds: its name and its meaning."""
        name = self._spellings[key].column.name
        return f"{name if name is not None else ''} {self.describe(name)}".strip()

    def describe(self, name: Hashable) -> str:
        """Return what the user says a column means; "" where nothing."""
        return " ".join(self.descriptions.get(name, "").split())

    def spell_row(self, row: int, keys: Sequence[str]) -> dict[str, Json]:
        """Return the values of a real row by key."""
        values: dict[str, Json] = {}
        for key in keys:
            is_label = key == self.label_key
            code = self.labels[row] if is_label else self.codes[row, self._places[key]]
            values[key] = self._spellings[key].spell(float(code))
        return values

    def spell_given(
        self, columns: Sequence[ColumnSchema], codes: NDArray[np.float64]
    ) -> dict[str, Json]:
        """Return the values of one row by key; columns never shown are left out."""
        pairs = zip(columns, codes.tolist(), strict=True)
        keyed = [(self.key_of(c.name), code) for c, code in pairs if c.is_modelled]
        return {key: self._spellings[key].spell(code) for key, code in keyed}

    @property
    def shows_all(self) -> bool:
        """Tell whether all real rows stand in every question."""
        return len(self.example_rows) == len(self.labels) > 0

    @property
    def copies_allowed(self) -> float:
        """Return the share of rows that may equal a real one: that of real rows."""
        return self._real_rows.repeats_

    def are_copies(self, codes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows equal a real one, as far as a model could see it."""
        return self._real_rows.holds(self._round(codes))

    def tell_shown(self, fitted: Sequence[str] = ()) -> str:
        """Return in words what models saw of the real rows.

        Parameters
        ----------
        fitted : sequence of str
            Components that fitted workers write: they copy values of real rows.
        """
        said = "No real row was shown to a model, but summaries of the columns."
        if self.example_rows:
            said = (
                f"{len(self.example_rows):,} of {self.schema.n_rows:,} real rows were "
                "shown to a model, the same with each question."
            )
        if fitted:
            said += (
                f" What the fitted workers of {list(fitted)} write is copied from real "
                "rows, and models that read it saw that, too."
            )
        return said

    def _find_label_key(self) -> str:
        name = self.label.name
        return str(name) if is_plain(name) and name not in self._places else LABEL

    def _numbered(self) -> Iterator[tuple[ColumnSchema, int]]:
        """Yield the columns that are shown, with their place in the table."""
        return ((c, self._place[c.name]) for c in self.columns)

    def _choose_examples(self, max_tokens: int) -> list[int]:
        """Return the rows to show: all that may be, else classes in turn."""
        rng = np.random.default_rng(EXAMPLE_ORDER)
        order = rng.permutation(len(self.labels))
        if self.examples == SUMMARY:
            return []
        in_turn = order[np.argsort(_rank_within(self.labels[order]), kind="stable")]
        is_auto = self.examples == AUTO
        n_shown = (
            self._count_fitting(in_turn, max_tokens) if is_auto else int(self.examples)
        )
        shown: list[int] = order[np.isin(order, in_turn[:n_shown])].tolist()
        return shown

    def _count_fitting(self, rows: NDArray[np.intp], max_tokens: int) -> int:
        """Return how many rows, from the first on, take no more tokens than that."""
        keys, n_tokens = [self.label_key, *self._places], 0
        for count, row in enumerate(rows.tolist()):
            n_tokens += count_tokens(quote(self.spell_row(row, keys))) + 1
            if n_tokens > max_tokens:
                return count
        return len(rows)

    def _round(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns that are shown, as coarse as they are shown."""
        rounded = [
            np.round(codes[:, j], self._spellings[self._keys[c.name]].decimals)
            if c.kind == "number"
            else codes[:, j]
            for c, j in self._numbered()
        ]
        return np.column_stack(rounded) if rounded else np.empty((len(codes), 0))


def is_plain(text: object) -> bool:
    """Tell whether a text can be a key as it is."""
    return isinstance(text, str) and bool(PLAIN_NAME.fullmatch(text))


def _find_key(name: Hashable, place: int, names: Collection[Hashable]) -> str:
    """Return a column's name where it is plain, else a key that is no other's name."""
    if is_plain(name):
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
                "`feature_descriptions` must map names of columns to text, got "
                f"{meaning!r:.60} for {name!r}. Leave it out, or say what it means."
            )
