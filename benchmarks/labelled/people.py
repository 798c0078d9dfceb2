"""Timelines of people. Each function makes one; the table at the end says how many of each."""

# ruff: noqa: D401  a docstring says what happens in the scene

from __future__ import annotations

from collections.abc import Callable

from benchmarks.labelled import networks
from benchmarks.labelled.agents import FORMS
from benchmarks.labelled.behind import (
    after_scanner,
    behind_defender,
    cloud_desktop,
    corporate_proxy,
    isolation,
    link_probe_then_click,
    prefetch_then_click,
    through_relay,
)
from benchmarks.labelled.scene import DAY, HOUR, MINUTE, Scene, Visitor

Maker = Callable[[Scene], None]

#: The commonest name of Outlook for Windows.
OUTLOOK = FORMS["outlook_windows"][0]


def mail_program(scene: Scene, program: str, *browsers: str) -> None:
    """Someone who reads in a program that fetches images itself, and clicks into a browser."""
    reader = scene.person(agent=scene.form(program))
    browser = scene.also(reader, scene.browser(*browsers))
    if scene.chance(0.15):
        scene.recipient = 0
    at = scene.reading_delay()
    scene.hit("person", "open", at, reader)
    if scene.chance(0.5):
        click_target = scene.rng.randint(1, 6)
        scene.hit("person", "click", at + scene.thinking(), browser, target=click_target)
    if scene.chance(0.15):
        scene.hit("person", "attachment_view", at + 60 + scene.thinking(), browser)
    while scene.chance(0.35) and at < 30 * DAY:
        at += scene.between(2 * MINUTE, 3 * DAY)
        scene.hit("person", "open", at, reader)


def outlook_desktop(scene: Scene) -> None:
    """Outlook for Windows or the Mac."""
    mac = scene.chance(0.2)
    program = "outlook_mac" if mac else "outlook_windows"
    mail_program(scene, program, *(("mac-safari",) if mac else ("edge", "windows-chrome")))


def proxied(scene: Scene, proxy: str, ranges: tuple[str, ...]) -> None:
    """Someone whose provider fetches the images; the click comes from the person."""
    at = max(scene.reading_delay(), 30.0)
    bare = scene.chance(0.5)
    provider = Visitor(proxy, networks.address_in(scene.rng, ranges), None, bare)
    scene.hit("person", "open", at, provider)
    if scene.chance(0.4):
        who = scene.phone() if scene.chance(0.5) else scene.person(office=0.2)
        target = scene.rng.randint(1, 5)
        scene.hit("person", "click", at + scene.thinking(), who, target=target)
    while scene.chance(0.3):
        at += scene.between(10 * MINUTE, 5 * DAY)
        scene.hit("person", "open", at, scene.elsewhere(provider, *ranges))


def other_proxy(scene: Scene) -> None:
    """One of the smaller providers' image proxies; the two doubtful ones come seldom."""
    proxies = FORMS["image_proxies"]
    names = list(proxies) if scene.chance(0.4) else ["yahoo", "yahoo", *list(proxies)[:-2]]
    name = scene.rng.choice(names)
    proxied(scene, scene.rng.choice(proxies[name]), networks.PROXIES[name])


def outlook_web(scene: Scene) -> None:
    """Outlook on the web: images come through Microsoft's service, clicks from the person."""
    who = scene.person("edge", "edge", "windows-chrome", "mac-safari", "firefox")
    service = scene.elsewhere(who, *networks.EXCHANGE)
    at = max(scene.reading_delay(), 20.0)
    scene.hit("person", "open", at, service)
    if scene.chance(0.5):
        scene.hit("person", "click", at + scene.thinking(), who, target=scene.rng.randint(1, 4))
    if scene.chance(0.3):
        later = at + scene.between(HOUR, 2 * DAY)
        scene.hit("person", "open", later, scene.elsewhere(who, *networks.EXCHANGE))


