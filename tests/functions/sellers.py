"""What the tests of alerts share: who visits, what sellers are told, what they do with it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from deployment import FIREFOX, ok, wait_until
from strangers import said, table

from engagement.domain.alerts.alert import user_key
from engagement.errors import ConflictError

SELLER = "u-17"

ADDRESSES = itertools.count(1)


class Visitor:
    """Somebody with an address of their own: all tests together would be a crowd behind one."""

    def __init__(self, deployment, user_agent=FIREFOX):
        self.deployment = deployment
        number = next(ADDRESSES)
        self.headers = {
            "User-Agent": user_agent,
            "X-Forwarded-For": f"198.18.{number // 256}.{number % 256}",
        }

    def get(self, url, method="GET"):
        return self.deployment.request(method, url, headers=self.headers)


def page(crm, user_id=SELLER, **parameters):
    """A page of a user's alerts."""
    return crm.call("GET", "/alerts", params={"user_id": user_id, **parameters})


def alerts(crm, user_id=SELLER):
    """A user's alerts."""
    return ok(page(crm, user_id))["items"]


def the_alert(crm, user_id=SELLER):
    """The only alert of a user, once it is there."""
    wait_until(lambda: alerts(crm, user_id))
    (alert,) = alerts(crm, user_id)
    return alert


def later(crm, now, user_id=SELLER):
    """The alerts that a user is shown at another time."""
    services = crm.deployment.services

    async def read():
        organization = await services.administering.find(crm.organization_id)
        found, _ = await services.alerting.page(organization, user_id, now, after="", size=50)
        return found

    return crm.deployment.run(read())


def coming(crm):
    """The alerts of the next minute: what only a click tells of is shown some seconds later."""
    return later(crm, datetime.now(UTC) + timedelta(minutes=1))


def judge(message):
    """Judge a message now, as the function of the queue does, and may do at the same time."""
    judging = message.crm.deployment.services.judging
    organization = said(message.pixel).organization

    async def work():
        rules = await judging.rules(organization)
        return await judging.judge(organization, message.id, rules, datetime.now(UTC))

    for _ in range(4):
        try:
            return message.crm.deployment.run(work())
        except ConflictError:
            continue
    return message.crm.deployment.run(work())


def rows(message, user_id=SELLER):
    """A user's alerts as they are stored, newest first."""
    with table(message) as client:
        partition = {"partition": f"alerts-{user_key(user_id)}"}
        return list(client.query_entities("PartitionKey eq @partition", parameters=partition))


def reply(message, body=None, **headers):
    """Report a reply."""
    body = {"replied_by": "ann@fabrikam.example", **(body or {})}
    return message.crm.call("POST", f"/messages/{message.id}/replies", json=body, headers=headers)


def snooze(crm, alert_id, until):
    """Put an alert off until a time, or whatever else is given."""
    body = {"until": until.isoformat() if isinstance(until, datetime) else until}
    return crm.call("POST", f"/alerts/{alert_id}/snooze", json=body)


def dismiss(crm, alert_id):
    """Put an alert away."""
    return crm.call("POST", f"/alerts/{alert_id}/dismiss")
