"""Addresses of endpoints: which are allowed, and whose they are. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_HOST = "api.openai.com"
AZURE_HOSTS = (".azure.com", ".azure.us", ".azure.cn")
API_VERSION = re.compile(r"api-version=([\w.-]+)")


@dataclass(frozen=True)
class Endpoint:
    """An endpoint's address, taken apart.

    Attributes
    ----------
    url : str
        Without a query and without a slash at the end.
    api_version : str
        Azure's version, sent with each call; "": none.
    """

    url: str
    api_version: str = ""

    @classmethod
    def from_address(cls, address: str) -> "Endpoint":
        """Read an address that `check_address` accepts."""
        url, _, query = address.strip().partition("?")
        version = API_VERSION.fullmatch(query)
        return cls(url.rstrip("/"), version[1] if version else "")

    @property
    def address(self) -> str:
        """The address in normal form, so that equal endpoints compare equal."""
        query = f"?api-version={self.api_version}" if self.api_version else ""
        return self.url + query

    @property
    def is_openai(self) -> bool:
        """Whether the host is OpenAI's own, or that of one of its regions."""
        return f".{self._host()}".endswith(f".{OPENAI_HOST}")

    @property
    def is_azure(self) -> bool:
        """Whether the host is one of Azure's."""
        return bool(self.api_version) or self._host().endswith(AZURE_HOSTS)

    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""


def check_address(address: str, source: str) -> None:
    """Raise unless a text is an address and nothing more.

    Parameters
    ----------
    address : str
    source : str
        Name of the parameter or environment variable, for the message.

    Raises
    ------
    ValueError
        The address cannot be parsed, or it may contain a secret.
    """
    example = "'http://localhost:8000/v1'"
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - read for its error
    except ValueError:  # its message may quote a key that stands in the wrong place
        raise ValueError(
            f"{source} must be an address such as {example}, got one that cannot be "
            "parsed. Check its host and port."
        ) from None
    is_known_query = not parts.query or API_VERSION.fullmatch(parts.query)
    if parts.username or parts.password or not is_known_query:
        # The address is shown in reports and messages, so it must not hold a key.
        raise ValueError(
            f"{source} must hold an address (and Azure's ?api-version=...) only, since "
            "it is shown in reports. Put the key into the environment variable that "
            "`api_key_env` names."
        )
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(
            f"{source} must be an address such as {example}, got {address!r}."
        )
