"""The URLs that recipients' mail programs and browsers ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from engagement.domain.file_name import url_name
from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken, trim
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

    def url(self, token: TrackingToken, name: str = "") -> str:
        """URL of what *token* stands for; a file's *name* at its end is for people's eyes only."""
        url = f"{self.base}{PATHS[token.kind]}{self.signer.sign(token)}"
        if token.kind is Kind.OPEN:
            return f"{url}.gif"
        shown = url_name(name, LONGEST - len(url) - 1) if name else ""
        return f"{url}/{shown}" if shown else url

    def with_pixel(self, html: str, pixel: str) -> str:
        """Return *html* with *pixel* in the place of pixels that a quoted message brought along.

        Otherwise opening the answer would count as opening the message that it quotes.
        """
        return re.sub(re.escape(self.base) + r"/o/[\w-]{60}\.gif", pixel, html, flags=re.ASCII)

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
