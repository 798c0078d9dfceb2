"""Replies, as the CRM reports them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from engagement.domain.mailbox_address import address_key
from engagement.domain.messages.message import Message, Status
from engagement.domain.messages.reply import Reply
from engagement.domain.organizations.organization import Organization
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.errors import ConflictError, StorageError
from engagement.services.alerting import Alerting
from engagement.services.recording import Recording
from engagement.storage.interactions import Interactions
from engagement.storage.messages import Messages


class Replying:
    """Keeps replies, each once."""

    def __init__(
        self,
        messages: Messages,
        interactions: Interactions,
        recording: Recording,
        alerting: Alerting,
    ) -> None:
        self.messages = messages
        self.interactions = interactions
        self.recording = recording
        self.alerting = alerting

    async def add(
        self,
        organization: Organization,
        message_id: str,
        reply: Reply,
        request: tuple[str, bytes],
        now: datetime,
    ) -> tuple[Message, Interaction]:
        """Keep a reply; *request* is its Idempotency-Key ("" for none) and body.

        The same request or the reply's own Message-ID again returns the first one. Raises
        NotFoundError, and ConflictError for a message that was not sent or a key that came with
        another body.
        """
        message = await self.messages.read(organization.key, message_id)
        # A reply to a message in doubt shows that it went out.
        if message.status is not Status.SENT and not message.ambiguous:
            raise ConflictError(f"The message is {message.status}; only a sent one has replies.")
        interaction = _interaction(message, reply)
        # Asked for first: a judgement too many costs little, a reply without one is not counted up.
        await self.recording.ask(organization.key, message_id)
        kept = await self.interactions.add_once(
            organization.key, interaction, _requests(reply, request)
        )
        await self._tell(organization.key, message, kept, now)
        return message, kept

    async def _tell(
        self, organization: str, message: Message, reply: Interaction, now: datetime
    ) -> None:
        try:
            await self.alerting.tell_of_reply(organization, message, reply, now)
        except StorageError:
            # The reply is kept, and whoever reported it is done; the judgement makes up for this.
            await self.recording.ask(organization, message.id, reply.id)


def _interaction(message: Message, reply: Reply) -> Interaction:
    key = address_key(reply.replied_by)
    number = next((x.number for x in message.recipients if address_key(x.email) == key), 0)
    return Interaction(
        id=interaction_id(reply.at, secrets.token_hex(4)),
        message_id=message.id,
        evidence=Evidence(type=InteractionType.REPLY, at=reply.at, recipient=number),
        judgement=Judgement(
            verdict=Verdict.AUTOMATED if reply.automatic else Verdict.PERSON,
            via=Via.DIRECT,
            reasons=("automatic_reply",) if reply.automatic else (),
        ),
        replied_by=reply.replied_by,
        utc_offset_minutes=reply.utc_offset_minutes,
    )


def _requests(reply: Reply, request: tuple[str, bytes]) -> dict[str, str]:
    """Return what a repetition is known by, and what it must agree in ("" for nothing)."""
    key, body = request
    known: dict[str, str] = {}
    if key:
        known[_digest(f"key\0{key}".encode())] = _digest(body)
    if reply.internet_message_id:
        known[_digest(reply.internet_message_id.encode())] = ""
    return known


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
