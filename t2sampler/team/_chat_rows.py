"""A worker that is a language model: a prompt per batch, codes from its reply."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from t2sampler.llm._base import Chat, ChatRequest
from t2sampler.team._asking import Complete, ask_rows, find_most_rows
from t2sampler.team._briefing import Briefing
from t2sampler.team._parsing import ID
from t2sampler.team._plan import Component, Plan
from t2sampler.team._prompts import (
    BY_ROWS,
    NULLS,
    is_team,
    write_prefix,
    write_question,
)
from t2sampler.team._replies import ReplyForm
from t2sampler.team._spelling import Json, quote
from t2sampler.team._worker import Answer, RowTask

SEEDS = 2**31 - 1
OTHER_LABEL = "the row was written for another label than it was asked for"


class ChatRows:
    """Write one component by asking a language model, a batch per question.

    Each row is written for a label, wanted or drawn from the class shares, which the
    reply says again before the row's values: it is near when they are written. The
    model is seeded from the batch's own uniforms, so the same batch asks the same.

    Parameters
    ----------
    briefing : Briefing
    plan : Plan
    component : Component
        The one to write.
    chat : Chat
    complete : callable
        Answers a request: the line's.

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
        spellings = {briefing.label_key: briefing.spelling(briefing.label_key)}
        spellings |= briefing.spellings(self._columns)
        self._form = ReplyForm(spellings, briefing.names(), briefing.about)
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
        label = self.briefing.label_key
        columns = [key for key in self.keys if key != label]
        is_all = len(columns) == len(self.briefing.columns)
        text = write_question(
            "worker",
            self.briefing,
            spell_given(self.briefing, task, rows, with_labels=True),
            is_again=attempt > 0,
            member=self._member,
            columns=f"all columns but {quote(label)}"
            if is_all
            else ", ".join(map(quote, columns)),
            guide=BY_ROWS if self.briefing.example_rows else "",
            form=self._form.example(),
            nulls=NULLS if any(column.missing for column in self._columns) else "",
        )
        messages = (("system", self._prefix), ("user", text))
        return ChatRequest(
            self.chat,
            "worker",
            messages,
            self._form.schema(),
            self.chat.max_tokens,
            seed_of(task) + attempt,
            attempt,
        )

    def write(self, task: RowTask) -> Answer:
        """Return codes of shape (n_rows, n_columns), and what went wrong."""
        codes = np.full((len(task.labels), len(task.columns)), np.nan)
        question = partial(self.question, task)
        outcome = ask_rows(
            len(codes), question, self._form, self.complete, most_rows=self.most_rows
        )
        places = {
            self.briefing.key_of(column.name): j
            for j, column in enumerate(task.columns)
            if column.is_learnable
        }
        faults = dict(outcome.faults)
        for row, values in outcome.codes.items():
            if values.pop(self.briefing.label_key) != task.labels[row]:
                faults[row] = OTHER_LABEL
                continue
            for key, code in values.items():
                codes[row, places[key]] = code
        return Answer(codes, faults, +outcome.mended)


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
