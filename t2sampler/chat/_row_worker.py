"""A worker that is a language model: a prompt per batch, codes from its reply."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np

from t2sampler.chat._asking import Codes, Complete, ask_rows, find_most_rows
from t2sampler.chat._context import Briefing
from t2sampler.chat._formatting import Json, quote
from t2sampler.chat._parse_reply import ID
from t2sampler.chat._prompts import (
    GUIDE,
    GUIDE_WITHOUT_ROWS,
    NULLS,
    is_team,
    write_prefix,
    write_question,
)
from t2sampler.chat._reply_schema import ReplyForm
from t2sampler.llm._base import Chat, ChatRequest
from t2sampler.team._plan import Component, Plan
from t2sampler.team._task import Answer, RowTask

SEEDS = 2**31 - 1
PART_STEP = 10  # more than the attempts
N_NUMBERS = 1000  # of batches: questions that differ in nothing else are told apart
OTHER_LABEL = "the row was written for another label than it was asked for"


class ChatRows:
    """Write one component by asking a language model, a batch per question.

    Each row is written for a label, wanted or drawn from the class shares, which the
    reply says again. The model is seeded from the batch's own uniforms, so the same
    batch asks the same.

    Parameters
    ----------
    briefing : Briefing
    plan : Plan
    component : Component
        The one to write.
    chat : Chat
    complete : callable
        Answers a request: the session's.

    Attributes
    ----------
    most_rows : int
        Rows of one question: as many as a reply has room for.
    """

    n_uniforms = 1  # for the model's seed

    def __init__(
        self,
        briefing: Briefing,
        plan: Plan,
        component: Component,
        chat: Chat,
        complete: Complete,
    ):
        self.briefing, self.component = briefing, component
        self.chat, self.complete = chat, complete
        own = set(component.columns)
        self._columns = [c for c in briefing.columns if c.name in own]
        label = briefing.label_key
        spellings = briefing.spellings(self._columns) | {
            label: briefing.spelling(label)
        }
        has_all = len(self._columns) == len(briefing.columns)
        self._form = ReplyForm(
            spellings,
            briefing.names(),
            briefing.about,
            optional=() if has_all else (label,),  # the row's number says it, too
        )
        self.most_rows = find_most_rows(briefing, self._form, chat.max_tokens)
        self._prefix = write_prefix(briefing, plan)
        self._member = (
            f"You are {quote(component.name)}. " if is_team(plan, briefing) else ""
        )

    @property
    def keys(self) -> list[str]:
        """Return the keys of a row of the reply."""
        return list(self._form.spellings)

    def question(
        self, task: RowTask, rows: Sequence[int] | None = None, attempt: int = 0
    ) -> ChatRequest | None:
        """Return what the model is asked for some rows of a task; None: nothing."""
        if not self._columns or not len(task.labels):
            return None
        rows = range(len(task.labels)) if rows is None else rows
        template, lines, words = self._spell(task, rows)
        # Parts of a batch ask for the same counts; they must not get the same answer.
        seed = (seed_of(task) + PART_STEP * rows[0] + attempt) % SEEDS
        text = write_question(
            template,
            self.briefing,
            lines,
            is_again=attempt > 0,
            batch=str(seed % N_NUMBERS),
            guide=GUIDE if self.briefing.example_rows else GUIDE_WITHOUT_ROWS,
            form=self._form.example(),
            nulls=NULLS if any(column.missing for column in self._columns) else "",
            **words,
        )
        messages = (("system", self._prefix), ("user", text))
        schema, most = self._form.schema(), self.chat.max_tokens
        return ChatRequest(self.chat, "worker", messages, schema, most, seed, attempt)

    def write(self, task: RowTask) -> Answer:
        """Return codes of shape (n_rows, n_columns), and what went wrong."""
        codes = np.full((len(task.labels), len(task.columns)), np.nan)
        outcome = ask_rows(
            len(codes),
            partial(self.question, task),
            self._form,
            self.complete,
            most_rows=self.most_rows,
            place=partial(self._place, task) if self._writes_all(task) else None,
        )
        places = {
            self.briefing.key_of(column.name): j
            for j, column in enumerate(task.columns)
            if column.is_modelled
        }
        faults = dict(outcome.faults)
        for row, values in outcome.codes.items():
            label = values.pop(self.briefing.label_key, task.labels[row])
            if label != task.labels[row]:
                faults[row] = OTHER_LABEL
                continue
            for key, code in values.items():
                codes[row, places[key]] = code
        return Answer(codes, faults, +outcome.mended)

    def _spell(
        self, task: RowTask, rows: Sequence[int]
    ) -> tuple[str, Sequence[dict[str, Json] | str], dict[str, str]]:
        """Return the template, the lines that tell the rows, and words of the template.

        Where nothing but the label is given, rows of one label are alike: how many are
        wanted is said, and the model writes them in the order it likes.
        """
        label = self.briefing.label_key
        if self._writes_all(task):
            levels = self.briefing.spelling(label).levels
            counts = Counter(task.labels[list(rows)].tolist())
            lines = [f"{n} x {quote({label: levels[k]})}" for k, n in counts.items()]
            return "rows", lines, {"n_rows": str(len(rows))}
        columns = ", ".join(quote(key) for key in self.keys if key != label)
        given = spell_given(self.briefing, task, rows, with_labels=True)
        return "worker", given, {"member": self._member, "columns": columns}

    def _writes_all(self, task: RowTask) -> bool:
        """Tell whether the worker writes whole rows, given nothing but their labels."""
        has_all = len(self._columns) == len(self.briefing.columns)
        return has_all and not any(column.is_modelled for column in task.reads)

    def _place(self, task: RowTask, found: Codes, rows: Sequence[int]) -> Codes:
        """Give each row one of those that were written with its label, in order."""
        written: dict[int, list[dict[str, float]]] = {}
        for codes in found.values():
            label = codes[self.briefing.label_key]
            written.setdefault(int(label), []).append(codes)
        placed: Codes = {}
        for row in rows:
            if mine := written.get(int(task.labels[row])):
                placed[row] = mine.pop(0)
        return placed


def spell_given(
    briefing: Briefing, task: RowTask, rows: Sequence[int], *, with_labels: bool
) -> list[dict[str, Json]]:
    """Return number, label where it is to be seen, and given values of some rows."""
    label = briefing.label_key
    levels = briefing.spelling(label).levels
    return [
        {
            ID: row + 1,
            **({label: levels[task.labels[row]]} if with_labels else {}),
            **briefing.spell_given(task.reads, task.given[row]),
        }
        for row in rows
    ]


def seed_of(task: RowTask) -> int:
    """Return the seed of a batch's question, from its first uniform."""
    return int(task.noise[0, 0] * SEEDS)
