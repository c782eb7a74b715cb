"""What went wrong with a call, read from what the endpoint said. Pure."""

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from t2sampler.exceptions import ChatError

MAX_WORDS = 300  # characters of an endpoint's message that are passed on
OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|context (size|length|window|overflow)"
    r"|maximum (context|prompt) length|prompt (is )?too long|input is too long",
    re.IGNORECASE,
)
FILTERED = re.compile(r"content_filter|content.policy|input was flagged", re.IGNORECASE)
TOO_LARGE = re.compile(r"request too large", re.IGNORECASE)  # for any minute
NO_MONEY = re.compile(r"insufficient_quota|credit balance", re.IGNORECASE)
NO_MODEL = re.compile(
    r"model_not_found|invalid model|model\b.{0,80}\b(not found|does not exist)",
    re.IGNORECASE,
)


class Kind(Enum):
    """What is to be done about a fault."""

    TRANSIENT = "try again"
    UNREACHABLE = "try again, then give up for good"
    RATE = "wait, all of us"
    REFUSED = "ask for less"
    OVERFLOW = "ask for less at once"
    FILTERED = "no answer to this question"
    FATAL = "give up for good"


@dataclass(frozen=True)
class Fault:
    """A call that brought no answer.

    ``text`` is all the endpoint said, ``words`` its message in short, ``retry_after``
    the seconds it wants us to wait.
    """

    kind: Kind
    words: str
    status: int = 0
    text: str = ""
    retry_after: float | None = None


class RateLimited(ChatError):  # noqa: N818 - a signal to the pool, not an end
    """The endpoint says that there are too many calls."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def read_fault(status: int, body: Any, headers: dict[str, str]) -> Fault:
    """Tell what an answer with an error status means.

    Parameters
    ----------
    status : int
    body : object
        Decoded JSON, or text.
    headers : dict of str to str
        In lower case.
    """
    text = body if isinstance(body, str) else json.dumps(body, default=str)
    return Fault(
        _kind(status, text),
        f"{status}: {_words(body)}" if _words(body) else str(status),
        status,
        text,
        _retry_after(headers),
    )


def _kind(status: int, text: str) -> Kind:
    """Return the first kind whose signs are there."""
    signs = {
        Kind.OVERFLOW: status == 413
        or (status == 429 and TOO_LARGE.search(text))
        or (status not in (401, 403, 404, 429) and OVERFLOW.search(text)),
        Kind.FILTERED: status in (400, 403) and FILTERED.search(text),
        Kind.FATAL: status in (401, 402, 403, 404)
        or (status == 429 and NO_MONEY.search(text))
        or (status < 500 and NO_MODEL.search(text)),
        Kind.RATE: status == 429,
        Kind.TRANSIENT: status in (408, 409) or status >= 500,
        Kind.REFUSED: True,
    }
    return next(kind for kind, is_there in signs.items() if is_there)


def _words(body: Any) -> str:
    """Return an endpoint's message in one line."""
    found = body
    for key in ("error", "message", "detail", "msg"):
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    text = found if isinstance(found, str) else json.dumps(found, default=str)
    text = " ".join(re.sub(r"<[^>]*>", " ", text).split()).rstrip(".")
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + "…"


def _retry_after(headers: dict[str, str]) -> float | None:
    """Return seconds; an HTTP date counts from the server's own clock."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"\d+(\.\d*)?", text):
            return float(text) * unit
    return _until(headers.get("retry-after", ""), headers.get("date", ""))


def _until(then: str, now: str) -> float | None:
    try:
        wait = parsedate_to_datetime(then) - parsedate_to_datetime(now)
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())
