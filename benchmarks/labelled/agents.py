"""User agents: those of the packages that build.py names, and those of agents.toml."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Those by hand: a list for each kind, and two tables of lists.
FORMS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("agents.toml").read_text("utf-8"))

BY_HAND = frozenset(
    agent
    for forms in FORMS.values()
    for some in (forms.values() if isinstance(forms, dict) else (forms,))
    for agent in some
)

#: Presets of browsers' developer tools: whoever sends them does not hold that device.
EMULATED = re.compile(r"LRX21T|Nexus|SM-G900P|Moto G \(4\)|Moto G4|Pixel 2|moto g power \(2022\)")
#: Entries of the crawler list that fetch for a person, or may be one.
FETCHES_FOR_A_PERSON = re.compile(
    r"Image.?Proxy|MailProxy|Fastmail|Slack-Img|Thunderbird|Electron|Reader|Chrome/\d+ Safari",
    re.IGNORECASE,
)
#: Name of a group of browsers, and a token that only they have; the first that fits wins.
GROUPS = (
    (
        "in-app",
        re.compile(r"\[LinkedInApp\]|Instagram|FBA[NV]|Snapchat|Twitter for|Line/|Barcelona|GSA/"),
    ),
    ("webview", re.compile(r"; wv\)")),
    ("privacy", re.compile(r"Brave|Ddg/|DuckDuckGo/|Focus/|Klar/|OPT/")),
    ("samsung", re.compile(r"SamsungBrowser")),
    ("iphone-other", re.compile(r"CriOS|FxiOS|EdgiOS")),
    ("other", re.compile(r"OPR/|YaBrowser|Vivaldi|Silk/|HuaweiBrowser|Whale|CrOS")),
    ("edge", re.compile(r"Edg/|EdgA/")),
    ("firefox", re.compile(r"Firefox/")),
    ("iphone", re.compile(r"iP(?:hone|ad).*Version/.*Safari/")),
    ("mac-safari", re.compile(r"Macintosh.*Version/.*Safari/")),
    ("android", re.compile(r"Android.*Chrome/")),
    ("windows-chrome", re.compile(r"Windows NT 10.*Chrome/[0-9.]+ Safari/537.36$")),
    ("desktop-chrome", re.compile(r"(?:Macintosh|X11).*Chrome/[0-9.]+ Safari/537.36$")),
    ("other", re.compile(r"Chrome/")),
)
DESKTOP = (
    *("windows-chrome", "edge") * 5,
    *("desktop-chrome", "mac-safari", "firefox") * 2,
    "other",
)
MOBILE = ("iphone",) * 6 + ("android",) * 5 + ("samsung", "iphone-other", "other")


def fingerprint(text: str) -> str:
    """Return what decides to which half *text* belongs: the same for ever."""
    return hashlib.sha256(text.encode()).hexdigest()


def half(text: str) -> str:
    """Say which half of the set a user agent or a crawler belongs to."""
    return "tune" if int(fingerprint(text), 16) & 1 else "measure"


@dataclass
class Agents:
    """What the packages hold for one half of the set."""

    #: name of a group → its browsers
    browsers: dict[str, list[str]] = field(default_factory=dict)
    #: tag of the crawler list → user agents
    crawlers: dict[str, list[str]] = field(default_factory=dict)


def read_agents(folder: Path) -> dict[str, Agents]:
    """Read the three packages in *folder*; each user agent goes to one half only."""
    halves = {"tune": Agents(), "measure": Agents()}
    for agent in sorted(_browsers(folder)):
        for name, token in GROUPS:
            if token.search(agent):
                halves[half(agent)].browsers.setdefault(name, []).append(agent)
                break
    for entry in _crawlers(folder):
        # One crawler's versions stay together, so that one half does not give away the other.
        crawlers = halves[half(entry["pattern"])].crawlers
        for tag in entry.get("tags", []) or ["untagged"]:
            known = crawlers.setdefault(tag, [])
            known += [agent for agent in entry["instances"][:6] if _usable(agent)]
    shared = {a for list_ in halves["tune"].crawlers.values() for a in list_}
    for tag, list_ in halves["measure"].crawlers.items():
        halves["measure"].crawlers[tag] = [agent for agent in list_ if agent not in shared]
    return halves


def _usable(agent: str) -> bool:
    # Those that agents.toml has are in both halves already, under their own classes.
    known = agent in BY_HAND or FETCHES_FOR_A_PERSON.search(agent)
    return len(agent) < 240 and agent.isprintable() and not known


def _crawlers(folder: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(next(folder.glob("crawler_user_agents-*.whl"))) as wheel:
        entries: list[dict[str, Any]] = json.loads(
            wheel.read("crawleruseragents/crawler-user-agents.json")
        )
    return entries


def _browsers(folder: Path) -> set[str]:
    with tarfile.open(next(folder.glob("user-agents-*.tgz"))) as archive:
        file = archive.extractfile("package/dist/user-agents.json")
        rows = json.load(file) if file else []
    agents = {row["userAgent"] for row in rows if _is_what_it_says(row)}
    with zipfile.ZipFile(next(folder.glob("fake_useragent-*.whl"))) as wheel:
        lines = wheel.read("fake_useragent/data/browsers.jsonl").decode().splitlines()
    agents |= {json.loads(line)["useragent"].strip() for line in lines}
    return {agent for agent in agents if _is_plausible(agent)}


def _is_plausible(agent: str) -> bool:
    known = agent in BY_HAND or EMULATED.search(agent)
    return agent.startswith(("Mozilla/5.0 (", "Opera/")) and len(agent) < 300 and not known


def _is_what_it_says(row: dict[str, Any]) -> bool:
    """Tell whether the platform that the script saw fits the user agent: else it is a disguise."""
    agent, platform = row["userAgent"], row.get("platform", "")
    expected = (
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Win"), ("Macintosh", "Mac"),
        ("CrOS", "Linux"), ("Android", "Linux a"), ("X11", "Linux x"),
    )  # fmt: skip
    for token, start in expected:
        if token in agent:
            return bool(platform.startswith(start))
    return False
