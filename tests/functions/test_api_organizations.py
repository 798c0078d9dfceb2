"""The API of organizations: created once, deleted whole, configured, opened by their keys."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest
from aiohttp import web
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from deployment import Crm, Deployment, ok, settings
from fault_proxy import FaultProxy, only
from problem import assert_problem
from strangers import said, token

from devserver.backing import connection_string
from engagement.config import Config
from engagement.domain.organizations.organization import ApiKey, Organization, Settings, State
from engagement.storage.account import Account
from engagement.storage.organizations import Organizations

FOLLOW_OFF = {"follow": {"enabled": False}}
SUNDAYS = {"days": ["mon", "sun"], "from": "09:00", "to": "18:00"}


@pytest.fixture
def organization_id():
    """An id that nobody has used."""
    return f"org-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def tables(azurite):
    """The tables, seen past the product."""
    with closing(TableServiceClient.from_connection_string(azurite.connection_string)) as client:
        yield client


@pytest.fixture(scope="module")
def containers(azurite):
    """Names of the blob containers, seen past the product."""
    with closing(BlobServiceClient.from_connection_string(azurite.connection_string)) as client:
        yield lambda: {item.name for item in client.list_containers()}


@pytest.fixture
def by_hand(environment):
    """Run a few steps of the registry alone, as a process does that then crashes."""

    def run(work):
        async def steps():
            account = Account(Config.from_environment(environment).data)
            try:
                return await work(Organizations(account))
            finally:
                await account.close()

        return asyncio.run(steps())

    return run


def put(deployment, organization_id, name="Contoso"):
    return deployment.admin("PUT", f"/organizations/{organization_id}", json={"name": name})


def delete(deployment, organization_id):
    return deployment.admin("DELETE", f"/organizations/{organization_id}")


def rows(tables, organization_id):
    """What the registry holds of an organization."""
    registry = tables.get_table_client("organizations")
    parameters = {"id": organization_id}
    return list(registry.query_entities("PartitionKey eq @id", parameters=parameters))


def key_of(tables, organization_id):
    """The name by which an organization's stores are named."""
    return next(row["key"] for row in rows(tables, organization_id) if "key" in row)


