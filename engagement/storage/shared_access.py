"""Signatures that let a browser read one blob for some minutes (Azure calls them SAS).

In Azure they are signed with a user delegation key, which the app's identity may ask for and which
is kept for its lifetime; on Azurite with the emulator's account key.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from engagement.storage.account import Account

if TYPE_CHECKING:
    from azure.storage.blob import UserDelegationKey

#: The service allows seven days; a shorter life makes revocation quicker.
KEY_LIFE = timedelta(hours=6)
#: Clocks may differ by up to 15 minutes.
CLOCK_SKEW = timedelta(minutes=15)


class SharedAccess:
    """Signs read-only access to single blobs."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.key: UserDelegationKey | None = None
        self.key_until: datetime | None = None

    async def sign(
        self,
        *,
        container: str,
        blob: str,
        now: datetime,
        expiry: datetime,
        disposition: str,
        content_type: str,
    ) -> str:
        """Return the query string that grants reading *blob* until *expiry*."""
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        blobs = self.account.blobs
        local = self.account.data.connection_string is not None
        signature: str = generate_blob_sas(
            account_name=str(blobs.account_name),
            container_name=container,
            blob_name=blob,
            account_key=blobs.credential.account_key if local else None,
            user_delegation_key=None if local else await self._delegation_key(now),
            permission=BlobSasPermissions(read=True),
            expiry=expiry,
            # Azurite serves plain HTTP on one machine.
            protocol=None if local else "https",
            content_disposition=disposition,
            content_type=content_type,
        )
        return signature

    async def _delegation_key(self, now: datetime) -> UserDelegationKey:
        # Renewed at half its life, so that no signature outlives the key that made it.
        if self.key is None or self.key_until is None or now > self.key_until - KEY_LIFE / 2:
            until = now + KEY_LIFE
            self.key = await self.account.blobs.get_user_delegation_key(now - CLOCK_SKEW, until)
            self.key_until = until
        return self.key