def webmail(scene: Scene, *browsers: str) -> None:
    """A webmail that lets the browser fetch the images."""
    who = scene.phone() if not browsers and scene.chance(0.25) else scene.person(*browsers)
    at = scene.reading_delay()
    scene.hit("person", "open", at, who)
    if scene.chance(0.45):
        scene.hit("person", "click", at + scene.thinking(), who, target=scene.rng.randint(1, 6))
    if scene.chance(0.25):
        scene.hit("person", "open", at + scene.between(5 * MINUTE, 4 * DAY), who)


def click(scene: Scene, *browsers: str, agent: str | None = None) -> None:
    """A click without an open: images are blocked."""
    who = scene.person(*browsers, agent=agent)
    if not browsers and agent is None and scene.chance(0.45):
        who = scene.phone()
    kind = "attachment_view" if scene.chance(0.12) else "click"
    at = scene.reading_delay()
    scene.hit("person", kind, at, who, target=scene.rng.randint(1, 4))
    if scene.chance(0.15):
        scene.hit("person", "click", at + scene.between(40, DAY), who, target=5)


def open_and_click_at_once(scene: Scene) -> None:
    """The images load while the link is selected: one address, one second."""
    reader = scene.person(agent=scene.form("outlook_windows"))
    if scene.chance(0.4):
        reader = scene.person(agent=scene.form("thunderbird"))
    browser = reader if scene.chance(0.15) else scene.also(reader, scene.browser())
    if browser is reader:
        reader = browser = scene.person()
    at = scene.reading_delay()
    scene.hit("person", "open", at, reader)
    scene.hit("person", "click", at + scene.between(0, 0.9), browser)


def two_links(scene: Scene) -> None:
    """Two links within half a minute."""
    who = scene.phone() if scene.chance(0.4) else scene.person()
    at = scene.reading_delay()
    scene.hit("person", "click", at, who)
    scene.hit("person", "click", at + scene.between(2, 30), who, target=2)


def three_links(scene: Scene) -> None:
    """Three or four links within a minute and a half, each looked at."""
    who = scene.person()
    at = scene.reading_delay()
    for target in range(1, scene.rng.randint(4, 5)):
        scene.hit("person", "click", at, who, target=target)
        at += scene.between(9, 30)


def same_link_twice(scene: Scene) -> None:
    """A double click, or impatience."""
    who = scene.person()
    at = scene.reading_delay()
    for _ in range(scene.rng.randint(2, 3)):
        scene.hit("person", "click", at, who)
        at += scene.between(0.2, 3)


def several_people(scene: Scene, count: int, low: float, high: float) -> None:
    """People behind one address, each with a message of their own."""
    address = networks.address_in(scene.rng, networks.OFFICE)
    language = scene.place()[1]
    for number in range(1, count + 1):
        agent = scene.browser("edge", "edge", "windows-chrome", "windows-chrome", "firefox")
        browser = Visitor(agent, address, language)
        reader = browser
        if scene.chance(0.7):
            reader = scene.also(browser, scene.form("outlook_windows"))
        at = scene.between(low, high)
        own = {"message": number, "recipient": number}
        scene.hit("person", "open", at, reader, **own)
        if scene.chance(0.25):
            scene.hit("person", "click", at + scene.thinking(), browser, **own)


def forward(scene: Scene) -> None:
    """The message is read, passed on, and read by somebody else elsewhere."""
    first = scene.person(agent=scene.form("outlook_windows"))
    at = scene.reading_delay()
    scene.hit("person", "open", at, first)
    second = scene.phone() if scene.chance(0.4) else scene.person()
    at += scene.between(3 * MINUTE, 2 * DAY)
    scene.hit("person", "open", at, second)
    if scene.chance(0.6):
        scene.hit("person", "click", at + scene.thinking(), second)


def attachment_then_link(scene: Scene) -> None:
    """An attachment, then a link."""
    who = scene.phone() if scene.chance(0.3) else scene.person()
    at = scene.reading_delay()
    scene.hit("person", "attachment_view", at, who)
    scene.hit("person", "click", at + scene.between(3, 300), who)


