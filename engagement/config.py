"""Settings of one deployment, read from the environment once."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from engagement.domain.signing_key import beginnings, read_signing_keys
from engagement.errors import ConfigurationError

SURFACES = ("public", "private", "all")
SMTP_SECURITIES = ("none", "starttls", "tls")
#: Hosts of this machine: only to them may a token travel without TLS.
LOOPBACK = ("127.0.0.1", "::1", "localhost")

#: Azure Functions' convention for an identity-based connection named ENGAGEMENT_DATA:
#: https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
#: The queue trigger uses it too, and for that the host alone reads ENGAGEMENT_DATA__credential.
CONNECTION = "ENGAGEMENT_DATA"


@dataclass(frozen=True, slots=True)
class DataAccount:
    """Where tables, blobs and queues are: a connection string, or addresses and an identity."""

    #: str or None, for Azurite only; it holds the account's key
    connection_string: str | None = field(repr=False)
    table_url: str | None
    blob_url: str | None
    queue_url: str | None
    #: str or None, client id of a user-assigned managed identity
    client_id: str | None


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The mail server that ``"delivery": "smtp"`` hands messages to."""

    host: str
    port: int
    #: str, ``none``, ``starttls`` (RFC 3207; never without) or ``tls`` (from the first byte)
    security: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class GraphTenant:
    """The Entra tenant whose mailboxes ``"delivery": "graph"`` sends from, and our app in it."""

    tenant_id: str
    client_id: str
    #: str or None, the app's secret
    client_secret: str | None = field(repr=False)
    #: str or None, client id of the user-assigned managed identity that vouches for the app instead
    identity_client_id: str | None
    #: str, scheme and host of Microsoft Graph, without a trailing slash
    url: str
    #: str, scheme and host of Microsoft Entra, without a trailing slash
    authority: str


