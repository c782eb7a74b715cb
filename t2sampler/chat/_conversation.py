"""Conversation: turns with a model whose later answers depend on the earlier ones."""

from dataclasses import dataclass, replace

from t2sampler.llm._tokens import count_tokens

Turn = tuple[str, str]  # role ("system", "user" or "assistant") and text

MAX_TOKENS = 12_000  # a context of 16,384 tokens leaves room for the reply


@dataclass(frozen=True)
class Conversation:
    """Turns of a conversation, of bounded length; to add one gives a new conversation.

    The first ``n_kept`` turns say what it is about, and are always sent. Of those after
    them the oldest are left out, two at a time, so that questions and answers still
    take turns, until the rest is no longer than ``max_tokens``; the last turn stays.

    Attributes
    ----------
    turns : tuple of (str, str)
        Role and text.
    n_kept : int
    max_tokens : int
        Estimated tokens of what is sent.

    Examples
    --------
    >>> talk = Conversation((("system", "Count."),), n_kept=1)
    >>> talk.say("user", "Start.").say("assistant", "1").say("user", "On.").messages[2:]
    (('assistant', '1'), ('user', 'On.'))
    """

    turns: tuple[Turn, ...]
    n_kept: int
    max_tokens: int = MAX_TOKENS

    def say(self, role: str, text: str) -> "Conversation":
        """Return the conversation with one more turn."""
        return replace(self, turns=(*self.turns, (role, text)))

    @property
    def messages(self) -> tuple[Turn, ...]:
        """The turns that are sent."""
        sizes = [count_tokens(text) for _, text in self.turns]
        start, n_tokens = self.n_kept, sum(sizes)
        while n_tokens > self.max_tokens and start + 2 < len(self.turns):
            n_tokens -= sum(sizes[start : start + 2])
            start += 2
        return self.turns[: self.n_kept] + self.turns[start:]
