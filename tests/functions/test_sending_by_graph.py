"""Sending as the seller through Microsoft Graph: a strict fake of it, over our HTTP API."""

from __future__ import annotations

from collections import Counter

import pytest
from certificates import make_certificate
from deployment import Deployment, at_once, ok, recipient
from graph_fake import IDENTITY, GraphFake, answer_lost, refusing
from problem import assert_problem

SELLER = "seller@contoso.example"
EVERYBODY = [
    recipient("ann@fabrikam.example", name="Ann"),
    recipient("cyd@fabrikam.example", "cc"),
    recipient("bea@fabrikam.example", "bcc"),
]


@pytest.fixture(scope="module")
def tenant(environment, tmp_path_factory):
    """A tenant, with the CRM of a deployment that sends through it."""
    folder = tmp_path_factory.mktemp("graph")
    spill = {"ENGAGEMENT_SPILL_FOLDER": str(folder)}
    with (
        pytest.MonkeyPatch.context() as patch,
        GraphFake(make_certificate(folder / "c.pem"), SELLER) as fake,
    ):
        for name, value in fake.host_environment().items():
            patch.setenv(name, value)
        with Deployment({**environment, **fake.settings(**spill)}) as deployment:
            fake.crm = deployment.new_crm()
            yield fake


@pytest.fixture
def graph(tenant):
    """The tenant, in a good mood."""
    tenant.reset()
    return tenant


def send(crm, message_id, **headers):
    """Try to send."""
    path = f"/messages/{message_id}/send"
    return crm.call("POST", path, json={"delivery": "graph"}, headers=headers)


def test_F14_a_message_goes_out_as_the_sellers_with_our_headers_and_tracked_links(graph):
    message_id = graph.crm.draft(recipients=EVERYBODY)["id"]
    graph.crm.attach(message_id, "followed.pdf")
    graph.crm.attach(message_id, "plain.pdf", b"plain", followed=False)
    sent = ok(send(graph.crm, message_id))

    (taken,) = graph.taken
    (copy,) = sent["copies"]
    assert (sent["status"], sent["delivery"]) == ("sent", "graph")
    assert taken.mailbox == SELLER
    assert taken.recipients == [item["email"] for item in EVERYBODY]
    assert taken.mime["To"] == "Ann <ann@fabrikam.example>"
    assert taken.mime["Cc"] == "cyd@fabrikam.example"
    assert taken.mime["Message-ID"] == copy["headers"]["Message-ID"]
    assert taken.mime["X-Engagement-Message"] == message_id
    html = taken.mime.get_body(("html",)).get_content()
    assert html == copy["html_body"]
    assert "/c/" in html
    assert ">followed.pdf</a>" in html
    (file,) = taken.mime.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("plain.pdf", b"plain")


def test_F14_the_managed_identity_alone_is_enough(graph, environment, tmp_path):
    more = {
        "ENGAGEMENT_GRAPH_CLIENT_SECRET": "",
        "ENGAGEMENT_GRAPH_IDENTITY_CLIENT_ID": IDENTITY,
        "ENGAGEMENT_SPILL_FOLDER": str(tmp_path),
    }
    with Deployment({**environment, **graph.settings(**more)}) as deployment:
        crm = deployment.new_crm()
        ok(send(crm, crm.draft()["id"]))
    assert len(graph.taken) == len(graph.assertions) == 1


def test_F14_one_copy_for_each_of_several_recipients_cannot_go_through_graph(graph):
    message_id = graph.crm.draft(recipients=EVERYBODY, copies="per_recipient")["id"]
    assert_problem(send(graph.crm, message_id), 422, "copies", "single")
    assert graph.crm.message(message_id)["status"] == "draft"
    assert graph.asked == []

    alone = graph.crm.draft(copies="per_recipient")["id"]
    ok(send(graph.crm, alone))
    assert graph.taken[0].recipients == ["ann@fabrikam.example"]


def test_F14_a_busy_graph_says_when_to_come_back_and_then_takes_the_message_once(graph):
    graph.faults = [refusing(429, "ApplicationThrottled", **{"Retry-After": "17"})]
    message_id = graph.crm.draft()["id"]
    answer = send(graph.crm, message_id)
    assert_problem(answer, 502, detail="too busy")
    assert answer.headers["retry-after"] == "17"
    assert graph.crm.message(message_id)["status"] == "failed"

    assert ok(send(graph.crm, message_id))["status"] == "sent"
    assert len(graph.taken) == 1


@pytest.mark.parametrize("fault", [refusing(504), answer_lost])
def test_F14_what_graph_may_have_taken_is_not_sent_again(graph, fault):
    graph.faults = [fault]
    message_id = graph.crm.draft()["id"]
    answer = send(graph.crm, message_id, **{"Idempotency-Key": "s"})
    assert_problem(answer, 502, detail="did not say whether")
    assert "retry-after" not in answer.headers

    for headers in ({"Idempotency-Key": "s"}, {}):
        assert_problem(send(graph.crm, message_id, **headers), 409, detail="not known")
    assert len(graph.asked) == 1
    assert graph.crm.message(message_id)["status"] == "unknown"


def test_F14_a_refusal_says_why_and_what_was_refused_may_be_corrected(graph):
    message_id = graph.crm.draft(
        sender={"user_id": "u-17", "email": "gone@contoso.example", "name": None}
    )["id"]
    answer = send(graph.crm, message_id)
    value = assert_problem(answer, 502, detail="knows no such mailbox")
    assert "retry-after" not in answer.headers
    assert "gone@" not in value["detail"]

    sender = {"user_id": "u-17", "email": SELLER, "name": None}
    ok(graph.crm.call("PATCH", f"/messages/{message_id}", json={"sender": sender}))
    ok(send(graph.crm, message_id))
    assert len(graph.taken) == 1


def test_F14_a_message_that_is_too_large_is_told_of_its_attachments(graph):
    message_id = graph.crm.draft()["id"]
    file = graph.crm.attach(message_id, "plain.pdf", b"x" * 3_000_000, followed=False)
    assert_problem(send(graph.crm, message_id), 422, "attachments", "4194304")
    assert graph.asked == []

    ok_or_gone = graph.crm.call("DELETE", f"/messages/{message_id}/attachments/{file['id']}")
    assert ok_or_gone.is_success
    graph.crm.attach(message_id, "followed.pdf", b"x" * 3_000_000)
    ok(send(graph.crm, message_id))
    assert len(graph.taken) == 1


def test_F14_B58_a_repeated_send_sends_nothing(graph):
    message_id = graph.crm.draft()["id"]
    first = send(graph.crm, message_id, **{"Idempotency-Key": "s"})
    again = send(graph.crm, message_id, **{"Idempotency-Key": "s"})
    assert ok(first) == ok(again)
    assert len(graph.taken) == 1


def test_F14_of_concurrent_sends_one_wins(graph):
    message_id = graph.crm.draft()["id"]
    answers = at_once([lambda: send(graph.crm, message_id)] * 6)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    assert len(graph.taken) == 1
