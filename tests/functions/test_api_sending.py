"""The API of messages: sending, once, whatever the mail server and the callers do."""

from __future__ import annotations

import email
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller
from deployment import Crm, Deployment, at_once, draft_of, ok, recipient
from problem import assert_problem

from devserver.backing import free_port

# Follow states


def test_a_message_that_is_not_followed_goes_out_as_it_was_written(crm):
    draft = crm.draft(follow=False, text_body="See https://contoso.example/ .")
    crm.attach(draft["id"], "offer.pdf", followed=True)
    sent = crm.send(draft["id"])

    (copy,) = sent["copies"]
    assert (sent["follow_state"], sent["links"]) == ("not_followed", [])
    assert sent["follow_reason"]
    assert copy["html_body"] == draft["html_body"]
    assert copy["text_body"] == draft["text_body"]
    assert [item["name"] for item in copy["attachments"]] == ["offer.pdf"]
    assert sent["interaction_status"] == "Not followed"


def test_a_followed_file_is_a_link_and_the_others_travel_with_the_message(crm, deployment):
    message_id = crm.draft()["id"]
    crm.attach(message_id, "followed.pdf")
    crm.attach(message_id, "plain.pdf", b"plain", followed=False)
    (copy,) = crm.send(message_id)["copies"]

    (file,) = copy["attachments"]
    assert file["name"] == "plain.pdf"
    assert ">followed.pdf</a>" in copy["html_body"]
    answer = deployment.http.get(
        deployment.url + file["content_url"], headers={"X-Api-Key": crm.api_key}
    )
    assert answer.content == b"plain"


def test_the_switch_of_the_organization_is_read_at_the_moment_of_sending(fresh):
    draft = fresh.draft()
    ok(fresh.call("PATCH", "/settings", json={"follow": {"enabled": False}}))
    now = fresh.message(draft["id"])
    assert (now["follow_state"], bool(now["follow_reason"])) == ("disabled", True)

    sent = fresh.send(draft["id"])
    ok(fresh.call("PATCH", "/settings", json={"follow": {"enabled": True}}))
    assert sent["copies"][0]["html_body"] == draft["html_body"]
    assert fresh.message(draft["id"])["follow_state"] == "disabled"
    assert fresh.draft()["follow_state"] == "followed"


# Sending


def send(crm, message_id, delivery="crm", **headers):
    """Try to send."""
    path = f"/messages/{message_id}/send"
    return crm.call("POST", path, json={"delivery": delivery}, headers=headers)


def test_a_message_is_sent_once(crm):
    message = crm.sent()
    assert_problem(send(crm, message.id), 409, detail="sent already")
    assert_problem(send(crm, message.id, "smtp"), 409)
    assert_problem(crm.call("PATCH", f"/messages/{message.id}", json={"subject": "New"}), 409)
    assert crm.message(message.id)["subject"] == draft_of()["subject"]


def test_of_concurrent_sends_one_wins(crm, mailbox):
    subject = "only one of these"
    message_id = crm.draft(subject=subject)["id"]
    answers = at_once([lambda: send(crm, message_id, "smtp")] * 6)

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    mails = [email.message_from_bytes(item.content) for item in mailbox.envelopes]
    assert [mail["Subject"] for mail in mails].count(subject) == 1
    assert crm.message(message_id)["status"] == "sent"


def test_B58_a_repeated_send_gives_the_same_copies_and_sends_nothing(crm, mailbox):
    message_id = crm.draft(copies="per_recipient", text_body="Hello")["id"]
    crm.attach(message_id, "plain.pdf", followed=False)
    first = send(crm, message_id, "smtp", **{"Idempotency-Key": "s-1"})
    count = len(mailbox.envelopes)
    again = send(crm, message_id, "smtp", **{"Idempotency-Key": "s-1"})

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert len(mailbox.envelopes) == count


def test_B58_a_send_with_the_same_key_and_another_delivery_or_another_key_is_a_conflict(crm):
    message_id = crm.draft()["id"]
    ok(send(crm, message_id, "crm", **{"Idempotency-Key": "s-1"}))
    assert_problem(send(crm, message_id, "smtp", **{"Idempotency-Key": "s-1"}), 409)
    assert_problem(send(crm, message_id, "crm", **{"Idempotency-Key": "s-2"}), 409)


