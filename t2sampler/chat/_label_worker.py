"""Label worker: a language model that tells how likely each label of a row is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from t2sampler._schema import ColumnSchema
from t2sampler.chat._chat_worker import ChatWorker, Complete
from t2sampler.chat._context import PromptContext, is_valid_key
from t2sampler.chat._formatting import Json, ValueFormatter, quote
from t2sampler.chat._prompts import write_label_class, write_label_probabilities
from t2sampler.chat._reply_schema import ReplySchema
from t2sampler.llm._base import Chat
from t2sampler.team._plan import Plan
from t2sampler.team._task import Answer, RowTask

# Of more classes only the likeliest is asked for: probabilities of dozens would fill
# the reply.
MAX_CLASSES = 10
OTHER_LABEL = "the label worker considers the label {} more likely"
NO_LABEL = "the label worker gave no label a probability above 0"


class ChatLabelWorker(ChatWorker):
    """Decide labels by asking a language model, which sees whole rows without label.

    It is asked for the probability of each class, and the likeliest is the label: drawn
    labels were worth two points of AUC less. A row that was written for a wanted label
    and is likelier to have another has a fault. Labels may be any that
    ``schema.target`` knows, those that no real row has included.

    Parameters
    ----------
    context : PromptContext
    plan : Plan
    chat : Chat
    complete : callable
        Answers a request: the session's.
    checks_wanted : bool, default=True
        False: the model is not asked where labels are wanted.
    """

    role = "label"

    def __init__(
        self,
        context: PromptContext,
        plan: Plan,
        chat: Chat,
        complete: Complete,
        *,
        checks_wanted: bool = True,
    ):
        self.checks_wanted = checks_wanted
        formatter = context.formatter(context.label_key)
        self._levels = make_class_keys(formatter.levels)
        self._asks_for_class = len(self._levels) > MAX_CLASSES
        if self._asks_for_class:
            reply_schema = ReplySchema({context.label_key: formatter})
        else:
            reply_schema = ReplySchema(
                {key: _probability_formatter(key) for key in self._levels},
                {str(level): key for key, level in self._levels.items()},  # aliases
            )
        super().__init__(context, plan, chat, complete, reply_schema)

    def write(self, task: RowTask) -> Answer:
        """Return label codes of shape (n_rows, 1), and the rows that failed."""
        if task.are_wanted and not self.checks_wanted:
            return Answer(task.labels[:, None].astype(float))
        codes = np.full((len(task.labels), 1), np.nan)
        collected = self._ask(task)
        for row, values in collected.codes.items():
            likeliest = self._find_likeliest(values, int(task.labels[row]))
            if likeliest is None:
                collected.faults[row] = NO_LABEL
            elif task.are_wanted and likeliest != task.labels[row]:
                label = list(self._levels.values())[likeliest]
                collected.faults[row] = OTHER_LABEL.format(quote(label))
            else:
                codes[row] = likeliest
        return Answer(codes, collected.faults, +collected.repairs)

    def _needs_model(self, task: RowTask) -> bool:
        is_checked = self.checks_wanted or not task.are_wanted
        return is_checked and len(task.labels) > 0

    def _write_question(
        self, task: RowTask, rows: Sequence[int], seed: int, *, is_again: bool
    ) -> str:
        given = self._format_given(task, rows, with_labels=False)
        if self._asks_for_class:
            return write_label_class(self.context, self.keys, given, is_again=is_again)
        return write_label_probabilities(
            self.context, self._levels, given, is_again=is_again
        )

    def _find_likeliest(self, values: dict[str, float], wanted: int) -> int | None:
        """Return the likeliest label; among equals the one the row was written for."""
        if self._asks_for_class:
            return int(values[self.context.label_key])
        shares: NDArray[np.float64] = np.array([values[key] for key in self.keys])
        if not shares.any():  # the model may answer 0 for all
            return None
        return wanted if shares[wanted] == shares.max() else int(shares.argmax())


def make_class_keys(levels: Sequence[Json]) -> dict[str, Json]:
    """Return labels by key: the label itself where it is plain, else "y1", "y2", ….

    Whole numbers keep theirs: "y0" is the key of 0.

    Examples
    --------
    >>> make_class_keys(["LR", "HR"]), make_class_keys([0, 1])
    ({'LR': 'LR', 'HR': 'HR'}, {'y0': 0, 'y1': 1})
    """
    if all(map(is_valid_key, levels)):
        return {str(level): level for level in levels}
    are_counts = all(type(level) is int and level >= 0 for level in levels)
    numbers = levels if are_counts else range(1, len(levels) + 1)
    return {f"y{n}": level for n, level in zip(numbers, levels, strict=True)}


def _probability_formatter(key: str) -> ValueFormatter:
    # Parsed as any column of shares is: "60%" is 0.6.
    column = ColumnSchema(key, "number", np.dtype(float), low=0.0, high=1.0)
    return ValueFormatter(column, np.array([0.0, 1.0]))