@dataclass(frozen=True, slots=True)
class Config:
    """One deployment's settings; docs/configuration.md tells each one's meaning."""

    surface: str
    admin_key: str | None = field(repr=False)
    #: key id (1-255) to 32 or more bytes; the highest id that has begun signs, all verify
    signing_keys: Mapping[int, bytes] = field(repr=False)
    #: key id to when it begins to sign, of those that wait or waited for a time; aware UTC
    signing_from: Mapping[int, datetime]
    #: str, scheme and host of tracked URLs, without a trailing slash
    public_url: str
    data: DataAccount
    smtp: SmtpServer | None
    graph: GraphTenant | None
    spill_folder: Path
    spill_limit_bytes: int
    stream_limit_bytes: int
    #: int, proxies in front that add to X-Forwarded-For
    proxy_count: int
    #: str or None, id of the Front Door in front
    front_door_id: str | None
    #: bool, whether webhooks may call any address, over http too: for one machine only
    webhook_allow_private: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Read every setting; raises ConfigurationError naming the first that is wrong."""
        surface = environment.get("ENGAGEMENT_SURFACE") or "all"
        if surface not in SURFACES:
            raise ConfigurationError(f"ENGAGEMENT_SURFACE must be one of {', '.join(SURFACES)}.")
        spill = environment.get("ENGAGEMENT_SPILL_FOLDER")
        keys = read_signing_keys(_required(environment, "ENGAGEMENT_SIGNING_KEYS")).values()
        return cls(
            surface=surface,
            admin_key=_admin_key(environment),
            signing_keys={key.id: key.key for key in keys},
            signing_from=beginnings(keys),
            public_url=_public_url(_required(environment, "ENGAGEMENT_PUBLIC_URL")),
            data=data_account(environment),
            smtp=_smtp(environment),
            graph=_graph(environment),
            spill_folder=Path(spill or Path(tempfile.gettempdir()) / "engagement-spill"),
            spill_limit_bytes=_number(environment, "ENGAGEMENT_SPILL_LIMIT_BYTES", 16 * 1024**2),
            stream_limit_bytes=_number(environment, "ENGAGEMENT_STREAM_LIMIT_BYTES", 4 * 1024**2),
            proxy_count=_number(environment, "ENGAGEMENT_PROXY_COUNT", 1),
            front_door_id=environment.get("ENGAGEMENT_FRONT_DOOR_ID", "").strip() or None,
            webhook_allow_private=_flag(environment, "ENGAGEMENT_WEBHOOK_ALLOW_PRIVATE"),
        )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{name} is missing; docs/configuration.md says what it holds.")
    return value


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit():
        raise ConfigurationError(f"{name} must be a whole number.")
    return int(value)


def _flag(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "").strip() or "false"
    if value not in ("true", "false"):
        raise ConfigurationError(f"{name} must be true or false.")
    return value == "true"


def _admin_key(environment: Mapping[str, str]) -> str | None:
    key = environment.get("ENGAGEMENT_ADMIN_KEY", "").strip()
    if key and len(key) < 16:
        raise ConfigurationError("ENGAGEMENT_ADMIN_KEY must have at least 16 characters.")
    return key or None


def _public_url(value: str) -> str:
    url = value.rstrip("/")
    parts = urlsplit(url)
    plain = not (parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise ConfigurationError(
            "ENGAGEMENT_PUBLIC_URL must look like https://links.contoso.example."
        )
    return url


def data_account(environment: Mapping[str, str]) -> DataAccount:
    """Return where the data are; raises ConfigurationError."""
    connection_string = environment.get(CONNECTION, "").strip() or None
    urls = [
        environment.get(f"{CONNECTION}__{service}ServiceUri", "").strip().rstrip("/") or None
        for service in ("table", "blob", "queue")
    ]
    if connection_string is None and None in urls:
        raise ConfigurationError(
            f"{CONNECTION} is missing: set it to a connection string (Azurite), or set "
            f"{CONNECTION}__tableServiceUri, __blobServiceUri and __queueServiceUri (Azure)."
        )
    return DataAccount(
        connection_string=connection_string,
        table_url=urls[0],
        blob_url=urls[1],
        queue_url=urls[2],
        client_id=environment.get(f"{CONNECTION}__clientId", "").strip() or None,
    )


def _smtp(environment: Mapping[str, str]) -> SmtpServer | None:
    host = environment.get("ENGAGEMENT_SMTP_HOST", "").strip()
    if not host:
        return None
    security = environment.get("ENGAGEMENT_SMTP_SECURITY", "").strip() or "starttls"
    if security not in SMTP_SECURITIES:
        raise ConfigurationError(
            f"ENGAGEMENT_SMTP_SECURITY must be one of {', '.join(SMTP_SECURITIES)}."
        )
    username = environment.get("ENGAGEMENT_SMTP_USERNAME") or None
    if username and security == "none":
        raise ConfigurationError(
            "ENGAGEMENT_SMTP_USERNAME: credentials are sent over TLS only (RFC 4954, section 4)."
        )
    return SmtpServer(
        host=host,
        port=_number(environment, "ENGAGEMENT_SMTP_PORT", 587),
        security=security,
        username=username,
        password=environment.get("ENGAGEMENT_SMTP_PASSWORD") or None,
    )


def _graph(environment: Mapping[str, str]) -> GraphTenant | None:
    tenant_id = environment.get("ENGAGEMENT_GRAPH_TENANT_ID", "").strip()
    if not tenant_id:
        return None
    # An app gets tokens from the tenant that it is registered in, not from all of them.
    shared = tenant_id.lower() in ("common", "organizations", "consumers")
    if shared or not re.fullmatch(r"[A-Za-z0-9.-]+", tenant_id):
        raise ConfigurationError("ENGAGEMENT_GRAPH_TENANT_ID must be a tenant's id or domain.")
    secret = environment.get("ENGAGEMENT_GRAPH_CLIENT_SECRET", "").strip() or None
    identity = environment.get("ENGAGEMENT_GRAPH_IDENTITY_CLIENT_ID", "").strip() or None
    if (secret is None) == (identity is None):
        raise ConfigurationError(
            "Set one of ENGAGEMENT_GRAPH_CLIENT_SECRET and ENGAGEMENT_GRAPH_IDENTITY_CLIENT_ID."
        )
    url = environment.get("ENGAGEMENT_GRAPH_URL", "").strip() or "https://graph.microsoft.com"
    authority = environment.get("ENGAGEMENT_GRAPH_AUTHORITY", "").strip()
    return GraphTenant(
        tenant_id=tenant_id,
        client_id=_required(environment, "ENGAGEMENT_GRAPH_CLIENT_ID"),
        client_secret=secret,
        identity_client_id=identity,
        url=_origin("ENGAGEMENT_GRAPH_URL", url, plain_hosts=LOOPBACK),
        # Nothing but https even on this machine: msal takes no other.
        authority=_origin(
            "ENGAGEMENT_GRAPH_AUTHORITY", authority or "https://login.microsoftonline.com"
        ),
    )


def _origin(name: str, value: str, *, plain_hosts: tuple[str, ...] = ()) -> str:
    """Return *value*, which is a scheme and a host; http is for *plain_hosts* only."""
    url = value.rstrip("/")
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in plain_hosts)
    whole = parts.hostname and not parts.username and url == f"{parts.scheme}://{parts.netloc}"
    if not secure or not whole:
        raise ConfigurationError(f"{name} must be https:// and a host.")
    return url
