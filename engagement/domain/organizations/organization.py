"""One CRM environment, with its settings and its API keys."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engagement.domain.access.sign_in import SignIn
from engagement.domain.alerts.alert_settings import AlertSettings
from engagement.domain.delivery.working_hours import DeliveryTimeSettings
from engagement.domain.file_name import BLOCKED_EXTENSIONS
from engagement.domain.verdicts.verdict_settings import VerdictSettings
from engagement.errors import InvalidRequestError

ORGANIZATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
API_KEY = re.compile(r"eng_(?P<key_id>[0-9a-f]{8})_(?P<secret>[A-Za-z0-9_-]{43})")

#: They are revoked together with the organization, in one transaction of 100 rows.
MOST_API_KEYS = 50

#: A functions app takes bodies of up to 100 MB.
LARGEST_UPLOAD = 100 * 1000 * 1000


class State(StrEnum):
    """Whether an organization can be used; the others are steps that a crash may interrupt."""

    CREATING = "creating"
    ACTIVE = "active"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A credential of an organization; only its digest is kept."""

    id: str
    digest: str
    #: datetime, aware UTC, or None for keys from before it was kept
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """One CRM environment; *key* names its table and container and is in its tokens."""

    id: str
    name: str
    #: str, 16 hexadecimal digits, new with every creation, so that nothing old is ever inherited
    key: str
    state: State
    created_at: datetime
    api_keys: tuple[ApiKey, ...] = ()
    etag: str = ""

    def accepts(self, presented: str) -> bool:
        """Whether *presented* is one of the organization's API keys; takes constant time."""
        match = API_KEY.fullmatch(presented)
        if match is None:
            return False
        digest = secret_digest(match["secret"])
        return any(
            key.id == match["key_id"] and hmac.compare_digest(key.digest, digest)
            for key in self.api_keys
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What an organization may change; docs/configuration.md tells each one's meaning."""

    follow_enabled: bool = True
    upload_limit_bytes: int = 25 * 1024**2
    blocked_extensions: frozenset[str] = field(default=BLOCKED_EXTENSIONS)
    verdicts: VerdictSettings = field(default_factory=VerdictSettings)
    alerts: AlertSettings = field(default_factory=AlertSettings)
    delivery_time: DeliveryTimeSettings = field(default_factory=DeliveryTimeSettings)
    sign_in: SignIn = field(default_factory=SignIn)


def secret_digest(secret: str) -> str:
    """Digest of an API key's secret. It has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_organization_id(value: str) -> str:
    """Return *value* if it can name an organization, or raise InvalidRequestError."""
    if not ORGANIZATION_ID.fullmatch(value):
        raise InvalidRequestError(
            "An organization id has 1 to 63 letters, digits, dots, underscores or hyphens.",
            "organization_id",
        )
    return value
