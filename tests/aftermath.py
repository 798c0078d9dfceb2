"""What is left to be done once no host is killed any more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import inf

from deployment import PATIENCE, Deployment, wait_until
from stubborn_crm import StubbornCrm

from engagement.storage.queues import Queue

#: By then nobody is at anything any more, and all times have come.
LATER = timedelta(hours=2)
#: Seconds in which a queue becomes shorter: what is looked at again after a minute, or is tried
#: again after some failures, is hidden for so long at the most.
SLOWEST = 150.0


def later() -> datetime:
    """The time at which it is reckoned."""
    return datetime.now(UTC) + LATER


def finish(deployment: Deployment, crms: Sequence[StubbornCrm], *, judged: bool) -> None:
    """Have everything done that is due or was set aside, and all that follows from it.

    *judged* is to wait for the last looks at messages as well, which takes more than a minute.
    """
    services = deployment.services
    for crm in crms:
        for story in crm.stories:
            if story.id and not (story.told or story.gone):
                crm.send(story)
                assert story.told, f"{story.subject}: nobody says what became of it"
    wait_until(lambda: deployment.run(services.recording.drain()))
    empty(deployment, [services.recording.set_aside])
    if judged:
        empty(deployment, [services.judging.requests])
    while deployment.run(services.dispatching.run(later, 60.0)).done_count:
        pass
    assert deployment.run(services.dispatching.due_times.page(later(), after=None, size=1)) == []
    deployment.run(services.sweeping.sweep(later()))
    assert not deployment.run(services.rolling_up.run(later(), 300.0)).unfinished


def empty(deployment: Deployment, queues: Sequence[Queue]) -> None:
    """Wait until nothing is in *queues*, as long as it becomes less."""
    least, end = inf, 0.0
    while left := sum(deployment.run(queue.count(PATIENCE)) for queue in queues):
        if left < least:
            least, end = left, time.monotonic() + SLOWEST
        assert time.monotonic() < end, f"{left} are left in a queue"
        time.sleep(0.05)
