"""What an endpoint can do, as its refusals teach it. Pure."""

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from t2sampler.llm._base import ChatRequest

FORMATS = ("json_schema", "json_object", "text")  # most wanted first
NAMED = {  # how a refusal names what it refuses
    "format": r"response_?format|json_schema|json_object|json schema|structured.output"
    r"|grammar|guided_|invalid schema",
    "token_field": r"max_completion_tokens",
    "seed": r"\bseed\b",
    "temperature": r"\btemperature\b",
}


@dataclass(frozen=True)
class Abilities:
    """What may be sent to a model; the first try is the most wanted.

    Attributes
    ----------
    format : {"json_schema", "json_object", "text"}
        How a reply in JSON is asked for.
    token_field : {"max_completion_tokens", "max_tokens"}
    takes_seed, takes_temperature : bool
    """

    format: str = FORMATS[0]
    token_field: str = "max_completion_tokens"
    takes_seed: bool = True
    takes_temperature: bool = True

    def fields(self, request: ChatRequest, temperature: float | None) -> dict[str, Any]:
        """Return the fields of a call that depend on what the endpoint can do."""
        fields: dict[str, Any] = {self.token_field: request.max_tokens}
        if request.seed is not None and self.takes_seed:
            fields["seed"] = request.seed
        if temperature is not None and self.takes_temperature:
            fields["temperature"] = temperature
        if request.schema is not None and self.format != "text":
            fields["response_format"] = _response_format(self.format, request.schema)
        return fields

    def without(
        self, refusal: str, sent: dict[str, Any], *, may_guess: bool
    ) -> "Abilities | None":
        """Return what to try after a refusal; None: nothing that was sent explains it.

        A refusal that names no field is blamed on the format, where guessing is allowed
        (some servers answer a schema they cannot take with a bare 400).
        """
        in_play = {
            "format": "response_format" in sent,
            "token_field": "max_completion_tokens" in sent,
            "seed": "seed" in sent,
            "temperature": "temperature" in sent,
        }
        for name in _named(refusal):
            if in_play[name]:
                return self._drop(name)
        if may_guess and in_play["format"]:
            return self._drop("format")
        return None

    def meet(self, other: "Abilities") -> "Abilities":
        """Return what both allow."""
        return Abilities(
            max(self.format, other.format, key=FORMATS.index),
            min(self.token_field, other.token_field, key=len),
            self.takes_seed and other.takes_seed,
            self.takes_temperature and other.takes_temperature,
        )

    def to_text(self) -> str:
        """Return it as JSON, for the store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Abilities":
        """Read what `to_text` wrote; what another version wrote is not believed."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError):
            return cls()

    def _drop(self, name: str) -> "Abilities":
        if name == "format":
            return replace(self, format=FORMATS[FORMATS.index(self.format) + 1])
        if name == "token_field":
            return replace(self, token_field="max_tokens")
        if name == "seed":
            return replace(self, takes_seed=False)
        return replace(self, takes_temperature=False)


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
