"""What all prompts of one fit share: the columns, how they are called and spelled."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema, TableSchema
from t2sampler.team._spelling import Json, Spelling

LABEL = "y"
SUMMARY = "summary"
WANTED_SHARE = 0.6  # of the example rows that have a wanted label


class Briefing:
    """The real table as the team may see it.

    Columns go by keys, "c1", "c2", … by their place in the table, and the label by "y";
    their names stand in the dictionary only. Columns of names, ids and free text, and
    empty ones, are neither shown nor asked for.

    Parameters
    ----------
    schema : TableSchema
        With a target.
    context : str, default=''
        What the table is about.
    descriptions : dict, default=None
        From a column's name (or the label's) to what it means.
    examples : int >= 0 or "summary", default=5
        Real rows shown per call; "summary": none, and only summaries of the columns
        leave the machine.
    frame : DataFrame of shape (n_rows, n_features)
        The real rows.
    target : Series of shape (n_rows,)
    """

    def __init__(
        self,
        schema: TableSchema,
        context: str = "",
        descriptions: Mapping[Hashable, str] | None = None,
        examples: int | str = 5,
        *,
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
        self.n_examples = 0 if isinstance(examples, str) else int(examples)
        self.dictionary = ""  # all columns in words, once they were written
        self.frame = frame
        self.codes = schema.encode(frame)
        self.labels = self.label.encode(target).astype(np.intp)
        self.columns = [c for c in schema.columns if c.is_learnable]
        self._place = {c.name: j for j, c in enumerate(schema.columns)}
        self._spellings = {
            self.key_of(c.name): Spelling(c, self.codes_of(c.name))
            for c in self.columns
        }
        self._spellings[LABEL] = Spelling(self.label, self.labels.astype(float))

    def key_of(self, name: Hashable) -> str:
        """Return the key of a column."""
        return f"c{self._place[name] + 1}"

    def codes_of(self, name: Hashable) -> NDArray[np.float64]:
        """Return the real rows' codes of a column."""
        codes: NDArray[np.float64] = self.codes[:, self._place[name]]
        return codes

    def spelling(self, key: str) -> Spelling:
        """Return how the values of a key are spelled."""
        return self._spellings[key]

    def spellings(self, columns: Sequence[ColumnSchema]) -> dict[str, Spelling]:
        """Return spellings by key; columns that are never shown are left out."""
        keys = [self.key_of(c.name) for c in columns if c.is_learnable]
        return {key: self._spellings[key] for key in keys}

    def columns_by_key(self) -> dict[str, ColumnSchema]:
        """Return the columns that are shown, by key."""
        return {self.key_of(column.name): column for column in self.columns}

    def names(self) -> dict[str, str]:
        """Return keys by column name, where no name could be taken for a key."""
        keys = {*self._spellings, "i", "ok"}
        return {
            column.name: key
            for key, column in self.columns_by_key().items()
            if isinstance(column.name, str) and column.name not in keys
        }

    def describe(self, name: Hashable) -> str:
        """Return what the user says a column means; "" where nothing."""
        return " ".join(self.descriptions.get(name, "").split())

    def pick_examples(
        self, rng: np.random.Generator, wanted: NDArray[np.intp] | None = None
    ) -> list[int]:
        """Return positions of real rows to show, most of them of wanted labels."""
        order = rng.permutation(len(self.labels))
        if wanted is None or not self.n_examples:
            return [int(row) for row in order[: self.n_examples]]
        is_wanted = np.isin(self.labels[order], wanted)
        n_wanted = int(np.ceil(WANTED_SHARE * self.n_examples))
        first = order[is_wanted][:n_wanted]
        rest = order[~np.isin(order, first)][: self.n_examples - len(first)]
        return [int(row) for row in rng.permutation(np.concatenate([first, rest]))]

    def spell_example(self, row: int, keys: Sequence[str]) -> list[Json]:
        """Return the values of a real row."""
        codes = {LABEL: float(self.labels[row])} if LABEL in keys else {}
        codes |= {
            key: float(self.codes[row, int(key[1:]) - 1])
            for key in keys
            if key != LABEL
        }
        return [self._spellings[key].spell(codes[key]) for key in keys]


def _check_descriptions(descriptions: Mapping[Hashable, str]) -> None:
    for name, meaning in descriptions.items():
        if not isinstance(meaning, str):
            raise ValueError(
                "`feature_descriptions` must map names of columns to text, got "
                f"{meaning!r:.60} for {name!r}. Leave it out, or say what it means."
            )
