"""Meaning of an endpoint's responses: a reply, or a failure and its exception. Pure."""

import json
import re
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from t2sampler.exceptions import ChatError, ContextOverflowError
from t2sampler.llm._base import ChatReply, ChatRequest, Usage

BYTES_PER_TOKEN = 3  # a low guess, so that unreported usage is over- not underestimated
THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
THOUGHT_END = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL)

MAX_MESSAGE_LENGTH = 300  # characters of an endpoint's message that are passed on
OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|context (size|length|window|overflow)"
    r"|maximum (context|prompt) length|prompt (is )?too long|input is too long",
    re.IGNORECASE,
)
REJECTED_JSON = re.compile(r"json_validate_failed")  # Groq: the model wrote bad JSON
RATE_LIMITED = re.compile(r"rate.?limit", re.IGNORECASE)
FILTERED = re.compile(r"content_filter|content.policy|input was flagged", re.IGNORECASE)
TOO_LARGE = re.compile(r"request too large", re.IGNORECASE)  # waiting does not help
NO_MONEY = re.compile(r"insufficient_quota|credit balance", re.IGNORECASE)
NO_MODEL = re.compile(
    r"model_not_found|invalid model|model\b.{0,80}\b(not found|does not exist)",
    re.IGNORECASE,
)


class FailureKind(Enum):
    """What to do about a failed call."""

    TRANSIENT = "retry"
    UNREACHABLE = "retry, then stop the run"
    RATE_LIMITED = "wait before any further call"
    TIMEOUT = "retry with fewer calls in flight"
    REFUSED = "retry without an optional field"
    CONTEXT_OVERFLOW = "send a smaller request"
    FILTERED = "continue without a reply to this request"
    REDIRECTED = "stop the run and name the other host"
    FATAL = "stop the run"


@dataclass(frozen=True)
class Failure:
    """A call that brought no reply.

    Attributes
    ----------
    kind : FailureKind
    message : str
        The endpoint's message, shortened to one line.
    status : int
        HTTP status; 0: there was no response.
    text : str
        The whole body of the response.
    retry_after : float or None
        Seconds that the endpoint asks to wait.
    is_about_fields : bool
        The endpoint may have refused one of the fields that were sent.
    """

    kind: FailureKind
    message: str
    status: int = 0
    text: str = ""
    retry_after: float | None = None
    is_about_fields: bool = True


Response = ChatReply | Failure


class RateLimitError(ChatError):
    """The endpoint refuses a call because there were too many."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ChatTimeoutError(ChatError):
    """The endpoint gave no complete reply in time."""


def parse_response(raw: bytes, request: ChatRequest) -> Response:
    """Return the reply in a body with status 200, or the failure that it reports."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return _not_a_completion(raw)
    body = body if isinstance(body, dict) else {}
    choices = body.get("choices")
    choices = choices if isinstance(choices, list) else []
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    if error := body.get("error") or _choice_error(choice):
        return _parse_error_object(error)
    if not choices:
        return _not_a_completion(raw)
    message = choice.get("message")
    text, reason = _parse_message(message if isinstance(message, dict) else {})
    reason = reason or str(choice.get("finish_reason") or "stop")
    # A filtered text breaks off in the middle: half an answer is not an answer.
    text = "" if reason == "content_filter" else _strip_thoughts(to_utf8(text))
    return ChatReply(
        text,
        reason,
        _parse_usage(body.get("usage"), request, text),
        str(body.get("model") or ""),
        str(body.get("system_fingerprint") or ""),
    )


def to_utf8(text: str) -> str:
    """Replace lone surrogates, which can be neither sent nor stored."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _strip_thoughts(text: str) -> str:
    """Remove the thoughts of a reasoning model.

    A text that starts as JSON is left alone: there, the tags can only be data.
    """
    if text.lstrip().startswith(("{", "[")):
        return text
    text = THOUGHT.sub("", text)
    # Chat templates may put the opening tag into the prompt; the reply then has only
    # the closing one.
    return THOUGHT_END.sub("", text).strip()


def _parse_message(message: dict[str, Any]) -> tuple[str, str]:
    """Return a message's text and, for a refusal, the finish reason "refusal"."""
    if message.get("refusal"):
        return "", "refusal"
    content = message.get("content")
    if isinstance(content, list):  # some servers split the text into parts
        parts = (part.get("text") for part in content if isinstance(part, dict))
        content = "".join(part for part in parts if isinstance(part, str))
    return (content, "") if isinstance(content, str) else ("", "")


