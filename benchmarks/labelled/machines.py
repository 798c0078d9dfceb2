"""Timelines of machines, and of what nobody can know. Each function makes one."""

# ruff: noqa: D401  a docstring says what happens in the scene

from __future__ import annotations

from benchmarks.labelled import networks
from benchmarks.labelled.agents import FORMS
from benchmarks.labelled.people import Maker
from benchmarks.labelled.scene import DAY, HOUR, MINUTE, Scene, Visitor

PREFETCHES = (
    {"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"},
    {"Sec-Purpose": "prefetch;anonymous-client-ip"}, {"Purpose": "prefetch"},
    {"X-Moz": "prefetch"}, {"X-Purpose": "preview"},
    {"Sec-Purpose": "prefetch", "Purpose": "prefetch"},
)  # fmt: skip


def delivery_scan(
    scene: Scene, ranges: tuple[str, ...], low: float, high: float, agent: str | None = None
) -> None:
    """A gateway looks at the images and follows the links between *low* and *high* seconds."""
    links = scene.rng.randint(1, 7)
    count = 1 if scene.chance(0.4) else scene.rng.randint(2, 3)
    scanners = [scene.scanner(*ranges, agent=agent) for _ in range(count)]
    start = scene.between(low, high * 0.6)
    times = [min(high, start + scene.between(0, high * 0.4)) for _ in range(links)]
    if scene.chance(0.4):
        scene.hit("machine", "open", start, scanners[0])
    scene.follow_all(scanners, times, attachments=scene.chance(0.2))


def defender(scene: Scene) -> None:
    """Defender from the ranges of Exchange Online Protection; some requests name no browser."""
    if scene.chance(0.2):
        one = Visitor("", networks.address_in(scene.rng, networks.EOP), None, bare=True)
        method = scene.rng.choice(("HEAD", "GET"))
        times = [scene.between(1, 180) for _ in range(scene.rng.randint(1, 3))]
        scene.follow_all([one], times, method=method, headers={})
        return
    agent = scene.form("safe_links") if scene.chance(0.3) else None
    delivery_scan(scene, networks.EOP, 1, 180, agent)


def defender_elsewhere(scene: Scene) -> None:
    """Defender's detonation from Azure, outside every published range."""
    agent = scene.form("safe_links") if scene.chance(0.3) else None
    delivery_scan(scene, networks.AZURE, 1, 180 if scene.chance(0.4) else 40, agent)


def defender_again(scene: Scene) -> None:
    """Defender looks again hours later, on an alert."""
    start = scene.between(2 * HOUR, 2 * DAY)
    scanners = [scene.scanner(*networks.EOP) for _ in range(2)]
    scene.follow_all(
        scanners, [start + scene.between(0, 90) for _ in range(scene.rng.randint(1, 4))]
    )


def gmail_scan(scene: Scene) -> None:
    """Gmail looks at a message as it arrives."""
    one = Visitor(
        scene.form("gmail_scan"), networks.address_in(scene.rng, networks.GOOGLE), None, bare=True
    )
    scene.hit("machine", "open", scene.between(0.5, 12), one)
    if scene.chance(0.3):
        scene.hit("machine", "click", scene.between(1, 20), one)


def gmail_prefetch(scene: Scene) -> None:
    """Gmail's image proxy fetches before anybody has opened."""
    proxy = scene.form("gmail_proxy")
    one = Visitor(proxy, networks.address_in(scene.rng, networks.GOOGLE), None, bare=True)
    scene.hit("machine", "open", scene.between(1, 8), one)


def link_checker(scene: Scene) -> None:
    """HEAD first, then GET, by an HTTP library or under a browser's name."""
    agent = scene.form("libraries") if scene.chance(0.4) else None
    one = scene.scanner(*networks.HOSTING, agent=agent)
    at = scene.between(1, 300) if scene.chance(0.6) else scene.between(300, 3 * DAY)
    for target in range(1, scene.rng.randint(2, 4)):
        method = "OPTIONS" if scene.chance(0.1) else "HEAD"
        scene.hit("machine", "click", at, one, target=target, method=method)
        if agent or scene.chance(0.1):
            more = {"method": "POST"} if scene.chance(0.1) else {}
            scene.hit("machine", "click", at + scene.between(0.05, 1), one, target=target, **more)
        at += scene.between(0.1, 2)


def unfurl(scene: Scene) -> None:
    """The recipient pastes a link into a chat, which shows a preview."""
    name = scene.rng.choice([name for name, forms in FORMS["unfurlers"].items() for _ in forms])
    one = scene.person(agent=scene.built(scene.rng.choice(FORMS["unfurlers"][name])))
    if name != "device":
        one = scene.elsewhere(one, *networks.UNFURLERS[name])
    kind = "attachment_view" if scene.chance(0.1) else "click"
    scene.hit("machine", kind, scene.reading_delay(), Visitor(one.agent, one.address, None))


def one_agent(scene: Scene, agent: str | None) -> None:
    """Something with *agent* comes once or twice, at any time."""
    address = networks.address_in(scene.rng, networks.HOSTING)
    one = Visitor(agent or "", address, None, bare=scene.chance(0.3))
    headers = one.headers("click") if agent is not None else {"Accept": "*/*"}
    at = scene.between(1, 120) if scene.chance(0.4) else scene.reading_delay()
    for target in range(1, scene.rng.randint(2, 3)):
        kind = "open" if scene.chance(0.25) else "click"
        scene.hit("machine", kind, at, one, headers=headers, target=0 if kind == "open" else target)
        at += scene.between(0.2, 60)


def listed(scene: Scene, *tags: str) -> None:
    """A crawler of the list, as it calls itself."""
    known = scene.agents.crawlers
    one_agent(scene, scene.rng.choice(known[scene.rng.choice([t for t in tags if known.get(t)])]))


