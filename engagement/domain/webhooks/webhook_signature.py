"""Signing webhooks as https://www.standardwebhooks.com says, with secrets that are not stored.

An endpoint's secret is HMAC-SHA-256 over the organization, the endpoint and a nonce, with the
deployment's signing key: whoever reads the tables learns none. The context keeps it apart from the
keys of tracking tokens, which come from the same signing key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from engagement.domain.signing_key import signing_id
from engagement.domain.webhooks.webhook import Endpoint, Secret

PREFIX = "whsec_"
VERSION = "v1"

#: How far the time of a delivery may be from a consumer's clock.
TOLERANCE = timedelta(minutes=5)


class WebhookSigner:
    """Derives the secrets of endpoints, and signs with them.

    *begins* says when signing keys begin; those that are not in it have begun.
    """

    def __init__(
        self, keys: Mapping[int, bytes], begins: Mapping[int, datetime] | None = None
    ) -> None:
        self.keys = dict(keys)
        self.begins = dict(begins or {})

    def newest(self, now: datetime) -> int:
        """Return the id of the key that new secrets are derived from."""
        return signing_id(self.keys, self.begins, now)

    def secret(self, organization: str, endpoint_id: str, secret: Secret) -> bytes | None:
        """Return the 32 bytes of a secret; None once its signing key is revoked."""
        key = self.keys.get(secret.key_id)
        if key is None:
            return None
        text = f"webhook\0{organization}\0{endpoint_id}\0{secret.nonce}"
        return hmac.digest(key, text.encode(), hashlib.sha256)

    def headers(
        self, organization: str, endpoint: Endpoint, event_id: str, body: bytes, now: datetime
    ) -> dict[str, str] | None:
        """Return the headers of a delivery *now*; None if the current secret's key is revoked."""
        found = [self.secret(organization, endpoint.id, x) for x in endpoint.signing(now)]
        if found[0] is None:
            return None
        timestamp = int(now.timestamp())
        signatures = [sign(x, event_id, timestamp, body) for x in found if x is not None]
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }


def shown_secret(secret: bytes) -> str:
    """Return a secret as it is handed to the consumer."""
    return PREFIX + base64.b64encode(secret).decode()


def sign(secret: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature; raises ValueError for an id that would make it ambiguous."""
    if "." in event_id:
        raise ValueError("The id of a webhook holds no full stop.")
    content = f"{event_id}.{timestamp}.".encode() + body
    digest = hmac.digest(secret, content, hashlib.sha256)
    return f"{VERSION},{base64.b64encode(digest).decode()}"


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the ``webhook-id`` of a delivery, as a consumer does; raises ValueError if it is bad.

    *secret* is the text ``whsec_…``, *headers* have names in lower case. Whoever has seen the id
    before is told again: a consumer keeps the ids of the last days.
    """
    event_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not event_id or "." in event_id:
        raise ValueError("The webhook-id is missing or malformed.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise ValueError("The webhook-timestamp is missing or malformed.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise ValueError("The webhook-timestamp is too far from now.")
    expected = sign(_key(secret), event_id, int(timestamp), body).encode()
    shown = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
    # Every one is compared, however early one matches.
    if not sum(hmac.compare_digest(expected, one) for one in shown):
        raise ValueError("No webhook-signature is of this secret.")
    return event_id


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("This is not the secret of a webhook.") from error
