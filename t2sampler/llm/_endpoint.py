"""An endpoint's address: what may stand in it, and whose it is. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_HOST = "api.openai.com"
AZURE_HOSTS = (".azure.com", ".azure.us", ".azure.cn")
API_VERSION = re.compile(r"api-version=([\w.-]+)")


@dataclass(frozen=True)
class Endpoint:
    """Where calls go.

    Attributes
    ----------
    url : str
        Without a query and without a slash at the end.
    api_version : str
        Azure's, sent with each call; "": none.
    """

    url: str
    api_version: str = ""

    @classmethod
    def from_address(cls, address: str) -> "Endpoint":
        """Read an address that `check_address` let pass."""
        url, _, query = address.strip().partition("?")
        version = API_VERSION.fullmatch(query)
        return cls(url.rstrip("/"), version[1] if version else "")

    @property
    def address(self) -> str:
        """The address in one way of writing it."""
        query = f"?api-version={self.api_version}" if self.api_version else ""
        return self.url + query

    @property
    def is_openai(self) -> bool:
        """Whether it is OpenAI's own, or that of one of its regions."""
        return f".{self._host()}".endswith(f".{OPENAI_HOST}")

    @property
    def is_azure(self) -> bool:
        """Whether it is one of Azure's."""
        return bool(self.api_version) or self._host().endswith(AZURE_HOSTS)

    def _host(self) -> str:
        return urlsplit(self.url).hostname or ""


def check_address(address: str, source: str) -> None:
    """Refuse what is no address, or more than one.

    Parameters
    ----------
    address : str
    source : str
        Where the user wrote it.

    Raises
    ------
    ValueError
        It cannot be read, or holds what must not be shown.
    """
    example = "'http://localhost:8000/v1'"
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - read for its error
    except ValueError:  # its words may hold a key that stands in the wrong place
        raise ValueError(
            f"{source} must be an address such as {example}, got one that cannot be "
            "read. Check its host and port."
        ) from None
    is_known_query = not parts.query or API_VERSION.fullmatch(parts.query)
    if parts.username or parts.password or not is_known_query:
        raise ValueError(
            f"{source} holds more than an address (and Azure's ?api-version=...), and "
            "it would be shown in reports. Put the key into the variable that "
            "`api_key_env` names."
        )
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(
            f"{source} must be an address such as {example}, got {address!r}."
        )
