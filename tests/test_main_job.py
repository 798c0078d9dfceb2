"""The main job, end to end: a followed message is sent, and what becomes of it is seen."""

from __future__ import annotations

import email
from email import policy

from deployment import recipient

HTML = """<!DOCTYPE html>
<html><body>
<p>Hello Ann, <a href="https://contoso.example/offer?a=1&amp;b=2">the offer</a>
and <A HREF='https://contoso.example/terms#x'>the terms</A>.</p>
</body></html>
"""


def test_a_message_sent_by_crm_is_followed_from_open_to_download(crm, deployment):
    # Nobody selects three things within seconds; here somebody does.
    crm.set({"verdicts": {"burst_links": 0}})
    message_id = crm.draft(html_body=HTML, text_body="See https://contoso.example/offer .")["id"]
    crm.attach(message_id, "contract.pdf", b"%PDF-1.7 the contract")
    crm.attach(message_id, "terms.txt", b"terms", followed=False, content_type="text/plain")
    sent = crm.send(message_id)
    (copy,) = sent["copies"]
    html = copy["html_body"]

    pixel = deployment.get(html.split('<img src="')[1].split('"')[0])
    links = [part.split('"')[0].split("'")[0] for part in html.split("links.contoso.example")[1:]]
    clicks = [link for link in links if link.startswith("/c/")]
    (file,) = [link for link in links if link.startswith("/a/")]
    targets = [deployment.get(link).headers["location"] for link in clicks]
    whole = deployment.get(file)
    part = deployment.get(file, headers={"Range": "bytes=5-7"})

    assert pixel.headers["content-type"] == "image/gif"
    assert targets == ["https://contoso.example/offer?a=1&b=2", "https://contoso.example/terms#x"]
    assert whole.content == b"%PDF-1.7 the contract"
    assert (part.status_code, part.content) == (206, b"1.7")
    assert [item["name"] for item in copy["attachments"]] == ["terms.txt"]
    types = [item["type"] for item in crm.timeline(message_id)]
    assert types == ["attachment_view", "click", "click", "open"]
    kpis = crm.kpis(message_id)
    assert (kpis["open_count"], kpis["click_count"], kpis["attachment_view_count"]) == (1, 2, 1)
    assert crm.message(message_id)["interaction_status"] == "Last opened today"


def test_a_message_sent_by_smtp_arrives_as_real_mime(crm, deployment, mailbox):
    message_id = crm.draft(html_body=HTML, text_body="See https://contoso.example/offer .")["id"]
    crm.attach(message_id, "contract.pdf", b"%PDF-1.7 the contract")
    crm.attach(message_id, "terms.txt", b"terms", followed=False, content_type="text/plain")
    sent = crm.send(message_id, "smtp")

    mail = email.message_from_bytes(mailbox.envelopes[-1].content, policy=policy.default)
    assert sent["status"] == "sent"
    assert mail["Message-ID"] == sent["copies"][0]["headers"]["Message-ID"]
    assert mail["X-Engagement-Message"] == message_id
    assert mail.get_content_type() == "multipart/mixed"
    alternative, attached = mail.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    text, html = alternative.iter_parts()
    assert html.get_payload(decode=True).decode() == sent["copies"][0]["html_body"]
    assert "/c/" in text.get_content()
    assert (attached.get_filename(), attached.get_content()) == ("terms.txt", "terms")
    assert deployment.get("/c/" + text.get_content().split("/c/")[1].split()[0]).status_code == 302


def test_copies_per_recipient_say_who(crm, deployment):
    message = crm.sent(
        recipients=[recipient("ann@fabrikam.example"), recipient("bob@fabrikam.example", "cc")],
        copies="per_recipient",
    )
    assert [copy["recipients"] for copy in message.value["copies"]] == [
        ["ann@fabrikam.example"],
        ["bob@fabrikam.example"],
    ]

    deployment.get(message.urls("o", 1)[0])
    deployment.get(message.urls("c", 0)[0])

    who = [(item["type"], item["recipient"]["email"]) for item in message.acts()]
    assert who == [("click", "ann@fabrikam.example"), ("open", "bob@fabrikam.example")]


def test_a_shared_copy_says_someone(crm, deployment):
    message = crm.sent()
    deployment.get(message.pixel)

    assert [item["recipient"] for item in message.timeline] == [None]
