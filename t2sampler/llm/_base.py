"""What travels between a team and a language model: one question, one reply."""

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Usage:
    """Tokens one call took; ``cached_tokens`` are part of ``input_tokens``."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True)
class ChatRequest:
    """One call, wholly determined: two equal requests ask the same thing.

    Attributes
    ----------
    chat : Chat
        Settings of the model that is asked.
    role : str
        Who asks, for the books: "manager", "worker", "label". Not part of the question.
    messages : tuple of (str, str)
        Role ("system", "user", "assistant") and text of each message.
    schema : dict or None
        JSON schema the reply is wanted in; None: free text.
    max_tokens : int
        Most tokens of the reply.
    seed : int or None
    attempt : int
        0 for the first time; asked again for the same thing, 1, 2, ….
    """

    chat: "Chat"
    role: str
    messages: tuple[tuple[str, str], ...]
    schema: dict[str, Any] | None = None
    max_tokens: int = 1024
    seed: int | None = None
    attempt: int = 0


@dataclass(frozen=True)
class ChatReply:
    """What a model answered.

    ``finish_reason`` is the server's word ("stop", "length", "content_filter", …), and
    ``text`` never holds what a model thought aloud.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    fingerprint: str = ""
    seconds: float = 0.0
    is_stored: bool = False  # answered from the store: nothing was paid
    n_retries: int = 0  # times the client asked again before it got this


class ChatClient(Protocol):
    """Anything that answers; the store, the budget and the pool wrap one another."""

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request, or raise a `GeneratorError`."""
        ...


class Chat(Protocol):
    """Settings of a model, and the two things a line to it needs of them.

    Attributes
    ----------
    max_concurrency : int
        Most calls in flight.
    max_tokens : int
        Most tokens of a reply.
    prices : dict or None
        Price of a million tokens: "input", "output", "cached".
    """

    max_concurrency: int
    max_tokens: int
    prices: dict[str, float] | None

    def connect(self) -> ChatClient:
        """Return a client; nothing is sent before its first request."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what makes the model's answers: endpoint, name, sampling settings.

        Never a key. Goes into the store's key, as JSON.
        """
        ...
