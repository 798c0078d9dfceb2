"""Templates: registered, filled into messages, and ranked by what became of those."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import datetime

from engagement.domain.messages.content import Content
from engagement.domain.messages.draft import FIELDS, LONGEST_ID
from engagement.domain.organizations.organization import Organization
from engagement.domain.payload import Fields
from engagement.domain.reports.cohort import TemplateTotals
from engagement.domain.templates.placeholder import Values
from engagement.domain.templates.recommendation import Recommendation, recommend
from engagement.domain.templates.template import Template, filled, needs_content, read_template
from engagement.errors import NotFoundError, StoreMissingError, UnprocessableError
from engagement.storage import keys
from engagement.storage.blobs import Blobs
from engagement.storage.template_totals import TemplateTotalsRows
from engagement.storage.templates import Templates

NOTHING = Content(None, None)


class Templating:
    """What the CRM does with templates."""

    def __init__(self, templates: Templates, totals: TemplateTotalsRows, blobs: Blobs) -> None:
        self.templates = templates
        self.totals = totals
        self.blobs = blobs

    async def put(
        self, organization: Organization, template_id: str, value: object, now: datetime
    ) -> bool:
        """Store a template, or replace it whole; return whether it is new.

        Raises InvalidRequestError for what is wrong, ConflictError if others change it too.
        """
        template, content = read_template(template_id, value, now)
        try:
            old = await self.templates.read(organization.key, template_id)
        except NotFoundError:
            old = None
        if content != NOTHING:
            blob = keys.template_blob(template_id, secrets.token_hex(8))
            await self.blobs.write_content(organization.key, blob, content)
            template = replace(template, content_blob=blob)
        if old is None:
            await self.templates.create(organization.key, template)
            return True
        new = replace(template, created_at=old.created_at)
        await self.templates.replace(organization.key, old, new)
        await self._delete_content(organization, old)
        return False

    async def delete(self, organization: Organization, template_id: str) -> None:
        """Delete a template; messages and what was counted of them stay. Raises NotFoundError."""
        template = await self.templates.read(organization.key, template_id)
        await self.templates.delete(organization.key, template)
        await self._delete_content(organization, template)

    async def details(
        self, organization: Organization, template_id: str, segment: tuple[str, str] | None
    ) -> tuple[Template, Content, Recommendation]:
        """Return a template with its bodies and what is said of it; raises NotFoundError."""
        template, content = await self._read(organization, template_id)
        own, usual = await asyncio.gather(
            self.totals.read(organization.key, template_id),
            self.totals.read(organization.key, None),
        )
        return template, content, recommend(own, usual, segment)

    async def page(
        self, organization: Organization, segment: tuple[str, str] | None, *, after: str, size: int
    ) -> tuple[list[tuple[Template, Recommendation]], str | None]:
        """Return a page of the templates, recommended ones first.

        *after* is "" or what the page before ended with; the last value is None on the last page.
        """
        templates, totals = await asyncio.gather(
            self.templates.read_all(organization.key), self.totals.read_all(organization.key)
        )
        nothing = TemplateTotals()
        usual = totals.get(None, nothing)
        ranked = []
        for template in templates:
            said = recommend(totals.get(template.id, nothing), usual, segment)
            ranked.append((said.rank(template.id), template, said))
        ranked.sort(key=lambda item: item[0])
        rest = [item for item in ranked if item[0] > after]
        page = [(template, said) for _, template, said in rest[:size]]
        return page, rest[size - 1][0] if len(rest) > size else None

    async def filled(self, organization: Organization, draft: object) -> object:
        """Return *draft*, a request, with what it leaves out filled from the template it names.

        Raises UnprocessableError if there is no such template or a value is missing.
        """
        fields = Fields(draft, {*FIELDS, "values"})
        given = {name: value for name, value in fields.value.items() if name != "values"}
        template_id = fields.optional_line("template_id", LONGEST_ID)
        if template_id is None:
            if "values" in fields:
                raise UnprocessableError("Values need the template that they fill.", "values")
            return given
        values = Values(fields.value.get("values"))
        template, content = await self._named(
            organization, template_id, with_content=needs_content(given)
        )
        return filled(given, template, content, values)

    async def checked(self, organization: Organization, changes: object) -> object:
        """Return *changes* of a draft; raises UnprocessableError if they name no template."""
        fields = Fields(changes, FIELDS)
        template_id = fields.optional_line("template_id", LONGEST_ID)
        if template_id is not None:
            await self._named(organization, template_id, with_content=False)
        return changes

    async def _named(
        self, organization: Organization, template_id: str, *, with_content: bool
    ) -> tuple[Template, Content]:
        try:
            if with_content:
                return await self._read(organization, template_id)
            return await self.templates.read(organization.key, template_id), NOTHING
        except StoreMissingError:
            raise
        except NotFoundError:
            raise UnprocessableError("There is no such template.", "template_id") from None

    async def _read(self, organization: Organization, template_id: str) -> tuple[Template, Content]:
        template = await self.templates.read(organization.key, template_id)
        try:
            return template, await self._content(organization, template)
        except NotFoundError:
            # A change came in between, and took the content that it replaced away.
            template = await self.templates.read(organization.key, template_id)
            return template, await self._content(organization, template)

    async def _content(self, organization: Organization, template: Template) -> Content:
        if template.content_blob is None:
            return NOTHING
        return await self.blobs.read_content(organization.key, template.content_blob)

    async def _delete_content(self, organization: Organization, template: Template) -> None:
        if template.content_blob is not None:
            await self.blobs.delete(organization.key, template.content_blob)
