"""Find out, by asking, what an endpoint can do."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Protocol

from t2sampler.llm._abilities import Abilities
from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.llm._faults import Fault, Kind

MAX_REFUSALS = 6  # one per thing that can be dropped: two formats, three fields; spare

Outcome = ChatReply | Fault


class Memory(Protocol):
    """Where what was learnt about an endpoint outlives the client."""

    def recall(self, key: str) -> str | None:
        """Return what was remembered, if anything."""
        ...

    def remember(self, key: str, value: str) -> None:
        """Keep a text."""
        ...


class Learner:
    """Ask with all that may be wanted, and drop what a refusal names.

    What was dropped is kept as soon as an answer proves it right, so that a question
    that is refused for its own sake teaches nothing.

    Parameters
    ----------
    name : str
        Of the model and its endpoint, for the memory.
    temperature : float or None
        The one that is asked for.
    memory : Memory or None
    """

    def __init__(
        self, name: str, temperature: float | None, memory: Memory | None
    ) -> None:
        self.name = name
        self.temperature = temperature
        self.memory = memory
        self.has_answered = False
        self._is_format_proven = False
        self._lock = threading.Lock()
        known = None if memory is None else memory.recall(name)
        self._can = Abilities() if known is None else Abilities.from_text(known)

    def ask(
        self, request: ChatRequest, call: Callable[[Abilities], Outcome]
    ) -> Outcome:
        """Call with what the endpoint can do; after a refusal, find that out."""
        can = self._can
        outcome = call(can)
        if isinstance(outcome, Fault) and self.next_try(outcome, request, can):
            outcome = self._find_out(request, can, outcome, call)
        if isinstance(outcome, ChatReply):
            self.has_answered = True
            self._is_format_proven |= request.schema is not None
        return outcome

    def next_try(
        self, fault: Fault, request: ChatRequest, can: Abilities
    ) -> Abilities | None:
        """Return what to ask with after a refusal; None: that would not help.

        Some servers report a field they do not take as an error of their own.
        """
        is_refused = fault.kind is Kind.REFUSED
        if not (is_refused or fault.status in (500, 501)):
            return None
        sent = can.fields(request, self.temperature)
        may_guess = is_refused and not self._is_format_proven
        return can.without(fault.text, sent, may_guess=may_guess)

    def _find_out(
        self,
        request: ChatRequest,
        can: Abilities,
        outcome: Outcome,
        call: Callable[[Abilities], Outcome],
    ) -> Outcome:
        """Ask for less until it is taken; one thread finds out, the others wait."""
        with nullcontext() if self._is_format_proven else self._lock:
            for _ in range(MAX_REFUSALS):
                if isinstance(outcome, ChatReply):
                    self._learn(can)
                    break
                known = self._can  # what another thread found out meanwhile comes first
                is_news = known.meet(can) != can
                wanted = (
                    known.meet(can) if is_news else self.next_try(outcome, request, can)
                )
                if wanted is None:
                    break
                can = wanted
                outcome = call(can)
        return outcome

    def _learn(self, can: Abilities) -> None:
        """Keep what an answer proved.

        Once a format is proven, the refusal of another schema speaks of that schema.
        """
        known = self._can
        if self._is_format_proven:
            can = replace(can, format=known.format)
        self._can = known.meet(can)
        if self.memory is not None and self._can != known:
            self.memory.remember(self.name, self._can.to_text())
