"""A timeline while it is made: who comes, when, with which headers."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from benchmarks.labelled import networks
from benchmarks.labelled.agents import DESKTOP, FORMS, MOBILE, Agents

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

CHROME_IMAGE = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
CHROME_PAGE = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
#: what a hit is → what browsers other than Chrome accept
FIREFOX_IMAGE = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
SAFARI_IMAGE = (
    "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,"
    "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
)


@dataclass(frozen=True)
class Visitor:
    """One client at one address."""

    agent: str
    address: str
    language: str | None
    #: bool, True if nothing but the user agent is known of its requests
    bare: bool = False

    def headers(self, kind: str) -> dict[str, str]:
        """Return what this client sends for a hit of *kind*, as browsers do."""
        found = {"User-Agent": self.agent}
        if self.bare:
            return found
        found["Accept"] = _accept(self.agent, "image" if kind == "open" else "page")
        if self.language:
            found["Accept-Language"] = self.language
        return found


def _accept(agent: str, want: str) -> str:
    if "Trident" in agent or "MSIE" in agent or "ffice" in agent:
        return "*/*" if want == "image" else "text/html, application/xhtml+xml, */*"
    if "Chrome/" in agent:
        return CHROME_IMAGE if want == "image" else CHROME_PAGE
    if "Gecko/" in agent:
        return FIREFOX_IMAGE if want == "image" else PAGE
    if "AppleWebKit" in agent:
        return SAFARI_IMAGE if want == "image" else PAGE
    return "*/*"


@dataclass
class Scene:
    """The hits of one timeline, and the means to make them."""

    rng: random.Random
    agents: Agents
    hits: list[dict[str, Any]] = field(default_factory=list)
    #: int, recipient whose hits these are; 0 when the copy was shared
    recipient: int = 1

    def hit(self, label: str, kind: str, at: float, who: Visitor, **more: Any) -> None:
        """Add a hit; *more* may name target, message, recipient, method and headers."""
        target = more.get("target", 0 if kind == "open" else 1)
        self.hits.append(
            {
                "message": more.get("message", 1),
                "recipient": more.get("recipient", self.recipient),
                "type": kind,
                "target": target,
                "method": more.get("method", "GET"),
                "headers": more.get("headers", who.headers(kind)),
                "address": who.address,
                "after_seconds": round(at, 2),
                "label": label,
            }
        )

    # Choices

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return self.rng.random() < share

    def between(self, low: float, high: float) -> float:
        """Draw evenly."""
        return self.rng.uniform(low, high)

    def reading_delay(self) -> float:
        """Return seconds until someone reads: from 12 s (the inbox is open) to four weeks."""
        low, high = self.rng.choices(
            ((12, 60), (60, 600), (600, 8 * HOUR), (8 * HOUR, 3 * DAY), (3 * DAY, 28 * DAY)),
            (8, 20, 34, 28, 10),
        )[0]
        return float(low * (high / low) ** self.rng.random())

    def thinking(self) -> float:
        """Return seconds between reading and acting, or between two acts."""
        return float(2.0 * 90 ** self.rng.random())

    # Who

    def browser(self, *groups: str) -> str:
        """Draw a real browser's user agent, of one of these groups if named."""
        known = self.agents.browsers
        names = [name for name in (groups or DESKTOP) if known.get(name)]
        return self.rng.choice(known[self.rng.choice(names)])

    def place(self, office: float = 0.4) -> tuple[str, str]:
        """Draw an address of somebody's and the language there."""
        language, home = self.rng.choice(networks.HOME)
        ranges = networks.OFFICE if self.chance(office) else home
        return networks.address_in(self.rng, ranges), language

    def person(self, *groups: str, office: float = 0.4, agent: str | None = None) -> Visitor:
        """Make a person with a browser, or with *agent*."""
        address, language = self.place(office)
        bare = self.chance(0.07)
        return Visitor(agent or self.browser(*groups), address, language, bare)

    def phone(self) -> Visitor:
        """Make a person with the browser of a phone."""
        return self.person(*MOBILE, office=0.15)

    def also(self, who: Visitor, agent: str) -> Visitor:
        """Return another program at the same place."""
        return Visitor(agent, who.address, who.language, who.bare)

    def elsewhere(self, who: Visitor, *ranges: str) -> Visitor:
        """Return the same client at an address in *ranges*."""
        return Visitor(who.agent, networks.address_in(self.rng, ranges), who.language, who.bare)

    def scanner(self, *ranges: str, agent: str | None = None) -> Visitor:
        """Make a scanner that calls itself an ordinary browser."""
        chosen = agent or self.browser("windows-chrome", "windows-chrome", "edge", "desktop-chrome")
        language = "en-US,en;q=0.9" if self.chance(0.6) else None
        address = networks.address_in(self.rng, ranges)
        return Visitor(chosen, address, language, self.chance(0.15))

    def built(self, form: str) -> str:
        """Fill in the numbers that change with every build of a program."""
        for token, low, high in (("{n}", 4000, 9999), ("{k}", 24, 54), ("{d}", 0, 6)):
            form = form.replace(token, str(self.rng.randint(low, high)))
        return form

    def form(self, name: str) -> str:
        """Draw a user agent of those by hand, and fill it in."""
        return self.built(self.rng.choice(FORMS[name]))

    # What scanners do

    def follow_all(self, who: list[Visitor], times: list[float], **more: Any) -> None:
        """Have machines follow a message's links, one hit for each of *times*."""
        for number, at in enumerate(sorted(times), start=1):
            kind = "attachment_view" if more.get("attachments") and number == 1 else "click"
            one = who[(number - 1) % len(who)]
            self.hit("machine", kind, at, one, target=number, **_known(more))


def _known(more: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if name != "attachments"}
