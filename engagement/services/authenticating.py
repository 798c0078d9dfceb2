"""Telling whether the holder of an access token is let in."""

from __future__ import annotations

from engagement.domain.access.key_set import Jwk
from engagement.domain.access.principal import Principal
from engagement.domain.access.registration import Registration
from engagement.domain.access.sign_in import SignIn
from engagement.domain.organizations.organization import Organization
from engagement.remote.signing_keys import SigningKeys
from engagement.storage.memory import Memory
from engagement.storage.settings import SettingsRows

#: Seconds for which it is remembered whom an organization lets in.
LIFE = 60.0


class Authenticating:
    """Knows the keys that tokens are signed with, and whom organizations have named."""

    def __init__(
        self, registration: Registration, signing_keys: SigningKeys, settings: SettingsRows
    ) -> None:
        self.registration = registration
        self.signing_keys = signing_keys
        self.settings = settings
        self.named: Memory[SignIn] = Memory(LIFE, 10_000)
        # Other instances learn of a change when they have forgotten what they know.
        settings.on_write.append(self.named.forget)

    async def signing_key(self, key_id: str) -> Jwk | None:
        """Return the tenant's key with this id, None if there is none; raises RemoteError."""
        return await self.signing_keys.find(key_id)

    async def lets_work(self, organization: Organization, principal: Principal) -> bool:
        """Whether the caller may do what a key of the organization opens; raises StorageError."""
        return (await self._sign_in(organization)).lets_work(principal)

    async def lets_sell(self, organization: Organization, principal: Principal) -> bool:
        """Whether the caller may see to own mail in the organization; raises StorageError."""
        return (await self._sign_in(organization)).lets_sell(principal)

    async def close(self) -> None:
        """Finish with what is under way."""
        await self.signing_keys.close()

    async def _sign_in(self, organization: Organization) -> SignIn:
        async def read() -> SignIn:
            settings, _ = await self.settings.read(organization.key)
            return settings.sign_in

        return await self.named.get(organization.key, read)
