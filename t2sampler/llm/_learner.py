"""Find out, by asking, what an endpoint can do."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Protocol

from t2sampler.llm._abilities import Abilities
from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.llm._faults import Fault, Kind

MAX_REFUSALS = 7  # one per thing that can be dropped: two formats, four others; spare

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
    that is refused for its own sake teaches nothing. What a refusal did not name but
    only an answer without it suggests is not remembered beyond this object.

    Parameters
    ----------
    name : str
        Of the model and its endpoint, for the memory.
    first : Abilities
        What is tried first.
    temperature : float or None
        The one that is asked for.
    memory : Memory or None
    """

    def __init__(
        self,
        name: str,
        first: Abilities,
        temperature: float | None,
        memory: Memory | None,
    ) -> None:
        self.name = name
        self.temperature = temperature
        self.memory = memory
        self.has_answered = False
        self._is_format_proven = False
        self._is_format_guessed = False
        self._lock = threading.Lock()
        text = None if memory is None else memory.recall(name)
        known = None if text is None else Abilities.from_text(text)
        self._can = self._remembered = known or first

    def ask(
        self, request: ChatRequest, call: Callable[[Abilities], Outcome]
    ) -> Outcome:
        """Call with what the endpoint can do; after a refusal, find that out."""
        can = self._can
        outcome = call(can)
        if isinstance(outcome, Fault) and self._is_bare(outcome, request, can):
            outcome = call(can)
        if isinstance(outcome, Fault) and self._next_try(outcome, request, can):
            outcome = self._find_out(request, can, outcome, call)
        if isinstance(outcome, ChatReply):
            self.has_answered = True
            self._is_format_proven |= request.schema is not None
        return outcome

    def dropped(self) -> list[str]:
        """Return in words what is wanted and not sent."""
        return self._can.dropped(self.temperature)

    def named(
        self, fault: Fault, request: ChatRequest, can: Abilities
    ) -> Abilities | None:
        """Return what to ask with after a refusal that names a field, else None.

        Some servers report a field they do not take as an error of their own.
        """
        is_refused = fault.kind is Kind.REFUSED or fault.status in (500, 501)
        if not (is_refused and fault.is_about_fields):
            return None
        return can.without_named(fault.text, can.fields(request, self.temperature))

    def _is_bare(self, fault: Fault, request: ChatRequest, can: Abilities) -> bool:
        """Tell whether a 400 names nothing, as a passing fault may be reported."""
        is_refused = fault.kind is Kind.REFUSED and fault.status == 400
        return is_refused and self.named(fault, request, can) is None

    def _next_try(
        self, fault: Fault, request: ChatRequest, can: Abilities
    ) -> Abilities | None:
        """Return what to ask with after a refusal; None: that would not help."""
        named = self.named(fault, request, can)
        may_guess = fault.kind is Kind.REFUSED and fault.is_about_fields
        if named is not None or not may_guess or self._is_format_proven:
            return named
        return can.without_format(can.fields(request, self.temperature))

    def _find_out(
        self,
        request: ChatRequest,
        can: Abilities,
        outcome: Outcome,
        call: Callable[[Abilities], Outcome],
    ) -> Outcome:
        """Ask for less until it is taken; one thread finds out, the others wait."""
        is_guess = False
        with nullcontext() if self._is_format_proven else self._lock:
            for _ in range(MAX_REFUSALS):
                if isinstance(outcome, ChatReply):
                    self._learn(can, is_guess)
                    break
                known = self._can  # what another thread found out meanwhile comes first
                wanted: Abilities | None = known.meet(can)
                if wanted == can:
                    wanted = self._next_try(outcome, request, can)
                    is_guess |= self.named(outcome, request, can) is None
                if wanted is None:
                    break
                can = wanted
                outcome = call(can)
        return outcome

    def _learn(self, can: Abilities, is_guess: bool) -> None:
        """Keep what an answer proved.

        Once a format is proven, the refusal of another schema speaks of that schema.
        """
        known = self._can
        if self._is_format_proven:
            can = replace(can, format=known.format)
        self._can = known.meet(can)
        self._is_format_guessed |= is_guess
        certain = self._can
        if self._is_format_guessed:
            certain = replace(certain, format=self._remembered.format)
        if self.memory is not None and certain != self._remembered:
            self.memory.remember(self.name, certain.to_text())
            self._remembered = certain
