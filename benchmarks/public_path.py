"""Measure the pixel, the redirect and the attachment beside their floors and what others use.

Each round starts on empty stores and asks every subject the same in turn, in another order at each
point, so that whatever else the machine does hits all of them alike. What is stored is counted:
exactly after a fixed number of requests, and within the connections' number after those of wrk.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from benchmarks.figures import Figure, Part, ratios, table
from benchmarks.public.rounds import AT_ONCE, COUNTED, EVERYBODY, POINTS, SECONDS, Rounds
from benchmarks.public.stage import (
    MAIL_ANALYTICS,
    MAIL_ANALYTICS_THREADS,
    OURS,
    PYTRACKING,
    PYTRACKING_THREADS,
    THIN,
    WORKERS,
)
from benchmarks.public.stores import missing
from benchmarks.public.subject import Count, Visit

HEAD = ("subject", "connections", "a second", "p50 ms", "p99 ms", "server CPU ms", "store CPU ms")
PLURALS = {"open": "Opens", "click": "Clicks", "attachment": "Attachments"}

#: At 16 connections, how many times as many a second, and at most what share of the server's CPU;
#: beside gunicorn's threads the figure stands without an aim.
AIMS_OF_RATES = {
    PYTRACKING: 1.5,
    MAIL_ANALYTICS: 4,
    PYTRACKING_THREADS: None,
    MAIL_ANALYTICS_THREADS: None,
}
AIMS_OF_CPU = {THIN: 1.25, PYTRACKING: 0.6, PYTRACKING_THREADS: None}

Measure = Callable[[Visit], float]


def measure(rounds: int) -> Part:
    """Measure everything; raises SystemExit if a program is missing."""
    if packages := missing():
        raise SystemExit(f"Install Debian's {' and '.join(packages)} first (apt-get install).")
    found = Rounds()
    for number in range(rounds):
        found.run(number)
    return Part(_text(found), _figures(found), _data(found))


def _figures(found: Rounds) -> list[Figure]:
    def beside(other: str, kind: str, connections: int, of: Measure) -> tuple[float, ...]:
        ours, theirs = (
            [of(visit) for visit in found.visits[name, kind, connections]] for name in (OURS, other)
        )
        return ratios(ours, theirs)

    def name(what: str, connections: int, other: str) -> str:
        at = "connection" if connections == 1 else "connections"
        return f"{what} at {connections} {at}, beside {other}"

    rates = [
        Figure(
            name(f"{PLURALS[kind].lower()} a second", 16, other),
            beside(other, kind, 16, lambda visit: visit.load.rate),
            at_least=aim,
        )
        for other, aim in AIMS_OF_RATES.items()
        for kind in ("open", "click")
    ]
    costs = [
        Figure(
            name("server CPU of an open", 16, other),
            beside(other, "open", 16, lambda visit: visit.server_cpu),
            at_most=aim,
        )
        for other, aim in AIMS_OF_CPU.items()
    ]
    p50 = beside(THIN, "open", 1, lambda visit: visit.load.p50)
    p99s = {
        other: beside(other, "open", 16, lambda visit: visit.load.p99)
        for other in (PYTRACKING, PYTRACKING_THREADS)
    }
    times = [
        Figure(name("p50 of an open", 1, THIN), p50, at_most=1.25),
        Figure(name("p99 of an open", 16, PYTRACKING), p99s[PYTRACKING], at_most=1),
        Figure(name("p99 of an open", 16, PYTRACKING_THREADS), p99s[PYTRACKING_THREADS]),
    ]
    return [*rates, *costs, *times, *_counts(found)]


def _counts(found: Rounds) -> list[Figure]:
    """Return what became of the requests that ours was sent, by round."""
    counts = list(zip(found.exact[OURS], found.loose[OURS], strict=True))

    def figure(what: str, of: Callable[[Count], int]) -> Figure:
        rounds = tuple(float(sum(map(of, pair))) for pair in counts)
        return Figure(f"interactions of ours {what}", rounds, unit="", at_most=0)

    return [
        figure("refused", lambda count: count.sent - count.answered),
        figure("answered and lost", lambda count: count.lost),
        figure("stored unasked or twice", lambda count: count.unasked),
    ]


def _text(found: Rounds) -> str:
    tables = [
        f"### {plural}\n\n{table(HEAD, _rows(found, kind))}" for kind, plural in PLURALS.items()
    ]
    about = (
        f"{WORKERS} workers each, wrk -t1 for {SECONDS} s a point, medians of "
        f"{len(found.wishes)} rounds, empty stores in each. Of ours "
        f"{statistics.median(found.wishes):.2f} wishes to have a message judged went into a queue "
        "per interaction."
    )
    head = ("subject", "sent", "answered", "stored", "set aside", "sent by wrk", "stored", "room")
    counts = table(head, [_count_row(found, name) for name in EVERYBODY if name in found.exact])
    stored = (
        f"### Stored\n\n{COUNTED:,} opens and clicks in turn, {AT_ONCE} at once, each waited for; "
        "then everything that wrk asked for, with as much room as it had connections. All rounds "
        f"together.\n\n{counts}"
    )
    return "\n\n".join([about, *tables, stored])


def _rows(found: Rounds, kind: str) -> list[list[str]]:
    return [
        [name, str(connections), *_medians(found.visits[name, kind, connections])]
        for asked, connections, names in POINTS
        if asked == kind
        for name in names
    ]


def _medians(visits: list[Visit]) -> list[str]:
    def median(of: Measure) -> float:
        return statistics.median(map(of, visits))

    return [
        f"{median(lambda visit: visit.load.rate):,.0f}",
        f"{median(lambda visit: visit.load.p50):.2f}",
        f"{median(lambda visit: visit.load.p99):.1f}",
        f"{median(lambda visit: visit.server_cpu):.3f}",
        f"{median(lambda visit: visit.store_cpu):.3f}",
    ]


def _count_row(found: Rounds, name: str) -> list[str]:
    exact, loose = found.exact[name], found.loose[name]
    numbers = [
        sum(count.sent for count in exact),
        sum(count.answered for count in exact),
        sum(count.stored for count in exact),
        sum(count.set_aside for count in (*exact, *loose)),
        sum(count.sent for count in loose),
        sum(count.stored for count in loose),
        sum(count.cut_off for count in loose),
    ]
    return [name, *(f"{number:,}" for number in numbers)]


def _data(found: Rounds) -> dict[str, Any]:
    visits = [
        {
            "subject": name,
            "kind": kind,
            "connections": connections,
            "rounds": [{**asdict(one), "rate": one.load.rate} for one in taken],
        }
        for (name, kind, connections), taken in found.visits.items()
    ]
    counts = {
        name: {
            "exact": [asdict(count) for count in found.exact[name]],
            "wrk": [asdict(count) for count in found.loose[name]],
        }
        for name in found.exact
    }
    return {"visits": visits, "counts": counts, "wishes_per_interaction": found.wishes}
