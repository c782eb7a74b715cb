"""Read what an endpoint answered into a reply. Pure."""

import json
import re
from collections.abc import Iterable
from typing import Any

from t2sampler.llm._base import ChatReply, ChatRequest, Usage
from t2sampler.llm._faults import Fault, Kind, read_error

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
