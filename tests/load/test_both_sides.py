"""L8: who floods one side of the service is not felt on the other.

Both sides are one process here, which makes it harder: in Azure they are two apps.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime

from balance import settle, statuses
from deployment import Deployment, draft_of, ok
from traffic import Request, exchange_async, visit
from two_sizes import sizes, tell

#: Bad tokens that a source may show in a minute.
BAD_TOKENS = 10
FEW = 4
#: Connections, and the share of answers that may be late: where there are few requests, most are
#: the first of their kind, and a busy machine is late for several at once.
SHORT, FULL = (12, 0.25), (40, 0.01)
RECORD = {"type": "account", "id": "a-1"}


def limited(environment, calls):
    """A deployment where organizations may call so often in a minute, and it does not end."""
    now = datetime.now(UTC)
    limits = {"ENGAGEMENT_API_LIMIT": str(calls), "ENGAGEMENT_BAD_TOKEN_LIMIT": str(BAD_TOKENS)}
    return Deployment({**environment, **limits}, clock=lambda: now)


def check(outcomes, expected, most_late):
    """Statuses are as *expected*, but for that share of 503: to try again, as the store is late."""
    found = statuses(outcomes)
    late = found.pop(503, 0)
    assert late <= most_late * len(outcomes)
    assert found.keys() == expected.keys()
    assert sum((Counter(expected) - found).values()) == late


def at_once(server, flood, others, connections):
    """Send two kinds of requests at the same time, one of them over many connections."""

    async def both():
        return await asyncio.gather(
            exchange_async(server.url, flood, connections),
            exchange_async(server.url, others, FEW),
        )

    return asyncio.run(both())


def call(crm, path, body=None):
    """A call of the API by an organization: a POST of *body*, or a GET."""
    target = f"/api/v1/organizations/{crm.organization_id}{path}"
    headers = {"X-Api-Key": crm.api_key}
    if body is None:
        return Request(target, headers=headers)
    headers["Content-Type"] = "application/json"
    return Request(target, "POST", headers, json.dumps(body).encode())


def bad(url):
    """A visit with a bad token, by the one source that all of these have."""
    return visit(url.replace(url.rpartition("/")[2][:20], "z" * 20), 0)


@sizes("count,calls,flooding", short=(160, 12, SHORT), full=(4_000, 300, FULL))
def test_L8_the_api_answers_rightly_while_strangers_flood(
    deployment, environment, count, calls, flooding
):
    connections, late = flooding
    crm = deployment.new_crm()
    messages = [crm.sent(subject=f"Subject {number}") for number in range(3)]
    kinds = [
        lambda n: visit(messages[n % 3].pixel, n),
        lambda n: visit(messages[n % 3].link, n),
        lambda _: bad(messages[0].pixel),
        lambda _: bad(messages[0].link),
    ]
    flood = [kinds[n % 4](n) for n in range(count)]
    works = [
        call(crm, "/messages", draft_of(subject=f"Draft {n}", regarding=RECORD))
        if n % 2
        else call(crm, f"/messages/{messages[n % 3].id}")
        for n in range(calls)
    ]

    with limited(environment, calls) as server:
        flooded, called = at_once(server, flood, works, connections)

    opens, clicks, bad_opens, bad_clicks = (flooded[kind::4] for kind in range(4))
    assert statuses([*opens, *bad_opens]) == {200: count // 2}
    check(clicks, {302: count // 4}, late)
    assert statuses(bad_clicks).keys() == {404, 429}
    check(called, {200: calls // 2, 201: calls // 2}, late)
    answered = [(n, outcome.json()) for n, outcome in enumerate(called) if outcome.status != 503]
    for n, message in answered:
        assert message["subject"] == (f"Draft {n}" if n % 2 else f"Subject {n % 3}")
    made, there = {message["id"] for n, message in answered if n % 2}, activities(crm)
    # What was answered 503 may be there, once.
    assert made <= set(there)
    assert len(there) == len(set(there)) <= calls // 2
    tell("L8 strangers flood", flooded, **settle(messages, [*opens, *clicks]), drafts=len(made))
    tell("L8 the API meanwhile", called)


def activities(crm):
    """Ids of all messages of the record."""
    path, found, more = f"/records/{RECORD['type']}/{RECORD['id']}/activities", [], {}
    while more is not None:
        page = ok(crm.call("GET", path, params={"page_size": 200, **more}))
        found += [item["id"] for item in page["items"]]
        more = {"continuation": page["continuation"]} if page["continuation"] else None
    return found


@sizes("count,calls,limit,flooding", short=(60, 60, 30, SHORT), full=(1_500, 3_000, 500, FULL))
def test_L8_tracked_urls_and_other_crms_do_not_feel_who_floods_the_api(
    deployment, environment, count, calls, limit, flooding
):
    connections, late = flooding
    crm, other = deployment.new_crm(), deployment.new_crm()
    messages = [crm.sent() for _ in range(3)]
    theirs = other.sent(subject="Theirs")
    flood = [call(crm, f"/messages/{messages[n % 3].id}") for n in range(calls)]
    visits = [
        visit(messages[n % 3].link if n % 2 else messages[n % 3].pixel, n) for n in range(count)
    ]
    reads = [call(other, f"/messages/{theirs.id}") for _ in range(limit)]

    with limited(environment, limit) as server:
        flooded, beside = at_once(server, flood, [*visits, *reads], connections)

    visited, read = beside[:count], beside[count:]
    # Calls that the store was late for have counted as well.
    assert statuses(flooded)[429] == calls - limit
    check([each for each in flooded if each.status != 429], {200: limit}, late)
    assert statuses(visited[::2]) == {200: count // 2}
    check(visited[1::2], {302: count // 2}, late)
    check(read, {200: limit}, late)
    subjects = {outcome.json()["subject"] for outcome in read if outcome.status == 200}
    assert subjects == {"Theirs"}
    refused = sum(outcome.status == 429 for outcome in flooded)
    tell("L8 a CRM floods", flooded, served=limit, refused=refused)
    tell("L8 tracked URLs meanwhile", visited, **settle(messages, visited))
    tell("L8 another CRM meanwhile", read)
