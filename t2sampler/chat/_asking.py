"""Ask until every row is there, or was asked for often enough."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from t2sampler.chat._context import Briefing
from t2sampler.chat._formatting import quote
from t2sampler.chat._reply_schema import ReplyForm
from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.llm._tokens import count_tokens

MAX_AGAIN = 2  # times a missing row is asked for again
ROOM = 0.7  # of `max_tokens` that the rows of a question may fill
MORE = 3  # rows that are read where so many times fewer were asked for
N_TYPICAL = 20  # real rows that tell how long a row is
NOT_SENT = "the reply does not hold this row"
ASKED_AGAIN = "rows asked for again"
HALVED = "questions halved to fit the model's context"
CUT = "replies cut off at the token limit"
THOUGHT_ONLY = (
    "the model used up its {:,} `max_tokens` and wrote nothing: it thought. Raise "
    "`max_tokens`, or have it think less: extra_body={{'reasoning_effort': 'low'}}"
)

Codes = dict[int, dict[str, float]]
Complete = Callable[[ChatRequest], ChatReply]
Question = Callable[[Sequence[int], int], ChatRequest | None]


@dataclass(frozen=True)
class Outcome:
    """Codes by row and key, faults of the rows without, and what was mended."""

    codes: Codes = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    mended: Counter[str] = field(default_factory=Counter)


def ask_rows(
    n_rows: int,
    question: Question,
    form: ReplyForm,
    complete: Complete,
    *,
    most_rows: int | None = None,
    place: Callable[[Codes, Sequence[int]], Codes] | None = None,
) -> Outcome:
    """Ask for rows 0 to n - 1, which go by the numbers 1 to n.

    Rows that are missing or wrong are asked for again, at most twice. A question that
    does not fit the model's context is halved, as is one whose reply was cut off; one
    whose reply is nothing but thoughts is not asked again, since the next would be too.

    Parameters
    ----------
    n_rows : int
    question : callable
        From rows and the number of the attempt to the request; None: nothing to ask.
    form : ReplyForm
    complete : callable
        Answers a request.
    most_rows : int >= 1, default=None
        Rows of one question.
    place : callable, default=None
        Where one row is as good as another, and fewer of them are no shorter question:
        from what a reply holds, by number, and the rows that were asked for to what
        each of these gets. None: row k has the number k + 1.

    Raises
    ------
    GeneratorError
        Nothing else can be answered either: a `ChatError` that is fatal, `BudgetError`,
        `ReplayError`.
    """
    outcome = Outcome()
    pending = deque((part, 0) for part in split_rows(range(n_rows), most_rows))
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
            if isinstance(error, ContextOverflowError) and place is None:
                _ask_for_less(rows, attempt, pending, outcome, str(error))
            continue
        left = _take(reply, request, rows, form, outcome, place=place)
        if left and attempt < MAX_AGAIN and not _is_thought_only(reply):
            outcome.mended[ASKED_AGAIN] += len(left)
            parts = _halve(left) if reply.finish_reason == "length" else [left]
            pending.extend((part, attempt + 1) for part in parts)
    for row in outcome.codes:
        outcome.faults.pop(row, None)
    return outcome


def find_most_rows(briefing: Briefing, form: ReplyForm, max_tokens: int) -> int:
    """Return how many rows of a reply ``max_tokens`` hold, by what real rows take."""
    some = range(min(N_TYPICAL, len(briefing.labels)))
    texts = [quote(briefing.spell_row(row, list(form.spellings))) for row in some]
    longest = float(np.mean([count_tokens(text) for text in texts])) + 4  # its number
    return max(1, int(ROOM * max_tokens / longest))


def _ask_for_less(
    rows: tuple[int, ...],
    attempt: int,
    pending: deque[tuple[tuple[int, ...], int]],
    outcome: Outcome,
    why: str,
) -> None:
    """Halve a question that does not fit; where not even one row does, none will."""
    if len(rows) > 1:
        outcome.mended[HALVED] += 1
        pending.extendleft((half, attempt) for half in _halve(rows)[::-1])
    elif not outcome.codes:
        outcome.faults.update((row, why) for part, _ in pending for row in part)
        pending.clear()


def _take(
    reply: ChatReply,
    request: ChatRequest,
    rows: tuple[int, ...],
    form: ReplyForm,
    outcome: Outcome,
    *,
    place: Callable[[Codes, Sequence[int]], Codes] | None,
) -> tuple[int, ...]:
    """Put the rows of a reply into the outcome; return those that are still missing."""
    numbers = {row + 1 for row in rows} if place is None else range(1, MORE * len(rows))
    found = form.read(reply.text, numbers, is_numbered=place is None)
    outcome.mended.update(found.mended)
    outcome.mended[CUT] += reply.finish_reason == "length"
    faults = {number - 1: fault for number, fault in found.faults.items()}
    codes = {number - 1: codes for number, codes in found.codes.items()}
    if place is not None:
        codes = place(found.codes, rows)
        lost = [row for row in rows if row not in codes]
        faults = dict(zip(lost, found.faults.values(), strict=False))
    for row in rows:
        if row in codes:
            outcome.codes[row] = codes[row]
        else:
            outcome.faults[row] = faults.get(row, _why_not(reply, request))
    return tuple(row for row in rows if row not in codes)


def _is_thought_only(reply: ChatReply) -> bool:
    return reply.finish_reason == "length" and not reply.text.strip()


def _why_not(reply: ChatReply, request: ChatRequest) -> str:
    if reply.text.strip():
        return NOT_SENT
    if _is_thought_only(reply):
        return THOUGHT_ONLY.format(request.max_tokens)
    return f"the model answered nothing ({reply.finish_reason})"


def _halve(rows: tuple[int, ...]) -> list[tuple[int, ...]]:
    return split_rows(rows, -(-len(rows) // 2))


def split_rows(rows: Sequence[int], most: int | None) -> list[tuple[int, ...]]:
    """Return rows in parts of equal size, as far as can be, of so many at most."""
    if not len(rows):
        return []
    n_parts = -(-len(rows) // (most or len(rows)))
    return [tuple(part.tolist()) for part in np.array_split(rows, n_parts)]
