"""Organizations: create, change, and delete with everything in them; their API keys."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from engagement.domain.organizations.organization import (
    MOST_API_KEYS,
    ApiKey,
    Organization,
    Settings,
    State,
    check_organization_id,
    secret_digest,
)
from engagement.domain.organizations.settings_patch import patched, settings_json
from engagement.domain.precondition import Precondition
from engagement.domain.verdicts.rule_set import RuleSet
from engagement.errors import ConflictError, NotFoundError, UnprocessableError
from engagement.storage.organizations import Organizations
from engagement.storage.settings import SettingsRows


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new API key, with the text that is shown only once."""

    id: str
    text: str = field(repr=False)


class Administering:
    """What administrators do with organizations."""

    def __init__(
        self, organizations: Organizations, settings: SettingsRows, shipped: RuleSet
    ) -> None:
        self.organizations = organizations
        self.settings = settings
        #: RuleSet, the rules that organizations change for themselves
        self.shipped = shipped

    async def find(self, organization_id: str) -> Organization:
        """Return an organization that can be used; raises NotFoundError."""
        organization = await self.organizations.read(check_organization_id(organization_id))
        if organization.state is not State.ACTIVE:
            raise NotFoundError("There is no such organization.")
        return organization

    async def create(
        self, organization_id: str, name: str, now: datetime
    ) -> tuple[Organization, IssuedKey | None]:
        """Create an organization, or finish one that a crash left half made.

        Returns it with its first API key, or, if it was there already, with None and under its
        new name. Raises ConflictError while it is being deleted.
        """
        organization = await self._begun(check_organization_id(organization_id), name, now)
        if organization.state is State.DELETING:
            raise ConflictError("The organization is being deleted.")
        if organization.state is State.ACTIVE:
            return await self._renamed(organization, name), None
        # A call that crashed may have given it another name.
        organization = replace(organization, name=name)
        await self.organizations.create_stores(organization)
        key, issued = _new_key(now)
        try:
            await self.organizations.activate(organization, key)
        except ConflictError:
            return await self._renamed(await self.find(organization_id), name), None
        return organization, issued

    async def delete(self, organization_id: str) -> None:
        """Delete an organization with everything in it; may be repeated after a crash."""
        organization = await self.organizations.read(check_organization_id(organization_id))
        if organization.state is not State.DELETING:
            organization = await self.organizations.close(organization)
        await self.finish_deleting(organization)

    async def finish_deleting(self, organization: Organization) -> None:
        """Delete what is left of this closed organization, and nothing of one that succeeds it."""
        await self.organizations.delete_stores(organization)
        await self.organizations.forget(organization)

    async def read_settings(self, organization: Organization) -> Settings:
        """Return the settings of an organization."""
        settings, _ = await self.settings.read(organization.key)
        return settings

    async def change_settings(
        self, organization: Organization, changes: object, precondition: Precondition
    ) -> Settings:
        """Change some settings, if they are as the *precondition* asks.

        Raises InvalidRequestError, PreconditionFailedError, ConflictError if others do so too.
        """
        settings, etag = await self.settings.read(organization.key)
        changed = patched(settings, changes, self.shipped)
        with precondition.holding(settings_json(settings, self.shipped)):
            await self.settings.write(organization.key, changed, etag)
        return changed

    def list_keys(self, organization: Organization) -> list[ApiKey]:
        """Return the API keys of an organization, oldest first."""
        beginning = datetime.min.replace(tzinfo=UTC)
        return sorted(organization.api_keys, key=lambda key: (key.created_at or beginning, key.id))

    async def add_key(self, organization: Organization, now: datetime) -> IssuedKey:
        """Issue another API key."""
        if len(organization.api_keys) >= MOST_API_KEYS:
            raise UnprocessableError(f"An organization may have at most {MOST_API_KEYS} API keys.")
        key, issued = _new_key(now)
        await self.organizations.add_key(organization, key)
        return issued

    async def revoke_key(self, organization: Organization, key_id: str) -> None:
        """Revoke an API key at once; raises NotFoundError."""
        if key_id not in {key.id for key in organization.api_keys}:
            raise NotFoundError("There is no such API key.")
        await self.organizations.remove_key(organization, key_id)

    async def _renamed(self, organization: Organization, name: str) -> Organization:
        if organization.name == name:
            return organization
        return await self.organizations.rename(organization, name)

    async def _begun(self, organization_id: str, name: str, now: datetime) -> Organization:
        new = Organization(organization_id, name, secrets.token_hex(8), State.CREATING, now)
        with suppress(ConflictError):
            await self.organizations.begin(new)
        return await self.organizations.read(organization_id)


def _new_key(now: datetime) -> tuple[ApiKey, IssuedKey]:
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = ApiKey(key_id, secret_digest(secret), now)
    return key, IssuedKey(key_id, f"eng_{key_id}_{secret}")
