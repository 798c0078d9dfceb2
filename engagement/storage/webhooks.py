"""The endpoints of webhooks: one partition of each organization's table."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from engagement.domain.webhooks.webhook import (
    ENDPOINT_ID,
    DisabledReason,
    Endpoint,
    EndpointState,
    Secret,
)
from engagement.domain.webhooks.webhook_event import EventType
from engagement.errors import NotFoundError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import deleting, replacing, transact


class Endpoints:
    """Stores endpoints by the key of their organization."""

    def __init__(self, account: Account) -> None:
        self.account = account
        #: called with the organization whose endpoints this process has changed
        self.on_write: list[Callable[[str], None]] = []

    async def all(self, organization: str) -> list[Endpoint]:
        """Return the endpoints of an organization, oldest first; raises NotFoundError."""
        rows = self._table(organization).query_entities(
            "PartitionKey eq @partition", parameters={"partition": keys.WEBHOOKS}
        )
        async with storage_call():
            found = [_endpoint(row) async for row in rows]
        return sorted(found, key=lambda endpoint: (endpoint.created_at, endpoint.id))

    async def read(self, organization: str, endpoint_id: str) -> Endpoint:
        """Return an endpoint; raises NotFoundError."""
        if not ENDPOINT_ID.fullmatch(endpoint_id):
            raise NotFoundError("There is no such webhook.")
        async with storage_call():
            row = await self._table(organization).get_entity(keys.WEBHOOKS, endpoint_id)
        return _endpoint(row)

    async def create(self, organization: str, endpoint: Endpoint) -> None:
        """Store a new endpoint; raises ConflictError if there is one of this id."""
        await self._transact(organization, ("create", _row(endpoint)))

    async def replace(self, organization: str, endpoint: Endpoint) -> None:
        """Store an endpoint; raises ConflictError if it has changed since it was read."""
        await self._transact(organization, replacing(_row(endpoint), endpoint.etag))

    async def delete(self, organization: str, endpoint: Endpoint) -> None:
        """Delete an endpoint; raises ConflictError if it has changed since it was read."""
        await self._transact(organization, deleting(_row(endpoint), endpoint.etag))

    async def _transact(self, organization: str, operation: Any) -> None:
        await transact(self._table(organization), [operation])
        for tell in self.on_write:
            tell(organization)

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def _row(endpoint: Endpoint) -> dict[str, Any]:
    kinds = None if endpoint.event_types is None else json.dumps(sorted(endpoint.event_types))
    row = {
        "PartitionKey": keys.WEBHOOKS,
        "RowKey": endpoint.id,
        "url": endpoint.url,
        "event_types": kinds,
        "secrets": json.dumps([_secret_json(secret) for secret in endpoint.secrets]),
        "created_at": endpoint.created_at,
        "state": endpoint.state.value,
        "disabled_reason": endpoint.disabled_reason,
        "notify_user_id": endpoint.notify_user_id,
        "failing_since": endpoint.failing_since,
        "failure": endpoint.failure,
        "fingerprint": endpoint.fingerprint,
    }
    return {name: value for name, value in row.items() if value is not None}


def _secret_json(secret: Secret) -> list[Any]:
    ends_at = secret.ends_at.isoformat() if secret.ends_at else None
    return [secret.key_id, secret.nonce, ends_at]


def _endpoint(row: Any) -> Endpoint:
    kinds, reason = row.get("event_types"), row.get("disabled_reason")
    return Endpoint(
        id=row["RowKey"],
        url=row["url"],
        event_types=frozenset(EventType(x) for x in json.loads(kinds)) if kinds else None,
        secrets=tuple(
            Secret(key_id, nonce, datetime.fromisoformat(ends_at) if ends_at else None)
            for key_id, nonce, ends_at in json.loads(row["secrets"])
        ),
        created_at=row["created_at"],
        state=EndpointState(row["state"]),
        disabled_reason=DisabledReason(reason) if reason else None,
        notify_user_id=row.get("notify_user_id"),
        failing_since=row.get("failing_since"),
        failure=row.get("failure"),
        fingerprint=row.get("fingerprint"),
        etag=row.metadata["etag"],
    )
