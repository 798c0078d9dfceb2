"""The keys by which the tenant's access tokens are checked, fetched from Microsoft Entra.

Entra changes them every few weeks, and at once when it has to; a token then names a key that is not
known yet (https://learn.microsoft.com/entra/identity-platform/signing-key-rollover). Anybody can
name such a key, so one fetch serves all who ask, and the next has to wait.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable

import aiohttp

from engagement import telemetry
from engagement.domain.access.key_set import Jwk, read_key_set
from engagement.domain.access.registration import Registration
from engagement.errors import RemoteError

#: float, seconds for which keys are current
LIFE = 24 * 3_600.0
#: float, seconds from one fetch to the next, whatever is asked for meanwhile
COOL_DOWN = 30.0
#: int, bytes of the document; Entra's has some 20,000
LARGEST = 256 * 1024


class SigningKeys:
    """The keys of one tenant; *timeout* is the seconds that a fetch may take.

    *clock* gives seconds that never go back. Keys that cannot be fetched again go on serving.
    """

    def __init__(
        self,
        registration: Registration,
        *,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registration = registration
        self.timeout = timeout
        self.clock = clock
        self.keys: dict[str, Jwk] = {}
        self._current_until = self._quiet_until = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> Jwk | None:
        """Return the key with this id, None if the tenant has no such key.

        Raises RemoteError if none of its keys could ever be fetched.
        """
        if key_id not in self.keys or self.clock() >= self._current_until:
            await self._refresh()
        if not self.keys:
            raise RemoteError(
                "The signing keys of Microsoft Entra cannot be read.", retry_after=COOL_DOWN
            )
        return self.keys.get(key_id)

    async def close(self) -> None:
        """Give up a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _refresh(self) -> None:
        """Fetch the keys, wait for whoever does so already, or do nothing so soon after."""
        if self._fetching is None or self._fetching.done():
            if self.clock() < self._quiet_until:
                return
            self._quiet_until = self.clock() + COOL_DOWN
            self._fetching = asyncio.create_task(self._replace())
        # Who goes away takes nothing from the others that wait.
        await asyncio.shield(self._fetching)

    async def _replace(self) -> None:
        try:
            async with asyncio.timeout(self.timeout):
                body = await self._fetch()
            self.keys = read_key_set(body, self.registration.tenant_id)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Also TimeoutError, and a certificate that is not trusted.
            telemetry.warning("signing_keys_not_read", error=type(error).__name__)
        else:
            self._current_until = self.clock() + LIFE

    async def _fetch(self) -> bytes:
        """Return the document; raises ValueError, aiohttp.ClientError, OSError."""
        # In a thread, as it reads the certificates that the machine trusts.
        tls = await asyncio.to_thread(ssl.create_default_context)
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls),
                # What is compressed may be a bomb.
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
                trust_env=False,
            ) as session,
            session.get(self.registration.keys_url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ValueError("the answer is not 200")
            try:
                await answer.content.readexactly(LARGEST + 1)
            except asyncio.IncompleteReadError as error:
                return error.partial
            # At once: TLS would wait for the other side to end as well.
            await session.close()
            raise ValueError("the document is too large")
