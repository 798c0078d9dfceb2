"""One setting of the environment: what is missing or wrong raises an error that names it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from engagement.domain.identifier import GUID
from engagement.errors import ConfigurationError

#: Hosts of this machine: only to them may a token travel without TLS.
LOOPBACK = ("127.0.0.1", "::1", "localhost")

#: Digits; none of the numbers is larger.
LONGEST_NUMBER = 15


def required(environment: Mapping[str, str], name: str) -> str:
    """Return a setting that has to be there; raises ConfigurationError."""
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{name} is missing; docs/configuration.md says what it holds.")
    return value


def number(environment: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number, *default* if it is not set; raises ConfigurationError."""
    value = environment.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > LONGEST_NUMBER:
        raise ConfigurationError(f"{name} must be a whole number.")
    return int(value)


def flag(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return true or false, *default* if it is not set; raises ConfigurationError."""
    value = environment.get(name, "").strip()
    if value not in ("true", "false", ""):
        raise ConfigurationError(f"{name} must be true or false.")
    return value == "true" if value else default


def guid(name: str, value: str) -> str:
    """Return an id of Microsoft Entra in lower case; raises ConfigurationError."""
    found = value.strip().lower()
    if not GUID.fullmatch(found):
        raise ConfigurationError(
            f"{name}: an id has the form 00000000-0000-0000-0000-000000000000."
        )
    return found


def split_url(name: str, url: str) -> SplitResult:
    """Return the parts of *url*; raises ConfigurationError if it has none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{name} is not a URL.") from error
    return parts


def origin(name: str, value: str, *, plain_hosts: tuple[str, ...] = ()) -> str:
    """Return *value*, which is a scheme and a host; http is for *plain_hosts* only.

    Raises ConfigurationError.
    """
    url = value.rstrip("/")
    parts = split_url(name, url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in plain_hosts)
    whole = parts.hostname and not parts.username and url == f"{parts.scheme}://{parts.netloc}"
    if not secure or not whole:
        raise ConfigurationError(f"{name} must be https:// and a host.")
    return url
