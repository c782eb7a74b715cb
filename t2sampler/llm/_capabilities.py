"""Optional fields that an endpoint accepts, found out from its refusals."""

import json
import re
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.llm._cache import ReplyStore
from t2sampler.llm._endpoint import Endpoint
from t2sampler.llm._responses import Failure, FailureKind, Response, to_utf8

FORMATS = ("json_schema", "json_object", "text")  # from most to least specific
TOKEN_FIELDS = ("max_completion_tokens", "max_tokens")
PATTERNS = {  # how a refusal names the field that it refuses
    "format": r"response_?format|json_schema|json_object|json schema|structured.output"
    r"|grammar|guided_|invalid schema",
    "token_fields": r"max_completion_tokens|max_tokens",
    "seed": r"\bseed\b",
    "temperature": r"\btemperature\b",
    "system": r"(system|developer) (role|message|prompt|instruction)s?\b.{0,40}\bnot\b"
    r"|roles must alternate|only user and assistant roles",
}
TOO_MANY = re.compile(r"too (large|high|many)|less than|at most|exceed", re.IGNORECASE)
FORMAT_NOTES = {
    "json_object": "a JSON schema (JSON mode is used instead)",
    "text": "a JSON schema or JSON mode (plain text is requested instead)",
}
MAX_REFUSALS = 7  # six things can be dropped: two formats and four others; one to spare


@dataclass(frozen=True)
class Capabilities:
    """Fields that may be sent to a model.

    Attributes
    ----------
    format : {"json_schema", "json_object", "text"}
        How a reply in JSON is requested.
    token_fields : tuple of str
        Possible names of the limit of tokens; the first is sent.
    takes_seed, takes_temperature : bool
    takes_system : bool
        Whether messages may have the role "system".
    """

    format: str = FORMATS[0]
    token_fields: tuple[str, ...] = TOKEN_FIELDS
    takes_seed: bool = True
    takes_temperature: bool = True
    takes_system: bool = True

    @classmethod
    def for_endpoint(cls, endpoint: Endpoint) -> "Capabilities":
        """Return what to try first.

        Local servers all know ``max_tokens``, and some ignore the newer name, so that
        replies would have no limit; OpenAI's newer models take the newer name only.
        """
        is_new = endpoint.is_openai or endpoint.is_azure
        return cls(token_fields=TOKEN_FIELDS if is_new else TOKEN_FIELDS[::-1])

    def make_fields(
        self, request: ChatRequest, temperature: float | None
    ) -> dict[str, Any]:
        """Return the fields of a call that depend on the capabilities."""
        fields: dict[str, Any] = {
            "messages": self._make_messages(request),
            self.token_fields[0]: request.max_tokens,
        }
        if request.seed is not None and self.takes_seed:
            fields["seed"] = request.seed
        if temperature is not None and self.takes_temperature:
            fields["temperature"] = temperature
        if request.schema is not None and self.format == "json_object":
            fields["response_format"] = {"type": "json_object"}
        if request.schema is not None and self.format == "json_schema":
            schema = {"name": "reply", "schema": request.schema, "strict": True}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        return fields

    def drop_named_field(
        self, refusal: str, sent: dict[str, Any]
    ) -> "Capabilities | None":
        """Return what to try after a refusal; None: it names no field that was sent."""
        was_sent = {
            "format": "response_format" in sent,
            "token_fields": len(self.token_fields) > 1 and not TOO_MANY.search(refusal),
            "seed": "seed" in sent,
            "temperature": "temperature" in sent,
            "system": any(message["role"] == "system" for message in sent["messages"]),
        }
        for name in _find_named_fields(refusal):
            if was_sent[name]:
                return self._drop(name)
        return None

    def drop_format(self, sent: dict[str, Any]) -> "Capabilities | None":
        """Return what to try after a refusal that names no field.

        Some servers answer a schema that they cannot take with a bare 400.
        """
        return self._drop("format") if "response_format" in sent else None

    def intersect(self, other: "Capabilities") -> "Capabilities":
        """Return the capabilities that both have."""
        return Capabilities(
            max(self.format, other.format, key=FORMATS.index),
            min(self.token_fields, other.token_fields, key=len),
            self.takes_seed and other.takes_seed,
            self.takes_temperature and other.takes_temperature,
            self.takes_system and other.takes_system,
        )

    def describe_missing(self, temperature: float | None) -> list[str]:
        """Return the names of fields that are not sent although they are wanted."""
        is_missing = {
            "temperature": temperature is not None and not self.takes_temperature,
            "seed": not self.takes_seed,
            "a system role (its text is put into the first user message)": (
                not self.takes_system
            ),
            FORMAT_NOTES.get(self.format, ""): self.format != FORMATS[0],
        }
        return [name for name, missing in is_missing.items() if missing]

    def to_json(self) -> str:
        """Return the capabilities as JSON, for the store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Capabilities | None":
        """Read what `to_json` wrote; None for the fields of another version."""
        try:
            fields = json.loads(text)
            return cls(**{**fields, "token_fields": tuple(fields["token_fields"])})
        except (TypeError, ValueError, KeyError):
            return None

    def _make_messages(self, request: ChatRequest) -> list[dict[str, str]]:
        messages = [
            {"role": role, "content": to_utf8(text)} for role, text in request.messages
        ]
        return messages if self.takes_system else _merge_system(messages)

    def _drop(self, name: str) -> "Capabilities":
        if name == "format":
            return replace(self, format=FORMATS[FORMATS.index(self.format) + 1])
        if name == "token_fields":
            return replace(self, token_fields=self.token_fields[1:])
        refused: dict[str, Any] = {f"takes_{name}": False}
        return replace(self, **refused)


def _merge_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Put the text of system messages in front of the first user message."""
    system = [m["content"] for m in messages if m["role"] == "system"]
    others = [dict(m) for m in messages if m["role"] != "system"]
    first = next((m for m in others if m["role"] == "user"), None)
    if first is None:
        return [{"role": "user", "content": "\n\n".join(system)}, *others]
    first["content"] = "\n\n".join([*system, first["content"]])
    return others


