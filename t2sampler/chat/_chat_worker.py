"""Base of the workers that are language models: questions, and asking again."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from t2sampler.chat._context import PromptContext
from t2sampler.chat._formatting import Json
from t2sampler.chat._parse_reply import ID
from t2sampler.chat._prompts import write_system
from t2sampler.chat._reply_schema import DecodedRows, ReplySchema
from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.llm._base import Chat, ChatReply, ChatRequest
from t2sampler.team._plan import Plan
from t2sampler.team._task import Answer, RowTask

MAX_REPEATS = 2  # times that a missing row is asked for again
N_SEEDS = 2**31 - 1
ASKED_AGAIN = "rows asked for again"
HALVED = "questions halved to fit the model's context"
CUT_OFF = "replies cut off at the token limit"
NOT_IN_REPLY = "the reply does not contain this row"
ONLY_REASONING = (
    "the model spent all {:,} `max_tokens` on reasoning and wrote no answer. Raise "
    "`max_tokens`, or ask for less reasoning: "
    "extra_body={{'reasoning_effort': 'low'}}"
)

Complete = Callable[[ChatRequest], ChatReply]
Pending = deque[tuple[tuple[int, ...], int]]  # rows to ask for, and the attempt


class ChatWorker(ABC):
    """Ask a language model for rows, and again for those it did not write well.

    Rows that are missing or wrong are asked for again, at most twice. A question that
    does not fit the model's context is halved, as is one whose reply was cut off.

    Parameters
    ----------
    context : PromptContext
    plan : Plan
    chat : Chat
    complete : callable
        Answers a request: the session's.
    reply_schema : ReplySchema
        What a row of the reply has.

    Attributes
    ----------
    role : str
        For the usage table: "worker" or "label".
    max_rows : int or None
        Rows of one question; None: all.
    """

    role: str
    n_uniforms = 1  # for the seed, so that the same batch asks the same questions
    max_rows: int | None = None

    def __init__(
        self,
        context: PromptContext,
        plan: Plan,
        chat: Chat,
        complete: Complete,
        reply_schema: ReplySchema,
    ):
        self.context, self.chat, self.complete = context, chat, complete
        self.reply_schema = reply_schema
        # Written once: endpoints cache a prefix only while its bytes stay the same.
        self._system = write_system(context, plan)

    @property
    def keys(self) -> list[str]:
        """Return the keys of a row of the reply."""
        return list(self.reply_schema.formatters)

    def question(
        self, task: RowTask, rows: Sequence[int] | None = None, attempt: int = 0
    ) -> ChatRequest | None:
        """Return the request for some rows of a task; None where nothing is asked.

        Parameters
        ----------
        task : RowTask
        rows : sequence of int, default=None
            Positions in the task; None: all.
        attempt : int, default=0
            How often these rows were asked for before.
        """
        if not self._needs_model(task):
            return None
        rows = range(len(task.labels)) if rows is None else rows
        seed = self._seed(task, rows, attempt)
        text = self._write_question(task, rows, seed, is_again=attempt > 0)
        return ChatRequest(
            self.chat,
            self.role,
            (("system", self._system), ("user", text)),
            self.reply_schema.json_schema(),
            self.chat.max_tokens,
            seed,
            attempt,
        )

    @abstractmethod
    def write(self, task: RowTask) -> Answer:
        """Return codes of shape (n_rows, n_columns), and the rows that failed."""

    @abstractmethod
    def _needs_model(self, task: RowTask) -> bool:
        """Tell whether there is anything to ask."""

    @abstractmethod
    def _write_question(
        self, task: RowTask, rows: Sequence[int], seed: int, *, is_again: bool
    ) -> str:
        """Return the text of the question."""

    def _seed(self, task: RowTask, rows: Sequence[int], attempt: int) -> int:
        return first_seed(task) + attempt

    def _has_numbered_rows(self, task: RowTask) -> bool:
        """Tell whether each row of a reply is for one row of the task."""
        return True

    def _decode(self, task: RowTask, rows: Sequence[int], text: str) -> DecodedRows:
        """Return what a reply holds of some rows, by their position in the task."""
        # Prompts and replies count rows from 1, as people do.
        decoded = self.reply_schema.parse(text, {row + 1 for row in rows})
        return DecodedRows(
            {number - 1: codes for number, codes in decoded.codes.items()},
            {number - 1: fault for number, fault in decoded.faults.items()},
            decoded.repairs,
        )

    def _ask(self, task: RowTask) -> DecodedRows:
        """Return codes, or a fault, of all rows of a task.

        Raises
        ------
        GeneratorError
            No other question would be answered either: a fatal `ChatError`,
            `BudgetError`, `ReplayError`.
        """
        collected = DecodedRows()
        parts = split_rows(range(len(task.labels)), self.max_rows)
        pending: Pending = deque((rows, 0) for rows in parts)
        while pending:
            rows, attempt = pending.popleft()
            request = self.question(task, rows, attempt)
            if request is None:
                continue
            try:
                reply = self.complete(request)
            except ChatError as error:
                if error.is_fatal:
                    raise
                # Other questions may still be answered: only these rows are lost.
                collected.faults.update(dict.fromkeys(rows, str(error)))
                is_too_long = isinstance(error, ContextOverflowError)
                # Where only a number of rows is asked for, halves are no shorter.
                if is_too_long and self._has_numbered_rows(task):
                    _halve_question(rows, attempt, pending, collected, str(error))
                continue
            missing = self._collect(task, rows, reply, collected)
            # A reply of nothing but reasoning would be so again, at the full price.
            if missing and attempt < MAX_REPEATS and not _is_only_reasoning(reply):
                collected.repairs[ASKED_AGAIN] += len(missing)
                # Half as many rows have room in a reply.
                parts = _halve(missing) if _is_cut_off(reply) else [missing]
                pending.extend((part, attempt + 1) for part in parts)
        for row in collected.codes:  # a later reply may have what an earlier lacked
            collected.faults.pop(row, None)
        return collected

    def _collect(
        self,
        task: RowTask,
        rows: tuple[int, ...],
        reply: ChatReply,
        collected: DecodedRows,
    ) -> tuple[int, ...]:
        """Add the rows of a reply to those collected; return those still missing."""
        decoded = self._decode(task, rows, reply.text)
        collected.repairs.update(decoded.repairs)
        collected.repairs[CUT_OFF] += _is_cut_off(reply)
        missing = tuple(row for row in rows if row not in decoded.codes)
        # What is wrong with a row tells more than what is wrong with the reply.
        why = _explain_missing(reply, self.chat.max_tokens)
        collected.codes.update(decoded.codes)
        collected.faults.update((row, decoded.faults.get(row, why)) for row in missing)
        return missing

    def _format_given(
        self, task: RowTask, rows: Sequence[int], *, with_labels: bool
    ) -> list[dict[str, Json]]:
        """Return number, label if it may be seen, and given values of some rows."""
        key = self.context.label_key
        levels = self.context.formatter(key).levels
        return [
            {
                ID: row + 1,
                **({key: levels[task.labels[row]]} if with_labels else {}),
                **self.context.format_given(task.reads, task.given[row]),
            }
            for row in rows
        ]


def first_seed(task: RowTask) -> int:
    """Return the seed of a task's first question, from the uniforms of its batch."""
    return int(task.noise[0, 0] * N_SEEDS)


