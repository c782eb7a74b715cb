"""A worker that is a language model: a prompt per batch, codes from its reply."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from t2sampler.llm._base import Chat, ChatRequest
from t2sampler.team._anchors import PER_COLUMN, Anchors
from t2sampler.team._asking import Complete, ask_rows
from t2sampler.team._briefing import LABEL, Briefing
from t2sampler.team._parsing import ID
from t2sampler.team._plan import Component, Plan
from t2sampler.team._prompts import (
    HINTS,
    NULLS,
    write_prefix,
    write_question,
)
from t2sampler.team._replies import ReplyForm
from t2sampler.team._spelling import Json, quote
from t2sampler.team._worker import Answer, RowTask

SEEDS = 2**31 - 1


class ChatRows:
    """Write one component by asking a language model, a batch per question.

    Examples are drawn, and the model is seeded, from the batch's own uniforms, so the
    same batch asks the same question.

    Parameters
    ----------
    briefing : Briefing
    plan : Plan
    component : Component
        The one to write.
    chat : Chat
    complete : callable
        Answers a request: the line's.
    anchors : bool, default=True
        Give each row a hint.
    """

    def __init__(
        self,
        briefing: Briefing,
        plan: Plan,
        component: Component,
        chat: Chat,
        complete: Complete,
        *,
        anchors: bool = True,
    ):
        self.briefing, self.component = briefing, component
        self.chat, self.complete, self.anchors = chat, complete, anchors
        own = set(component.columns)
        self._columns = [c for c in briefing.schema.columns if c.name in own]
        self._columns = [c for c in self._columns if c.is_learnable]
        self._form = ReplyForm(briefing.spellings(self._columns), briefing.names())
        self._anchors = Anchors(briefing, self._columns)
        self._prefix = write_prefix(briefing, plan)

    @property
    def n_uniforms(self) -> int:
        """One for the question, and two per column where rows get hints."""
        return 1 + PER_COLUMN * len(self._columns) * self.anchors

    def question(
        self, task: RowTask, rows: Sequence[int] | None = None, attempt: int = 0
    ) -> ChatRequest | None:
        """Return what the model is asked for some rows of a task; None: nothing."""
        if not self._columns or not len(task.labels):
            return None
        rows = range(len(task.labels)) if rows is None else rows
        seed = seed_of(task)
        reads = [c for c in task.reads if c.is_learnable]
        given = [self.briefing.key_of(column.name) for column in reads]
        label = [LABEL] if task.are_wanted else []
        wanted = task.labels if task.are_wanted else None
        text = write_question(
            "worker",
            self.briefing,
            examples=self.briefing.pick_examples(np.random.default_rng(seed), wanted),
            example_keys=[*given, *self._form.spellings, *label],
            header=[ID, *given, *label, *(["hint"] if self.anchors else [])],
            rows=self._spell_rows(task, rows),
            is_again=attempt > 0,
            member=quote(self.component.name),
            columns=", ".join(self._form.spellings),
            hints=HINTS if self.anchors else "",
            form=self._form.example(),
            nulls=NULLS if any(column.missing for column in self._columns) else "",
        )
        messages = (("system", self._prefix), ("user", text))
        schema, most = self._form.schema(), self.chat.max_tokens
        seed += attempt
        return ChatRequest(self.chat, "worker", messages, schema, most, seed, attempt)

    def write(self, task: RowTask) -> Answer:
        """Return codes of shape (n_rows, n_columns), and what went wrong."""
        codes = np.full((len(task.labels), len(task.columns)), np.nan)
        question = partial(self.question, task)
        outcome = ask_rows(len(codes), question, self._form, self.complete)
        places = [j for j, column in enumerate(task.columns) if column.is_learnable]
        for row, values in outcome.codes.items():
            codes[row, places] = values
        return Answer(codes, outcome.faults, +outcome.mended)

    def _spell_rows(self, task: RowTask, rows: Sequence[int]) -> list[list[Json]]:
        spelled = spell_given(self.briefing, task, rows)
        if not self.anchors:
            return spelled
        some = list(rows)
        hints = self._anchors.draw(task.labels[some], task.noise[some, 1:])
        return [[*row, hint] for row, hint in zip(spelled, hints, strict=True)]


def spell_given(
    briefing: Briefing, task: RowTask, rows: Sequence[int]
) -> list[list[Json]]:
    """Return number, given values, and the label where it is wanted, of some rows."""
    shown = [
        (j, briefing.spelling(briefing.key_of(column.name)))
        for j, column in enumerate(task.reads)
        if column.is_learnable
    ]
    labels = briefing.spelling(LABEL).levels
    return [
        [
            row + 1,
            *(spelling.spell(task.given[row, j]) for j, spelling in shown),
            *([labels[task.labels[row]]] if task.are_wanted else []),
        ]
        for row in rows
    ]


def seed_of(task: RowTask) -> int:
    """Return the seed of a batch's question, from its first uniform."""
    return int(task.noise[0, 0] * SEEDS)
