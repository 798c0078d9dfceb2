"""Handing over: the copies of a message, given to whatever sends them in our place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from engagement.domain.messages.copy import Copy
from engagement.domain.messages.message import Copies, Message, Role
from engagement.domain.tracking.text_body import text_of
from engagement.errors import (
    EngagementError,
    InvalidRequestError,
    RemoteError,
    UnprocessableError,
)
from engagement.remote.graph import Graph
from engagement.remote.mime import MimeAttachment, build_mime
from engagement.remote.smtp import Smtp

SMTP, GRAPH = "smtp", "graph"

#: Seconds in which the copies of a message are handed over; the front end of Azure waits for 230.
DELIVERY_SECONDS = 120.0
NO_TIME = "There was no time left to hand this copy over."
ABSENT = {
    SMTP: "No mail server is configured here.",
    GRAPH: "Microsoft Graph is not configured here.",
}


class Transport(Protocol):
    """One way by which copies leave."""

    def check(self, message: Message) -> None:
        """Raise UnprocessableError for a message that cannot go this way."""

    async def deliver(
        self, message: Message, copy: Copy, files: Sequence[MimeAttachment], date: datetime
    ) -> dict[str, str]:
        """Hand one copy over; return which of its recipients were refused, and in what words.

        Raises RemoteError if it was not taken, or may not have been.
        """


class SmtpTransport:
    """Through a mail server, which is told of each copy who is to get it."""

    def __init__(self, smtp: Smtp) -> None:
        self.smtp = smtp

    def check(self, message: Message) -> None:
        """Everything can go this way."""

    async def deliver(
        self, message: Message, copy: Copy, files: Sequence[MimeAttachment], date: datetime
    ) -> dict[str, str]:
        """Hand one copy to the mail server."""
        mime = await asyncio.to_thread(_mime, message, copy, files, date)
        recipients = emails_of(message, copy)
        return await self.smtp.send(mime, sender=message.sender.email, recipients=recipients)


class GraphTransport:
    """Through Microsoft Graph, out of the seller's own mailbox."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def check(self, message: Message) -> None:
        """Graph sends to everybody whom a copy names: it cannot be sent to one of them only."""
        if message.copies is Copies.PER_RECIPIENT and len(message.recipients) > 1:
            raise UnprocessableError(
                "Microsoft Graph sends a copy to all recipients that it names; "
                'with several recipients only "single" is possible.',
                "copies",
            )

    async def deliver(
        self, message: Message, copy: Copy, files: Sequence[MimeAttachment], date: datetime
    ) -> dict[str, str]:
        """Hand one copy to Graph; it tells later, by mail, whom it could not reach."""
        mime = await asyncio.to_thread(_mime, message, copy, files, date, names_bcc=True)
        await self.graph.send(mime, mailbox=message.sender.email)
        return {}


class HandingOver:
    """Hands the copies of messages over, by the transports that this deployment has."""

    def __init__(self, transports: Mapping[str, Transport]) -> None:
        self.transports = transports

    def check(self, message: Message, delivery: str) -> None:
        """Raise UnprocessableError if the message cannot be delivered so here."""
        if delivery not in self.transports:
            raise UnprocessableError(ABSENT[delivery], "delivery")
        self.transports[delivery].check(message)

    async def deliver(
        self,
        message: Message,
        copies: Sequence[Copy],
        files: Sequence[MimeAttachment],
        date: datetime,
    ) -> dict[str, str]:
        """Hand every copy over; return which recipients were refused, and in what words.

        *date* is the one in the messages, aware UTC. Raises RemoteError if no copy was taken, with
        ``retry_after`` if that may be different later for all of them, and InvalidRequestError if
        the message is at fault.
        """
        transport = self.transports[str(message.delivery)]
        refused: dict[str, str] = {}
        errors: list[EngagementError] = []
        taken = False
        end = time.monotonic() + DELIVERY_SECONDS
        for copy in copies:
            if time.monotonic() > end:
                refused |= dict.fromkeys(emails_of(message, copy), NO_TIME)
                continue
            try:
                refused |= await transport.deliver(message, copy, files, date)
                taken = True
            except EngagementError as error:
                # Whatever is wrong with one copy, those that are out already are out.
                errors.append(error)
                refused |= dict.fromkeys(emails_of(message, copy), error.detail)
        if not taken:
            raise _failure(errors)
        return refused


def _failure(errors: Sequence[EngagementError]) -> EngagementError:
    """Return what to tell of a message of which no copy was taken."""
    if all(isinstance(error, InvalidRequestError) for error in errors):
        return errors[0]
    waits = [error.retry_after if isinstance(error, RemoteError) else None for error in errors]
    known = [wait for wait in waits if wait is not None]
    return RemoteError(
        errors[0].detail,
        ambiguous=any(in_doubt(error) for error in errors),
        retry_after=max(known) if len(known) == len(errors) else None,
    )


def in_doubt(error: EngagementError) -> bool:
    """Whether a copy may have gone out in spite of the error."""
    return isinstance(error, RemoteError) and error.ambiguous


def headers_of(message: Message, copy: Copy) -> dict[str, str]:
    """Headers by which replies to a copy are recognised later."""
    return {"Message-ID": copy.message_id_header, "X-Engagement-Message": message.id}


def emails_of(message: Message, copy: Copy) -> list[str]:
    """Addresses of those who get a copy."""
    return [item.email for item in message.recipients if item.number in copy.recipients]


def _mime(
    message: Message,
    copy: Copy,
    files: Sequence[MimeAttachment],
    date: datetime,
    *,
    names_bcc: bool = False,
) -> bytes:
    # Called in a thread, as bodies and files of some megabytes take their time.
    html = copy.content.html_body
    text = copy.content.text_body
    return build_mime(
        sender=(message.sender.name, message.sender.email),
        to=_addresses(message, Role.TO),
        cc=_addresses(message, Role.CC),
        bcc=_addresses(message, Role.BCC) if names_bcc else (),
        subject=message.subject,
        html_body=html,
        # A plain-text alternative is made where the CRM gave none.
        text_body=text_of(html) if text is None and html is not None else text,
        headers=headers_of(message, copy),
        attachments=files,
        date=date,
    )


def _addresses(message: Message, role: Role) -> list[tuple[str | None, str]]:
    return [(item.name, item.email) for item in message.recipients if item.role is role]
