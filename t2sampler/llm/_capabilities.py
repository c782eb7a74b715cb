"""What an endpoint can do, as its refusals teach it. Pure."""

import json
import re
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from t2sampler.llm._base import ChatReply, ChatRequest
from t2sampler.llm._endpoint import Endpoint
from t2sampler.llm._responses import Fault, Kind, clean

FORMATS = ("json_schema", "json_object", "text")  # most wanted first
TOKEN_FIELDS = ("max_completion_tokens", "max_tokens")
NAMED = {  # how a refusal names what it refuses
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
    "json_object": "a JSON schema (JSON mode is used)",
    "text": "a JSON schema or JSON mode (plain text is asked for)",
}


@dataclass(frozen=True)
class Abilities:
    """What may be sent to a model; the first try is the most wanted.

    Attributes
    ----------
    format : {"json_schema", "json_object", "text"}
        How a reply in JSON is asked for.
    token_fields : tuple of str
        What the limit of tokens may be called; the first is sent.
    takes_seed, takes_temperature, takes_system : bool
        "system": messages of that role.
    """

    format: str = FORMATS[0]
    token_fields: tuple[str, ...] = TOKEN_FIELDS
    takes_seed: bool = True
    takes_temperature: bool = True
    takes_system: bool = True

    @classmethod
    def of(cls, endpoint: Endpoint) -> "Abilities":
        """Return what is tried first.

        Local servers all know ``max_tokens``, and some ignore the newer name, so that
        replies would have no limit; OpenAI's newer models take the newer name only.
        """
        is_new = endpoint.is_openai or endpoint.is_azure
        return cls(token_fields=TOKEN_FIELDS if is_new else TOKEN_FIELDS[::-1])

    def fields(self, request: ChatRequest, temperature: float | None) -> dict[str, Any]:
        """Return the fields of a call that depend on what the endpoint can do."""
        fields: dict[str, Any] = {
            "messages": self._messages(request),
            self.token_fields[0]: request.max_tokens,
        }
        if request.seed is not None and self.takes_seed:
            fields["seed"] = request.seed
        if temperature is not None and self.takes_temperature:
            fields["temperature"] = temperature
        if request.schema is not None and self.format != "text":
            fields["response_format"] = _response_format(self.format, request.schema)
        return fields

    def without_named(self, refusal: str, sent: dict[str, Any]) -> "Abilities | None":
        """Return what to try after a refusal; None: it names nothing that was sent."""
        in_play = {
            "format": "response_format" in sent,
            "token_fields": len(self.token_fields) > 1 and not TOO_MANY.search(refusal),
            "seed": "seed" in sent,
            "temperature": "temperature" in sent,
            "system": any(message["role"] == "system" for message in sent["messages"]),
        }
        for name in _named(refusal):
            if in_play[name]:
                return self._drop(name)
        return None

    def without_format(self, sent: dict[str, Any]) -> "Abilities | None":
        """Return what to try after a refusal that names nothing.

        Some servers answer a schema they cannot take with a bare 400.
        """
        return self._drop("format") if "response_format" in sent else None

    def meet(self, other: "Abilities") -> "Abilities":
        """Return what both allow."""
        return Abilities(
            max(self.format, other.format, key=FORMATS.index),
            min(self.token_fields, other.token_fields, key=len),
            self.takes_seed and other.takes_seed,
            self.takes_temperature and other.takes_temperature,
            self.takes_system and other.takes_system,
        )

    def dropped(self, temperature: float | None) -> list[str]:
        """Return in words what is wanted and not sent."""
        signs = {
            "temperature": temperature is not None and not self.takes_temperature,
            "seed": not self.takes_seed,
            "a system role (its text stands in the first user message)": (
                not self.takes_system
            ),
            FORMAT_NOTES.get(self.format, ""): self.format != FORMATS[0],
        }
        return [words for words, is_dropped in signs.items() if is_dropped]

    def to_text(self) -> str:
        """Return it as JSON, for the store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Abilities | None":
        """Read what `to_text` wrote; what another version wrote is not believed."""
        try:
            fields = json.loads(text)
            return cls(**{**fields, "token_fields": tuple(fields["token_fields"])})
        except (TypeError, ValueError, KeyError):
            return None

    def _messages(self, request: ChatRequest) -> list[dict[str, str]]:
        messages = [
            {"role": role, "content": clean(text)} for role, text in request.messages
        ]
        return messages if self.takes_system else _merge_system(messages)

    def _drop(self, name: str) -> "Abilities":
        if name == "format":
            return replace(self, format=FORMATS[FORMATS.index(self.format) + 1])
        if name == "token_fields":
            return replace(self, token_fields=self.token_fields[1:])
        refused: dict[str, Any] = {f"takes_{name}": False}
        return replace(self, **refused)


def _merge_system(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Put what the system says in front of the first message of the user."""
    system = [m["content"] for m in messages if m["role"] == "system"]
    rest = [dict(m) for m in messages if m["role"] != "system"]
    first = next((m for m in rest if m["role"] == "user"), None)
    if first is None:
        return [{"role": "user", "content": "\n\n".join(system)}, *rest]
    first["content"] = "\n\n".join([*system, first["content"]])
    return rest


def _named(refusal: str) -> list[str]:
    """Return the fields a refusal names, in the order of their first mention."""
    found = {
        name: match.start()
        for name, pattern in NAMED.items()
        if (match := re.search(pattern, refusal, re.IGNORECASE))
    }
    return sorted(found, key=found.__getitem__)


def _response_format(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    if kind == "json_object":
        return {"type": "json_object"}
    asked = {"name": "reply", "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": asked}


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
