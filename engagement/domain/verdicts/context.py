"""What a hit's neighbours say of it: bursts of links, and addresses that are everywhere."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engagement.domain.verdicts.evidence import Evidence, InteractionType, is_within
from engagement.domain.verdicts.rule_set import Windows

#: Group of all hits, whoever made them.
ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Context:
    """What a hit's neighbours on its message say of it."""

    #: bool, whether it belongs to a burst: several links followed within seconds
    burst: bool = False
    #: bool, whether its address asked for many messages within seconds, then or right afterwards
    many_messages: bool = False


ALONE = Context()


def contexts(hits: Sequence[Evidence], windows: Windows) -> list[Context]:
    """Return the context of each of a message's *hits*, in whatever order they are."""
    burst = _bursts(hits, windows)
    many = _many_messages(hits, windows)
    if not burst and not many:
        return [ALONE] * len(hits)
    return [Context(place in burst, place in many) for place in range(len(hits))]


def _bursts(hits: Sequence[Evidence], windows: Windows) -> set[int]:
    """Return places of hits in a burst.

    Scanners come from one address under many names, or from many addresses under one name; so a
    burst is of one actor or of one user agent. Somebody else's hit in between does not belong. Only
    soon after the hand-over, when hardly anybody has read the message, is a burst of clicks
    anybody's.
    """
    if not (windows.burst_seconds and windows.burst_links):
        return set()
    # First what is cheap: most messages have fewer links, and most hits select none.
    if len({hit.target for hit in hits if hit.type is InteractionType.CLICK}) < windows.burst_links:
        return set()
    order = sorted(range(len(hits)), key=lambda place: hits[place].at)
    groups: defaultdict[tuple[int, str, str | None], list[int]] = defaultdict(list)
    for place in order:
        hit = hits[place]
        # What a browser or a mail program asks for in advance says nothing of the person at it.
        if hit.type is not InteractionType.REPLY and hit.method == "GET" and not hit.announced:
            for group in _groups_of(hit, windows):
                groups[hit.recipient, *group].append(place)
    found: set[int] = set()
    for (_, kind, _), places in groups.items():
        burst = _burst_clicks(hits, places, windows)
        found |= burst
        if kind != ANYBODY:
            found |= _beside(hits, places, burst, windows)
    return found


def _groups_of(hit: Evidence, windows: Windows) -> Iterator[tuple[str, str | None]]:
    soon = is_within(hit, windows.probable_window_seconds)
    click = hit.type is InteractionType.CLICK
    yield "actor", hit.actor
    # Later, many people have the same browser: then its name makes a burst of clicks only.
    if soon or click:
        yield "user_agent", hit.user_agent
    if soon and click:
        yield ANYBODY, None


def _burst_clicks(hits: Sequence[Evidence], places: list[int], windows: Windows) -> set[int]:
    """Return the clicks among *places* (in order of time) that are of a burst."""
    width = timedelta(seconds=windows.burst_seconds)
    clicks = [place for place in places if hits[place].type is InteractionType.CLICK]
    found: set[int] = set()
    within: Counter[int] = Counter()
    first = taken = 0
    for last, place in enumerate(clicks):
        within[hits[place].target] += 1
        while hits[place].at - hits[clicks[first]].at > width:
            gone = hits[clicks[first]].target
            within[gone] -= 1
            if not within[gone]:
                del within[gone]
            first += 1
        if len(within) >= windows.burst_links:
            found.update(clicks[max(first, taken) : last + 1])
            taken = last + 1
    return found


def _beside(
    hits: Sequence[Evidence], places: list[int], burst: set[int], windows: Windows
) -> set[int]:
    """Return opens and views by the same one right before, in or right after a burst."""
    width = timedelta(seconds=windows.burst_seconds)
    times = sorted(hits[place].at for place in burst)
    return {
        place
        for place in places
        if hits[place].type is not InteractionType.CLICK
        and _is_between(times, hits[place].at - width, hits[place].at + width)
    }


def _many_messages(hits: Sequence[Evidence], windows: Windows) -> set[int]:
    """Return places of hits whose address asked for many messages, then or right afterwards."""
    if not (windows.address_seconds and windows.address_messages):
        return set()
    crowded = [hit for hit in hits if hit.messages >= windows.address_messages]
    if not crowded:
        return set()
    busy: defaultdict[str, list[datetime]] = defaultdict(list)
    for hit in sorted(crowded, key=lambda hit: hit.at):
        busy[hit.actor].append(hit.at)
    width = timedelta(seconds=windows.address_seconds)
    return {
        place
        for place, hit in enumerate(hits)
        if _is_between(busy.get(hit.actor, []), hit.at, hit.at + width)
    }


def _is_between(times: list[datetime], begin: datetime, end: datetime) -> bool:
    """Whether one of *times*, which are in order, is from *begin* to *end*."""
    place = bisect_left(times, begin)
    return place < len(times) and times[place] <= end
