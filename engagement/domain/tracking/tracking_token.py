"""The signed string in a tracked URL: it locates a link without saying where it leads.

45 bytes, 60 characters of base64url without padding (45 is a multiple of 3, so there are no
spare bits and every token has exactly one encoding)::

    version 1 | key id 1 | organization 8 | message 12 | recipient 1 | target 2 | time 4 | MAC 16

The time is that of the hand-over to the mail server, in seconds since 1970: how soon after it a
hit came tells much about who came, and reading it from a store would cost every hit a request.
The MAC is HMAC-SHA-256 cut to 128 bits, over a context per kind and the 29 bytes before it, with
a key derived for the organization from the deployment's signing key. A token of one kind or
organization therefore never verifies as another's, and checking one needs no I/O.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from engagement.domain.signing_key import signing_id
from engagement.errors import InvalidTokenError

VERSION = 2
MAC_BYTES = 16
ENCODED_LENGTH = 60
ENCODED = re.compile(r"[A-Za-z0-9_-]{60}")
PAYLOAD = struct.Struct(">BB8s12sBHI")

#: What text linkifiers and broken quoted-printable leave behind a URL.
TRAILING = re.compile(r"(?:[.)>\"',;\s]|=3[Dd])*")


class Kind(StrEnum):
    """What a token opens; each kind has a MAC context of its own."""

    OPEN = "open"
    CLICK = "click"
    ATTACHMENT = "attachment"


class TrackingToken(NamedTuple):
    """What a token says once it has been verified; every hit makes one."""

    kind: Kind
    #: str, 16 hexadecimal digits, the key of the organization's table
    organization: str
    #: str, 24 hexadecimal digits
    message_id: str
    #: datetime, aware UTC, whole seconds; when the copy was handed over
    handed_over_at: datetime
    #: int, number of the recipient on the message, 0 for a copy that several recipients share
    recipient: int = 0
    #: int, number of the link or attachment on the message, 0 for the pixel
    target: int = 0


class TokenSigner:
    """Signs with the newest key that has begun, verifies with any key that is still listed.

    *begins* says when keys begin to sign; those that are not in it have begun.
    """

    def __init__(
        self, keys: Mapping[int, bytes], begins: Mapping[int, datetime] | None = None
    ) -> None:
        self.keys = dict(keys)
        self.begins = dict(begins or {})

    def sign(self, token: TrackingToken) -> str:
        """Return the token's only encoding, by the key that signs when it is handed over."""
        key_id = signing_id(self.keys, self.begins, token.handed_over_at)
        payload = PAYLOAD.pack(
            VERSION,
            key_id,
            bytes.fromhex(token.organization),
            bytes.fromhex(token.message_id),
            token.recipient,
            token.target,
            int(token.handed_over_at.timestamp()),
        )
        mac = self._mac(key_id, token.kind, payload)
        return base64.urlsafe_b64encode(payload + mac).decode("ascii")

    def verify(self, text: str, kind: Kind) -> TrackingToken:
        """Return what *text* says; raises InvalidTokenError, always the same, if it does not."""
        if not ENCODED.fullmatch(text):
            raise InvalidTokenError("This is not a tracking token.")
        raw = binascii.a2b_base64(text.replace("-", "+").replace("_", "/"))
        payload, mac = raw[: PAYLOAD.size], raw[PAYLOAD.size :]
        version, key_id, organization, message, *numbers, seconds = PAYLOAD.unpack(payload)
        if version != VERSION or key_id not in self.keys:
            raise InvalidTokenError("This is not a tracking token.")
        if not hmac.compare_digest(mac, self._mac(key_id, kind, payload)):
            raise InvalidTokenError("This is not a tracking token.")
        handed_over_at = datetime.fromtimestamp(seconds, UTC)
        return TrackingToken(kind, organization.hex(), message.hex(), handed_over_at, *numbers)

    def pseudonym(self, message: tuple[str, str], who: str, at: datetime) -> str:
        """Return 12 hexadecimal digits that stand for *who* on a message (organization and id).

        The same person on another message has another one, and without the signing key nobody can
        find out who it was by trying all addresses. It is of the key that signs *at* that time, so
        that all instances agree on it while a new key waits.
        """
        organization, message_id = message
        key_id = signing_id(self.keys, self.begins, at)
        key = _organization_key(self.keys[key_id], bytes.fromhex(organization))
        text = b"actor\0" + bytes.fromhex(message_id) + who.encode("utf-8", "replace")
        return hmac.digest(key, text, hashlib.sha256)[:6].hex()

    def _mac(self, key_id: int, kind: Kind, payload: bytes) -> bytes:
        key = _organization_key(self.keys[key_id], payload[2:10])
        return hmac.digest(key, kind.encode() + b"\0" + payload, hashlib.sha256)[:MAC_BYTES]


@lru_cache(maxsize=1_000)
def _organization_key(key: bytes, organization: bytes) -> bytes:
    """Derive what signs for one organization; of the ids that strangers make up a few stay."""
    return hmac.digest(key, b"organization\0" + organization, hashlib.sha256)


def trim(text: str) -> str:
    """Take off what linkifiers add behind a URL, so that the link still works."""
    begin = text[:ENCODED_LENGTH]
    return begin if TRAILING.fullmatch(text, ENCODED_LENGTH) else text
