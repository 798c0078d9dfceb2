"""What is stored before an operation of each size is measured, and the operations themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.stored import (
    SENT_AT,
    Filling,
    Row,
    happened,
    happens_now,
    message_sent,
    new_organization,
    patiently,
    rows_of,
    send,
)
from engagement.domain.messages.message import Message
from engagement.domain.organizations.organization import Organization
from engagement.domain.reports.contribution import contributions
from engagement.domain.reports.listed import listed_of
from engagement.domain.reports.selection import Selection
from engagement.domain.verdicts.interaction import Interaction
from engagement.domain.verdicts.kpi import Fact, count
from engagement.services import Services
from engagement.services.rolling_up import Report
from engagement.storage import keys
from engagement.storage.contributions import contribution_row
from engagement.storage.judgement_requests import JudgementRequest, record_of
from engagement.storage.listing_rows import COLUMN, text_of

#: Rows of a page, the most that the API gives: of few, cold caches after a wait cost as much.
PAGE = 200
SMALL, LARGE = 1_000, 100_000
#: Interactions of one message, all read at each change: for more, Azurite would take minutes.
DEEP = 10_000
#: Interactions of each message where many messages are what there is.
EACH = 100
#: Messages that an organization sends on a day.
A_DAY = 1_000

Step = Callable[[], Awaitable[None]]
#: What goes before an operation, the operation, and the same where requests are counted.
Operation = tuple[Step, Step, Step]


@dataclass(frozen=True, slots=True)
class Stage:
    """Services on a store, the same behind what counts, and what fills it."""

    services: Services
    proxied: Services
    filling: Filling


async def timeline_pages(stage: Stage) -> Mapping[int, Operation]:
    """Fill timelines of one message each; the operation is a page in their middle."""
    found: dict[int, Operation] = {}
    for size in (10, SMALL, LARGE):
        organization = await new_organization(stage.services)
        message, acts = await _with_interactions(stage, organization.key, size)
        middle = acts[len(acts) // 2].id

        async def page(
            services: Services,
            organization: Organization = organization,
            message: Message = message,
            middle: str = middle,
        ) -> None:
            await services.reading.timeline(organization, message.id, after=middle, size=PAGE)

        found[size] = _steps(stage, page)
    return found


async def list_pages(stage: Stage) -> Mapping[int, Operation]:
    """Fill lists of messages; the operation is the first page of all followed emails."""
    found: dict[int, Operation] = {}
    for size in (100, SMALL, LARGE):
        organization = await new_organization(stage.services)
        table = keys.table(organization.key)
        await stage.filling.fill(table, (_list_row(number) for number in range(size)))

        async def page(services: Services, organization: Organization = organization) -> None:
            await services.listing.page(
                organization, Selection(), datetime.now(UTC), continuation="", size=PAGE
            )

        found[size] = _steps(stage, page)
    return found


async def changes_among_interactions(stage: Stage) -> Mapping[int, Operation]:
    """Fill messages with a hundred interactions each; one more comes to one of them."""
    found: dict[int, Operation] = {}
    for size in (SMALL, LARGE):
        organization = await new_organization(stage.services)
        for _ in range(size // EACH):
            message, _ = await _with_interactions(stage, organization.key, EACH)
        found[size] = _change(stage, organization.key, message)
    return found


async def changes_among_messages(stage: Stage) -> Mapping[int, Operation]:
    """Fill days of a thousand messages each; an interaction comes to one of the first day."""
    found: dict[int, Operation] = {}
    for size in (SMALL, LARGE):
        days = [SENT_AT - timedelta(days=number) for number in range(size // A_DAY)]
        found[size] = await _among_messages(stage, days, A_DAY)
    return found


async def changes_of_one_message(stage: Stage) -> Mapping[int, Operation]:
    """Fill one message each with interactions; one more comes to it."""
    found: dict[int, Operation] = {}
    for size in (SMALL, DEEP):
        organization = await new_organization(stage.services)
        message, _ = await _with_interactions(stage, organization.key, size)
        found[size] = _change(stage, organization.key, message)
    return found


#: What is measured beside the size of what is stored.
SERIES: Mapping[str, Callable[[Stage], Awaitable[Mapping[int, Operation]]]] = {
    "timeline page, by interactions of the message": timeline_pages,
    "list page, by messages": list_pages,
    "one change, by interactions of other messages": changes_among_interactions,
    "one change, by messages of all days": changes_among_messages,
    "one change, by interactions of the same message": changes_of_one_message,
}


async def _with_interactions(
    stage: Stage, key: str, number: int
) -> tuple[Message, list[Interaction]]:
    message = await send(stage.services, key)
    acts = happened(message, number)
    await stage.filling.fill(keys.table(key), rows_of(acts))
    return message, sorted(acts, key=lambda act: act.id)


async def _among_messages(stage: Stage, days: Iterable[datetime], each: int) -> Operation:
    """Fill what messages add to days; their heads are not looked at, and not stored."""
    organization = await new_organization(stage.services)
    table = keys.table(organization.key)
    for day in days:
        await stage.filling.fill(table, _contribution_rows(day, each))
        marking = partial(stage.services.projecting.markers.mark_days, organization.key)
        await patiently(partial(marking, [day.date()]))
    message = await send(stage.services, organization.key)
    await stage.filling.fill(table, rows_of(happened(message, EACH)))
    return _change(stage, organization.key, message)


def _contribution_rows(day: datetime, number: int) -> Iterable[Row]:
    for _ in range(number):
        message = message_sent(day)
        facts = [_fact(act) for act in happened(message, 2)]
        for on, one in contributions(message, facts, day + timedelta(days=1)).items():
            yield {**contribution_row(one), "PartitionKey": keys.contributions(on)}


def _list_row(number: int) -> Row:
    message = message_sent(SENT_AT - timedelta(minutes=number))
    listed = listed_of(message, count(_fact(act) for act in happened(message, 3)))
    return {"PartitionKey": keys.LIST_ALL, "RowKey": listed.key, COLUMN: text_of(listed)}


def _fact(act: Interaction) -> Fact:
    known = act.evidence
    return Fact(
        type=known.type,
        verdict=act.judgement.verdict,
        at=known.at,
        recipient=known.recipient,
        target=known.target,
        actor=known.actor,
    )


def _change(stage: Stage, key: str, message: Message) -> Operation:
    """Return what the product does about one more interaction: a look, and a roll-up later."""

    async def before() -> None:
        await happens_now(stage.services, stage.filling, key, message)

    async def bring_in(services: Services) -> None:
        now = datetime.now(UTC)
        await services.judging.take(record_of(JudgementRequest(key, message.id, last=True)), now)
        await patiently(lambda: roll_up(services, key, now + timedelta(minutes=5)))

    return before, lambda: bring_in(stage.services), lambda: bring_in(stage.proxied)


async def roll_up(services: Services, key: str, now: datetime) -> None:
    """Roll up whatever changed."""
    while await services.rolling_up.roll_up(key, now, 600.0, Report()):
        pass


def _steps(stage: Stage, operation: Callable[[Services], Awaitable[None]]) -> Operation:
    async def nothing() -> None:
        pass

    return nothing, lambda: operation(stage.services), lambda: operation(stage.proxied)
