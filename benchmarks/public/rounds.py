"""The rounds: every subject in turn at every point, and the counts of what was stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks.public.stage import (
    CONSTANT,
    MAIL_ANALYTICS,
    MAIL_ANALYTICS_THREADS,
    OURS,
    PYTRACKING,
    PYTRACKING_THREADS,
    SDK,
    THIN,
    Stage,
)
from benchmarks.public.subject import Count, Subject, Visit

SECONDS = 4
#: Requests of each kind before anything is measured, and those that are counted exactly.
WARMING, COUNTED, AT_ONCE = 200, 2_000, 16

EVERYBODY = (
    *(OURS, CONSTANT, THIN, SDK),
    *(PYTRACKING, PYTRACKING_THREADS, MAIL_ANALYTICS, MAIL_ANALYTICS_THREADS),
)
#: What is asked for, at how many connections, of whom.
POINTS = (
    ("open", 1, (OURS, CONSTANT, THIN, PYTRACKING)),
    ("open", 16, EVERYBODY),
    ("open", 64, (OURS, CONSTANT, THIN, PYTRACKING)),
    ("click", 1, (OURS, PYTRACKING)),
    ("click", 16, EVERYBODY),
    ("click", 64, (OURS, PYTRACKING)),
    ("attachment", 1, (OURS, CONSTANT)),
    ("attachment", 16, (OURS, CONSTANT)),
    ("attachment", 64, (OURS, CONSTANT)),
)

T = TypeVar("T")

#: Subject, what was asked for, connections.
Point = tuple[str, str, int]


@dataclass(slots=True)
class Rounds:
    """What was found, each list one by round."""

    visits: dict[Point, list[Visit]] = field(default_factory=lambda: defaultdict(list))
    #: by subject: after a fixed number of requests, and after those of wrk
    exact: dict[str, list[Count]] = field(default_factory=lambda: defaultdict(list))
    loose: dict[str, list[Count]] = field(default_factory=lambda: defaultdict(list))
    #: of ours, wishes to have a message judged per interaction
    wishes: list[float] = field(default_factory=list)

    def run(self, number: int) -> None:
        """Add round *number*, on a stage of its own."""
        with Stage() as stage:
            for subject in stage.subjects:
                subject.warm_up(WARMING, AT_ONCE)
                if subject.store:
                    self.exact[subject.name].append(subject.send(COUNTED, AT_ONCE))
            before = {subject.name: subject.kept() for subject in stage.subjects}
            wished = stage.queued("judgements")
            visits = self._visits(stage, number)
            for subject in stage.subjects:
                if subject.store:
                    count = _count(subject, visits[subject.name], before[subject.name])
                    self.loose[subject.name].append(count)
            wished = stage.queued("judgements") - wished
            self.wishes.append(wished / self.loose[OURS][-1].stored)

    def _visits(self, stage: Stage, number: int) -> dict[str, list[tuple[int, Visit]]]:
        """Visit everybody at every point; return the visits of each with their connections."""
        visits = defaultdict(list)
        for place, (kind, connections, names) in enumerate(POINTS):
            subjects = [one for one in stage.subjects if one.name in names]
            for subject in rotated(subjects, number + place):
                visit = subject.visit(kind, connections, SECONDS, stage.folder)
                self.visits[subject.name, kind, connections].append(visit)
                visits[subject.name].append((connections, visit))
        return visits


def rotated(subjects: Sequence[T], number: int) -> Iterator[T]:
    """Yield all, beginning with another one at each *number*."""
    for place in range(len(subjects)):
        yield subjects[(place + number) % len(subjects)]


def _count(subject: Subject, visits: Sequence[tuple[int, Visit]], before: tuple[int, int]) -> Count:
    """Return what came of all *visits* together."""
    loads = [visit.load for _, visit in visits]
    sent = sum(load.requests for load in loads)
    stored, aside = (now - then for now, then in zip(subject.kept(), before, strict=True))
    return Count(
        sent=sent,
        answered=sent - sum(load.refused for load in loads),
        stored=stored,
        set_aside=aside,
        cut_off=sum(connections for connections, _ in visits) + sum(load.broken for load in loads),
    )
