# ruff: noqa: D401  a docstring says what happens in the scene

"""People with machines around: gateways, proxies, clouds, browsers that look ahead."""

from __future__ import annotations

from benchmarks.labelled import networks
from benchmarks.labelled.agents import FORMS
from benchmarks.labelled.scene import DAY, HOUR, MINUTE, Scene

#: The commonest name of Outlook for Windows.
OUTLOOK = FORMS["outlook_windows"][0]


def after_scanner(scene: Scene) -> None:
    """A gateway follows every link; the person comes hours later, or after two minutes."""
    links = scene.rng.randint(3, 6)
    start = scene.between(2, 90)
    scanner = scene.scanner(*networks.HOSTING)
    times = [start + scene.between(0, 3.5) for _ in range(links)]
    scene.follow_all([scanner], times)
    who = scene.person()
    at = max(times) + (120 if scene.chance(0.4) else scene.between(HOUR, 2 * DAY))
    if scene.chance(0.5):
        reader = scene.also(who, scene.form("outlook_windows"))
        scene.hit("person", "open", at - scene.between(1, 60), reader)
    scene.hit("person", "click", at, who, target=scene.rng.randint(1, links))


def behind_defender(scene: Scene) -> None:
    """Safe Links scans at delivery; the person's click comes from the person's own address."""
    links = scene.rng.randint(1, 5)
    scanners = [scene.scanner(*networks.EOP) for _ in range(2)]
    scene.follow_all(scanners, [scene.between(2, 90) for _ in range(links)])
    who = scene.person("edge", "windows-chrome", office=0.8)
    at = max(scene.reading_delay(), 100.0)
    scene.hit("person", "open", at, scene.also(who, OUTLOOK))
    scene.hit("person", "click", at + scene.thinking(), who, target=scene.rng.randint(1, links))


def isolation(scene: Scene) -> None:
    """A browser in the vendor's cloud shows the page to the person, hours after delivery."""
    at = scene.between(HOUR, 5 * DAY)
    who = scene.person("windows-chrome", "edge")
    ranges = scene.rng.choice((networks.PROOFPOINT, networks.ZSCALER, networks.HOSTING))
    scene.hit("person", "click", at, scene.elsewhere(who, *ranges))
    if scene.chance(0.3):
        later = at + scene.between(MINUTE, HOUR)
        scene.hit("person", "click", later, scene.elsewhere(who, *ranges), target=2)


def corporate_proxy(scene: Scene) -> None:
    """All of a company's traffic leaves through a web proxy in a cloud."""
    who = scene.elsewhere(scene.person(), *networks.ZSCALER)
    at = max(scene.reading_delay(), 40.0)
    reader = scene.also(who, scene.form("outlook_windows"))
    scene.hit("person", "open", at, reader)
    if scene.chance(0.6):
        scene.hit("person", "click", at + scene.thinking(), who)


def cloud_desktop(scene: Scene) -> None:
    """The person works on a desktop in Azure or another cloud."""
    ranges = ("20.64.0.0/12",) if scene.chance(0.5) else networks.HOSTING
    who = scene.elsewhere(scene.person("edge", "windows-chrome"), *ranges)
    at = scene.between(20 * MINUTE, 4 * DAY)
    scene.hit("person", "open", at, scene.also(who, OUTLOOK))
    if scene.chance(0.6):
        scene.hit("person", "click", at + scene.thinking(), who)


def prefetch_then_click(scene: Scene) -> None:
    """The browser fetches what it believes will be selected; then it is."""
    who = scene.person("windows-chrome", "edge", "android", "desktop-chrome")
    at = scene.reading_delay()
    headers = who.headers("click") | {
        "Sec-Purpose": scene.rng.choice(("prefetch", "prefetch;prerender"))
    }
    scene.hit("machine", "click", at, who, headers=headers)
    scene.hit("person", "click", at + scene.between(0.4, 6), who)


def through_relay(scene: Scene) -> None:
    """Safari behind iCloud Private Relay: a person at an address that many share."""
    who = scene.elsewhere(scene.person("iphone", "mac-safari"), *networks.RELAY)
    at = scene.reading_delay()
    scene.hit("person", "click", at, who)


def link_probe_then_click(scene: Scene) -> None:
    """Office asks whether the link exists, then hands it to the browser."""
    who = scene.person("edge", "windows-chrome")
    at = scene.reading_delay()
    probe = scene.also(who, "Microsoft Office Existence Discovery")
    scene.hit("machine", "click", at, probe, method="HEAD")
    scene.hit("person", "click", at + scene.between(0.3, 2), who)
