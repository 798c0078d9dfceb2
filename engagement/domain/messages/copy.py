"""One rendering of a message for one or more recipients, with its links followed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from engagement.domain.messages.attachment import Attachment
from engagement.domain.messages.content import Content
from engagement.domain.messages.message import MOST_LINKS, FollowedLink
from engagement.domain.tracking import html_body, text_body
from engagement.domain.tracking.link import Link, splice
from engagement.domain.tracking.tracked_url import TrackedUrls
from engagement.domain.tracking.tracking_token import Kind, TrackingToken
from engagement.errors import UnprocessableError


@dataclass(frozen=True, slots=True)
class Plan:
    """Which links of a content are replaced: those of the HTML first, then those of the text."""

    html: tuple[Link, ...]
    text: tuple[Link, ...]
    links: tuple[FollowedLink, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """What is sent to *recipients* (numbers); *recipient* is 0 when they share it."""

    recipient: int
    recipients: tuple[int, ...]
    content: Content
    message_id_header: str


def plan_links(content: Content, destination: Callable[[str, str], str | None]) -> Plan:
    """Find and number the links to follow in *content*; the same URL twice is two links.

    *destination* gets a URL and its field, and returns where it leads or None to leave it alone;
    it raises UnprocessableError for a link that must not be followed.
    """
    html = _kept(html_body.find_links(content.html_body or ""), "html_body", destination)
    text = _kept(text_body.find_links(content.text_body or ""), "text_body", destination)
    if len(html) + len(text) > MOST_LINKS:
        field = "html_body" if html else "text_body"
        raise UnprocessableError(f"A message may have at most {MOST_LINKS} followed links.", field)
    urls = [url for _, url in (*html, *text)]
    return Plan(
        html=tuple(link for link, _ in html),
        text=tuple(link for link, _ in text),
        links=tuple(FollowedLink(number, url) for number, url in enumerate(urls, 1)),
    )


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders the copies of one followed message."""

    urls: TrackedUrls
    organization: str
    message_id: str
    #: datetime, aware UTC; the same for every rendering, as copies may be asked for again
    handed_over_at: datetime
    content: Content
    plan: Plan
    #: the followed ones
    attachments: Sequence[Attachment]

    def render(self, recipient: int) -> Content:
        """Return the content with the tracked URLs of one recipient (0 for a shared copy)."""
        link_urls = [self._url(Kind.CLICK, recipient, link.number, "") for link in self.plan.links]
        files = [
            (item.name, self._url(Kind.ATTACHMENT, recipient, item.number, item.name))
            for item in self.attachments
        ]
        in_html = len(self.plan.html)
        return Content(
            html_body=self._html(recipient, link_urls[:in_html], files),
            text_body=self._text(link_urls[in_html:], files),
        )

    def _html(
        self, recipient: int, link_urls: list[str], files: list[tuple[str, str]]
    ) -> str | None:
        if self.content.html_body is None:
            return None
        html = splice(self.content.html_body, self.plan.html, link_urls)
        html = html_body.insert_attachments(html, files)
        pixel = self._url(Kind.OPEN, recipient, 0, "")
        return html_body.insert_pixel(self.urls.with_pixel(html, pixel), pixel)

    def _text(self, link_urls: list[str], files: list[tuple[str, str]]) -> str | None:
        if self.content.text_body is None:
            return None
        text = splice(self.content.text_body, self.plan.text, link_urls)
        return text_body.append_attachments(text, files)

    def _url(self, kind: Kind, recipient: int, number: int, name: str) -> str:
        token = TrackingToken(
            kind, self.organization, self.message_id, self.handed_over_at, recipient, number
        )
        return self.urls.url(token, name)


def _kept(
    links: Sequence[Link], field: str, destination: Callable[[str, str], str | None]
) -> list[tuple[Link, str]]:
    found = ((link, destination(link.url, field)) for link in links)
    return [(link, url) for link, url in found if url is not None]
