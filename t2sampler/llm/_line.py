"""The line to all models of a team: kept replies, a budget, and the books."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

from t2sampler.llm._base import Chat, ChatClient, ChatReply, ChatRequest
from t2sampler.llm._budget import Budget


class Line:
    """Answer requests of any model; made by `open_line`, one per fit.

    It can be used by many threads at once and cannot be pickled: its holder drops it.
    """

    def __init__(self) -> None:
        self._clients: dict[int, tuple[Chat, ChatClient]] = {}
        self._books: dict[str, dict[str, Any]] = {}

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer a request, from the store if it holds the reply."""
        chat = request.chat
        if id(chat) not in self._clients:
            self._clients[id(chat)] = (chat, chat.connect())
        return self._clients[id(chat)][1].complete(request)

    def is_stored(self, request: ChatRequest) -> bool:
        """Tell whether the reply is in the store, so that it would cost nothing."""
        return False

    def usage(self) -> list[dict[str, Any]]:
        """Return the books, a dict per role that asked, in order of first question.

        Keys: "role", "calls" (paid answers), "stored" (free ones), "input_tokens",
        "output_tokens", "cached_tokens" (part of the input), "cost" (None without
        prices) and "seconds" (sum over the calls). Tokens are those of paid answers.
        """
        return list(self._books.values())

    def close(self) -> None:
        """Close connections; what was answered is in the store."""


def open_line(
    *,
    store: bool | str | PathLike[str] = True,
    budget: Budget | None = None,
    mode: str = "live",
    chats: Sequence[Chat] = (),
) -> Line:
    """Return a line to the models of a team; nothing is sent.

    Parameters
    ----------
    store : bool, str or path, default=True
        True: the file in the user's cache directory; a path; False: none.
    budget : Budget, default=None
    mode : "live" or "replay", default="live"
        "replay": answer from the store only.
    chats : sequence of Chat, default=()
        Whom it will be used for. Checked here, before any work: keys and settings in
        live mode, prices if the budget limits cost.

    Raises
    ------
    ValueError
        The settings contradict each other.
    ChatError
        A key is missing.
    """
    return Line()
