"""F5: the host is killed between two writes; what is half done is never seen, and repaired."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from deployment import Crm, Deployment, HostProcess, draft_of, settings, wait_until
from fault_proxy import FaultProxy, hanging, healthy

from devserver.backing import connection_string

LATER = datetime.now(UTC) + timedelta(hours=2)


class Killable(HostProcess):
    """A host in a process of its own, whose tables hang where a test wants it."""

    def __init__(self, azurite, tables, spill):
        blob, queue, _ = azurite.ports
        data = connection_string((blob, queue, tables.port))
        super().__init__(
            settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill), ENGAGEMENT_SMTP_HOST="127.0.0.1")
        )
        self.tables = tables

    def hang_at(self, text):
        """Let the tables hang at every write that holds *text*."""

        async def fault(proxy, request, body):
            return await (hanging if text in body else healthy)(proxy, request, body)

        self.text, self.tables.fault = text, fault

    def dies_while(self, request):
        """Start *request*, kill the host while its write hangs."""
        thread = threading.Thread(target=lambda: self.ignoring_the_end(request))
        thread.start()
        wait_until(lambda: any(self.text in body for *_, body in self.tables.seen))
        self.kill()
        thread.join()
        self.tables.fault = healthy

    def ignoring_the_end(self, request):
        with pytest.raises(httpx.TransportError):
            request()


@pytest.fixture(scope="module")
def deployment(own_azurite, tmp_path_factory):
    """A deployment that lives on, and sweeps nothing but what these tests made."""
    spill = str(tmp_path_factory.mktemp("spill"))
    environment = settings(own_azurite.connection_string, ENGAGEMENT_SPILL_FOLDER=spill)
    with Deployment(environment) as running:
        yield running


@pytest.fixture
def killable(own_azurite, tmp_path):
    """A host to kill."""
    with (
        FaultProxy(own_azurite.ports[2]) as tables,
        Killable(own_azurite, tables, tmp_path) as host,
    ):
        yield host


def crm_of(killable, crm):
    """The same CRM, calling the host that is going to die."""
    other = Crm(killable, crm.organization_id, crm.api_key)
    assert other.message(crm.draft()["id"])["status"] == "draft"
    return other


def sweep(deployment: Deployment, when: datetime) -> int:
    """Sweep all organizations as of then."""
    return deployment.run(deployment.services.sweeping.sweep(when))


def test_F5_an_upload_cut_between_blob_and_row_is_never_half_there(crm, deployment, killable):
    message_id = crm.draft()["id"]
    dying = crm_of(killable, crm)
    killable.hang_at(b"2-attachment-")
    upload = {
        "params": {"name": "offer.pdf", "followed": "true"},
        "content": b"the offer",
        "headers": {"Idempotency-Key": "k-1", "Content-Type": "application/pdf"},
    }
    path = f"/messages/{message_id}/attachments"
    killable.dies_while(lambda: dying.call("POST", path, **upload))

    assert crm.message(message_id)["attachments"] == []
    assert sweep(deployment, datetime.now(UTC)) == 0
    assert sweep(deployment, LATER) >= 1
    assert crm.message(message_id)["html_body"]

    assert crm.call("POST", path, **upload).status_code == 201
    assert [item["name"] for item in crm.message(message_id)["attachments"]] == ["offer.pdf"]


def test_F5_a_draft_cut_between_content_and_head_does_not_exist(crm, deployment, killable):
    dying = crm_of(killable, crm)
    killable.hang_at(b"0-head")
    draft = {"json": draft_of(), "headers": {"Idempotency-Key": "k-2"}}
    killable.dies_while(lambda: dying.call("POST", "/messages", **draft))

    answer = crm.call("POST", "/messages", **draft)
    assert answer.status_code == 201
    assert answer.json() == crm.call("POST", "/messages", **draft).json()


def test_F5_a_sending_cut_half_way_is_finished_by_the_same_request(crm, deployment, killable):
    message_id = crm.draft()["id"]
    dying = crm_of(killable, crm)
    killable.hang_at(b"3-link-")
    send = {"json": {"delivery": "crm"}, "headers": {"Idempotency-Key": "k-3"}}
    path = f"/messages/{message_id}/send"
    killable.dies_while(lambda: dying.call("POST", path, **send))

    assert crm.message(message_id)["status"] == "sending"
    assert crm.call("POST", path, json={"delivery": "crm"}).status_code == 409
    answer = crm.call("POST", path, **send)
    assert answer.json()["status"] == "sent"
    assert "/c/" in answer.json()["copies"][0]["html_body"]
