"""What went wrong with a call, read from what the endpoint said. Pure."""

import json
import re
from dataclasses import dataclass, replace
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
REJECTED_JSON = re.compile(r"json_validate_failed")  # Groq's: the model's, not ours
RATE_LIMITED = re.compile(r"rate.?limit", re.IGNORECASE)
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
    TIMEOUT = "try again, with fewer calls beside it"
    REFUSED = "ask for less"
    OVERFLOW = "ask for less at once"
    FILTERED = "no answer to this question"
    MOVED = "give up for good, and name where it went"
    FATAL = "give up for good"


@dataclass(frozen=True)
class Fault:
    """A call that brought no answer.

    ``text`` is all the endpoint said, ``words`` its message in short, ``retry_after``
    the seconds it wants us to wait. ``is_about_fields``: a field that was sent may be
    what it refuses.
    """

    kind: Kind
    words: str
    status: int = 0
    text: str = ""
    retry_after: float | None = None
    is_about_fields: bool = True


class RateLimited(ChatError):  # noqa: N818 - a signal to the pool, not an end
    """The endpoint says that there are too many calls."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TimedOut(ChatError):  # noqa: N818 - a signal to the pool, not an end
    """The endpoint gave no whole answer in time."""


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
    retry_after = _retry_after(headers)
    kind = _kind(status, text)
    if status == 503 and retry_after is not None:
        kind = Kind.RATE
    words = f"{status}: {_words(body)}" if _words(body) else str(status)
    return Fault(kind, words, status, text, retry_after)


def read_error(error: Any) -> Fault:
    """Tell what an error means that came under status 200, as some proxies report it.

    It is a failure that may pass, unless its code or its words say otherwise.
    """
    code = error.get("code") if isinstance(error, dict) else None
    is_status = re.fullmatch(r"[45]\d\d", str(code))
    fault = read_fault(int(str(code)) if is_status else 200, {"error": error}, {})
    if not is_status:
        fault = replace(fault, words=_words({"error": error}), status=0)
    return replace(fault, is_about_fields=False)


def _kind(status: int, text: str) -> Kind:
    """Return the first kind whose signs are there."""
    signs = {
        Kind.TRANSIENT: status == 400 and REJECTED_JSON.search(text),
        Kind.OVERFLOW: status == 413
        or (status == 429 and TOO_LARGE.search(text))
        or (status not in (401, 403, 404, 429) and OVERFLOW.search(text)),
        Kind.FILTERED: status in (400, 403) and FILTERED.search(text),
        Kind.FATAL: status in (401, 402, 403, 404)
        or (status == 429 and NO_MONEY.search(text))
        or (status < 500 and NO_MODEL.search(text)),
        Kind.RATE: status == 429 or (status == 200 and RATE_LIMITED.search(text)),
    }
    found = next((kind for kind, is_there in signs.items() if is_there), None)
    may_pass = status in (200, 408, 409) or status >= 500
    return found or (Kind.TRANSIENT if may_pass else Kind.REFUSED)


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
