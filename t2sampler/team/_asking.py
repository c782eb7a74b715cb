"""Ask until every row is there, or was asked for often enough."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.team._replies import ReplyForm

MAX_AGAIN = 2  # times a missing row is asked for again
NOT_SENT = "the reply does not hold this row"
ASKED_AGAIN = "rows asked for again"
HALVED = "questions halved to fit the model's context"
CUT = "replies cut off at the token limit"

Complete = Callable[[ChatRequest], ChatReply]
Question = Callable[[Sequence[int], int], ChatRequest | None]


@dataclass(frozen=True)
class Outcome:
    """Codes by row, faults of the rows without, and what was mended."""

    codes: dict[int, list[float]] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    mended: Counter[str] = field(default_factory=Counter)


def ask_rows(
    n_rows: int, question: Question, form: ReplyForm, complete: Complete
) -> Outcome:
    """Ask for rows 0 to n - 1, which go by the numbers 1 to n.

    Rows that are missing or wrong are asked for again, at most twice. A question that
    does not fit the model's context is halved, as is one whose reply was cut off.

    Parameters
    ----------
    n_rows : int
    question : callable
        From rows and the number of the attempt to the request; None: nothing to ask.
    form : ReplyForm
    complete : callable
        Answers a request.

    Raises
    ------
    GeneratorError
        Nothing else can be answered either: a `ChatError` that is fatal, `BudgetError`,
        `ReplayError`.
    """
    outcome = Outcome()
    pending = deque([(tuple(range(n_rows)), 0)] if n_rows else [])
    while pending:
        rows, attempt = pending.popleft()
        request = question(rows, attempt)
        if request is None:
            continue
        try:
            reply = complete(request)
        except ChatError as error:
            if error.is_fatal:
                raise
            outcome.faults.update(dict.fromkeys(rows, str(error)))
            if isinstance(error, ContextOverflowError) and len(rows) > 1:
                outcome.mended[HALVED] += 1
                pending.extend((half, attempt) for half in _halve(rows))
            continue
        left = _take(reply, rows, form, outcome)
        if left and attempt < MAX_AGAIN:
            outcome.mended[ASKED_AGAIN] += len(left)
            parts = _halve(left) if reply.finish_reason == "length" else [left]
            pending.extend((part, attempt + 1) for part in parts)
    for row in outcome.codes:
        outcome.faults.pop(row, None)
    return outcome


def _take(
    reply: ChatReply, rows: tuple[int, ...], form: ReplyForm, outcome: Outcome
) -> tuple[int, ...]:
    """Put the rows of a reply into the outcome; return those that are still missing."""
    found = form.read(reply.text, {row + 1 for row in rows})
    outcome.mended.update(found.mended)
    outcome.mended[CUT] += reply.finish_reason == "length"
    left = []
    for row in rows:
        if row + 1 in found.codes:
            outcome.codes[row] = found.codes[row + 1]
        else:
            left.append(row)
            outcome.faults[row] = found.faults.get(row + 1, _why_not(reply))
    return tuple(left)


def _why_not(reply: ChatReply) -> str:
    if reply.text.strip():
        return NOT_SENT
    return f"the model answered nothing ({reply.finish_reason})"


def _halve(rows: tuple[int, ...]) -> list[tuple[int, ...]]:
    middle = len(rows) // 2
    return [part for part in (rows[:middle], rows[middle:]) if part]
