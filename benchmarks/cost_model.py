"""A month's bill of one deployment, from what the product does and what Azure charges.

The rules of billing, and how sure each is, are in docs/cost.md. Everything errs upwards where it
must err: an act that could share a second, a request or a roll-up with another is charged alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.operations import MONTH_HOURS, requests, runs_a_month, schedules
from engagement.functions.timers import ROLL_UP_SECONDS

MILLION = 1e6
MONTH_SECONDS = MONTH_HOURS * 3600
#: Seconds that an execution is billed with at the least.
LEAST_SECONDS = 1.0

#: Looks of a judgement, and requests to its queue: put and put back, taken and deleted each time.
LOOKS = 2
JUDGEMENT_QUEUE_REQUESTS = 6
#: Requests of an alert for a first open, as docs/data-model.md tells below its table.
ALERT_REQUESTS = 6
#: Queues that functions take from.
QUEUES = 3
#: Requests to tables and blobs of one run over an organization, of what the table does not name:
#: the sweep lists the blobs of templates and of a day.
SWEEP_BLOB_READS = 2
#: Requests of one run that watches the queues while all are empty: each, and what is poison of it.
WATCH_REQUESTS = 2 * QUEUES


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What happens in a month, and how the deployment is set up."""

    opens: float = 0
    clicks: float = 0
    views: float = 0
    messages: float = 0
    organizations: float = 1
    #: hours of the month over which all of it is spread evenly
    hours: float = MONTH_HOURS
    #: MB of an instance of each app: 512, 2048 or 4096
    public_memory: int = 2048
    private_memory: int = 2048
    #: hits a second that one instance answers
    capacity: float = 200
    #: instances of the public app that are always ready
    always_ready: int = 0
    front_door: bool = False
    #: questions of availability tests; each is an execution of the public app, too
    probes: float = 0
    #: bytes kept of an interaction, an answered hit, an attachment, and one execution's telemetry
    interaction_bytes: float = 1000
    answer_bytes: float = 1000
    attachment_bytes: float = 200_000
    telemetry_bytes: float = 1500
    #: requests a second to each empty queue, by the host and by whatever decides on instances
    queue_polls: float = 0.1
    #: seconds that rolling up takes per organization in which nothing changed, eight at once
    idle_seconds: float = 0.0065
    #: seconds between two runs of the dispatch timer, None for as it is declared
    dispatch_seconds: float | None = None

    @property
    def hits(self) -> float:
        """Requests to tracked URLs."""
        return self.opens + self.clicks + self.views


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill."""

    part: str
    #: str, name of the price
    price_name: str
    #: float, in the unit of the price
    quantity: float
    price: float

    @property
    def amount(self) -> float:
        """US dollars."""
        return self.quantity * self.price


def billed_seconds(count: float, seconds: float, capacity: float = math.inf) -> float:
    """Return the seconds that *count* executions are billed with that come in *seconds* by chance.

    On an instance that nothing runs on, the first begins a second that is paid for; whatever comes
    within it is free. So at a rate of r a second each costs 1 / (1 + r) seconds. More than
    *capacity* a second take further instances.
    """
    if count <= 0:
        return 0.0
    rate = count / seconds
    instances = max(1, math.ceil(rate / capacity))
    return count * LEAST_SECONDS / (1 + rate / instances)


def timer_runs(month: Month) -> dict[str, float]:
    """Return how often each timer runs in a month."""
    runs = {name: runs_a_month(schedule) for name, schedule in schedules().items()}
    if month.dispatch_seconds is not None:
        runs["dispatch"] = MONTH_SECONDS / month.dispatch_seconds
    return runs


def bill(month: Month, prices: Mapping[str, float], free: Mapping[str, float]) -> list[Line]:
    """Return the lines of the bill; what is free comes last, below zero."""
    lines = [
        Line(part, name, quantity, prices[name])
        for part, name, quantity in (
            *_compute(month),
            *_storage(month),
            *_around(month),
        )
        if quantity
    ]
    return [*lines, *_grants(lines, prices, free)]


def total(lines: list[Line]) -> float:
    """Return the sum of a bill in US dollars."""
    return sum(line.amount for line in lines)


def executions(month: Month) -> dict[str, tuple[float, int, float]]:
    """Return what executes: how often, on how many MB, and for how many billed seconds."""
    spread, public, private = month.hours * 3600, month.public_memory, month.private_memory
    judged = LOOKS * month.hits
    calls = 2 * month.messages
    found = {
        "public: hits": (
            month.hits,
            public,
            billed_seconds(month.hits, spread, month.capacity),
        ),
        "public: availability tests": (
            month.probes,
            public,
            billed_seconds(month.probes, MONTH_SECONDS),
        ),
        "private: judgements": (
            judged,
            private,
            billed_seconds(judged, spread, month.capacity),
        ),
        "private: drafts and sending": (
            calls,
            private,
            billed_seconds(calls, spread, month.capacity),
        ),
    }
    for name, runs in timer_runs(month).items():
        # Each timer has instances of its own, so that no two share a second.
        took = month.organizations * month.idle_seconds if name == "roll_up" else 0.0
        seconds = runs * min(max(took, LEAST_SECONDS), ROLL_UP_SECONDS)
        found[f"private: timer {name}"] = (runs, private, seconds)
    return found


def _compute(month: Month) -> Iterator[tuple[str, str, float]]:
    ready = month.always_ready * month.public_memory / 1024
    for part, (count, memory, seconds) in executions(month).items():
        on_ready = ready > 0 and part.startswith("public")
        name = "always_ready_busy_second" if on_ready else "flex_second"
        yield part, name, seconds * memory / 1024
        yield part, "flex_executions", count / MILLION
    yield "public: always ready", "always_ready_second", ready * MONTH_SECONDS


def table_requests(month: Month) -> dict[str, float]:
    """Return requests to tables by what they are for."""
    of = {operation: tables for operation, (tables, _) in requests().items()}
    look, lists = (
        of["a look at a message that is judged already"],
        of["three lists when a count changed"],
    )
    follow_up = LOOKS * look + lists + of["rolling up a message that changed"]
    runs = timer_runs(month)
    idle = of["rolling up when nothing changed"] * month.organizations
    return {
        "hits": (
            month.opens * of["pixel"] + (month.clicks + month.views) * of["click on another link"]
        ),
        "judgements, lists and rollups of hits": month.hits * follow_up,
        "messages": month.messages
        * (
            of["making a draft"]
            + of["sending by crm"]
            + of["rolling up a message that changed"]
            + ALERT_REQUESTS
        ),
        "timer dispatch": runs["dispatch"],
        "timer roll_up": runs["roll_up"] * (1 + idle),
        "timer sweep": runs["sweep"],
    }


def _storage(month: Month) -> Iterator[tuple[str, str, float]]:
    for part, count in table_requests(month).items():
        yield f"tables: {part}", "table_requests", count / MILLION
    of = {operation: blobs for operation, (_, blobs) in requests().items()}
    read = month.views * of["attachment that the instance knows"]
    read += month.messages * of["sending by crm"]
    swept = timer_runs(month)["sweep"] * SWEEP_BLOB_READS * month.organizations
    yield "blobs: attachments and contents", "blob_reads", read / MILLION
    yield "blobs: sweep", "blob_writes", swept / MILLION  # lists cost what writes cost
    yield "blobs: contents", "blob_writes", month.messages * of["making a draft"] / MILLION
    yield "queue: judgements", "queue_requests", month.hits * JUDGEMENT_QUEUE_REQUESTS / MILLION
    polls = QUEUES * month.queue_polls * MONTH_SECONDS
    yield "queues: looking whether there is anything", "queue_requests", polls / MILLION
    watched = timer_runs(month)["watch_queues"] * WATCH_REQUESTS
    yield "queues: timer watch_queues", "queue_requests", watched / MILLION
    yield (
        "tables: a month's interactions",
        "table_capacity",
        (month.hits * month.interaction_bytes / 1e9),
    )


def _around(month: Month) -> Iterator[tuple[str, str, float]]:
    counts = sum(count for count, _, _ in executions(month).values())
    yield "telemetry", "telemetry", counts * month.telemetry_bytes / 1e9
    gigabytes = (month.hits * month.answer_bytes + month.views * month.attachment_bytes) / 1e9
    if month.front_door:
        yield "Front Door", "front_door", 1
        yield "Front Door", "front_door_requests", month.hits / MILLION
        yield "Front Door", "front_door_traffic", gigabytes
    else:
        yield "traffic", "traffic", gigabytes
    yield "availability tests", "availability", month.probes / MILLION


def _grants(
    lines: list[Line], prices: Mapping[str, float], free: Mapping[str, float]
) -> Iterator[Line]:
    """Yield what a month has for nothing, as far as it is used."""
    granted = {
        "flex_second": free["flex_seconds"],
        "flex_executions": free["flex_executions"] / MILLION,
        "telemetry": free["telemetry_gb"],
        "traffic": free["traffic_gb"],
    }
    for name, grant in granted.items():
        used = sum(line.quantity for line in lines if line.price_name == name)
        if used:
            yield Line("free of charge", name, -min(used, grant), prices[name])