def test_B58_the_same_send_at_once_sends_once(crm, mailbox):
    message_id = crm.draft(subject="once with a key")["id"]
    headers = {"Idempotency-Key": "s-1"}
    answers = at_once([lambda: send(crm, message_id, "smtp", **headers)] * 6)

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 200 in {answer.status_code for answer in answers}
    mails = [email.message_from_bytes(item.content) for item in mailbox.envelopes]
    assert [mail["Subject"] for mail in mails].count("once with a key") == 1
    ok(send(crm, message_id, "smtp", **headers))


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "delivery"),
        ({"delivery": "pigeon"}, 400, "delivery"),
        ({"delivery": None}, 400, "delivery"),
        ({"delivery": ["crm"]}, 400, "delivery"),
        ({"delivery": "crm", "send_at": None}, 400, "send_at"),
        ({"delivery": "graph"}, 422, "delivery"),
        ([], 400, None),
    ],
)
def test_a_send_that_is_wrong_leaves_a_draft(crm, body, status, field):
    message_id = crm.draft()["id"]
    assert_problem(crm.call("POST", f"/messages/{message_id}/send", json=body), status, field)
    assert crm.message(message_id)["status"] == "draft"


def test_a_change_and_a_send_at_once_never_mix(crm):
    message_id = crm.draft(subject="before")["id"]
    change, sent = at_once(
        [
            lambda: crm.call("PATCH", f"/messages/{message_id}", json={"subject": "after"}),
            lambda: send(crm, message_id),
        ]
    )
    assert {change.status_code, sent.status_code} <= {200, 409}
    message = crm.message(message_id)
    assert message["subject"] == ("after" if change.is_success else "before")
    assert message["status"] == ("sent" if sent.is_success else "draft")


class Refusing:
    """A mail server that refuses some recipients, or all mail for a while."""

    def __init__(self):
        self.refused = set()
        self.greylisted = set()
        self.closed = False
        self.taken = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 5.1.1 No such\tuser here"
        if address in self.greylisted:
            return "450 4.2.0 Come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.closed:
            return "554 5.7.1 Not today"
        self.taken.append(envelope)
        return "250 taken"


@contextmanager
def deployment_with_smtp(environment, tmp_path, port):
    """A deployment that hands mail to one port."""
    more = {"ENGAGEMENT_SMTP_PORT": str(port), "ENGAGEMENT_SPILL_FOLDER": str(tmp_path)}
    with Deployment({**environment, **more}) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def refusing(environment, tmp_path_factory):
    """A mail server of our own, with the CRM of a deployment that hands mail to it."""
    handler = Refusing()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    folder = tmp_path_factory.mktemp("spill")
    with deployment_with_smtp(environment, folder, controller.port) as deployment:
        handler.crm = deployment.new_crm()
        yield handler
    controller.stop()


@pytest.fixture
def server(refusing):
    """The mail server, in a good mood."""
    refusing.refused, refusing.greylisted, refusing.closed = set(), set(), False
    refusing.taken.clear()
    return refusing


TWO = [recipient("ann@fabrikam.example"), recipient("bob@fabrikam.example", "cc")]


def test_a_server_that_refuses_everybody_is_a_bad_gateway_and_sending_may_be_repeated(server):
    server.refused = {"ann@fabrikam.example"}
    message_id = server.crm.draft()["id"]
    value = assert_problem(send(server.crm, message_id, "smtp"), 502, detail="550 5.1.1")
    message = server.crm.message(message_id)

    assert (message["status"], message["failure"]) == ("failed", value["detail"])
    assert "fabrikam" not in value["detail"]
    assert message["interaction_status"] == "Could not be sent"
    assert message["sent_at"] is None

    server.refused = set()
    assert ok(send(server.crm, message_id, "smtp"))["status"] == "sent"
    assert len(server.taken) == 1
    assert server.crm.message(message_id)["failure"] is None


@pytest.mark.parametrize("refused", ["ann@fabrikam.example", "bob@fabrikam.example"])
def test_copies_go_out_whichever_of_them_is_refused(server, refused):
    server.refused = {refused}
    sent = ok(
        send(server.crm, server.crm.draft(recipients=TWO, copies="per_recipient")["id"], "smtp")
    )

    assert sent["status"] == "sent"
    assert len(server.taken) == 1
    refusals = {item["email"]: item["refusal"] for item in sent["recipients"]}
    assert [email for email, refusal in refusals.items() if refusal] == [refused]


def test_F15_a_server_that_puts_everybody_off_may_be_asked_again(server):
    server.greylisted = {item["email"] for item in TWO}
    message_id = server.crm.draft(recipients=TWO, copies="per_recipient")["id"]
    answer = send(server.crm, message_id, "smtp")
    assert_problem(answer, 502, detail="450 4.2.0")
    assert answer.headers["retry-after"] == "60"
    assert server.crm.message(message_id)["status"] == "failed"

    server.greylisted = set()
    ok(send(server.crm, message_id, "smtp"))
    assert len(server.taken) == 2


@pytest.mark.parametrize("greylisted", ["ann@fabrikam.example", "bob@fabrikam.example"])
def test_F15_copies_of_which_one_is_refused_for_good_name_no_time(server, greylisted):
    server.refused = {item["email"] for item in TWO} - {greylisted}
    server.greylisted = {greylisted}
    message_id = server.crm.draft(recipients=TWO, copies="per_recipient")["id"]
    answer = send(server.crm, message_id, "smtp")
    assert_problem(answer, 502)
    assert "retry-after" not in answer.headers


