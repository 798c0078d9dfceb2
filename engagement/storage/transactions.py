"""Several rows of one partition written together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engagement.errors import ConflictError
from engagement.storage.account import code_of, storage_call

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

#: Most operations in one transaction of Azure Tables.
LARGEST = 100


async def transact(table: TableClient, operations: list[Any]) -> str:
    """Run one transaction and return the ETag of its first row, "" if that was deleted.

    Raises ConflictError if a row exists already or has changed meanwhile, NotFoundError if it or
    the table is gone.
    """
    from azure.core.exceptions import HttpResponseError

    async with storage_call():
        try:
            results = await table.submit_transaction(operations)
        except HttpResponseError as error:
            if error.status_code == 412 or code_of(error) == "EntityAlreadyExists":
                raise ConflictError("Somebody else changed this at the same time.") from error
            raise
    return str(results[0].get("etag", ""))


def replacing(row: dict[str, Any], etag: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the operation that replaces a row, if it is still as it was under *etag*."""
    return ("update", row, {**unchanged(etag), "mode": "replace"})


def deleting(row: dict[str, Any], etag: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the operation that deletes a row, if it is still as it was under *etag*."""
    return ("delete", row, unchanged(etag))


def unchanged(etag: str) -> dict[str, Any]:
    """Return the condition under which a row may be written."""
    from azure.core import MatchConditions

    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}
