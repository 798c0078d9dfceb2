"""What an operation costs in requests to the stores, as docs/data-model.md states it."""

from __future__ import annotations

import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from deployment import ROOT, Deployment, settings
from fault_proxy import FaultProxy, only, refusing

from devserver.backing import connection_string
from engagement.domain.tracking_token import Kind
from engagement.services.rolling_up import Report
from engagement.storage.judgement_requests import JudgementRequest, record_of

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
        for proxy in self.proxies:
            proxy.seen.clear()
        operation()
        tables, blobs = (len(proxy.seen) for proxy in self.proxies)
        return tables, blobs

    def key(self, message):
        """Key of the organization that sent a message."""
        text = message.pixel.rpartition("/")[2].removesuffix(".gif")
        return self.deployment.services.tracking.signer.verify(text, Kind.OPEN).organization

    def judge(self, message):
        """Judge a message, as the queue function does."""
        services = self.deployment.services
        record = record_of(JudgementRequest(self.key(message), message.id, last=True))
        self.deployment.run(services.judging.take(record, datetime.now(UTC)))

    def roll_up(self, message):
        """Roll up what changed in a message's organization, as the timer does in some minutes."""
        rolling_up, later = self.deployment.services.rolling_up, datetime.now(UTC) + LATER
        self.deployment.run(rolling_up.roll_up(self.key(message), later, 10, Report()))


@pytest.fixture(scope="module")
def counting(azurite, tmp_path_factory):
    """A deployment of this module's own."""
    with ExitStack() as stack:
        yield Counting(azurite, tmp_path_factory.mktemp("spill"), stack)


def documented():
    """Operation to (tables, blobs), from the table in the document."""
    text = (ROOT / "docs" / "data-model.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    return {operation: (int(tables), int(blobs)) for operation, tables, blobs in rows}


def test_the_document_tells_what_each_operation_costs(counting):
    crm, get = counting.crm, counting.deployment.get
    message = crm.sent_with_attachment()
    draft = crm.draft()["id"]
    for url in (message.pixel, message.link, message.file):
        get(url)
    other = crm.sent()
    counting.judge(message)

    costs = {
        "pixel": counting.cost(lambda: get(message.pixel)),
        "click on a link that the instance knows": counting.cost(lambda: get(message.link)),
        "click on another link": counting.cost(lambda: get(other.link)),
        "attachment that the instance knows": counting.cost(lambda: get(message.file)),
        "making a draft": counting.cost(crm.draft),
        "attaching a file": counting.cost(lambda: crm.attach(draft)),
        "sending by crm": counting.cost(lambda: crm.send(draft)),
        "a message with its KPIs": counting.cost(lambda: crm.message(message.id)),
        "a page of the timeline": counting.cost(lambda: crm.timeline(message.id)),
        "a look at a message that is judged already": counting.cost(
            lambda: counting.judge(message)
        ),
    }
    counting.roll_up(message)
    get(other.pixel)
    counting.judge(other)
    costs |= {
        "rolling up a message that changed": counting.cost(lambda: counting.roll_up(other)),
        "rolling up when nothing changed": counting.cost(lambda: counting.roll_up(other)),
        "KPIs of a period": counting.cost(lambda: crm.call("GET", "/kpis")),
        "KPIs of a period by sender or template": counting.cost(
            lambda: crm.call("GET", "/kpis", params={"group_by": "sender"})
        ),
    }

    assert costs == documented()
