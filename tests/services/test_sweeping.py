"""The sweep: which blobs it looks at, and that it never deletes what is somebody's."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables import TableServiceClient
from deployment import Deployment, settings
from fault_proxy import FaultProxy

from devserver.backing import connection_string
from engagement.domain.alerts.alert import Alert, AlertType
from engagement.domain.organizations.organization import State
from engagement.domain.webhooks.webhook import DeadLetter
from engagement.domain.webhooks.webhook_event import EventType, event_of
from engagement.services.sweeping import window
from engagement.storage import keys

NOW = datetime.now(UTC)
NOON = datetime(2026, 11, 22, 12, 17, tzinfo=UTC)


def at(hour, *, after):
    """The first time at this hour that is so long after now."""
    moment = NOW + after
    return moment + timedelta(hours=(hour - moment.hour) % 24)


class Swept:
    """A deployment that is swept, with what its tables were asked."""

    def __init__(self, azurite, spill, stack):
        blob, queue, table = azurite.ports
        self.tables = stack.enter_context(FaultProxy(table))
        data = connection_string((blob, queue, self.tables.port))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))
        self.sweeping = self.deployment.services.sweeping
        self.crm = self.deployment.new_crm()
        self.message_id = self.crm.draft()["id"]

    async def organization(self):
        """The organization as it is registered."""
        return await self.sweeping.organizations.read(self.crm.organization_id)

    def orphan(self):
        """Leave a blob that no row names, as a crash does."""

        async def leave():
            name = keys.blob(NOW, self.message_id, "orphan")
            await self.sweeping.blobs.write((await self.organization()).key, name, b"x", "a/b")

        self.deployment.run(leave())

    def blobs(self):
        """Names of the organization's blobs."""

        async def listed():
            key = (await self.organization()).key
            return [blob.name async for blob in self.sweeping.blobs.list_day(key, NOW)]

        return self.deployment.run(listed())

    def sweep(self, when):
        """Sweep the deployment as of then."""
        return self.deployment.run(self.sweeping.sweep(when))

    def reads(self):
        """Requests to the tables that read the message."""
        return [path for _, path, _ in self.tables.seen if self.message_id in path]


@pytest.fixture
def swept(own_azurite, tmp_path):
    """A deployment of the test's own; a sweep looks at every organization that there is."""
    with ExitStack() as stack:
        yield Swept(own_azurite, tmp_path / "spill", stack)


def test_a_blob_without_a_row_goes_once_its_grace_has_ended(swept):
    swept.orphan()
    assert len(swept.blobs()) == 2

    swept.sweep(NOW + timedelta(minutes=59))
    assert len(swept.blobs()) == 2
    swept.sweep(NOW + timedelta(hours=2))
    (content,) = swept.blobs()
    assert "orphan" not in content
    assert swept.crm.message(swept.message_id)["html_body"]


def test_of_templates_only_bodies_that_none_names_go(swept):
    template = {"name": "Offer", "html_body": "<p>Dear {{name}}</p>"}
    assert swept.crm.call("PUT", "/templates/offer", json=template).status_code == 201
    blobs = swept.sweeping.blobs

    async def listed(orphan=""):
        key = (await swept.organization()).key
        if orphan:
            await blobs.write(key, keys.template_blob("offer", orphan), b"{}", "application/json")
        return {blob.name.rpartition("/")[2] async for blob in blobs.list_templates(key)}

    both = swept.deployment.run(listed("orphan"))
    swept.sweep(NOW + timedelta(minutes=59))
    assert swept.deployment.run(listed()) == both
    swept.sweep(NOW + timedelta(hours=2))
    assert swept.deployment.run(listed()) == both - {"orphan"}


def test_F19_while_a_table_is_gone_its_blobs_wait_for_it(swept, own_azurite):
    async def key():
        return (await swept.organization()).key

    with TableServiceClient.from_connection_string(own_azurite.connection_string) as tables:
        tables.delete_table(keys.table(swept.deployment.run(key())))
    swept.sweep(NOW + timedelta(hours=2))
    assert len(swept.blobs()) == 1


