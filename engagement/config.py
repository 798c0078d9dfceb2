"""Settings of one deployment, read from the environment once."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from engagement.domain.access.registration import Registration
from engagement.domain.signing_key import beginnings, read_signing_keys
from engagement.environment import LOOPBACK, flag, guid, number, origin, required, split_url
from engagement.errors import ConfigurationError

SURFACES = ("public", "private", "all")
SMTP_SECURITIES = ("none", "starttls", "tls")
HIGHEST_PORT = 65535
PUBLIC_CLOUD = "https://login.microsoftonline.com"

#: Azure Functions' convention for an identity-based connection named ENGAGEMENT_DATA:
#: https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
#: The queue trigger uses it too, and for that the host alone reads ENGAGEMENT_DATA__credential.
CONNECTION = "ENGAGEMENT_DATA"


#: How a setting begins whose value is in Key Vault.
REFERENCE = "@microsoft.keyvault("


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
    entra: Registration | None
    #: bool, whether keys are accepted from callers of the API
    api_keys: bool
    spill_folder: Path
    spill_limit_bytes: int
    stream_limit_bytes: int
    #: int, proxies in front that add to X-Forwarded-For
    proxy_count: int
    #: str or None, id of the Front Door in front
    front_door_id: str | None
    #: int, requests of one organization per minute and instance; 0 is no limit
    api_limit: int
    #: int, bad tokens of one source per minute and instance; 0 is no limit
    bad_token_limit: int
    #: bool, whether webhooks may call any address, over http too: for one machine only
    webhook_allow_private: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Read every setting; raises ConfigurationError naming the first that is wrong."""
        _check_references(environment)
        surface = environment.get("ENGAGEMENT_SURFACE") or "all"
        if surface not in SURFACES:
            raise ConfigurationError(f"ENGAGEMENT_SURFACE must be one of {', '.join(SURFACES)}.")
        spill = environment.get("ENGAGEMENT_SPILL_FOLDER")
        keys = read_signing_keys(required(environment, "ENGAGEMENT_SIGNING_KEYS")).values()
        return cls(
            surface=surface,
            admin_key=_admin_key(environment),
            signing_keys={key.id: key.key for key in keys},
            signing_from=beginnings(keys),
            public_url=_public_url(required(environment, "ENGAGEMENT_PUBLIC_URL")),
            data=data_account(environment),
            smtp=_smtp(environment),
            graph=_graph(environment),
            entra=_entra(environment),
            api_keys=flag(environment, "ENGAGEMENT_API_KEYS", default=True),
            spill_folder=Path(spill or Path(tempfile.gettempdir()) / "engagement-spill"),
            spill_limit_bytes=number(environment, "ENGAGEMENT_SPILL_LIMIT_BYTES", 16 * 1024**2),
            stream_limit_bytes=number(environment, "ENGAGEMENT_STREAM_LIMIT_BYTES", 4 * 1024**2),
            proxy_count=number(environment, "ENGAGEMENT_PROXY_COUNT", 1),
            front_door_id=environment.get("ENGAGEMENT_FRONT_DOOR_ID", "").strip() or None,
            api_limit=number(environment, "ENGAGEMENT_API_LIMIT", 6_000),
            bad_token_limit=number(environment, "ENGAGEMENT_BAD_TOKEN_LIMIT", 60),
            webhook_allow_private=flag(
                environment, "ENGAGEMENT_WEBHOOK_ALLOW_PRIVATE", default=False
            ),
        )


def _check_references(environment: Mapping[str, str]) -> None:
    """Refuse a Key Vault reference that the platform could not follow: then its text arrives.

    Source: https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
    """
    for name, value in environment.items():
        if name.startswith("ENGAGEMENT_") and value.strip().lower().startswith(REFERENCE):
            raise ConfigurationError(
                f"{name} is a Key Vault reference that was not resolved: see that the secret "
                "exists, that the app's identity may read it, and have the app read it again."
            )


def _admin_key(environment: Mapping[str, str]) -> str | None:
    key = environment.get("ENGAGEMENT_ADMIN_KEY", "").strip()
    if key and len(key) < 16:
        raise ConfigurationError("ENGAGEMENT_ADMIN_KEY must have at least 16 characters.")
    return key or None


def _public_url(value: str) -> str:
    url = value.rstrip("/")
    parts = split_url("ENGAGEMENT_PUBLIC_URL", url)
    whole = parts.hostname and not parts.username and url == f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not whole:
        raise ConfigurationError(
            "ENGAGEMENT_PUBLIC_URL must be a scheme and a host, like https://links.contoso.example."
        )
    return url


def data_account(environment: Mapping[str, str]) -> DataAccount:
    """Return where the data are; raises ConfigurationError."""
    connection_string = environment.get(CONNECTION, "").strip() or None
    urls = [_service_url(environment, service) for service in ("table", "blob", "queue")]
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


def _service_url(environment: Mapping[str, str], service: str) -> str | None:
    name = f"{CONNECTION}__{service}ServiceUri"
    value = environment.get(name, "").strip()
    return origin(name, value, plain_hosts=LOOPBACK) if value else None


def _port(environment: Mapping[str, str]) -> int:
    port = number(environment, "ENGAGEMENT_SMTP_PORT", 587)
    if not 1 <= port <= HIGHEST_PORT:
        raise ConfigurationError(f"ENGAGEMENT_SMTP_PORT must be from 1 to {HIGHEST_PORT}.")
    return port


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
        port=_port(environment),
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
        client_id=required(environment, "ENGAGEMENT_GRAPH_CLIENT_ID"),
        client_secret=secret,
        identity_client_id=identity,
        url=origin("ENGAGEMENT_GRAPH_URL", url, plain_hosts=LOOPBACK),
        # Nothing but https even on this machine: msal takes no other.
        authority=origin("ENGAGEMENT_GRAPH_AUTHORITY", authority or PUBLIC_CLOUD),
    )


def _entra(environment: Mapping[str, str]) -> Registration | None:
    ids = ("ENGAGEMENT_ENTRA_TENANT_ID", "ENGAGEMENT_ENTRA_CLIENT_ID")
    if not any(environment.get(name, "").strip() for name in ids):
        if not flag(environment, "ENGAGEMENT_API_KEYS", default=True):
            raise ConfigurationError(f"ENGAGEMENT_API_KEYS: nobody can call without {ids[0]}.")
        return None
    # Tokens name tenants and applications by their ids only.
    tenant_id, client_id = (guid(name, required(environment, name)) for name in ids)
    applications = environment.get("ENGAGEMENT_ENTRA_APPLICATIONS", "").split(",")
    authority = environment.get("ENGAGEMENT_ENTRA_AUTHORITY", "").strip() or PUBLIC_CLOUD
    return Registration(
        tenant_id=tenant_id,
        client_id=client_id,
        applications=frozenset(
            guid("ENGAGEMENT_ENTRA_APPLICATIONS", name) for name in applications if name.strip()
        ),
        authority=origin("ENGAGEMENT_ENTRA_AUTHORITY", authority),
    )
