"""Deleting a message that was not sent: cut short anywhere, it can be done again, to the end."""

from __future__ import annotations

import pytest
from azure.data.tables import TableServiceClient
from deployment import draft_of
from fault_proxy import first, healthy, refusing
from office import HOUR, NOW

from engagement.storage import keys


def left_of(office, message_id):
    """Rows and blobs of a message, but for those that say what became of it."""

    async def found():
        organizations = office.services.administering.organizations
        key = (await organizations.read(office.crm.organization_id)).key
        listed = office.sending.blobs.list_day(key, NOW)
        return key, [blob.name async for blob in listed if blob.message_id == message_id]

    key, blobs = office.deployment.run(found())
    with TableServiceClient.from_connection_string(office.data) as tables:
        rows = tables.get_table_client(keys.table(key)).query_entities(
            "PartitionKey eq @id and RowKey lt @end",
            parameters={"id": message_id, "end": keys.STATIC_END},
        )
        return [row["RowKey"] for row in rows], blobs


@pytest.mark.parametrize("step", range(3, 9))
def test_F5_a_deletion_cut_short_at_any_step_is_done_again_to_the_end(office, step):
    draft = draft_of(
        # With the files more rows than one transaction takes.
        recipients=[{"role": "to", "email": f"{number}@fabrikam.example"} for number in range(99)],
        send_at=(NOW + HOUR).isoformat(),
    )
    again = {"json": draft, "headers": {"Idempotency-Key": "k-1"}}
    message_id = office.crm.call("POST", "/messages", **again).json()["id"]
    for name in ("a.pdf", "b.pdf"):
        office.crm.attach(message_id, name)
    office.crm.send(message_id, "smtp")
    path = f"/messages/{message_id}"

    office.tables.fault = first(step, healthy, refusing(500))
    cut = office.crm.call("DELETE", path)
    office.tables.fault = healthy

    if cut.status_code != 204:
        assert cut.status_code == 503
        shown = office.crm.message(message_id)
        # What is half gone does not go out, and nobody is left out of it.
        assert len(shown["recipients"]) == 99
        office.run(NOW + HOUR)
        if shown["status"] == "draft":
            assert office.server.subjects == []
            assert office.crm.call("DELETE", path).status_code == 204
        else:
            assert office.server.subjects == ["Contract for signature"]
            return
    assert office.crm.call("GET", path).status_code == 404
    assert left_of(office, message_id) == ([], [])
    # Nor is anything in the way of the same request.
    assert office.crm.call("POST", "/messages", **again).status_code == 201
