"""The one file that talks to an endpoint."""

from typing import Any

from t2sampler.llm._base import ChatReply, ChatRequest


class OpenAIClient:
    """Ask an OpenAI-compatible endpoint; opened when first used."""

    def __init__(
        self,
        *,
        model: str,
        base_url: str,
        api_key_env: str,
        temperature: float | None = None,
        timeout: float = 120.0,
        max_retries: int = 3,
        extra_body: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.base_url = base_url
        self.api_key_env = api_key_env
        self.temperature = temperature
        self.timeout = timeout
        self.max_retries = max_retries
        self.extra_body = extra_body

    def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request."""
        raise NotImplementedError("being written")