def _parse_usage(usage: Any, request: ChatRequest, text: str) -> Usage:
    """Return the reported usage; if none is reported, an estimate from the lengths."""
    usage = usage if isinstance(usage, dict) else {}
    n_input = _parse_count(usage.get("prompt_tokens"))
    if not n_input:
        n_bytes = len(text.encode("utf-8", "replace"))
        return Usage(request.n_bytes // BYTES_PER_TOKEN, n_bytes // BYTES_PER_TOKEN)
    details = usage.get("prompt_tokens_details")
    n_cached = 0
    if isinstance(details, dict):
        n_cached = _parse_count(details.get("cached_tokens"))
    n_output = _parse_count(usage.get("completion_tokens"))
    return Usage(n_input, n_output, min(n_cached, n_input))


def _parse_count(value: Any) -> int:
    is_number = isinstance(value, int | float) and 0 <= value < 1e12
    return int(value) if is_number else 0


def _choice_error(choice: dict[str, Any]) -> Any:
    """Return the error that a choice reports instead of a message; None: none."""
    if choice.get("error"):
        return choice["error"]
    return "finish_reason 'error'" if choice.get("finish_reason") == "error" else None


def _not_a_completion(raw: bytes) -> Failure:
    start = " ".join(raw[:60].decode("utf-8", "replace").split())
    message = f"expected a chat completion in JSON, got {start!r}"
    return Failure(FailureKind.TRANSIENT, message, 200)


def _parse_error_object(error: Any) -> Failure:
    """Return the failure that an error under status 200 means; some proxies send it.

    It counts as transient unless its code or its message says otherwise.
    """
    code = error.get("code") if isinstance(error, dict) else None
    is_status = re.fullmatch(r"[45]\d\d", str(code))
    status = int(str(code)) if is_status else 200
    failure = parse_failure(status, {"error": error}, {})
    if not is_status:
        failure = replace(failure, message=_find_message({"error": error}), status=0)
    # The endpoint behind the proxy took the request, so no field of it was refused.
    return replace(failure, is_about_fields=False)


def parse_failure(status: int, body: Any, headers: dict[str, str]) -> Failure:
    """Return the failure that a response with an error status means.

    Parameters
    ----------
    status : int
    body : object
        Decoded JSON, or text.
    headers : dict of str to str
        Names in lower case.
    """
    text = body if isinstance(body, str) else json.dumps(body, default=str)
    retry_after = _retry_after(headers)
    kind = _find_kind(status, text)
    if status == 503 and retry_after is not None:
        kind = FailureKind.RATE_LIMITED
    message = _find_message(body)
    message = f"{status}: {message}" if message else str(status)
    return Failure(kind, message, status, text, retry_after)


def _find_kind(status: int, text: str) -> FailureKind:
    """Return the first kind whose signs are there; the order matters."""
    signs = {
        FailureKind.TRANSIENT: status == 400 and REJECTED_JSON.search(text),
        FailureKind.CONTEXT_OVERFLOW: status == 413
        or (status == 429 and TOO_LARGE.search(text))
        or (status not in (401, 403, 404, 429) and OVERFLOW.search(text)),
        FailureKind.FILTERED: status in (400, 403) and FILTERED.search(text),
        FailureKind.FATAL: status in (401, 402, 403, 404)
        or (status == 429 and NO_MONEY.search(text))
        or (status < 500 and NO_MODEL.search(text)),
        FailureKind.RATE_LIMITED: status == 429
        or (status == 200 and RATE_LIMITED.search(text)),
    }
    kind = next((kind for kind, is_there in signs.items() if is_there), None)
    may_pass = status in (200, 408, 409) or status >= 500
    return kind or (FailureKind.TRANSIENT if may_pass else FailureKind.REFUSED)


def _find_message(body: Any) -> str:
    """Return an endpoint's message in one line, wherever it stands in the body."""
    found = body
    for key in ("error", "message", "detail", "msg"):
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    text = found if isinstance(found, str) else json.dumps(found, default=str)
    text = " ".join(re.sub(r"<[^>]*>", " ", text).split()).rstrip(".")
    is_short = len(text) <= MAX_MESSAGE_LENGTH
    return text if is_short else text[: MAX_MESSAGE_LENGTH - 1] + "…"


def _retry_after(headers: dict[str, str]) -> float | None:
    """Return the seconds to wait, given as a number or as an HTTP date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if re.fullmatch(r"\d+(\.\d*)?", text):
            return float(text) * unit
    try:
        # Subtract the server's own date: its clock may differ from ours.
        then = parsedate_to_datetime(headers.get("retry-after", ""))
        wait = then - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


NO_KEY_SENT = (
    "No key was sent. Set `api_key_env` to the name of the environment variable that "
    "holds it."
)
KEY_STATUSES = (401, 402, 403, 429)
CHECK_ADDRESS = "Check `model` and `base_url`, which usually ends in /v1."
REMEDIES = {  # by status, then by kind
    401: "Check the key in the environment variable {variable}.",
    402: "Check the account of the key in the environment variable {variable}.",
    403: "Check the rights of the key in the environment variable {variable}.",
    404: CHECK_ADDRESS,
    429: "Check the account of the key in the environment variable {variable}.",
    200: CHECK_ADDRESS,
    FailureKind.UNREACHABLE: "Check `base_url`, and that the server runs.",
    FailureKind.TRANSIENT: "Raise `timeout` if the endpoint is slow, or run again "
    "later: stored replies are not requested again.",
    FailureKind.REFUSED: "Check the settings of the model.",
    FailureKind.REDIRECTED: "Set `base_url` to the address you want to use.",
    FailureKind.FATAL: CHECK_ADDRESS,
}
VERBS = {
    FailureKind.UNREACHABLE: "cannot be reached",
    FailureKind.TRANSIENT: "failed in {n_tries}",
    FailureKind.REFUSED: "refused the call",
    FailureKind.REDIRECTED: "redirects the call",
    FailureKind.FATAL: "refused the call",
}
STOP_RUN = (FailureKind.FATAL, FailureKind.UNREACHABLE, FailureKind.REDIRECTED)


def to_exception(
    failure: Failure,
    *,
    subject: str,
    variable: str | None,
    timeout: float,
    max_tokens: int,
    n_tries: int,
    has_answered: bool,
) -> ChatError:
    """Return the exception for a failure, with a remedy in its message.

    Parameters
    ----------
    failure : Failure
    subject : str
        Model and endpoint, as the subject of the sentence.
    variable : str or None
        Name of the environment variable that holds the key; None: no key was sent.
    timeout : float
        Seconds that the call could take.
    max_tokens : int
        Largest number of tokens that was asked for.
    n_tries : int
        Calls that were made.
    has_answered : bool
        Whether the endpoint ever replied. If it refuses the very first request, it
        will refuse all others, so the exception is fatal.
    """
    details = f"({failure.message})"
    if failure.kind is FailureKind.RATE_LIMITED:
        message = f"{subject} takes no more calls {details}."
        return RateLimitError(message, failure.retry_after)
    if failure.kind is FailureKind.TIMEOUT:
        message = f"{subject} gave no complete reply within {timeout:g} s."
        return ChatTimeoutError(message)
    if failure.kind is FailureKind.CONTEXT_OVERFLOW:
        return ContextOverflowError(
            f"{subject} cannot hold the request {details}. Lower `max_tokens` (now "
            f"{max_tokens}), `batch_size` or `examples`, or give the model a longer "
            "context."
        )
    is_refusal = failure.kind is FailureKind.REFUSED or failure.status == 200
    verb = VERBS[failure.kind].format(
        n_tries="1 try" if n_tries == 1 else f"{n_tries} tries"
    )
    return ChatError(
        f"{subject} {verb} {details}. {_find_remedy(failure, variable)}",
        is_fatal=failure.kind in STOP_RUN or (is_refusal and not has_answered),
    )


def _find_remedy(failure: Failure, variable: str | None) -> str:
    """Return what the user can do."""
    if variable is None and failure.status in KEY_STATUSES:
        return NO_KEY_SENT
    remedy = REMEDIES.get(failure.status, REMEDIES[failure.kind])
    return remedy.format(variable=variable)
