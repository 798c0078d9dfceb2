"""The registry of organizations: one partition each, holding its row and its API keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from engagement.domain.organizations.organization import ApiKey, Organization, State
from engagement.errors import ConflictError, NotFoundError, StoreMissingError
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import deleting, replacing, transact


class Organizations:
    """Stores organizations, and makes and removes the table and container of each."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def read(self, organization_id: str) -> Organization:
        """Return the organization with its API keys; raises NotFoundError."""
        found = await self._rows(organization_id)
        head = found.get(keys.ORGANIZATION_ROW)
        if head is None:
            raise NotFoundError("There is no such organization.")
        return _organization(head, tuple(_api_key(x) for x in found.values() if x is not head))

    async def all(self) -> AsyncIterator[Organization]:
        """Yield every organization, without its API keys."""
        async with storage_call(120):
            rows = self.account.table(keys.REGISTRY).query_entities(
                "RowKey eq @row", parameters={"row": keys.ORGANIZATION_ROW}
            )
            found = [_organization(row, ()) async for row in rows]
        for organization in found:
            yield organization

    async def closed_keys(self) -> frozenset[str]:
        """Return the keys of the organizations that are being deleted."""
        async with storage_call(60):
            rows = self.account.table(keys.REGISTRY).query_entities(
                "RowKey eq @row and state eq @state",
                parameters={"row": keys.ORGANIZATION_ROW, "state": State.DELETING.value},
                select=["key"],
            )
            return frozenset([row["key"] async for row in rows])

    async def is_open(self, key: str) -> bool:
        """Whether there is an organization with this key that is not being deleted."""
        async with storage_call(60):
            rows = self.account.table(keys.REGISTRY).query_entities(
                "RowKey eq @row and key eq @key and state ne @state",
                parameters={
                    "row": keys.ORGANIZATION_ROW,
                    "key": key,
                    "state": State.DELETING.value,
                },
                select=["key"],
            )
            return bool([row async for row in rows])

    async def begin(self, organization: Organization) -> None:
        """Write down an organization that is being created; raises ConflictError if it exists."""
        async with storage_call():
            await self.account.tables.create_table_if_not_exists(keys.REGISTRY)
        await self._transact([("create", _row(organization))])

    async def create_stores(self, organization: Organization) -> None:
        """Make the organization's table and container; may be repeated."""
        from azure.core.exceptions import ResourceExistsError

        async with storage_call():
            await self.account.tables.create_table_if_not_exists(keys.table(organization.key))
            with suppress(ResourceExistsError):
                await self.account.blobs.create_container(keys.container(organization.key))

    async def activate(self, organization: Organization, first_key: ApiKey) -> None:
        """Open the organization with its first key, or raise ConflictError if another call did."""
        key_row = _key_row(organization, first_key)
        await self._transact(
            [_replace(organization, State.ACTIVE), ("create", key_row)],
        )

    async def rename(self, organization: Organization, name: str) -> Organization:
        """Change the name; raises ConflictError if the organization changed meanwhile."""
        renamed = replace(organization, name=name)
        await self._transact([_replace(renamed, organization.state)])
        return renamed

    async def delete_stores(self, organization: Organization) -> None:
        """Delete the organization's table and container; may be repeated."""
        # Azure takes its time to delete them, and refuses to be told twice.
        with suppress(NotFoundError):
            async with storage_call(60):
                await self.account.tables.delete_table(keys.table(organization.key))
        with suppress(NotFoundError):
            async with storage_call(60):
                await self.account.blobs.delete_container(keys.container(organization.key))

    async def close(self, organization: Organization) -> Organization:
        """Mark the organization as being deleted, which revokes its API keys, and return it.

        Raises ConflictError if the organization has changed meanwhile.
        """
        etag = await self._transact([_replace(organization, State.DELETING)])
        return replace(organization, state=State.DELETING, etag=etag)

    async def forget(self, organization: Organization) -> None:
        """Take a closed organization and its API keys out of the registry; may be repeated.

        Another organization that was created under the same id meanwhile stays: it has an ETag
        of its own, and the rows go together or not at all.
        """
        rows = await self._rows(organization.id)
        rows.pop(keys.ORGANIZATION_ROW, None)
        head = deleting(_row(organization), organization.etag)
        with suppress(ConflictError, NotFoundError):
            await self._transact([head, *(("delete", row) for row in rows.values())])

    async def add_key(self, organization: Organization, key: ApiKey) -> None:
        """Store another API key; raises ConflictError if the organization has changed meanwhile.

        The head is written with it, so that no key slips past a delete and opens what is created
        under the same id later.
        """
        head = _replace(organization, organization.state)
        await self._transact([head, ("create", _key_row(organization, key))])

    async def remove_key(self, organization: Organization, key_id: str) -> None:
        """Revoke an API key; may be repeated."""
        async with storage_call():
            await self.account.table(keys.REGISTRY).delete_entity(
                organization.id, keys.API_KEY_PREFIX + key_id
            )

    async def _rows(self, organization_id: str) -> dict[str, Any]:
        try:
            async with storage_call():
                rows = self.account.table(keys.REGISTRY).query_entities(
                    "PartitionKey eq @id", parameters={"id": organization_id}
                )
                return {row["RowKey"]: row async for row in rows}
        except StoreMissingError:
            # The first organization makes the registry.
            return {}

    async def _transact(self, operations: list[Any]) -> str:
        return await transact(self.account.table(keys.REGISTRY), operations)


def _row(organization: Organization) -> dict[str, Any]:
    return {
        "PartitionKey": organization.id,
        "RowKey": keys.ORGANIZATION_ROW,
        "name": organization.name,
        "key": organization.key,
        "state": organization.state.value,
        "created_at": organization.created_at,
    }


def _replace(organization: Organization, state: State) -> Any:
    row = {**_row(organization), "state": state.value}
    return replacing(row, organization.etag)


def _key_row(organization: Organization, key: ApiKey) -> dict[str, Any]:
    row = {
        "PartitionKey": organization.id,
        "RowKey": keys.API_KEY_PREFIX + key.id,
        "digest": key.digest,
        "created_at": key.created_at,
    }
    return {name: value for name, value in row.items() if value is not None}


def _api_key(row: Mapping[str, Any]) -> ApiKey:
    key_id = row["RowKey"].removeprefix(keys.API_KEY_PREFIX)
    return ApiKey(key_id, row["digest"], row.get("created_at"))


def _organization(row: Any, api_keys: tuple[ApiKey, ...]) -> Organization:
    created_at: datetime = row["created_at"]
    return Organization(
        id=row["PartitionKey"],
        name=row["name"],
        key=row["key"],
        state=State(row["state"]),
        created_at=created_at,
        api_keys=api_keys,
        etag=row.metadata["etag"],
    )