def _find_named_fields(refusal: str) -> list[str]:
    """Return the fields that a refusal names, in the order of their first mention."""
    position = {
        name: match.start()
        for name, pattern in PATTERNS.items()
        if (match := re.search(pattern, refusal, re.IGNORECASE))
    }
    return sorted(position, key=position.__getitem__)


class CapabilityProbe:
    """Call with all wanted fields, and drop those that the endpoint refuses.

    What was dropped is kept as soon as a reply proves that it was the cause: a request
    that is refused for its content changes nothing. What no refusal named, so that it
    is only a guess from the reply, is not written to the store.

    Parameters
    ----------
    name : str
        Endpoint and model; the store's key.
    first : Capabilities
        What to try if the store has nothing about this model.
    temperature : float or None
        The temperature that the user wants.
    store : ReplyStore or None
    """

    def __init__(
        self,
        name: str,
        first: Capabilities,
        temperature: float | None,
        store: ReplyStore | None,
    ) -> None:
        self.name = name
        self.temperature = temperature
        self.store = store
        self.has_answered = False
        self._is_format_proven = False
        self._is_format_guessed = False
        self._lock = threading.Lock()
        text = None if store is None else store.find_capabilities(name)
        known = None if text is None else Capabilities.from_json(text)
        self._current = self._saved = known or first

    def call(
        self, request: ChatRequest, send: Callable[[Capabilities], Response]
    ) -> Response:
        """Send a request; after a refusal, find out which field the endpoint refuses.

        Parameters
        ----------
        request : ChatRequest
        send : callable
            Sends the request with the given capabilities.
        """
        tried = self._current
        response = send(tried)
        if isinstance(response, Failure) and self._is_bare(response, request, tried):
            # Some servers report an overload as a 400 without a reason: try once more.
            response = send(tried)
        if isinstance(response, Failure) and self._next_try(response, request, tried):
            response = self._probe(request, tried, response, send)
        if isinstance(response, ChatReply):
            self.has_answered = True
            self._is_format_proven |= request.schema is not None
        return response

    def describe_missing(self) -> list[str]:
        """Return the names of fields that are not sent although they are wanted."""
        return self._current.describe_missing(self.temperature)

    def drop_named_field(
        self, failure: Failure, request: ChatRequest, tried: Capabilities
    ) -> Capabilities | None:
        """Return what to try after a refusal that names a field; None: it names none.

        Some servers report a field that they do not take as a server error.
        """
        is_refused = failure.kind is FailureKind.REFUSED or failure.status in (500, 501)
        if not (is_refused and failure.is_about_fields):
            return None
        sent = tried.make_fields(request, self.temperature)
        return tried.drop_named_field(failure.text, sent)

    def _is_bare(
        self, failure: Failure, request: ChatRequest, tried: Capabilities
    ) -> bool:
        """Tell whether a failure is a 400 that names no field."""
        is_refused = failure.kind is FailureKind.REFUSED and failure.status == 400
        return is_refused and self.drop_named_field(failure, request, tried) is None

    def _next_try(
        self, failure: Failure, request: ChatRequest, tried: Capabilities
    ) -> Capabilities | None:
        """Return what to try after a failure; None: other fields would not help."""
        after_named = self.drop_named_field(failure, request, tried)
        may_guess = failure.kind is FailureKind.REFUSED and failure.is_about_fields
        if after_named is not None or not may_guess or self._is_format_proven:
            return after_named
        return tried.drop_format(tried.make_fields(request, self.temperature))

    def _probe(
        self,
        request: ChatRequest,
        tried: Capabilities,
        response: Response,
        send: Callable[[Capabilities], Response],
    ) -> Response:
        """Drop fields until the endpoint replies."""
        is_guess = False
        # One thread probes and the others wait for what it finds, except where the
        # format is known to work: then there is little left to find.
        with nullcontext() if self._is_format_proven else self._lock:
            for _ in range(MAX_REFUSALS):
                if isinstance(response, ChatReply):
                    self._record(tried, is_guess)
                    break
                # Try first what another thread found out in the meantime.
                following: Capabilities | None = self._current.intersect(tried)
                if following == tried:
                    following = self._next_try(response, request, tried)
                    is_guess |= self.drop_named_field(response, request, tried) is None
                if following is None:
                    break
                tried = following
                response = send(tried)
        return response

    def _record(self, proven: Capabilities, is_guess: bool) -> None:
        """Keep the capabilities with which the endpoint replied."""
        if self._is_format_proven:
            # Another schema got a reply in this format, so it is this schema that was
            # refused, and not the format.
            proven = replace(proven, format=self._current.format)
        self._current = self._current.intersect(proven)
        self._is_format_guessed |= is_guess
        certain = self._current
        if self._is_format_guessed:
            certain = replace(certain, format=self._saved.format)
        if self.store is not None and certain != self._saved:
            self.store.save_capabilities(self.name, certain.to_json())
            self._saved = certain