def at_once(count, work):
    """Do *work* so often at the same time."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: work(), range(count)))


def test_put_creates_with_a_key_the_first_time_and_renames_without_one_afterwards(
    deployment, organization_id
):
    first, second = put(deployment, organization_id), put(deployment, organization_id, "Other")

    assert first.status_code == 201
    assert set(first.json()) == {"id", "name", "key_id", "api_key"}
    assert second.status_code == 200
    assert second.json() == {"id": organization_id, "name": "Other"}
    Crm(deployment, organization_id, first.json()["api_key"]).draft()


def test_concurrent_puts_give_exactly_one_key_and_it_works(deployment, organization_id):
    answers = at_once(8, lambda: put(deployment, organization_id))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 7}
    (api_key,) = [answer.json()["api_key"] for answer in answers if "api_key" in answer.json()]
    Crm(deployment, organization_id, api_key).draft()


@pytest.mark.parametrize("bad", ["-a", "_a", "a%20b", "a'b", "%C3%A9", "x" * 64, "a%00", "a%2Fb"])
def test_an_id_that_cannot_be_one_is_named(deployment, bad):
    assert_problem(put(deployment, bad), 400, "organization_id")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ["Contoso"]}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\r\nb"}, "name"),
        ({"name": "Contoso", "id": "x"}, "id"),
        ([], None),
    ],
)
def test_B60_a_put_with_a_wrong_body_creates_nothing(deployment, organization_id, body, field):
    answer = deployment.admin("PUT", f"/organizations/{organization_id}", json=body)
    assert_problem(answer, 400, field)
    assert_problem(delete(deployment, organization_id), 404)


def test_a_key_is_never_shown_again_nor_stored_in_clear(crm, tables):
    key_id, second = ok(crm.call("POST", "/api-keys")).values()

    stored = rows(tables, crm.organization_id)
    text = str([dict(row) for row in stored])
    for api_key in (crm.api_key, second):
        secret = api_key.split("_", 2)[2]
        assert api_key not in text
        assert secret not in text
    assert f"key-{key_id}" in {row["RowKey"] for row in stored}
    assert all(len(row["digest"]) == 64 for row in stored if row["RowKey"].startswith("key-"))


def test_several_keys_hold_until_each_is_revoked_and_then_at_once(crm, deployment):
    first = ok(crm.call("POST", "/api-keys"))
    second = ok(deployment.admin("POST", f"/organizations/{crm.organization_id}/api-keys"))
    others = [Crm(deployment, crm.organization_id, new["api_key"]) for new in (first, second)]
    for holder in (crm, *others):
        ok(holder.call("GET", "/settings"))

    assert crm.call("DELETE", f"/api-keys/{first['key_id']}").status_code == 204

    assert_problem(others[0].call("GET", "/settings"), 401)
    ok(others[1].call("GET", "/settings"))
    assert_problem(crm.call("DELETE", f"/api-keys/{first['key_id']}"), 404)


def test_an_organization_may_revoke_its_last_key_and_the_administrator_gives_another(
    crm, deployment
):
    key_id = crm.api_key.split("_")[1]
    assert crm.call("DELETE", f"/api-keys/{key_id}").status_code == 204
    assert_problem(crm.call("GET", "/settings"), 401)

    new = ok(deployment.admin("POST", f"/organizations/{crm.organization_id}/api-keys"))
    ok(Crm(deployment, crm.organization_id, new["api_key"]).call("GET", "/settings"))


def test_the_keys_are_listed_oldest_first_and_without_their_secrets(
    deployment, organization_id, by_hand
):
    async def older_row(organizations):
        organization = await organizations.read(organization_id)
        await organizations.add_key(organization, ApiKey("f" * 8, "0" * 64))

    created = put(deployment, organization_id).json()
    by_hand(older_row)
    crm = Crm(deployment, organization_id, created["api_key"])
    second = ok(crm.call("POST", "/api-keys"))
    listed = crm.call("GET", "/api-keys")

    assert ok(listed)["continuation"] is None
    oldest, *items = listed.json()["items"]
    assert oldest == {"key_id": "f" * 8, "created_at": None}
    assert [item["key_id"] for item in items] == [created["key_id"], second["key_id"]]
    for item in items:
        assert abs(datetime.now(UTC) - datetime.fromisoformat(item["created_at"])).days == 0
    path = f"/organizations/{organization_id}/api-keys"
    assert deployment.admin("GET", path).json() == listed.json()


def test_a_key_whose_answer_was_lost_is_found_in_the_list_and_revoked(crm):
    known = crm.api_key.split("_")[1]
    crm.call("POST", "/api-keys")

    listed = [item["key_id"] for item in ok(crm.call("GET", "/api-keys"))["items"]]
    (lost,) = set(listed) - {known}
    assert crm.call("DELETE", f"/api-keys/{lost}").status_code == 204
    assert [item["key_id"] for item in ok(crm.call("GET", "/api-keys"))["items"]] == [known]


@pytest.mark.parametrize("key_id", ["00000000", "organization", "%00", "x" * 30_000, "a%2Fb", "'"])
def test_a_key_that_is_not_there_cannot_be_revoked(crm, key_id):
    assert_problem(crm.call("DELETE", f"/api-keys/{key_id}"), 404)


def test_an_organization_with_as_many_keys_as_it_may_have_can_still_be_deleted(crm, deployment):
    created = [crm.call("POST", "/api-keys") for _ in range(50)]

    assert [answer.status_code for answer in created] == [201] * 49 + [422]
    assert_problem(created[-1], 422, detail="50")
    assert delete(deployment, crm.organization_id).status_code == 204


def test_delete_removes_table_container_and_registry_rows(crm, deployment, tables, containers):
    crm.attach(crm.draft()["id"])
    ok(crm.call("PATCH", "/settings", json=FOLLOW_OFF))
    key = key_of(tables, crm.organization_id)
    assert f"org-{key}" in containers()

    assert delete(deployment, crm.organization_id).status_code == 204

    assert rows(tables, crm.organization_id) == []
    assert f"org{key}" not in {item.name for item in tables.list_tables()}
    assert f"org-{key}" not in containers()
    assert_problem(delete(deployment, crm.organization_id), 404)


def test_a_deleted_organizations_key_stops_at_once(crm, deployment):
    ok(crm.call("GET", "/settings"))
    delete(deployment, crm.organization_id)

    assert_problem(crm.call("GET", "/settings"), 401)
    put(deployment, crm.organization_id)
    assert_problem(crm.call("GET", "/settings"), 401)


def test_F22_a_recreated_organization_is_empty_and_old_tokens_do_not_resolve_in_it(crm, deployment):
    old = crm.sent_with_attachment()
    crm.sent()
    ok(crm.call("PATCH", "/settings", json=FOLLOW_OFF))
    delete(deployment, crm.organization_id)
    new = Crm(
        deployment, crm.organization_id, put(deployment, crm.organization_id).json()["api_key"]
    )

    assert ok(new.call("GET", "/settings"))["follow"] == {"enabled": True}
    assert_problem(new.call("GET", f"/messages/{old.id}"), 404)
    assert_problem(new.call("GET", f"/messages/{old.id}/timeline"), 404)
    assert deployment.get(old.link).status_code == 404
    assert deployment.get(old.file).status_code == 404
    assert deployment.get(old.pixel).headers["content-type"] == "image/gif"
    assert new.sent().kpis["open_count"] == 0


@pytest.fixture
def copied(crm, deployment, tables):
    """A message, and another organization into whose table everything of its own was copied."""
    message, other = crm.sent_with_attachment(), deployment.new_crm()
    old, new = (
        tables.get_table_client(f"org{key_of(tables, each.organization_id)}")
        for each in (crm, other)
    )
    for row in old.list_entities():
        new.upsert_entity(row)
    assert ok(other.call("GET", f"/messages/{message.id}"))["subject"]
    return message, other


def test_F22_a_copy_gets_nothing_of_what_becomes_of_the_original(copied, deployment, tables):
    message, other = copied
    # Not the link, which an instance that has seen it knows for some minutes.
    for url in (message.pixel, message.file):
        assert deployment.get(url).status_code == 200
    assert [len(message.acts(kind)) for kind in ("open", "attachment_view")] == [1, 1]
    assert other.timeline(message.id) == []

    delete(deployment, message.crm.organization_id)
    for url, status in ((message.pixel, 200), (message.link, 404), (message.file, 404)):
        assert deployment.get(url).status_code == status
    assert other.timeline(message.id) == []


def test_F22_S1_a_token_of_the_original_cannot_be_turned_into_one_of_the_copy(
    copied, deployment, tables
):
    message, other = copied
    new = bytes.fromhex(key_of(tables, other.organization_id))
    for url, status in ((message.pixel, 200), (message.link, 404), (message.file, 404)):
        raw = base64.urlsafe_b64decode(token(url))
        old = bytes.fromhex(said(url).organization)
        turned = base64.urlsafe_b64encode(raw.replace(old, new)).decode()
        assert turned != token(url)
        assert deployment.get(url.replace(token(url), turned)).status_code == status
    assert other.timeline(message.id) == message.timeline == []


def test_concurrent_deletes_leave_nothing(crm, deployment, tables):
    answers = at_once(4, lambda: delete(deployment, crm.organization_id))

    assert {answer.status_code for answer in answers} <= {204, 404, 409}
    assert 204 in {answer.status_code for answer in answers}
    assert rows(tables, crm.organization_id) == []


def recreated(deployment, organization_id):
    """The CRM of an organization that is created again under its old id."""
    assert delete(deployment, organization_id).status_code == 204
    answer = put(deployment, organization_id)
    assert answer.status_code == 201
    return Crm(deployment, organization_id, answer.json()["api_key"])


def test_a_delete_that_is_overtaken_leaves_the_organization_that_succeeds(
    crm, deployment, by_hand, tables
):
    async def close(organizations):
        return await organizations.close(await organizations.read(crm.organization_id))

    closed = by_hand(close)
    assert closed.state is State.DELETING
    new = recreated(deployment, crm.organization_id)
    before = rows(tables, crm.organization_id)

    deployment.run(deployment.services.administering.finish_deleting(closed))

    assert rows(tables, crm.organization_id) == before
    assert new.sent().kpis["open_count"] == 0


def test_deletes_and_creations_at_once_leave_a_whole_organization_or_none(crm, deployment):
    def either(number):
        if number % 2:
            return put(deployment, crm.organization_id)
        return delete(deployment, crm.organization_id)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(either, range(24)))
    assert {answer.status_code for answer in answers} <= {200, 201, 204, 404, 409}

    put(deployment, crm.organization_id)
    path = f"/organizations/{crm.organization_id}/api-keys"
    key = ok(deployment.admin("POST", path))["api_key"]
    Crm(deployment, crm.organization_id, key).sent()


def test_a_deleted_organization_leaves_no_key_that_its_head_did_not_know(
    crm, deployment, by_hand, tables
):
    async def close(organizations):
        listed = [one async for one in organizations.all() if one.id == crm.organization_id]
        await organizations.close(listed[0])

    by_hand(close)
    assert delete(deployment, crm.organization_id).status_code == 204
    assert rows(tables, crm.organization_id) == []


@pytest.fixture
def slow_to_delete(azurite, tmp_path):
    """A deployment whose stores delete as Azure's do: for a while they say that they are at it."""
    blob, queue, table = azurite.ports
    with FaultProxy(blob) as blobs, FaultProxy(table) as table_proxy:
        blobs.fault = only(deletes("restype=container"), CONTAINER_BEING_DELETED)
        table_proxy.fault = only(deletes("/Tables("), TABLE_BEING_DELETED)
        data = connection_string((blobs.port, queue, table_proxy.port))
        with Deployment(settings(data, ENGAGEMENT_SPILL_FOLDER=str(tmp_path))) as deployment:
            yield deployment


