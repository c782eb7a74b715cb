"""ChatModel: settings of a language model behind an OpenAI-compatible endpoint."""

import json
import os
from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator

from t2sampler._params import DocLinkMixin, Interval
from t2sampler.exceptions import ChatError
from t2sampler.llm._base import ChatClient
from t2sampler.llm._endpoint import OPENAI_URL, Endpoint, check_address
from t2sampler.llm._openai_client import OpenAIClient

KEY_VARIABLE, URL_VARIABLE = "OPENAI_API_KEY", "OPENAI_BASE_URL"
PRICE_NAMES = ("input", "output", "cached")


class ChatModel(DocLinkMixin, BaseEstimator):  # type: ignore[misc]  # has no types
    """Settings of a language model behind any OpenAI-compatible endpoint.

    It holds settings only, no key and no connection, so it can be cloned, copied,
    pickled and sent to other processes. Nothing is sent before the first request. The
    first requests also find out what the endpoint supports (replies in a JSON schema, a
    seed, a temperature), and the store remembers it.

    Parameters
    ----------
    model : str
        Name of the model at the endpoint.
    base_url : str, default=None
        Address of the endpoint, such as "http://localhost:11434/v1". None: that of the
        environment variable OPENAI_BASE_URL, or OpenAI's own. An Azure address may end
        in "?api-version=...", which is sent with each call. Redirects to another host
        are not followed.
    api_key_env : str, default=None
        Name of the environment variable that holds the key. None: OPENAI_API_KEY for
        OpenAI's own address and the one that OPENAI_BASE_URL names; no key is sent to
        any other address.
    temperature : float in [0, 2], default=None
        None: the endpoint's default.
    max_tokens : int >= 1, default=4096
        Largest number of tokens of a reply.
    timeout : float > 0, default=120.0
        Seconds that one try may take, from looking up the host to the last byte.
    max_retries : int >= 0, default=3
        Retries of a failed call. Retries after a 429 (too many requests), and after a
        timeout while other calls were in flight, do not count: these calls wait, and
        fewer are made at a time.
    max_concurrency : int >= 1, default=16
        Largest number of calls in flight. The limit in use starts at 4, is raised
        while that clearly increases throughput, and is halved when the endpoint refuses
        calls (429) or they time out. So a server that works on one call at a time
        needs no lower value.
    prices : dict, default=None
        Price of a million tokens: "input", "output", and optionally "cached" for input
        that the endpoint has cached. None: cost is not counted.
    extra_body : dict, default=None
        Further fields of each call, such as ``{"reasoning_effort": "low"}``.

    Notes
    -----
    Calls use the openai package. `Budget` limits what they may cost.

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
        "api_key_env": [str, None],
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
        api_key_env: str | None = None,
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
        """Return a client; it sends nothing before its first request.

        Returns
        -------
        client : object with ``complete(request)``

        Raises
        ------
        ValueError
            A setting is out of its range.
        ChatError
            The environment variable holds no valid key.
        """
        self._check_settings()
        variable = self._key_variable()
        if variable is not None:
            _check_key(variable)
        return OpenAIClient(
            model=self.model,
            base_url=self._endpoint().address,
            api_key_env=variable,
            temperature=self.temperature,
            timeout=float(self.timeout),
            max_retries=int(self.max_retries),
            extra_body=self.extra_body,
        )

    def describe(self) -> dict[str, Any]:
        """Return the settings that determine the model's replies; never a key.

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
            "endpoint": self._endpoint().address,
            "model": self.model,
            "temperature": self.temperature,
            "extra_body": self.extra_body,
        }

    def _check_settings(self) -> None:
        """Raise for settings that are wrong without regard to the key."""
        self._validate_params()
        if not self.model.strip():
            raise ValueError("`model` must name a model, got blank text.")
        source = URL_VARIABLE if self.base_url is None else "`base_url`"
        check_address(self._address(), source)
        _check_prices(self.prices)
        _check_body(self.extra_body)

    def _address(self) -> str:
        address = self.base_url or os.environ.get(URL_VARIABLE) or OPENAI_URL
        return address.strip()

    def _endpoint(self) -> Endpoint:
        return Endpoint.from_address(self._address())

    def _key_variable(self) -> str | None:
        """Return the environment variable that holds the key; None: none is sent."""
        if self.api_key_env is not None:
            return self.api_key_env
        endpoint = self._endpoint()
        # A key from the environment must not go to any address that a caller names.
        environment = Endpoint.from_address(os.environ.get(URL_VARIABLE, ""))
        is_trusted = endpoint.is_openai or endpoint == environment
        return KEY_VARIABLE if is_trusted else None


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
            f"`extra_body` must hold values of JSON, got {extra_body!r} ({error})."
        ) from error


def _check_key(variable: str) -> None:
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ChatError(
            f"The environment variable {variable} holds no key for the language model. "
            "Set it to your key, or to any text if the server needs none.",
            is_fatal=True,
        )
    if not (key.isascii() and key.isprintable()):
        raise ChatError(
            f"The environment variable {variable} holds a key with characters that are "
            "not allowed, such as a line break. Copy the key again.",
            is_fatal=True,
        )
