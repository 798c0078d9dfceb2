"""Signatures that let a browser read one blob for some minutes (Azure calls them SAS).

In Azure they are signed with a user delegation key, which the app's identity may ask for and which
is kept for its lifetime; on Azurite with the emulator's account key.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from engagement import telemetry
from engagement.errors import NotFoundError, StorageError
from engagement.storage.account import Account, storage_call

if TYPE_CHECKING:
    from azure.storage.blob import UserDelegationKey

#: How long a signature holds.
LIFE = timedelta(minutes=5)
#: The service allows seven days; a shorter life makes revocation quicker.
KEY_LIFE = timedelta(hours=6)
#: The machines of a store may differ by as much.
CLOCK_SKEW = timedelta(minutes=15)
#: For which nobody asks again after no key was to be had.
PAUSE = timedelta(minutes=1)


class SharedAccess:
    """Signs read-only access to single blobs."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.lock = asyncio.Lock()
        self.key: UserDelegationKey | None = None
        self.key_until = self.ask_at = datetime.min.replace(tzinfo=UTC)

    async def sign(
        self, *, container: str, blob: str, now: datetime, disposition: str, content_type: str
    ) -> str:
        """Return the query string that grants reading *blob* for some minutes.

        *now* is what time it is at the store, which does not ask what time it is here. Raises
        StorageError while there is no key to sign with.
        """
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
            expiry=now + LIFE,
            # Azurite serves plain HTTP on one machine.
            protocol=None if local else "https",
            content_disposition=disposition,
            content_type=content_type,
        )
        return signature

    async def _delegation_key(self, now: datetime) -> UserDelegationKey:
        async with self.lock:
            if now >= self.ask_at:
                self.ask_at = now + PAUSE
                await self._renew(now)
        if self.key is None or now + LIFE > self.key_until:
            raise StorageError("There is no key to sign with.")
        return self.key

    async def _renew(self, now: datetime) -> None:
        """Ask for another key; the one there is serves until its end if none is to be had."""
        from azure.core.exceptions import HttpResponseError

        try:
            async with storage_call(2):
                key = await self.account.blobs.get_user_delegation_key(
                    now - CLOCK_SKEW, now + KEY_LIFE, retry_total=0
                )
        except (StorageError, NotFoundError, HttpResponseError) as error:
            cause = type(error.__cause__ or error).__name__
            telemetry.warning("delegation_key_refused", error=cause)
            return
        self.key, self.key_until = key, datetime.fromisoformat(str(key.signed_expiry))
        # At half its life, so that no signature outlives the key that made it.
        self.ask_at = max(self.ask_at, self.key_until - KEY_LIFE / 2)
