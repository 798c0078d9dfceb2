"""Rendering the copies of a message, as its recipients will get them."""

from __future__ import annotations

from dataclasses import dataclass

from engagement.domain.messages.content import Content
from engagement.domain.messages.copy import Copy, Plan, Renderer, plan_links
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Copies, FollowedLink, Message
from engagement.domain.tracking import html_body, text_body
from engagement.domain.tracking.destination import check_destination
from engagement.domain.tracking.tracked_url import TrackedUrls
from engagement.errors import NotFoundError, UnprocessableError
from engagement.storage.blobs import Blobs
from engagement.storage.targets import Targets

#: Characters; all copies are in memory at once, and in one answer.
LARGEST_COPIES = 50_000_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """The copies of a message, and the links that its tracked URLs stand for."""

    copies: tuple[Copy, ...]
    links: tuple[FollowedLink, ...]


class Rendering:
    """Renders messages; the same message gives the same copies every time."""

    def __init__(self, targets: Targets, blobs: Blobs, urls: TrackedUrls) -> None:
        self.targets = targets
        self.blobs = blobs
        self.urls = urls

    async def render(self, organization: str, message: Message) -> Rendered:
        """Render every copy; raises UnprocessableError for a link that must not be followed."""
        content = await self.blobs.read_content(organization, message.content_blob)
        _check_size(message, content)
        if message.follow_state is not FollowState.FOLLOWED:
            plain = tuple(self._copy(message, who, content) for who in _shares(message))
            return Rendered(plain, ())
        plan = await self._plan(organization, content)
        renderer = Renderer(
            urls=self.urls,
            organization=organization,
            message_id=message.id,
            handed_over_at=message.sending_at or message.created_at,
            content=content,
            plan=plan,
            attachments=[item for item in message.attachments if item.followed],
        )
        copies = (self._copy(message, who, renderer.render(who)) for who in _shares(message))
        return Rendered(tuple(copies), plan.links)

    async def _plan(self, organization: str, content: Content) -> Plan:
        resolved = await self._resolve_own(organization, content)

        def destination(url: str, field: str) -> str | None:
            if self.urls.own(url):
                return resolved.get(url)
            return check_destination(url, field)

        return plan_links(content, destination)

    async def _resolve_own(self, organization: str, content: Content) -> dict[str, str]:
        """Where the tracked links lead that came in by quoting an earlier message.

        They are followed for the new message, at once and not through a second redirect.
        """
        found = (
            *html_body.find_links(content.html_body or ""),
            *text_body.find_links(content.text_body or ""),
        )
        resolved: dict[str, str] = {}
        for url in {link.url for link in found if self.urls.own(link.url)}:
            token = self.urls.read_link(url)
            if token is None or token.organization != organization:
                continue
            try:
                resolved[url] = await self.targets.read_destination(
                    organization, token.message_id, token.target
                )
            except NotFoundError:
                continue
        return resolved

    def _copy(self, message: Message, recipient: int, content: Content) -> Copy:
        numbers = tuple(item.number for item in message.recipients)
        return Copy(
            recipient=recipient,
            recipients=(recipient,) if recipient else numbers,
            content=content,
            message_id_header=f"<{message.id}.{recipient}@{self.urls.host}>",
        )


def _check_size(message: Message, content: Content) -> None:
    size = len(content.html_body or "") + len(content.text_body or "")
    if size * len(_shares(message)) > LARGEST_COPIES:
        raise UnprocessableError(
            f"All copies together may have at most {LARGEST_COPIES} characters.", "copies"
        )


def _shares(message: Message) -> tuple[int, ...]:
    """Return the recipient that each copy is for, 0 for a copy that all share."""
    if message.copies is Copies.SINGLE:
        return (0,)
    return tuple(recipient.number for recipient in message.recipients)
