"""Templates: one row each, in one partition; their bodies are blobs."""

from __future__ import annotations

from typing import Any

from engagement.domain.templates.template import MOST_TEMPLATES, Template, check_template_id
from engagement.errors import (
    ConflictError,
    NotFoundError,
    StoreMissingError,
    UnprocessableError,
)
from engagement.storage import keys
from engagement.storage.account import Account, storage_call
from engagement.storage.transactions import deleting, replacing, transact


class Templates:
    """Stores templates by the key of their organization."""

    def __init__(self, account: Account) -> None:
        self.account = account

    async def read(self, organization: str, template_id: str) -> Template:
        """Return a template; raises NotFoundError."""
        try:
            async with storage_call():
                row = await self._table(organization).get_entity(
                    keys.TEMPLATES, check_template_id(template_id)
                )
        except StoreMissingError:
            raise
        except NotFoundError:
            raise NotFoundError("There is no such template.") from None
        return _template(row)

    async def read_all(self, organization: str) -> list[Template]:
        """Return all templates, at most about MOST_TEMPLATES, by their ids."""
        async with storage_call():
            rows = self._table(organization).query_entities(
                "PartitionKey eq @partition", parameters={"partition": keys.TEMPLATES}
            )
            return [_template(row) async for row in rows]

    async def create(self, organization: str, template: Template) -> None:
        """Store a new template; raises ConflictError if it is there already.

        Raises UnprocessableError beyond MOST_TEMPLATES. Several calls at once may pass by a few.
        """
        async with storage_call():
            rows = self._table(organization).query_entities(
                "PartitionKey eq @partition",
                parameters={"partition": keys.TEMPLATES},
                select=["RowKey"],
            )
            count = len([row async for row in rows])
        if count >= MOST_TEMPLATES:
            raise UnprocessableError(
                f"An organization may have at most {MOST_TEMPLATES} templates.", "template_id"
            )
        await transact(self._table(organization), [("create", _row(template))])

    async def replace(self, organization: str, old: Template, new: Template) -> None:
        """Make *new* of *old*, or raise ConflictError if *old* is out of date."""
        try:
            await transact(self._table(organization), [replacing(_row(new), old.etag)])
        except StoreMissingError:
            raise
        except NotFoundError:
            raise ConflictError("Somebody else deleted this at the same time.") from None

    async def delete(self, organization: str, template: Template) -> None:
        """Delete a template; raises ConflictError if it has changed, NotFoundError if gone."""
        await transact(self._table(organization), [deleting(_row(template), template.etag)])

    def _table(self, organization: str) -> Any:
        return self.account.table(keys.table(organization))


def _row(template: Template) -> dict[str, Any]:
    return {
        "PartitionKey": keys.TEMPLATES,
        "RowKey": template.id,
        "name": template.name,
        "subject": template.subject,
        "language": template.language,
        "content_blob": template.content_blob,
        "created_at": template.created_at,
        "changed_at": template.changed_at,
    }


def _template(row: Any) -> Template:
    return Template(
        id=row["RowKey"],
        name=row["name"],
        subject=row.get("subject"),
        language=row.get("language"),
        content_blob=row.get("content_blob"),
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        etag=row.metadata["etag"],
    )
