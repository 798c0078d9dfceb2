"""Endpoints of webhooks: which there are, what they are told, and their secrets."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from engagement.domain.organizations.organization import Organization
from engagement.domain.webhooks.webhook import MOST_ENDPOINTS, Endpoint, Secret, rotated
from engagement.domain.webhooks.webhook_patch import patched_endpoint
from engagement.domain.webhooks.webhook_signature import WebhookSigner, shown_secret
from engagement.errors import ConflictError, UnprocessableError
from engagement.storage.dead_webhooks import DeadLetters
from engagement.storage.webhooks import Endpoints


@dataclass(frozen=True, slots=True)
class Subscribed:
    """An endpoint with the text of its newest secret, while that may be shown."""

    endpoint: Endpoint
    secret: str | None = field(repr=False)


class Subscribing:
    """What an organization does with its endpoints."""

    def __init__(
        self,
        endpoints: Endpoints,
        dead_letters: DeadLetters,
        signer: WebhookSigner,
        *,
        allow_private: bool,
    ) -> None:
        self.endpoints = endpoints
        self.dead_letters = dead_letters
        self.signer = signer
        self.allow_private = allow_private

    async def create(
        self, organization: Organization, value: object, request: tuple[str, bytes], now: datetime
    ) -> Subscribed:
        """Store an endpoint and return it with its secret.

        *request* is its Idempotency-Key ("" for none) and body; the same request again returns
        the first endpoint, with its secret until that is rotated. Raises InvalidRequestError,
        UnprocessableError, and ConflictError for a key that came with another body.
        """
        key, body = request
        blank = Endpoint(
            id=_endpoint_id(organization, key),
            url="",
            event_types=None,
            secrets=(self._new_secret(now),),
            created_at=now,
            fingerprint=hashlib.sha256(body).hexdigest() if key else None,
        )
        endpoint = patched_endpoint(blank, value, allow_private=self.allow_private)
        present = await self.endpoints.all(organization.key)
        if endpoint.id not in {one.id for one in present}:
            if len(present) >= MOST_ENDPOINTS:
                raise UnprocessableError(
                    f"An organization may have at most {MOST_ENDPOINTS} webhooks."
                )
            with suppress(ConflictError):
                await self.endpoints.create(organization.key, endpoint)
                return self._shown(organization, endpoint)
        first = await self.endpoints.read(organization.key, endpoint.id)
        if first.fingerprint != endpoint.fingerprint:
            raise ConflictError("This Idempotency-Key came with another body.")
        rotated_since = len(first.secrets) > 1
        return Subscribed(first, None) if rotated_since else self._shown(organization, first)

    async def list(self, organization: Organization) -> list[Endpoint]:
        """Return all endpoints, oldest first."""
        return await self.endpoints.all(organization.key)

    async def read(self, organization: Organization, endpoint_id: str) -> Endpoint:
        """Return an endpoint; raises NotFoundError."""
        return await self.endpoints.read(organization.key, endpoint_id)

    async def change(
        self, organization: Organization, endpoint_id: str, changes: object
    ) -> Endpoint:
        """Change fields of an endpoint; raises InvalidRequestError, and ConflictError in a race."""
        endpoint = await self.endpoints.read(organization.key, endpoint_id)
        changed = patched_endpoint(endpoint, changes, allow_private=self.allow_private)
        if changed != endpoint:
            await self.endpoints.replace(organization.key, changed)
        return changed

    async def rotate(
        self, organization: Organization, endpoint_id: str, now: datetime
    ) -> Subscribed:
        """Give an endpoint another secret, and return it; those before sign for a day more."""
        endpoint = await self.endpoints.read(organization.key, endpoint_id)
        changed = rotated(endpoint, self._new_secret(now), now)
        await self.endpoints.replace(organization.key, changed)
        return self._shown(organization, changed)

    async def delete(self, organization: Organization, endpoint_id: str) -> None:
        """Delete an endpoint with what could not be delivered to it; raises NotFoundError."""
        endpoint = await self.endpoints.read(organization.key, endpoint_id)
        # First the endpoint: what is still on its way to it is dropped then.
        await self.endpoints.delete(organization.key, endpoint)
        await self.dead_letters.remove_all(organization.key, endpoint_id)

    def _new_secret(self, now: datetime) -> Secret:
        return Secret(self.signer.newest(now), secrets.token_hex(16))

    def _shown(self, organization: Organization, endpoint: Endpoint) -> Subscribed:
        secret = self.signer.secret(organization.key, endpoint.id, endpoint.secrets[0])
        return Subscribed(endpoint, shown_secret(secret) if secret else None)


def _endpoint_id(organization: Organization, idempotency_key: str) -> str:
    if not idempotency_key:
        return secrets.token_hex(12)
    seed = f"webhook\0{organization.key}\0{idempotency_key}"
    return hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:24]
