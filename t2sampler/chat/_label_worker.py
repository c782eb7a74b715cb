"""A label worker that is a language model: it says how likely each label is."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema
from t2sampler.chat._asking import Complete, ask_rows
from t2sampler.chat._context import Briefing, is_plain
from t2sampler.chat._formatting import Json, Spelling, quote
from t2sampler.chat._prompts import BY_ROWS, write_prefix, write_question
from t2sampler.chat._reply_schema import ReplyForm
from t2sampler.chat._row_worker import seed_of, spell_given
from t2sampler.llm._base import Chat, ChatRequest
from t2sampler.team._plan import Plan
from t2sampler.team._task import Answer, RowTask

MOST_CLASSES = 10  # of more the model is asked for the likeliest only
OTHER_LABEL = "the label worker finds the label {} likelier"
NO_LABEL = "the label worker finds no label likely"
RANGE = np.array([0.0, 1.0])


class ChatLabels:
    """Decide labels by asking a language model, which sees whole rows without label.

    It is asked for the probability of each class, and the likeliest is the label: drawn
    labels were worth two points of AUC less. A row that was written for a wanted label
    and is likelier to have another has a fault. Labels may be any that
    ``schema.target`` knows, those no real row has included.

    Parameters
    ----------
    briefing : Briefing
    plan : Plan
    chat : Chat
    complete : callable
        Answers a request: the session's.
    checks_wanted : bool, default=True
        False: nobody is asked where labels are wanted.
    """

    n_uniforms = 1
    most_rows = None  # a row of the reply is short

    def __init__(
        self,
        briefing: Briefing,
        plan: Plan,
        chat: Chat,
        complete: Complete,
        *,
        checks_wanted: bool = True,
    ):
        self.briefing, self.chat, self.complete = briefing, chat, complete
        self.checks_wanted = checks_wanted
        self._prefix = write_prefix(briefing, plan)
        self._label = label = briefing.label_key
        self._classes = find_class_keys(briefing.spelling(label).levels)
        if len(self._classes) > MOST_CLASSES:
            self._form = ReplyForm({label: briefing.spelling(label)})
        else:
            self._form = ReplyForm(
                {key: _probability_of(key) for key in self._classes},
                {str(level): key for key, level in self._classes.items()},
            )

    @property
    def keys(self) -> list[str]:
        """Return the keys of a row of the reply."""
        return list(self._form.spellings)

    def question(
        self, task: RowTask, rows: Sequence[int] | None = None, attempt: int = 0
    ) -> ChatRequest | None:
        """Return what the model is asked for some rows of a task; None: nothing."""
        if not len(task.labels) or (task.are_wanted and not self.checks_wanted):
            return None
        rows = range(len(task.labels)) if rows is None else rows
        is_direct = self.keys == [self._label]
        text = write_question(
            "label" if is_direct else "labels",
            self.briefing,
            spell_given(self.briefing, task, rows, with_labels=False),
            is_again=attempt > 0,
            guide=BY_ROWS if self.briefing.example_rows else "",
            form=self._form.example() + ("" if is_direct else self._say_classes()),
        )
        messages = (("system", self._prefix), ("user", text))
        return ChatRequest(
            self.chat,
            "label",
            messages,
            self._form.schema(),
            self.chat.max_tokens,
            seed_of(task) + attempt,
            attempt,
        )

    def write(self, task: RowTask) -> Answer:
        """Return label codes of shape (n_rows, 1), and what went wrong."""
        if task.are_wanted and not self.checks_wanted:
            return Answer(task.labels[:, None].astype(float))
        codes = np.full((len(task.labels), 1), np.nan)
        question = partial(self.question, task)
        outcome = ask_rows(len(codes), question, self._form, self.complete)
        faults = dict(outcome.faults)
        levels = self.briefing.spelling(self._label).levels
        for row, values in outcome.codes.items():
            if not any(values.values()) and self.keys != [self._label]:
                faults[row] = NO_LABEL
                continue
            likeliest = self._choose(values, int(task.labels[row]))
            if task.are_wanted and likeliest != task.labels[row]:
                faults[row] = OTHER_LABEL.format(quote(levels[likeliest]))
            else:
                codes[row] = likeliest
        return Answer(codes, faults, +outcome.mended)

    def _choose(self, values: dict[str, float], label: int) -> int:
        """Return the likeliest label; among equals the one the row was written for."""
        if self._label in values:
            return int(values[self._label])
        shares: NDArray[np.float64] = np.array([values[key] for key in self.keys])
        return label if shares[label] == shares.max() else int(shares.argmax())

    def _say_classes(self) -> str:
        """Return what keys that are no label stand for; "" where all are labels."""
        unlike = [
            f"{quote(key)} for {quote(level)}"
            for key, level in self._classes.items()
            if key != level
        ]
        return f", where {', '.join(unlike)} stand" if unlike else ""


def find_class_keys(levels: Sequence[Json]) -> dict[str, Json]:
    """Return labels by key: the label itself where it is plain, else "y1", "y2", ….

    Whole numbers are told by themselves: "y0" stands for 0.

    Examples
    --------
    >>> find_class_keys(["LR", "HR"]), find_class_keys([0, 1])
    ({'LR': 'LR', 'HR': 'HR'}, {'y0': 0, 'y1': 1})
    """
    if all(map(is_plain, levels)):
        return {str(level): level for level in levels}
    are_counts = all(type(level) is int and level >= 0 for level in levels)
    numbers = levels if are_counts else range(1, len(levels) + 1)
    return {f"y{n}": level for n, level in zip(numbers, levels, strict=True)}


def _probability_of(key: str) -> Spelling:
    column = ColumnSchema(key, "number", np.dtype(float), low=0.0, high=1.0)
    return Spelling(column, RANGE)