def deletes(text):
    return lambda request: request.method == "DELETE" and text in request.raw_path


def being_deleted(code, body):
    """Delete, and answer in Azure's words that another deletion is under way."""
    kind = "application/json" if body.startswith("{") else "application/xml"

    async def fault(proxy, request, _):
        await proxy.forward(request, b"")
        headers = {"Content-Type": kind, "x-ms-error-code": code}
        return web.Response(status=409, headers=headers, text=body)

    return fault


CONTAINER_BEING_DELETED = being_deleted(
    "ContainerBeingDeleted",
    '<?xml version="1.0" encoding="utf-8"?><Error><Code>ContainerBeingDeleted</Code>'
    "<Message>The specified container is being deleted.</Message></Error>",
)
TABLE_BEING_DELETED = being_deleted(
    "TableBeingDeleted",
    '{"odata.error": {"code": "TableBeingDeleted", "message": {"lang": "en-US", '
    '"value": "The specified table is being deleted."}}}',
)


def test_a_deletion_that_the_stores_are_still_at_is_done(slow_to_delete, tables):
    crm = slow_to_delete.new_crm()

    assert delete(slow_to_delete, crm.organization_id).status_code == 204
    assert rows(tables, crm.organization_id) == []
    assert put(slow_to_delete, crm.organization_id).status_code == 201


