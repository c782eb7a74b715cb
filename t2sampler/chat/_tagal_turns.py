"""Turns of TAGAL's conversations: what generator, critic and summary model are told."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2sampler.chat._context import PromptContext
from t2sampler.chat._conversation import Conversation
from t2sampler.chat._csv_rows import CsvRows
from t2sampler.chat._formatting import Json, escape, quote
from t2sampler.chat._prompts import count_labels, fill, write_table
from t2sampler.chat._reply_schema import Codes
from t2sampler.llm._tokens import count_tokens

N_BULLETS, MAX_BULLET = 8, 300  # of a review; characters of one
N_WORDS, MAX_BRIEF = 250, 6000  # of a brief: words it is asked for, characters kept
EMPTY_CELLS = " An empty cell is a missing value, and stands for nothing else."
SLOT = "[EXAMPLES]"
SLOTS = re.compile(r"\[ *examples? *\]", re.I)
BULLET = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+")
TYPICAL_SENTENCE = "Values of some columns lie closer together than those of real rows."


@dataclass(frozen=True)
class Draft:
    """A conversation with the generator, before it is asked for rows once more.

    Attributes
    ----------
    talk : Conversation
        What has been said.
    head : str
        How the next question begins: with examples, advice or a brief.
    """

    talk: Conversation
    head: str


class TagalTurns:
    """Write what the models are told, and read what they say about rows.

    Parameters
    ----------
    context : PromptContext
    asks_by_count : bool
        Rows are asked for by the number of each label; False: as many as possible.

    Attributes
    ----------
    csv : CsvRows
    """

    def __init__(self, context: PromptContext, *, asks_by_count: bool):
        self._context, self._asks_by_count = context, asks_by_count
        self.csv = CsvRows(context, [*context.columns_by_key(), context.label_key])
        self._label = quote(context.label_key)

    def open(self, shots: Sequence[int], brief: str = "") -> Draft:
        """Return the beginning of a conversation with the generator.

        Parameters
        ----------
        shots : sequence of int
            Positions of real rows to show, class by class.
        brief : str, default=""
            With `SLOT`, where they are to stand.
        """
        system = fill("tagal_system", label=self._label, table=self._table)
        head = self._list_examples(shots)
        if brief:
            # Cut by hand: braces, dollars and other slots are plain text of a model.
            before, _, after = brief.partition(SLOT)
            text = f"{escape(before)}{head}{escape(after)}"
            head = fill("tagal_brief", brief=text)
        return Draft(Conversation((("system", system),), n_kept=2), head)

    def ask(self, draft: Draft, labels: Sequence[int]) -> Conversation:
        """Return the conversation with the question for rows.

        Parameters
        ----------
        draft : Draft
        labels : sequence of int
            Code of each row that is wanted.
        """
        keys = self.csv.keys
        has_gaps = any(self._context.formatter(key).column.missing for key in keys)
        question = fill(
            "tagal_rows" if self._asks_by_count else "tagal_many_rows",
            n_rows=str(len(labels)),
            label=self._label,
            nulls=EMPTY_CELLS if has_gaps else "",
            header=self.csv.header,
            counts="\n".join(count_labels(self._context, labels)),
        )
        text = f"{draft.head}\n{question}" if draft.head else question
        return draft.talk.say("user", text)

    def heed(self, talk: Conversation, rows: Codes, advice: Sequence[str]) -> Draft:
        """Return the conversation with the rows that it led to, and advice on them."""
        answer = self._write_codes(rows)
        head = fill("tagal_feedback", advice="\n".join(f"- {quote(a)}" for a in advice))
        return Draft(talk.say("assistant", answer), head)

    def open_review(self) -> Conversation:
        """Return the beginning of the conversation with the critic."""
        system = fill(
            "tagal_critic",
            label=self._label,
            n_bullets=str(N_BULLETS),
            table=self._table,
        )
        return Conversation((("system", system),), n_kept=1)

    def review(self, talk: Conversation, rows: Codes) -> Conversation:
        """Return the conversation with the critic, with rows to review."""
        n_reviews = sum(role == "user" for role, _ in talk.turns)
        text = fill(
            "tagal_review",
            n=str(n_reviews + 1),
            n_rows=str(len(rows)),
            header_and_rows=self._write_codes(rows),
        )
        return talk.say("user", text)

    def hear(self, talk: Conversation, advice: Sequence[str]) -> Conversation:
        """Return the conversation with the critic, with what it said."""
        return talk.say("assistant", "\n".join(f"- {escape(line)}" for line in advice))

    def summarise(self, draft: Draft) -> Conversation:
        """Return the question for a brief that stands for a conversation."""
        slot = fill("tagal_slot", slot=SLOT) if self._context.example_rows else ""
        system = fill(
            "tagal_summary", slot=slot, n_words=str(N_WORDS), table=self._table
        )
        turns = [*draft.talk.messages[1:], ("user", draft.head)]
        text = "\n".join(f"{role}: {quote(said)}" for role, said in turns)
        return Conversation((("system", system), ("user", text)), n_kept=2)

    def read_brief(self, text: str) -> tuple[str, bool]:
        """Return a brief with one slot for examples, and whether it had one."""
        text = "\n".join(text.strip().splitlines())
        text = SLOTS.sub(SLOT, text)[:MAX_BRIEF]
        before, slot, after = text.partition(SLOT)
        if not self._context.example_rows:
            return text.replace(SLOT, ""), True
        brief = f"{before.rstrip()}\n{SLOT}\n{after.replace(SLOT, '').lstrip()}"
        return brief.strip(), bool(slot)

    def send_back(self, talk: Conversation, text: str) -> Conversation:
        """Return the conversation with a brief without a slot, to be sent again."""
        again = fill("tagal_summary_again", slot=SLOT)
        return talk.say("assistant", escape(text[:MAX_BRIEF])).say("user", again)

    def choose_shots(
        self, rng: np.random.Generator, most: NDArray[np.intp], max_tokens: int
    ) -> list[int]:
        """Return real rows to show, some of each class, one class after another.

        Parameters
        ----------
        rng : Generator
        most : int ndarray of shape (n_classes,)
            Rows of each class.
        max_tokens : int
            Of all of them together.
        """
        rows = rng.permutation(self._context.example_rows).astype(int)
        labels = self._context.labels[rows]
        rank = np.zeros(len(rows), dtype=int)
        for label in np.unique(labels):
            rank[labels == label] = np.arange((labels == label).sum())
        # In turn, so that a bound on tokens leaves rows of each class.
        in_turn = np.lexsort((labels, rank))
        in_turn = in_turn[rank[in_turn] < most[labels[in_turn]]]
        chosen: list[int] = rows[in_turn].tolist()
        sizes = [count_tokens(self.csv.write([row])) + 1 for row in chosen]
        n_shown = int((np.cumsum(sizes) <= max_tokens).sum())
        return sorted(chosen[:n_shown], key=lambda row: int(self._context.labels[row]))

    def write(self, rows: Iterable[Mapping[str, Json]]) -> str:
        """Return rows, values by key, as a model writes them."""
        return "\n".join([self.csv.header, *map(self.csv.write_values, rows)])

    @property
    def _table(self) -> str:
        return write_table(self._context)

    def _list_examples(self, shots: Sequence[int]) -> str:
        if not shots:
            return ""
        return fill(
            "tagal_examples",
            label=self._label,
            header=self.csv.header,
            rows=self.csv.write(shots),
        )

    def _write_codes(self, rows: Codes) -> str:
        """Return rows that were read as a model writes them, after a header."""
        return self.write(
            {key: self._format(key, code) for key, code in values.items()}
            for values in rows.values()
        )

    def _format(self, key: str, code: float) -> Json:
        formatter = self._context.formatter(key)
        # What the word for levels that are not sent is read as is no level's code.
        is_other = bool(formatter.levels) and code == len(formatter.levels)
        return formatter.other if is_other else formatter.format(code)


def read_advice(text: str) -> list[str]:
    """Return the bullets of a review, or its lines where it has none."""
    lines = [line for line in text.splitlines() if line.strip(" `#*-")]
    bullets = [line for line in lines if BULLET.match(line)] or lines
    cut = [BULLET.sub("", line, count=1).strip()[:MAX_BULLET] for line in bullets]
    return cut[:N_BULLETS]


def write_typical_advice() -> str:
    """Return a review of typical length."""
    return "\n".join([f"- {TYPICAL_SENTENCE}"] * (N_BULLETS - 2))


def write_typical_brief() -> str:
    """Return a brief of typical length."""
    n_words = len(TYPICAL_SENTENCE.split())
    sentences = [TYPICAL_SENTENCE] * (N_WORDS // n_words)
    return "\n".join([*sentences, SLOT])
