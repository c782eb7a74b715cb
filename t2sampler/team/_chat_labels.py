"""A label worker that is a language model: it writes labels, or vetoes wanted ones."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from t2sampler._schema import ColumnSchema
from t2sampler.llm._base import Chat, ChatRequest
from t2sampler.team._asking import Complete, ask_rows
from t2sampler.team._briefing import LABEL, Briefing
from t2sampler.team._chat_rows import seed_of, spell_given
from t2sampler.team._parsing import ID
from t2sampler.team._plan import Plan
from t2sampler.team._prompts import write_prefix, write_question
from t2sampler.team._replies import ReplyForm
from t2sampler.team._spelling import Spelling
from t2sampler.team._worker import Answer, RowTask

AGREES = ColumnSchema("ok", "bool", np.dtype(bool), levels=(False, True))
VETO = "the label worker vetoed the label"


class ChatLabels:
    """Write labels by asking a language model, given whole rows.

    Where labels are wanted the model says of each row whether it may have its label; a
    row it vetoes has a fault. Free labels may be any that ``schema.target`` knows,
    those no real row has included.

    Parameters
    ----------
    briefing : Briefing
    plan : Plan
    chat : Chat
    complete : callable
        Answers a request: the line's.
    """

    n_uniforms = 1

    def __init__(self, briefing: Briefing, plan: Plan, chat: Chat, complete: Complete):
        self.briefing, self.chat, self.complete = briefing, chat, complete
        self._free = ReplyForm({LABEL: briefing.spelling(LABEL)})
        self._check = ReplyForm({"ok": Spelling(AGREES, np.empty(0))})
        self._prefix = write_prefix(briefing, plan)

    def question(
        self, task: RowTask, rows: Sequence[int] | None = None, attempt: int = 0
    ) -> ChatRequest | None:
        """Return what the model is asked for some rows of a task; None: nothing."""
        if not len(task.labels):
            return None
        rows = range(len(task.labels)) if rows is None else rows
        seed, form = seed_of(task), self._form(task)
        keys = [self.briefing.key_of(c.name) for c in task.reads if c.is_learnable]
        wanted = task.labels if task.are_wanted else None
        text = write_question(
            "check" if task.are_wanted else "labels",
            self.briefing,
            examples=self.briefing.pick_examples(np.random.default_rng(seed), wanted),
            example_keys=[*keys, LABEL],
            header=[ID, *keys, *([LABEL] if task.are_wanted else [])],
            rows=spell_given(self.briefing, task, rows),
            is_again=attempt > 0,
            form=form.example(),
        )
        messages = (("system", self._prefix), ("user", text))
        schema, most = form.schema(), self.chat.max_tokens
        seed += attempt
        return ChatRequest(self.chat, "label", messages, schema, most, seed, attempt)

    def write(self, task: RowTask) -> Answer:
        """Return label codes of shape (n_rows, 1), and what went wrong."""
        codes = np.full((len(task.labels), 1), np.nan)
        question = partial(self.question, task)
        outcome = ask_rows(len(codes), question, self._form(task), self.complete)
        faults = dict(outcome.faults)
        for row, (code,) in outcome.codes.items():
            if not task.are_wanted:
                codes[row] = code
            elif code:
                codes[row] = task.labels[row]
            else:
                faults[row] = VETO
        return Answer(codes, faults, +outcome.mended)

    def _form(self, task: RowTask) -> ReplyForm:
        return self._check if task.are_wanted else self._free