def half_made(organization_id):
    return Organization(
        organization_id, "Half", uuid.uuid4().hex[:16], State.CREATING, datetime.now(UTC)
    )


@pytest.mark.parametrize("with_stores", [False, True])
def test_a_create_that_crashed_is_finished_by_the_next_one(
    deployment, organization_id, by_hand, tables, with_stores
):
    async def crash(organizations):
        await organizations.begin(half_made(organization_id))
        if with_stores:
            await organizations.create_stores(half := await organizations.read(organization_id))
            assert half.state is State.CREATING

    by_hand(crash)
    assert_problem(deployment.admin("GET", f"/organizations/{organization_id}/settings"), 404)

    answer = put(deployment, organization_id, "Whole")
    assert answer.status_code == 201
    assert answer.json()["name"] == "Whole"
    assert [row["name"] for row in rows(tables, organization_id) if "name" in row] == ["Whole"]
    Crm(deployment, organization_id, answer.json()["api_key"]).sent()


def test_a_create_that_crashed_can_be_deleted(deployment, organization_id, by_hand, tables):
    by_hand(lambda organizations: organizations.begin(half_made(organization_id)))

    assert delete(deployment, organization_id).status_code == 204
    assert rows(tables, organization_id) == []


@pytest.mark.parametrize("with_stores", [True, False])
def test_a_delete_that_crashed_is_finished_by_the_next_one(
    crm, deployment, by_hand, tables, with_stores
):
    async def crash(organizations):
        organization = await organizations.read(crm.organization_id)
        await organizations.close(organization)
        if not with_stores:
            await organizations.delete_stores(organization)

    by_hand(crash)
    assert_problem(crm.call("GET", "/settings"), 401)
    assert_problem(put(deployment, crm.organization_id), 409, detail="being deleted")

    assert delete(deployment, crm.organization_id).status_code == 204
    assert rows(tables, crm.organization_id) == []
    assert put(deployment, crm.organization_id).status_code == 201


def test_a_key_that_is_issued_while_the_organization_is_deleted_opens_nothing_later(
    crm, deployment, by_hand, tables
):
    before = by_hand(lambda organizations: organizations.read(crm.organization_id))

    async def late(organizations):
        await organizations.add_key(before, ApiKey("0" * 8, "0" * 64))

    by_hand(lambda organizations: organizations.close(before))
    with pytest.raises(Exception, match="at the same time"):
        by_hand(late)
    assert delete(deployment, crm.organization_id).status_code == 204
    with pytest.raises(Exception, match="does not exist"):
        by_hand(late)
    assert rows(tables, crm.organization_id) == []


