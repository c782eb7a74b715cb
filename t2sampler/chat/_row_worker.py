"""Row worker: a language model that writes the columns of one component."""

from collections.abc import Sequence

import numpy as np

from t2sampler.chat._chat_worker import N_SEEDS, ChatWorker, Complete, first_seed
from t2sampler.chat._context import PromptContext
from t2sampler.chat._formatting import quote
from t2sampler.chat._prompts import is_team, write_worker_columns, write_worker_rows
from t2sampler.chat._reply_schema import Codes, DecodedRows, ReplySchema
from t2sampler.llm._base import Chat
from t2sampler.llm._tokens import count_tokens
from t2sampler.team._plan import Component, Plan
from t2sampler.team._task import Answer, RowTask

ROWS_SHARE = 0.7  # of `max_tokens` that the rows of one question may fill
N_MEASURED_ROWS = 20  # real rows that tell how many tokens a row takes
TOKENS_OF_NUMBER = 4  # of a row
SEED_STEP = 10  # more than the attempts: parts of a batch get seeds of their own
N_BATCH_NUMBERS = 1000
# A reply may hold a few more rows than asked for, but not echo hundreds.
MAX_ROWS_PER_WANTED = 3
OTHER_LABEL = "the model wrote the row for another label than requested"


class ChatRowWorker(ChatWorker):
    """Write one component by asking a language model, a batch per question.

    Each row is written for a label, wanted or drawn from the class shares, and the
    reply repeats it. Where it has the word for levels that are not sent, one of them is
    drawn here.

    Parameters
    ----------
    context : PromptContext
    plan : Plan
    component : Component
        The one to write.
    chat : Chat
    complete : callable
        Answers a request: the session's.

    Attributes
    ----------
    max_rows : int
        Rows of one question: as many as a reply has room for.
    """

    role = "worker"

    def __init__(
        self,
        context: PromptContext,
        plan: Plan,
        component: Component,
        chat: Chat,
        complete: Complete,
    ):
        names = set(component.columns)
        self._columns = [c for c in context.columns if c.name in names]
        self._has_all_columns = len(self._columns) == len(context.columns)
        label = context.label_key
        reply_schema = ReplySchema(
            context.formatters(self._columns) | {label: context.formatter(label)},
            context.aliases(),
            context.words_about,
            # Beside given values the row's number tells its label.
            optional=() if self._has_all_columns else (label,),
        )
        super().__init__(context, plan, chat, complete, reply_schema)
        self._rare_keys = [k for k in self.keys if context.formatter(k).withheld]
        self.n_uniforms = 1 + len(self._rare_keys)
        self._member = component.name if is_team(plan, context) else ""
        self.max_rows = count_max_rows(context, self.keys, chat.max_tokens)

    def write(self, task: RowTask) -> Answer:
        """Return codes of shape (n_rows, n_columns), and the rows that failed."""
        codes = np.full((len(task.labels), len(task.columns)), np.nan)
        places = {
            self.context.key_of(column.name): j
            for j, column in enumerate(task.columns)
            if column.is_modelled
        }
        collected = self._ask(task)
        for row, values in collected.codes.items():
            label = values.pop(self.context.label_key, task.labels[row])
            if label != task.labels[row]:
                collected.faults[row] = OTHER_LABEL
                continue
            for key, code in values.items():
                codes[row, places[key]] = code
        for n, key in enumerate(self._rare_keys, start=1):
            place, formatter = places[key], self.context.formatter(key)
            rows = np.flatnonzero(codes[:, place] == len(formatter.names))
            labels, uniforms = task.labels[rows], task.noise[rows, n]
            codes[rows, place] = self.context.draw_withheld(key, labels, uniforms)
        return Answer(codes, collected.faults, +collected.repairs)

    def _needs_model(self, task: RowTask) -> bool:
        return bool(self._columns) and len(task.labels) > 0

    def _seed(self, task: RowTask, rows: Sequence[int], attempt: int) -> int:
        """Parts of a batch may ask for the same counts: they get other answers."""
        return (first_seed(task) + SEED_STEP * rows[0] + attempt) % N_SEEDS

    def _has_numbered_rows(self, task: RowTask) -> bool:
        """Tell whether rows differ by what is given, or only by their labels."""
        has_given = any(column.is_modelled for column in task.reads)
        return has_given or not self._has_all_columns

    def _write_question(
        self, task: RowTask, rows: Sequence[int], seed: int, *, is_again: bool
    ) -> str:
        batch = seed % N_BATCH_NUMBERS
        if self._has_numbered_rows(task):
            return write_worker_columns(
                self.context,
                self.keys,
                self._format_given(task, rows, with_labels=True),
                member=self._member,
                batch=batch,
                is_again=is_again,
            )
        labels = task.labels[list(rows)].tolist()
        return write_worker_rows(
            self.context, self.keys, labels, batch=batch, is_again=is_again
        )

    def _decode(self, task: RowTask, rows: Sequence[int], text: str) -> DecodedRows:
        """Give each row one of those that were written for its label, in order."""
        if self._has_numbered_rows(task):
            return super()._decode(task, rows, text)
        numbers = range(1, MAX_ROWS_PER_WANTED * len(rows))
        decoded = self.reply_schema.parse(text, numbers, is_numbered=False)
        by_label: dict[int, list[dict[str, float]]] = {}
        for values in decoded.codes.values():
            by_label.setdefault(int(values[self.context.label_key]), []).append(values)
        codes: Codes = {}
        for row in rows:
            if same_label := by_label.get(int(task.labels[row])):
                codes[row] = same_label.pop(0)
        missing = [row for row in rows if row not in codes]
        # Wrong rows have no place in the task: their faults go to missing ones.
        faults = dict(zip(missing, decoded.faults.values(), strict=False))
        return DecodedRows(codes, faults, decoded.repairs)


def count_max_rows(context: PromptContext, keys: Sequence[str], max_tokens: int) -> int:
    """Return how many rows of a reply ``max_tokens`` hold, by real rows."""
    rows = range(min(N_MEASURED_ROWS, len(context.labels)))
    texts = [quote(context.format_row(row, keys)) for row in rows]
    n_tokens = float(np.mean([count_tokens(text) for text in texts]))
    return max(1, int(ROWS_SHARE * max_tokens / (n_tokens + TOKENS_OF_NUMBER)))