def rare_phone(scene: Scene) -> None:
    """A phone whose name has been taken for a robot's."""
    who = scene.person(agent=scene.form("rare_phones"), office=0.1)
    at = 10 + scene.reading_delay()
    scene.hit("person", "click", at, who)
    if scene.chance(0.4):
        scene.hit("person", "open", at - scene.between(0.5, 8), who)


def slow_reader(scene: Scene) -> None:
    """Someone who comes back for weeks."""
    who = scene.person()
    reader = who
    if scene.chance(0.6):
        program = scene.rng.choice(("outlook_windows", "thunderbird", "apple_mail"))
        reader = scene.also(who, scene.form(program))
    at = scene.between(2 * DAY, 20 * DAY)
    for _ in range(scene.rng.randint(2, 4)):
        scene.hit("person", "open", at, reader)
        at += scene.between(2 * DAY, 12 * DAY)
    if scene.chance(0.5):
        scene.hit("person", "click", at, who)


def too_fast(scene: Scene) -> None:
    """Hard: a person who clicks at +6 s; nothing tells this from a scanner."""
    scene.hit("person", "click", scene.between(5, 8), scene.person())


def all_tabs(scene: Scene) -> None:
    """Hard: a person who opens four links in tabs within six seconds."""
    who = scene.person()
    at = scene.reading_delay() + 30
    for target in range(1, 5):
        scene.hit("person", "click", at, who, target=target)
        at += scene.between(0.8, 1.9)


#: class → (how many timelines, who makes one)
PEOPLE: dict[str, tuple[int, Maker]] = {
    "outlook-desktop": (120, outlook_desktop),
    "outlook-ios": (40, lambda s: mail_program(s, "outlook_ios", "iphone")),
    "outlook-android": (40, lambda s: mail_program(s, "outlook_android", "android")),
    "outlook-web": (75, outlook_web),
    "gmail-proxy": (110, lambda s: proxied(s, s.form("gmail_proxy"), networks.GOOGLE)),
    "other-image-proxies": (50, other_proxy),
    "apple-mail": (55, lambda s: mail_program(s, "apple_mail", "iphone", "mac-safari")),
    "thunderbird": (35, lambda s: mail_program(s, "thunderbird")),
    "android-mail": (40, lambda s: mail_program(s, "android_mail", "android", "samsung")),
    "other-mail-programs": (40, lambda s: mail_program(s, "other_mail")),
    "webmail-browser": (110, webmail),
    "click-browser": (135, click),
    "in-app-browser": (50, lambda s: click(s, "in-app", "webview")),
    "privacy-browser": (40, lambda s: webmail(s, "privacy")),
    "old-browser": (40, lambda s: click(s, agent=s.form("old_browsers"))),
    "rare-phone": (45, rare_phone),
    "open-and-click-at-once": (50, open_and_click_at_once),
    "two-links": (50, two_links),
    "three-links": (20, three_links),
    "same-link-twice": (20, same_link_twice),
    "nat-morning": (8, lambda s: several_people(s, 12, 10 * MINUTE, 4 * HOUR)),
    "nat-corporate": (6, lambda s: several_people(s, 30, 20, 10 * MINUTE)),
    "forward": (40, forward),
    "after-scanner": (40, after_scanner),
    "behind-defender": (40, behind_defender),
    "isolation-browser": (40, isolation),
    "corporate-proxy": (50, corporate_proxy),
    "cloud-desktop": (15, cloud_desktop),
    "prefetch-then-click": (40, prefetch_then_click),
    "attachment-then-link": (40, attachment_then_link),
    "slow-reader": (30, slow_reader),
    "private-relay-browser": (30, through_relay),
    "link-probe-then-click": (20, link_probe_then_click),
    "hard-too-fast": (4, too_fast),
    "hard-all-tabs": (1, all_tabs),
}
