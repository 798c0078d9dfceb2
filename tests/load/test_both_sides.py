"""L8: who floods one side of the service is not felt on the other.

Both sides are one process here, which makes it harder: in Azure they are two apps.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from balance import settle, statuses
from deployment import Deployment, draft_of, ok
from traffic import Request, exchange_async, visit
from two_sizes import sizes, tell

#: Bad tokens that a source may show in a minute.
BAD_TOKENS = 10
CONNECTIONS, FEW = 40, 4
RECORD = {"type": "account", "id": "a-1"}


def limited(environment, calls):
    """A deployment where organizations may call so often in a minute, and it does not end."""
    now = datetime.now(UTC)
    limits = {"ENGAGEMENT_API_LIMIT": str(calls), "ENGAGEMENT_BAD_TOKEN_LIMIT": str(BAD_TOKENS)}
    return Deployment({**environment, **limits}, clock=lambda: now)


def at_once(server, flood, others):
    """Send two kinds of requests at the same time, one of them over many connections."""

    async def both():
        return await asyncio.gather(
            exchange_async(server.url, flood, CONNECTIONS),
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


@sizes("count,calls", short=(160, 12), full=(6_000, 300))
def test_L8_the_api_answers_rightly_while_strangers_flood(deployment, environment, count, calls):
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
        flooded, called = at_once(server, flood, works)

    opens, clicks, bad_opens, bad_clicks = (flooded[kind::4] for kind in range(4))
    assert statuses([*opens, *bad_opens]) == {200: count // 2}
    assert statuses(clicks) == {302: count // 4}
    assert statuses(bad_clicks).keys() == {404, 429}
    assert statuses(called) == {200: calls // 2, 201: calls // 2}
    for n, outcome in enumerate(called):
        expected = f"Draft {n}" if n % 2 else f"Subject {n % 3}"
        assert outcome.json()["subject"] == expected
    made = sorted(outcome.json()["id"] for outcome in called[1::2])
    assert sorted(activities(crm)) == made
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


@sizes("count,calls,limit", short=(60, 60, 30), full=(3_000, 6_000, 600))
def test_L8_tracked_urls_and_other_crms_do_not_feel_who_floods_the_api(
    deployment, environment, count, calls, limit
):
    crm, other = deployment.new_crm(), deployment.new_crm()
    messages = [crm.sent() for _ in range(3)]
    theirs = other.sent(subject="Theirs")
    flood = [call(crm, f"/messages/{messages[n % 3].id}") for n in range(calls)]
    visits = [
        visit(messages[n % 3].link if n % 2 else messages[n % 3].pixel, n) for n in range(count)
    ]
    reads = [call(other, f"/messages/{theirs.id}") for _ in range(limit)]

    with limited(environment, limit) as server:
        flooded, beside = at_once(server, flood, [*visits, *reads])

    visited, read = beside[:count], beside[count:]
    assert statuses(flooded) == {200: limit, 429: calls - limit}
    assert statuses(visited) == {200: count // 2, 302: count // 2}
    assert statuses(read) == {200: len(reads)}
    assert {outcome.json()["subject"] for outcome in read} == {"Theirs"}
    refused = sum(outcome.status == 429 for outcome in flooded)
    tell("L8 a CRM floods", flooded, served=limit, refused=refused)
    tell("L8 tracked URLs meanwhile", visited, **settle(messages, visited))
    tell("L8 another CRM meanwhile", read)
