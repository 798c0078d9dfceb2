"""The URLs that recipients' mail programs and browsers ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from engagement.domain.file_name import url_name
from engagement.domain.tracking_token import Kind, TokenSigner, TrackingToken, trim
from engagement.errors import InvalidTokenError

#: Longest URL made, in characters: mail programs and relays cut or wrap longer ones.
LONGEST = 119

PATHS = {Kind.OPEN: "/o/", Kind.CLICK: "/c/", Kind.ATTACHMENT: "/a/"}


@dataclass(frozen=True, slots=True)
class TrackedUrls:
    """Builds and recognises the tracked URLs of one deployment."""

    base: str
    signer: TokenSigner

    @property
    def host(self) -> str:
        """Host name of the URLs, for the Message-ID of what is sent."""
        return urlsplit(self.base).hostname or "localhost"

    def pixel(self, organization: str, message_id: str, recipient: int) -> str:
        """URL of the pixel in one copy of a message."""
        token = TrackingToken(Kind.OPEN, organization, message_id, recipient)
        return f"{self.base}/o/{self.signer.sign(token)}.gif"

    def link(self, organization: str, message_id: str, recipient: int, number: int) -> str:
        """URL that stands for link *number* in one copy of a message."""
        token = TrackingToken(Kind.CLICK, organization, message_id, recipient, number)
        return f"{self.base}/c/{self.signer.sign(token)}"

    def attachment(
        self, organization: str, message_id: str, recipient: int, number: int, name: str
    ) -> str:
        """URL of followed attachment *number*; the name at its end is for people's eyes only."""
        token = TrackingToken(Kind.ATTACHMENT, organization, message_id, recipient, number)
        url = f"{self.base}/a/{self.signer.sign(token)}"
        shown = url_name(name, LONGEST - len(url) - 1)
        return f"{url}/{shown}" if shown else url

    def with_pixel(self, html: str, pixel: str) -> str:
        """Return *html* with *pixel* in the place of pixels that a quoted message brought along.

        Otherwise opening the answer would count as opening the message that it quotes.
        """
        return re.sub(re.escape(self.base) + r"/o/[\w-]{56}\.gif", pixel, html, flags=re.ASCII)

    def own(self, url: str) -> bool:
        """Whether *url* is one of this deployment's tracked URLs."""
        return any(url.startswith(self.base + path) for path in PATHS.values())

    def read_link(self, url: str) -> TrackingToken | None:
        """Return what a tracked link of this deployment says, None if *url* is not a valid one."""
        prefix = self.base + PATHS[Kind.CLICK]
        if not url.startswith(prefix):
            return None
        try:
            return self.signer.verify(trim(url[len(prefix) :]), Kind.CLICK)
        except InvalidTokenError:
            return None
