"""L4: timelines of many events are read whole, page by page, without holding on to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from azure.data.tables import TableClient
from deployment import ok
from shelf import an_open
from traffic import Request, exchange, organization_key
from two_sizes import sizes, tell
from vitals import vitals

from engagement.storage import keys
from engagement.storage.interaction_rows import entity_of, sdk_row

#: MiB that memory may grow by from the middle of the reading to its end.
FLAT = 8


def opened(crm, count):
    """A message that was opened so often; Azurite looks at every row of a table for every page."""
    message, now = crm.sent(), datetime.now(UTC)
    rows = [
        sdk_row(entity_of(an_open(message.id, now + timedelta(milliseconds=number))))
        for number in range(count)
    ]
    name = keys.table(organization_key(message.pixel))
    with TableClient.from_connection_string(
        crm.deployment.environment["ENGAGEMENT_DATA"], name
    ) as table:
        for start in range(0, count, 100):
            table.submit_transaction(("upsert", row) for row in rows[start : start + 100])
    return message


def walk(message, outcomes):
    """Read a timeline, as the CRM does; returns its items."""
    crm, items, more = message.crm, [], ""
    path = f"/api/v1/organizations/{crm.organization_id}/messages/{message.id}/timeline"
    while more is not None:
        target = f"{path}?page_size=200{more}"
        (outcome,) = exchange(
            crm.deployment.url, [Request(target, headers={"X-Api-Key": crm.api_key})], 1
        )
        outcomes.append(outcome)
        assert outcome.status == 200
        page = outcome.json()
        items += page["items"]
        more = f"&continuation={page['continuation']}" if page["continuation"] else None
    return items


@sizes("organizations,events", short=(2, 450), full=(10, 10_000))
def test_L4_long_timelines_are_read_whole_and_not_held_on_to(host, organizations, events):
    messages = [opened(host.new_crm(), events) for _ in range(organizations)]
    memory, outcomes = [], []
    for message in messages:
        items = walk(message, outcomes)
        memory.append(vitals(host.process.pid).memory)
        assert len({item["id"] for item in items}) == events
        times = [item["at"] for item in items]
        assert times == sorted(times, reverse=True)
        assert ok(message.crm.call("GET", f"/messages/{message.id}"))["kpis"]["open_count"] == 1

    grown = memory[-1] - memory[len(memory) // 2]
    assert grown < FLAT
    read = organizations * events
    tell("L4", outcomes, events=read, read=read, memory=f"{memory[-1]:.0f} MiB, {grown:+.1f}")
