"""What an operation costs in requests to the stores, as docs/data-model.md states it."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from deployment import Deployment, draft_of, ok, recipient, settings
from fault_proxy import FaultProxy, only, refusing
from receiver import Receiver
from shelf import an_open

from benchmarks.operations import requests
from devserver.backing import connection_string
from engagement.domain.tracking.tracking_token import Kind
from engagement.domain.webhooks.webhook_event import EventType, event_of
from engagement.services.rolling_up import Report
from engagement.storage.judgement_requests import JudgementRequest, record_of
from engagement.storage.webhook_deliveries import Delivery
from engagement.storage.webhook_deliveries import record_of as delivery_record_of

LATER = timedelta(minutes=5)


class Counting:
    """A deployment whose requests to the stores are counted."""

    def __init__(self, azurite, spill, stack):
        blob, queue, table = (stack.enter_context(FaultProxy(port)) for port in azurite.ports)
        self.proxies = (table, blob)
        # Judging has requests of its own, and is left to the other deployments of this run.
        queue.fault = only(lambda request: request.method == "GET", refusing(503))
        data = connection_string((blob.port, queue.port, table.port))
        self.deployment = stack.enter_context(
            Deployment(settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill)))
        )
        self.crm = self.deployment.new_crm()

    def cost(self, operation):
        """Requests to tables and blobs that *operation* makes."""
        # As if the instance had not looked at the webhooks for some seconds.
        known = self.deployment.services.notifying.known
        for organization in list(known.values):
            known.forget(organization)
        for proxy in self.proxies:
            proxy.seen.clear()
        operation()
        tables, blobs = (len(proxy.seen) for proxy in self.proxies)
        return tables, blobs

    def deliver(self, message, receiver):
        """Prepare to deliver an event to an endpoint, as the queue function does."""
        services, now = self.deployment.services, datetime.now(UTC)
        webhook = ok(self.crm.call("POST", "/webhooks", json={"url": receiver.url()}))["id"]
        text = message.pixel.rpartition("/")[2].removesuffix(".gif")
        organization = services.tracking.signer.verify(text, Kind.OPEN).organization
        event = event_of(organization, EventType.MESSAGE_OPENED, message.id, "", now, {})
        record = delivery_record_of(Delivery(organization, webhook, event))
        return webhook, lambda: self.deployment.run(services.notifying.take(record, now))

    def judge(self, message):
        """Judge a message, as the queue function does."""
        record = record_of(JudgementRequest(self.organization(message), message.id, last=True))
        self.deployment.run(self.deployment.services.judging.take(record, datetime.now(UTC)))

    def project(self, message):
        """Bring the lists in step with a message."""
        projecting = self.deployment.services.projecting
        self.deployment.run(projecting.project(self.organization(message), message.id))

    def opened(self, message):
        """Store an open that nobody is told of, so that only this test judges it."""
        interactions = self.deployment.services.projecting.interactions
        added = [an_open(message.id, datetime.now(UTC))]
        self.deployment.run(
            interactions.change(self.organization(message), message.id, judged=[], added=added)
        )

    def organization(self, message):
        """Key of the organization that sent a message."""
        text = message.pixel.rpartition("/")[2].removesuffix(".gif")
        return self.deployment.services.tracking.signer.verify(text, Kind.OPEN).organization

    def roll_up(self, message):
        """Roll up what changed in a message's organization, as the timer does in some minutes."""
        rolling_up, later = self.deployment.services.rolling_up, datetime.now(UTC) + LATER
        self.deployment.run(rolling_up.roll_up(self.organization(message), later, 10, Report()))


@pytest.fixture(scope="module")
def counting(azurite, tmp_path_factory):
    """A deployment of this module's own."""
    with ExitStack() as stack:
        yield Counting(azurite, tmp_path_factory.mktemp("spill"), stack)


def advise(crm):
    """Ask when to send."""
    body = {"time_zone": "Europe/Berlin", "recipients": [{"email": "ann@fabrikam.example"}]}
    return ok(crm.call("POST", "/delivery-time", json=body))


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def test_the_document_tells_what_each_operation_costs(counting, receiver):
    crm, get = counting.crm, counting.deployment.get
    message = crm.sent_with_attachment()
    draft = crm.draft()["id"]
    for url in (message.pixel, message.link, message.file):
        get(url)
    other = crm.sent()
    template = {"name": "Offer", "subject": "An offer", "html_body": "<p>Dear {{name}}</p>"}
    register = lambda: ok(crm.call("PUT", "/templates/t-1", json=template))  # noqa: E731
    register()
    from_template = draft_of(template_id="t-1", html_body=None, values={"name": "Ann"})
    other_draft = f"/messages/{crm.draft()['id']}"
    quiet = crm.sent()
    counting.opened(quiet)
    path = f"/records/contact/{recipient('ann@fabrikam.example')['record']['id']}/activities"
    counting.judge(message)
    webhook, deliver = counting.deliver(message, receiver)

    costs = {
        "pixel": counting.cost(lambda: get(message.pixel)),
        "click on a link that the instance knows": counting.cost(lambda: get(message.link)),
        "click on another link": counting.cost(lambda: get(other.link)),
        "attachment that the instance knows": counting.cost(lambda: get(message.file)),
        "making a draft": counting.cost(crm.draft),
        "making a draft from a template": counting.cost(
            lambda: ok(crm.call("POST", "/messages", json=from_template))
        ),
        "replacing a template": counting.cost(register),
        "a page of templates": counting.cost(lambda: ok(crm.call("GET", "/templates"))),
        "a template": counting.cost(lambda: ok(crm.call("GET", "/templates/t-1"))),
        "attaching a file": counting.cost(lambda: crm.attach(draft)),
        "sending by crm": counting.cost(lambda: crm.send(draft)),
        "a message with its KPIs": counting.cost(lambda: crm.message(message.id)),
        "a page of the timeline": counting.cost(lambda: crm.timeline(message.id)),
        "a delivery time for one recipient": counting.cost(lambda: advise(crm)),
        "a page of all followed emails": counting.cost(lambda: crm.call("GET", "/messages")),
        "a page of the activities of a record": counting.cost(lambda: crm.call("GET", path)),
        "three lists when a count changed": counting.cost(lambda: counting.project(quiet)),
        "changing a draft": counting.cost(
            lambda: crm.call("PATCH", other_draft, json={"subject": "x"})
        ),
        "a look at a message that is judged already": counting.cost(
            lambda: counting.judge(message)
        ),
        "delivering an event to an endpoint": counting.cost(deliver),
        "listing the webhooks": counting.cost(lambda: crm.call("GET", "/webhooks")),
        "a page of dead letters": counting.cost(
            lambda: crm.call("GET", f"/webhooks/{webhook}/dead-letters")
        ),
    }
    counting.roll_up(message)
    counting.opened(other)
    counting.judge(other)
    costs |= {
        "rolling up a message that changed": counting.cost(lambda: counting.roll_up(other)),
        "rolling up when nothing changed": counting.cost(lambda: counting.roll_up(other)),
        "KPIs of a period": counting.cost(lambda: crm.call("GET", "/kpis")),
        "KPIs of a period by sender or template": counting.cost(
            lambda: crm.call("GET", "/kpis", params={"group_by": "sender"})
        ),
    }

    assert costs == requests()