CRAWLERS = ("seo", "search-engine", "scanner", "scanner", "social-preview", "ai-crawler",
            "advertising", "archiver", "academic", "feed-reader", "untagged")  # fmt: skip


def prefetch(scene: Scene) -> None:
    """A browser fetches a link that then nobody selects."""
    who = scene.person()
    headers = who.headers("click") | scene.rng.choice(PREFETCHES)
    scene.hit("machine", "click", scene.reading_delay(), who, headers=headers)


def gateway(scene: Scene, *, addresses: int = 1, pixel: bool = False) -> None:
    """An unknown gateway under a browser's name follows all links within four seconds."""
    ranges = networks.HOSTING if scene.chance(0.6) else networks.OFFICE
    first = scene.scanner(*ranges)
    scanners = [first, *(scene.elsewhere(first, *ranges) for _ in range(addresses - 1))]
    at = scene.between(1, 120) if scene.chance(0.6) else scene.between(120, 3 * DAY)
    if pixel:
        scene.hit("machine", "open", at, first)
        at += scene.between(0.1, 1.5)
    times = [at + scene.between(0, 4) for _ in range(scene.rng.randint(3, 6))]
    scene.follow_all(scanners, times, attachments=scene.chance(0.2))


def gateway_in_disguise(scene: Scene) -> None:
    """As gateway, but every request comes from another address under another browser's name."""
    links = scene.rng.randint(3, 5)
    scanners = [scene.scanner(*networks.HOSTING) for _ in range(links)]
    at = scene.between(2, 90)
    scene.follow_all(scanners, [at + scene.between(0, 6) for _ in range(links)])


def campaign_scan(scene: Scene) -> None:
    """One address asks for the pixel or a link of 40 messages within a minute."""
    one = scene.scanner(*networks.HOSTING if scene.chance(0.5) else networks.OFFICE)
    kind = "click" if scene.chance(0.5) else "open"
    start = scene.between(3, 90)
    for number in range(1, 41):
        at = start + scene.between(0, 60)
        scene.hit("machine", kind, at, one, message=number, recipient=number)


def single_click(scene: Scene) -> None:
    """Hard: one click at +45 s from nowhere in particular; nothing tells it from a person's."""
    scene.hit("machine", "click", scene.between(25, 90), scene.scanner(*networks.HOSTING))


def unhurried(scene: Scene) -> None:
    """Hard: all links, but slowly, each from another address."""
    links = scene.rng.randint(3, 4)
    scanners = [scene.scanner(*networks.HOSTING) for _ in range(links)]
    scene.follow_all(scanners, [scene.between(30, 170) for _ in range(links)])


def shadow(scene: Scene) -> None:
    """Hard: a person clicks, and seconds later a scanner elsewhere follows the same link."""
    who = scene.person()
    at = max(60.0, scene.reading_delay())
    scene.hit("person", "click", at, who)
    scene.hit("machine", "click", at + scene.between(8, 15), scene.scanner(*networks.HOSTING))


def apple_prefetch(scene: Scene) -> None:
    """Mail Privacy Protection: the image is fetched, whether or not anybody reads."""
    one = Visitor("Mozilla/5.0", networks.address_in(scene.rng, networks.RELAY), None)
    at = scene.between(5, 120) if scene.chance(0.3) else scene.between(2 * MINUTE, 2 * DAY)
    scene.hit("unknown", "open", at, one)
    if scene.chance(0.25):
        scene.hit(
            "unknown",
            "open",
            at + scene.between(HOUR, 3 * DAY),
            scene.elsewhere(one, *networks.RELAY),
        )
    if scene.chance(0.3):
        who = scene.person("iphone", "mac-safari")
        scene.hit("person", "click", at + scene.between(10 * MINUTE, DAY), who)


MACHINES: dict[str, tuple[int, Maker]] = {
    "defender": (65, defender),
    "defender-azure": (45, defender_elsewhere),
    "defender-again": (30, defender_again),
    "gmail-scan": (45, gmail_scan),
    "gmail-prefetch": (45, gmail_prefetch),
    "barracuda": (32, lambda s: delivery_scan(s, networks.BARRACUDA, 5, 100)),
    "proofpoint": (25, lambda s: delivery_scan(s, networks.PROOFPOINT, 2, 240)),
    "mimecast": (22, lambda s: delivery_scan(s, networks.MIMECAST, 2, 240)),
    "cisco": (18, lambda s: delivery_scan(s, networks.CISCO, 2, 240)),
    "link-checker": (50, link_checker),
    "unfurler": (60, unfurl),
    "http-library": (80, lambda s: one_agent(s, s.form("libraries"))),
    "monitor": (40, lambda s: listed(s, "monitoring")),
    "crawler": (230, lambda s: listed(s, *CRAWLERS)),
    "prefetch": (60, prefetch),
    "headless": (60, lambda s: one_agent(s, s.form("headless"))),
    "absurd-agent": (60, lambda s: one_agent(s, None if s.chance(0.1) else s.form("absurd"))),
    "forged-old-browser": (50, lambda s: one_agent(s, s.form("forged_old"))),
    "gateway": (55, gateway),
    "gateway-many-addresses": (28, lambda s: gateway(s, addresses=3)),
    "gateway-pixel-first": (28, lambda s: gateway(s, pixel=True)),
    "gateway-in-disguise": (12, gateway_in_disguise),
    "campaign-scan": (6, campaign_scan),
    "hard-single-click": (27, single_click),
    "hard-unhurried": (3, unhurried),
    "hard-shadow": (3, shadow),
}
UNKNOWN: dict[str, tuple[int, Maker]] = {"apple-prefetch": (90, apple_prefetch)}