def test_B52_copies_that_are_too_much_together_are_refused(crm):
    many = [recipient(f"r{number}@fabrikam.example") for number in range(99)]
    draft = crm.draft(html_body="x" * 600_000, recipients=many, copies="per_recipient")
    assert_problem(send(crm, draft["id"], "crm"), 422, "copies", "50000000")
    assert crm.message(draft["id"])["status"] == "draft"


def test_reading_a_message_that_is_being_changed_finds_it(crm):
    message_id = crm.draft()["id"]
    with ThreadPoolExecutor(4) as pool:
        changes = [
            pool.submit(crm.call, "PATCH", f"/messages/{message_id}", json={"subject": str(n)})
            for n in range(12)
        ]
        reads = [pool.submit(crm.call, "GET", f"/messages/{message_id}") for _ in range(24)]
        answers = [read.result().status_code for read in reads]
        changed = {change.result().status_code for change in changes}

    assert set(answers) == {200}
    assert changed <= {200, 409}


def test_what_nobody_took_may_be_corrected_and_sent_again(server):
    server.refused = {"ann@fabrikam.example"}
    link = '<a href="https://contoso.example/">x</a>'
    message_id = server.crm.draft(html_body=link * 3)["id"]
    assert_problem(send(server.crm, message_id, "smtp"), 502)

    correction = {"html_body": link, "recipients": [recipient("anna@fabrikam.example")]}
    corrected = ok(server.crm.call("PATCH", f"/messages/{message_id}", json=correction))
    assert (corrected["status"], corrected["failure"]) == ("draft", None)
    sent = ok(send(server.crm, message_id, "smtp"))
    assert [item["id"] for item in sent["links"]] == ["1"]
    assert [copy["recipients"] for copy in sent["copies"]] == [["anna@fabrikam.example"]]
    assert [item["id"] for item in server.crm.message(message_id)["links"]] == ["1"]


def test_a_server_that_refuses_the_content_is_a_bad_gateway(server):
    server.closed = True
    message_id = server.crm.draft()["id"]
    assert_problem(send(server.crm, message_id, "smtp"), 502, detail="554 5.7.1")
    assert server.crm.message(message_id)["status"] == "failed"


def test_a_failed_message_can_be_handed_to_the_crm_instead(server):
    server.closed = True
    message_id = server.crm.draft()["id"]
    assert_problem(send(server.crm, message_id, "smtp"), 502)
    sent = ok(send(server.crm, message_id))
    assert (sent["status"], sent["delivery"]) == ("sent", "crm")


@pytest.mark.parametrize("copies", ["single", "per_recipient"])
def test_one_refused_recipient_is_written_down_and_the_other_gets_the_message(server, copies):
    server.refused = {"bob@fabrikam.example"}
    message_id = server.crm.draft(recipients=TWO, copies=copies)["id"]
    sent = ok(send(server.crm, message_id, "smtp"))

    assert sent["status"] == "sent"
    ann, bob = sent["recipients"]
    assert ann["refusal"] is None
    assert "550" in bob["refusal"]
    assert "\t" not in bob["refusal"]
    assert server.crm.message(message_id)["recipients"] == sent["recipients"]
    assert [address for item in server.taken for address in item.rcpt_tos] == [
        "ann@fabrikam.example"
    ]


def test_B58_a_failed_send_may_be_repeated_with_its_key(server):
    server.closed = True
    message_id = server.crm.draft()["id"]
    assert_problem(send(server.crm, message_id, "smtp", **{"Idempotency-Key": "s"}), 502)
    server.closed = False
    ok(send(server.crm, message_id, "smtp", **{"Idempotency-Key": "s"}))
    ok(send(server.crm, message_id, "smtp", **{"Idempotency-Key": "s"}))
    assert len(server.taken) == 1


def test_a_server_that_is_not_there_is_a_bad_gateway(environment, tmp_path):
    with deployment_with_smtp(environment, tmp_path, free_port()) as deployment:
        crm = deployment.new_crm()
        message_id = crm.draft()["id"]
        assert_problem(send(crm, message_id, "smtp"), 502, detail="could not be reached")
        assert crm.message(message_id)["status"] == "failed"


def test_without_a_mail_server_only_the_crm_can_send(environment, tmp_path):
    more = {"ENGAGEMENT_SMTP_HOST": "", "ENGAGEMENT_SPILL_FOLDER": str(tmp_path)}
    with Deployment({**environment, **more}) as deployment:
        crm: Crm = deployment.new_crm()
        message_id = crm.draft()["id"]
        assert_problem(send(crm, message_id, "smtp"), 422, "delivery", "No mail server")
        assert_problem(send(crm, message_id, "graph"), 422, "delivery", "not configured")
        assert crm.send(message_id)["status"] == "sent"
