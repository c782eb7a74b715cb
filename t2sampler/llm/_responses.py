"""What went wrong with a call, read from what the endpoint said. Pure."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.llm._base import ChatReply, ChatRequest, Usage

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


BYTES_PER_TOKEN = 3  # rather too many tokens than too few, where none are reported
NO_ANSWER = ("content_filter", "refusal", "error")  # values of finish_reason
THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
ORPHAN = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL)


def read_reply(raw: bytes, request: ChatRequest) -> ChatReply | Fault:
    """Return the reply that a body with status 200 holds, or what is wrong with it."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return _garbled(raw)
    body = body if isinstance(body, dict) else {}
    choices = body.get("choices")
    choices = choices if isinstance(choices, list) else []
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    if error := body.get("error") or _error_of(choice):
        return read_error(error)
    if not choices:
        return _garbled(raw)
    message = choice.get("message")
    text, reason = _read_message(message if isinstance(message, dict) else {})
    reason = reason or str(choice.get("finish_reason") or "stop")
    text = "" if reason == "content_filter" else strip_thoughts(clean(text))
    return ChatReply(
        text,
        reason,
        _read_usage(body.get("usage"), request, text),
        str(body.get("model") or ""),
        str(body.get("system_fingerprint") or ""),
    )


def is_answer(reply: ChatReply) -> bool:
    """Tell whether a reply answers the question, so that nobody need ask again."""
    return bool(reply.text.strip()) and reply.finish_reason not in NO_ANSWER


def strip_thoughts(text: str) -> str:
    """Return a text without what the model thought aloud.

    A text that starts as JSON is left alone: there, the tags can only be data.
    """
    if text.lstrip().startswith(("{", "[")):
        return text
    text = THOUGHT.sub("", text)
    return ORPHAN.sub("", text).strip()  # templates may open the block in the prompt


def clean(text: str) -> str:
    """Return a text that can be sent and kept: lone surrogates are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def size_of(request: ChatRequest) -> int:
    """Return UTF-8 bytes of a request's texts and schema."""
    schema = json.dumps(request.schema) if request.schema is not None else ""
    texts: Iterable[str] = (text for _, text in request.messages)
    return sum(len(text.encode("utf-8", "replace")) for text in texts) + len(schema)


def _read_message(message: dict[str, Any]) -> tuple[str, str]:
    """Return the text, and a finish reason of our own where the message tells one."""
    if message.get("refusal"):
        return "", "refusal"
    content = message.get("content")
    if isinstance(content, list):  # parts, as some servers write them
        parts = (part.get("text") for part in content if isinstance(part, dict))
        content = "".join(part for part in parts if isinstance(part, str))
    return (content, "") if isinstance(content, str) else ("", "")


def _read_usage(usage: Any, request: ChatRequest, text: str) -> Usage:
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    taken = _count(usage.get("prompt_tokens"))
    if not taken:
        written = len(text.encode("utf-8", "replace"))
        return Usage(size_of(request) // BYTES_PER_TOKEN, written // BYTES_PER_TOKEN)
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return Usage(taken, _count(usage.get("completion_tokens")), min(cached, taken))


def _count(value: Any) -> int:
    is_number = isinstance(value, int | float) and 0 <= value < 1e12
    return int(value) if is_number else 0


def _error_of(choice: dict[str, Any]) -> Any:
    """Return the error that a choice holds in place of an answer, if it does."""
    if choice.get("error"):
        return choice["error"]
    return "finish_reason 'error'" if choice.get("finish_reason") == "error" else None


def _garbled(raw: bytes) -> Fault:
    start = " ".join(raw[:60].decode("utf-8", "replace").split())
    words = f"expected a chat completion in JSON, got {start!r}"
    return Fault(Kind.TRANSIENT, words, 200)


NAME_KEY = (
    "No key was sent: give the name of the environment variable that holds it as "
    "`api_key_env`."
)
KEY_STATUSES = (401, 402, 403, 429)
CHECK_PLACE = "Check `model` and `base_url`, which mostly ends in /v1."
REMEDIES = {  # by status, then by kind
    401: "Check the key in the environment variable {variable}.",
    402: "Check the account of the key in the environment variable {variable}.",
    403: "Check the rights of the key in the environment variable {variable}.",
    404: CHECK_PLACE,
    429: "Check the account of the key in the environment variable {variable}.",
    200: CHECK_PLACE,
    Kind.UNREACHABLE: "Check `base_url`, and that the server runs.",
    Kind.TRANSIENT: "Raise `timeout` if it is slow, or run again later: what is in the "
    "store is not asked again.",
    Kind.REFUSED: "Check the settings of the model.",
    Kind.MOVED: "Give the address that is meant as `base_url`.",
    Kind.FATAL: CHECK_PLACE,
}
VERBS = {
    Kind.UNREACHABLE: "cannot be reached",
    Kind.TRANSIENT: "failed in {n_tries}",
    Kind.REFUSED: "refused the call",
    Kind.MOVED: "redirects the call",
    Kind.FATAL: "refused the call",
}
FATAL = (Kind.FATAL, Kind.UNREACHABLE, Kind.MOVED)


def to_error(
    fault: Fault,
    *,
    who: str,
    variable: str | None,
    max_tokens: int,
    n_tries: int,
    has_answered: bool,
) -> ChatError:
    """Return the error that a fault is to the caller.

    Parameters
    ----------
    fault : Fault
    who : str
        Model and endpoint, in words.
    variable : str or None
        Name of the environment variable that holds the key; None: no key was sent.
    max_tokens : int
        Most tokens that the reply was to have.
    n_tries : int
        Calls that were made.
    has_answered : bool
        Whether it ever answered: a refusal of the very first question will be that of
        all others.
    """
    words = f"({fault.words})"
    if fault.kind is Kind.RATE:
        return RateLimited(f"{who} takes no more calls {words}.", fault.retry_after)
    if fault.kind is Kind.TIMEOUT:
        return TimedOut(f"{who} gave {fault.words}.")
    if fault.kind is Kind.OVERFLOW:
        return ContextOverflowError(
            f"{who} cannot hold the request {words}. Lower `max_tokens` (now "
            f"{max_tokens}), `batch_size` or `examples`, or give the model a longer "
            "context."
        )
    is_first = not has_answered and (fault.kind is Kind.REFUSED or fault.status == 200)
    verb = VERBS[fault.kind].format(
        n_tries="1 try" if n_tries == 1 else f"{n_tries} tries"
    )
    return ChatError(
        f"{who} {verb} {words}. {_remedy(fault, variable)}",
        is_fatal=is_first or fault.kind in FATAL,
    )


def _remedy(fault: Fault, variable: str | None) -> str:
    """Say what the user can do."""
    if variable is None and fault.status in KEY_STATUSES:
        return NAME_KEY
    remedy = REMEDIES.get(fault.status, REMEDIES[fault.kind])
    return remedy.format(variable=variable)
