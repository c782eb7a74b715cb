"""Settings of a language model behind an OpenAI-compatible endpoint."""

import json
import os
from numbers import Integral, Real
from typing import Any
from urllib.parse import urlsplit

from sklearn.base import BaseEstimator

from t2sampler._params import Interval
from t2sampler.exceptions import ChatError
from t2sampler.llm._base import ChatClient
from t2sampler.llm._openai import OpenAIClient

OPENAI_URL = "https://api.openai.com/v1"
PRICE_NAMES = ("input", "output", "cached")


class ChatModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Name a language model behind any OpenAI-compatible endpoint.

    It holds settings only: no key, no connection. So it can be cloned, copied, pickled
    and sent to other processes, and nothing is sent before the first question. What
    the endpoint can do (reply in a JSON schema, take a seed or a temperature) is found
    out by the first questions and remembered in the store.

    Parameters
    ----------
    model : str
        Name the endpoint knows the model by.
    base_url : str, default=None
        Address of the endpoint, such as "http://localhost:11434/v1". None: the
        environment variable OPENAI_BASE_URL, or OpenAI's own.
    api_key_env : str, default="OPENAI_API_KEY"
        Name of the environment variable that holds the key. Servers that ask for none
        still need it set, to any text.
    temperature : float in [0, 2], default=None
        None: the endpoint's default.
    max_tokens : int >= 1, default=4096
        Most tokens of one reply.
    timeout : float > 0, default=120.0
        Seconds one try may take, from sending to the last byte.
    max_retries : int >= 0, default=3
        Times a failed call is tried again. Calls refused because there were too many
        (429) are not counted: all calls wait, and fewer are made at a time.
    max_concurrency : int >= 1, default=16
        Most calls in flight. It starts at 16 at most, grows while all goes well and
        halves when the endpoint says that there are too many.
    prices : dict, default=None
        Price of a million tokens: "input", "output", and "cached" for input that the
        endpoint had seen before. None: cost is not counted.
    extra_body : dict, default=None
        Further fields of each call, such as ``{"reasoning_effort": "low"}``.

    Notes
    -----
    Connects by the openai package. Tokens cost what the endpoint charges; see
    ``Budget`` for a limit.

    Examples
    --------
    >>> from sklearn.base import clone
    >>> from t2sampler.llm import ChatModel
    >>> chat = ChatModel("qwen3:8b", base_url="http://localhost:11434/v1")
    >>> clone(chat).set_params(temperature=0.7)
    ChatModel(base_url='http://localhost:11434/v1', model='qwen3:8b',
              temperature=0.7)
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "model": [str],
        "base_url": [str, None],
        "api_key_env": [str],
        "temperature": [Interval(Real, 0, 2, closed="both"), None],
        "max_tokens": [Interval(Integral, 1, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="neither")],
        "max_retries": [Interval(Integral, 0, None, closed="left")],
        "max_concurrency": [Interval(Integral, 1, None, closed="left")],
        "prices": [dict, None],
        "extra_body": [dict, None],
    }

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        temperature: float | None = None,
        max_tokens: int = 4096,
        timeout: float = 120.0,
        max_retries: int = 3,
        max_concurrency: int = 16,
        prices: dict[str, float] | None = None,
        extra_body: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.base_url = base_url
        self.api_key_env = api_key_env
        self.temperature = temperature
        self.max_tokens = max_tokens
        self.timeout = timeout
        self.max_retries = max_retries
        self.max_concurrency = max_concurrency
        self.prices = prices
        self.extra_body = extra_body

    def connect(self) -> ChatClient:
        """Return a client; nothing is sent before its first request.

        Returns
        -------
        client : object with ``complete(request)``

        Raises
        ------
        ValueError
            A setting is out of its range.
        ChatError
            The environment variable holds no key.
        """
        self._check_settings()
        _check_key(self.api_key_env)
        return OpenAIClient(
            model=self.model,
            base_url=self._address(),
            api_key_env=self.api_key_env,
            temperature=self.temperature,
            timeout=float(self.timeout),
            max_retries=int(self.max_retries),
            extra_body=self.extra_body,
        )

    def describe(self) -> dict[str, Any]:
        """Return what makes the model's answers; never a key.

        Returns
        -------
        settings : dict
            "endpoint", "model", "temperature" and "extra_body".

        Raises
        ------
        ValueError
            A setting is out of its range.
        """
        self._check_settings()
        return {
            "endpoint": self._address(),
            "model": self.model,
            "temperature": self.temperature,
            "extra_body": self.extra_body,
        }

    def _check_settings(self) -> None:
        """Refuse what can be known to be wrong without a key and without a call."""
        self._validate_params()
        if not self.model.strip():
            raise ValueError("`model` must name a model, got blank text.")
        _check_address(self.base_url, self._address())
        _check_prices(self.prices)
        _check_body(self.extra_body)

    def _address(self) -> str:
        """Return the endpoint's address, without a slash at the end."""
        address = self.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
        return address.strip().rstrip("/")


def _check_address(base_url: str | None, address: str) -> None:
    source = "OPENAI_BASE_URL" if base_url is None else "`base_url`"
    example = "'http://localhost:8000/v1'"
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - read for its error
    except ValueError:  # its words may hold a key that stands in the wrong place
        raise ValueError(
            f"{source} must be an address such as {example}, got one that cannot be "
            "read. Check its host and port."
        ) from None
    if parts.username or parts.password or parts.query:
        raise ValueError(
            f"{source} holds more than an address, and it would be shown in reports. "
            "Put the key into the variable that `api_key_env` names."
        )
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(
            f"{source} must be an address such as {example}, got {address!r}."
        )


def _check_prices(prices: dict[str, float] | None) -> None:
    if prices is None:
        return
    is_wrong = any(
        name not in PRICE_NAMES or not isinstance(price, Real) or not price >= 0
        for name, price in prices.items()
    )
    if is_wrong or not {"input", "output"} <= set(prices):
        raise ValueError(
            "`prices` must give the price of a million tokens: 'input', 'output' and, "
            f"if it differs, 'cached', each a number >= 0, got {prices!r}."
        )


def _check_body(extra_body: dict[str, Any] | None) -> None:
    try:
        json.dumps(extra_body)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`extra_body` must hold what JSON can carry, got {extra_body!r} ({error})."
        ) from error


def _check_key(variable: str) -> None:
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ChatError(
            f"The environment variable {variable} holds no key for the language model. "
            "Set it to your key; for a server that asks for none, to any text.",
            is_fatal=True,
        )
    if not (key.isascii() and key.isprintable()):
        raise ChatError(
            f"The environment variable {variable} holds characters that no key has. "
            "Copy the key again.",
            is_fatal=True,
        )