def split_rows(rows: Sequence[int], max_rows: int | None) -> list[tuple[int, ...]]:
    """Return rows in parts of about equal size, of ``max_rows`` at most."""
    if not len(rows):
        return []
    n_parts = -(-len(rows) // (max_rows or len(rows)))
    return [tuple(part.tolist()) for part in np.array_split(rows, n_parts)]


def _halve(rows: tuple[int, ...]) -> list[tuple[int, ...]]:
    return split_rows(rows, -(-len(rows) // 2))


def _halve_question(
    rows: tuple[int, ...],
    attempt: int,
    pending: Pending,
    collected: DecodedRows,
    why: str,
) -> None:
    """Halve a question that does not fit; where not even one row does, none will."""
    if len(rows) > 1:
        # First in the queue: if they do not fit either, nothing else is tried.
        collected.repairs[HALVED] += 1
        pending.extendleft((half, attempt) for half in _halve(rows)[::-1])
    elif not collected.codes:
        collected.faults.update((row, why) for part, _ in pending for row in part)
        pending.clear()


def _is_cut_off(reply: ChatReply) -> bool:
    return reply.finish_reason == "length"


def _is_only_reasoning(reply: ChatReply) -> bool:
    return _is_cut_off(reply) and not reply.text.strip()


def _explain_missing(reply: ChatReply, max_tokens: int) -> str:
    if reply.text.strip():
        return NOT_IN_REPLY
    if _is_only_reasoning(reply):
        return ONLY_REASONING.format(max_tokens)
    return f"the model returned an empty answer ({reply.finish_reason})"