def test_settings_have_the_defaults_of_the_product(deployment):
    default = Settings()
    crm = deployment.new_crm(delivery_window=10)
    assert ok(crm.call("GET", "/settings")) == {
        "follow": {"enabled": True},
        "attachments": {
            "upload_limit_bytes": 25 * 1024**2,
            "blocked_extensions": sorted(default.blocked_extensions),
        },
        "verdicts": {
            "delivery_window_seconds": 10,
            "probable_window_seconds": 600,
            "burst_seconds": 5,
            "burst_links": 3,
            "address_seconds": 60,
            "address_messages": 20,
            "client_address": "truncated",
            "rules": {},
        },
        "alerts": {"first_open": None, "reply": None, "reminder": None, "quiet_hours": None},
        "delivery_time": {
            "working_hours": {"days": None, "from": "08:00", "to": "17:00"},
            "countries": {},
            "holidays": True,
        },
        "sign_in": {"applications": [], "users": [], "everyone": False},
    }


def test_a_patch_merges_into_what_was_set_before(crm, deployment):
    ok(crm.call("PATCH", "/settings", json={"attachments": {"upload_limit_bytes": 7}}))
    ok(crm.call("PATCH", "/settings", json={"attachments": {"blocked_extensions": [".TMP"]}}))
    ok(crm.call("PATCH", "/settings", json={"verdicts": {"burst_links": 9}}))
    ok(crm.call("PATCH", "/settings", json={"alerts": {"reply": False}}))
    ok(crm.call("PATCH", "/settings", json={"delivery_time": {"countries": {"AE": SUNDAYS}}}))
    ok(crm.call("PATCH", "/settings", json={"delivery_time": {"holidays": False}}))
    before = ok(crm.call("GET", "/settings"))
    path = f"/organizations/{crm.organization_id}/settings"
    changed = ok(deployment.admin("PATCH", path, json=FOLLOW_OFF))

    assert changed == {
        "follow": {"enabled": False},
        "attachments": {"upload_limit_bytes": 7, "blocked_extensions": ["tmp"]},
        "verdicts": before["verdicts"],
        "alerts": {"first_open": None, "reply": False, "reminder": None, "quiet_hours": None},
        "delivery_time": {
            "working_hours": before["delivery_time"]["working_hours"],
            "countries": {"AE": SUNDAYS},
            "holidays": False,
        },
        "sign_in": {"applications": [], "users": [], "everyone": False},
    }
    windows = (before["verdicts"]["burst_links"], before["verdicts"]["delivery_window_seconds"])
    assert windows == (9, 0)
    assert ok(crm.call("GET", "/settings")) == changed
    assert ok(crm.call("PATCH", "/settings", json={})) == changed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tracking": {}}, "tracking"),
        ({"follow": {"enabled": 1}}, "follow.enabled"),
        (
            {"follow": {"enabled": False}, "delivery_time": {"countries": {"XX": SUNDAYS}}},
            "delivery_time.countries.XX",
        ),
        ({"attachments": {"upload_limit_bytes": -1}}, "attachments.upload_limit_bytes"),
        ({"attachments": {"upload_limit_bytes": 10**9}}, "attachments.upload_limit_bytes"),
        (
            {"follow": {"enabled": False}, "attachments": {"blocked_extensions": ["a", 1]}},
            "attachments.blocked_extensions[1]",
        ),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_changes(crm, changes, field):
    assert_problem(crm.call("PATCH", "/settings", json=changes), 400, field)
    assert ok(crm.call("GET", "/settings"))["follow"] == {"enabled": True}


def test_the_longest_list_of_extensions_can_be_stored(crm):
    extensions = [f"{number:020d}" for number in range(500)]
    changes = {"attachments": {"blocked_extensions": extensions}}
    answer = ok(crm.call("PATCH", "/settings", json=changes))
    assert answer["attachments"]["blocked_extensions"] == extensions
    assert ok(crm.call("GET", "/settings")) == answer


def test_concurrent_patches_are_kept_or_refused_and_never_half(crm):
    answers = at_once(6, lambda: crm.call("PATCH", "/settings", json=FOLLOW_OFF))

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 200 in {answer.status_code for answer in answers}
    assert ok(crm.call("GET", "/settings"))["follow"] == {"enabled": False}
