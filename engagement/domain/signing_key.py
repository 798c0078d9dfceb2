"""The deployment's signing keys: ``id:key`` or ``id:key:from``, with commas between.

Two apps and many instances read the list, and each learns of a change at a time of its own. So a
key may be listed before it signs: until its time it only verifies, and when that has come every
instance knows it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engagement.errors import ConfigurationError

SETTING = "ENGAGEMENT_SIGNING_KEYS"
#: One byte of a token names its key.
HIGHEST_ID = 255
KEY_BYTES = 32
FROM = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One entry of the list."""

    #: int, 1 to 255; tokens and webhooks' secrets name their key by it
    id: int
    #: bytes, 32 or more
    key: bytes = field(repr=False)
    #: datetime or None, aware UTC; before it the key verifies and does not sign
    begins_at: datetime | None = None

    def begun(self, at: datetime) -> bool:
        """Whether the time has come by *at*, aware UTC, from which the key may sign."""
        return self.begins_at is None or self.begins_at <= at


def signing_id(ids: Iterable[int], begins: Mapping[int, datetime], at: datetime) -> int:
    """Return the id of the key that signs at *at*, aware UTC: the highest of those that have begun.

    *begins* says when keys begin; those that are not in it have begun. If none has, it is the one
    that begins first, as something has to sign.
    """
    listed = list(ids)
    begun = [one for one in listed if one not in begins or begins[one] <= at]
    return max(begun) if begun else min(listed, key=lambda one: (begins[one], -one))


def beginnings(keys: Iterable[SigningKey]) -> Mapping[int, datetime]:
    """Return when keys begin to sign, by id, of those that have a time."""
    return {key.id: key.begins_at for key in keys if key.begins_at is not None}


def read_signing_keys(value: str) -> Mapping[int, SigningKey]:
    """Return the keys of a list by their ids; raises ConfigurationError, which quotes no key."""
    keys: dict[int, SigningKey] = {}
    for entry in value.split(","):
        key = _read_entry(entry.strip())
        if key.id in keys:
            raise ConfigurationError(f"{SETTING} names key {key.id} twice.")
        keys[key.id] = key
    return keys


def write_signing_keys(keys: Iterable[SigningKey]) -> str:
    """Return the list that :func:`read_signing_keys` reads, lowest id first."""
    return ",".join(_write_entry(key) for key in sorted(keys, key=lambda key: key.id))


def encoded_key(key: SigningKey) -> str:
    """Return a key's bytes in base64url without padding."""
    return base64.urlsafe_b64encode(key.key).decode().rstrip("=")


def _write_entry(key: SigningKey) -> str:
    entry = f"{key.id}:{encoded_key(key)}"
    if key.begins_at is None:
        return entry
    begins = key.begins_at.astimezone(UTC).isoformat(timespec="seconds")
    return f"{entry}:{begins.removesuffix('+00:00')}Z"


def _read_entry(entry: str) -> SigningKey:
    # A time holds colons as well.
    key_id, _, rest = entry.partition(":")
    encoded, _, begins = rest.partition(":")
    number = int(key_id) if re.fullmatch(r"[0-9]{1,3}", key_id) else 0
    if not 1 <= number <= HIGHEST_ID:
        raise ConfigurationError(f"{SETTING}: a key id is a number from 1 to {HIGHEST_ID}.")
    return SigningKey(number, _read_key(number, encoded), _read_from(number, begins))


def _read_key(key_id: int, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError(f"{SETTING}: key {key_id} is not base64url.") from error
    if len(key) < KEY_BYTES:
        raise ConfigurationError(f"{SETTING}: key {key_id} is below {KEY_BYTES} bytes.")
    return key


def _read_from(key_id: int, text: str) -> datetime | None:
    if not text:
        return None
    with suppress(ValueError):
        if FROM.fullmatch(text):
            return datetime.fromisoformat(text)
    raise ConfigurationError(
        f"{SETTING}: key {key_id} signs from a UTC time such as 2026-11-23T12:00Z."
    )
