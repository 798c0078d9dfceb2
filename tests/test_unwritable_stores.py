"""F19: the stores can be read and not written, or an organization's table is gone."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from azure.data.tables import TableServiceClient
from deployment import Deployment, draft_of, ok, settings
from fault_proxy import FaultProxy, healthy, only
from problem import assert_problem
from told import told

from devserver.backing import connection_string
from engagement.domain.tracking.tracking_token import Kind

#: As the Table service says it, and as blobs and queues do.
JSON = '{{"odata.error": {{"code": "{0}", "message": {{"lang": "en-US", "value": "No."}}}}}}'
XML = '<?xml version="1.0" encoding="utf-8"?><Error><Code>{0}</Code><Message>No.</Message></Error>'


def refused(status, code, text):
    """Refuse every write, in the store's own words."""

    async def fault(proxy, request, body):
        kind = "application/json" if text is JSON else "application/xml"
        return web.Response(status=status, content_type=kind, text=text.format(code))

    return only(lambda request: request.method not in ("GET", "HEAD"), fault)


class Plant:
    """A deployment behind fault proxies, and what its callers do."""

    def __init__(self, azurite, spill, stack):
        self.azurite = azurite
        self.stores = [stack.enter_context(FaultProxy(port)) for port in azurite.ports]
        data = connection_string([store.port for store in self.stores])
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))
        self.recording = self.deployment.services.recording

    def begin(self):
        """Make an organization with a message, and a draft."""
        self.crm = self.deployment.new_crm()
        self.message = self.crm.sent_with_attachment()
        self.draft_id = self.crm.draft()["id"]
        ok(self.crm.call("PUT", "/templates/t-1", json={"name": "Offer"}))
        return self

    @contextmanager
    def unwritable(self, status, code):
        """Let every store refuse to be written."""
        for store, text in zip(self.stores, (XML, XML, JSON), strict=True):
            store.fault = refused(status, code, text)
        yield
        for store in self.stores:
            store.fault = healthy

    def key(self):
        """The name by which the organization's stores are named."""
        text = self.message.pixel.rpartition("/")[2].removesuffix(".gif")
        return self.deployment.services.tracking.signer.verify(text, Kind.OPEN).organization

    def reads(self):
        """Ask for what is stored, in every way that a CRM does."""
        paths = [
            "/messages",
            f"/messages/{self.message.id}",
            f"/messages/{self.message.id}/timeline",
        ]
        paths += ["/kpis?from=2026-11-01&to=2026-11-22", "/templates", "/webhooks"]
        paths += ["/alerts?user_id=u-17", "/records/contact/c-1/activities"]
        paths += ["/settings", "/alert-settings?user_id=u-17", "/templates/t-1"]
        return [self.crm.call("GET", path) for path in paths]

    def writes(self):
        """Change something, in every way that a CRM and an administrator do."""
        call, draft = self.crm.call, f"/messages/{self.draft_id}"
        yield call("PATCH", "/settings", json={"follow": {"enabled": True}})
        yield call("POST", "/messages", json=draft_of())
        yield call("POST", "/messages", json=draft_of(template_id="t-1"))
        yield call("PATCH", draft, json={"subject": "Another"})
        yield call(
            "POST",
            f"{draft}/attachments",
            params={"name": "offer.pdf", "followed": "true"},
            content=b"the offer",
        )
        yield call("POST", f"{draft}/send", json={"delivery": "crm"})
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        reminder = {"condition": "at", "remind_by": tomorrow.isoformat(), "comment": ""}
        yield call("PUT", f"/messages/{self.message.id}/reminder", json=reminder)
        yield call("DELETE", draft)
        yield call("PUT", "/templates/t-1", json={"name": "Offer"})
        yield call("POST", "/webhooks", json={"url": "http://127.0.0.1:1/hook"})

    def administer(self):
        """Make and change organizations, and issue a key."""
        admin, path = self.deployment.admin, f"/organizations/{self.crm.organization_id}"
        yield admin("PUT", "/organizations/another", json={"name": "Another"})
        yield admin("PUT", path, json={"name": "Renamed"})
        yield admin("POST", f"{path}/api-keys")

    def hit(self):
        """Fetch the pixel, the link and the file of the message; their statuses."""
        urls = (self.message.pixel, self.message.link, self.message.file)
        return [self.deployment.get(url).status_code for url in urls]


@pytest.fixture(scope="module")
def premises(azurite, tmp_path_factory):
    """The deployment of these tests."""
    with ExitStack() as stack:
        yield Plant(azurite, tmp_path_factory.mktemp("spill"), stack)


@pytest.fixture
def plant(premises):
    """That deployment, with an organization of the test's own."""
    return premises.begin()


def assert_told(plant):
    """Assert that whoever writes is told to come again, and whoever reads is served."""
    for answer in (*plant.writes(), *plant.administer()):
        assert_problem(answer, 503, detail="store cannot answer")
        assert answer.headers["retry-after"] == "5"
    assert [answer.status_code for answer in plant.reads()] == [200] * 11


def test_F19_while_nothing_can_be_written_callers_are_told_and_no_hit_is_lost(plant):
    assert plant.hit() == [200, 302, 200]
    with plant.unwritable(403, "AuthorizationPermissionMismatch"):
        assert_told(plant)
        for _ in range(3):
            assert plant.hit() == [200, 302, 200]
        assert plant.recording.lost == 0

    # Not some seconds later, as by itself.
    for _ in range(2):
        plant.deployment.run(plant.recording.drain())
    assert len(plant.message.acts()) == 12
    # Nothing of what was refused is half there.
    assert plant.crm.message(plant.draft_id)["attachments"] == []
    assert plant.crm.send(plant.draft_id)["status"] == "sent"


def test_F19_a_conflict_with_the_account_is_no_conflict_with_others_and_stores_nothing(plant):
    with plant.unwritable(409, "AccountBeingCreated"):
        assert_told(plant)
        assert plant.deployment.get(plant.message.pixel).status_code == 200
        assert not plant.recording.spill.empty()


def test_F19_a_table_that_is_being_deleted_is_told_from_what_does_not_exist(plant, caplog):
    with plant.unwritable(409, "TableBeingDeleted"):
        for answer in plant.writes():
            assert_problem(answer, 503, detail="gone, or being deleted")
        assert plant.deployment.get(plant.message.pixel).status_code == 200
    assert told(caplog, "store_missing", status=503)
    assert told(caplog, "request_failed") == []


def test_F19_an_organization_without_its_table_is_no_empty_organization(plant, caplog):
    data = plant.azurite.connection_string
    with TableServiceClient.from_connection_string(data) as tables:
        tables.delete_table(f"org{plant.key()}")
    for answer in (*plant.reads(), *plant.writes()):
        assert_problem(answer, 503, detail="gone, or being deleted")
    assert told(caplog, "store_missing", status=503)

    # To recipients it is as if the organization were deleted.
    assert plant.hit() == [200, 404, 404]
    assert plant.recording.lost == 0

    # The administrator may delete it, and make it again.
    path = f"/organizations/{plant.crm.organization_id}"
    assert plant.deployment.admin("DELETE", path).status_code == 204
    assert plant.deployment.admin("PUT", path, json={"name": "Again"}).status_code == 201
