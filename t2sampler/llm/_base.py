"""Requests to a language model, replies, and the protocols of models and clients."""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Usage:
    """Tokens of one call; ``cached_tokens`` are part of ``input_tokens``."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True)
class ChatRequest:
    """One call of a language model; equal requests ask the same question.

    Attributes
    ----------
    chat : Chat
        Settings of the model.
    role : str
        Component that asks: "manager", "worker" or "label". Used to count usage per
        role; it is not part of the question.
    messages : tuple of (str, str)
        Role ("system", "user", "assistant") and text of each message.
    schema : dict or None
        JSON schema of the reply; None: free text.
    max_tokens : int
        Largest number of tokens of the reply.
    seed : int or None
    attempt : int
        0 for the first request; 1, 2, … when the same question is asked again.
    """

    chat: "Chat"
    role: str
    messages: tuple[tuple[str, str], ...]
    schema: dict[str, Any] | None = None
    max_tokens: int = 1024
    seed: int | None = None
    attempt: int = 0

    @property
    def n_bytes(self) -> int:
        """UTF-8 bytes of the messages and the schema."""
        schema = json.dumps(self.schema) if self.schema is not None else ""
        texts = (text.encode("utf-8", "replace") for _, text in self.messages)
        return sum(map(len, texts)) + len(schema)


@dataclass(frozen=True)
class ChatReply:
    """The reply to a request.

    ``finish_reason`` is the server's value ("stop", "length", "content_filter", …).
    ``text`` excludes a reasoning model's thoughts.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    fingerprint: str = ""
    seconds: float = 0.0
    is_stored: bool = False  # read from the store, so it cost nothing
    n_retries: int = 0  # failed calls before this reply


class ChatClient(Protocol):
    """Anything that answers requests; clients wrap one another in layers."""

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, or raise a `GeneratorError`."""
        ...


class Chat(Protocol):
    """Settings of a language model.

    Attributes
    ----------
    max_concurrency : int
        Largest number of calls in flight.
    max_tokens : int
        Largest number of tokens of a reply.
    prices : dict or None
        Price of a million tokens: "input", "output", "cached".
    """

    max_concurrency: int
    max_tokens: int
    prices: dict[str, float] | None

    def connect(self) -> ChatClient:
        """Return a client; it sends nothing before its first request."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return the settings that determine replies: endpoint, model, temperature, ….

        They are part of the store's key, as JSON, and never contain an API key.
        """
        ...