@pytest.mark.parametrize("days", [1, 2])
def test_what_no_run_found_in_time_is_found_once_a_day(swept, days):
    swept.orphan()
    swept.sweep(at(12, after=timedelta(hours=4)))
    assert len(swept.blobs()) == 2

    swept.sweep(at(3, after=timedelta(days=days - 1, hours=2)))
    assert len(swept.blobs()) == 1


def test_what_could_not_be_delivered_is_forgotten_after_30_days(swept):
    letters, run = swept.sweeping.dead_letters, swept.deployment.run
    key = run(swept.organization()).key
    event = event_of(key, EventType.MESSAGE_SENT, swept.message_id, "", NOW, {})
    run(letters.add(key, DeadLetter("0" * 24, event, 10, "500 Internal Server Error", NOW)))

    for days, left in ((29, 1), (32, 0)):
        swept.sweep(at(3, after=timedelta(days=days - 1)))
        assert len(run(letters.page(key, "0" * 24, size=10))) == left


def test_alerts_of_all_users_are_forgotten_after_90_days(swept):
    alerts, run = swept.sweeping.alerts, swept.deployment.run
    key = run(swept.organization()).key

    def alert(number, user_id):
        return Alert(
            id=f"1-{number:013d}-{'0' * 16}",
            type=AlertType.REPLY,
            user_id=user_id,
            message_id=swept.message_id,
            subject="Offer",
            at=NOW if number else NOW + timedelta(days=30),
            due_at=NOW,
            dismissed=number % 2 == 1,
        )

    # More of one user than a transaction takes.
    for number in range(130):
        run(alerts.add(key, alert(number, "u-17" if number < 120 else "u-18")))
    stored = lambda: len(run(alerts._older(key, NOW + timedelta(days=400))))  # noqa: E731

    for days, left in ((89, 130), (92, 1), (122, 0)):
        swept.sweep(at(3, after=timedelta(days=days - 1)))
        assert stored() == left
    # What lies beside them stays.
    assert swept.crm.message(swept.message_id)["status"] == "draft"


def test_a_message_is_read_for_its_new_blobs_and_not_every_hour(swept):
    swept.tables.seen.clear()
    for hours in range(4, 28):
        when = NOW + timedelta(hours=hours)
        if when.hour != 3:
            swept.sweep(when)
    assert swept.reads() == []

    swept.sweep(NOW + timedelta(hours=2))
    assert len(swept.reads()) == 1


def test_every_age_between_grace_and_three_hours_falls_into_two_runs():
    runs = [window(NOON + timedelta(hours=hour)) for hour in range(8)]
    for minutes in range(0, 60, 7):
        made = NOON + timedelta(minutes=minutes)
        assert sum(since <= made < until for since, until in runs) == 2


def test_an_organization_that_was_created_again_after_the_list_was_read_stays(swept):
    crm, organizations = swept.crm, swept.sweeping.organizations

    async def closed_and_listed():
        await organizations.close(await swept.organization())
        return [one async for one in organizations.all() if one.id == crm.organization_id]

    (listed,) = swept.deployment.run(closed_and_listed())
    assert listed.state is State.DELETING
    path = f"/organizations/{crm.organization_id}"
    assert swept.deployment.admin("DELETE", path).status_code == 204
    crm.api_key = swept.deployment.admin("PUT", path, json={"name": "New"}).json()["api_key"]
    new = crm.sent()

    swept.deployment.run(swept.sweeping._organization(listed, NOW))

    assert new.timeline == []
    assert swept.deployment.get(new.link).status_code == 302


def test_a_deletion_that_a_crash_cut_short_is_finished(swept):
    async def close():
        await swept.sweeping.organizations.close(await swept.organization())

    swept.deployment.run(close())
    swept.sweep(NOW)

    path = f"/organizations/{swept.crm.organization_id}"
    assert swept.deployment.admin("DELETE", path).status_code == 404
