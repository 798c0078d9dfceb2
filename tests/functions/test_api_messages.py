"""The API of messages: drafts, what is refused of them, and which may be followed."""

from __future__ import annotations

import email
import json
from collections import Counter
from email import policy
from email.header import decode_header, make_header

import pytest
from deployment import PUBLIC_URL, at_once, draft_of, ok, recipient
from problem import assert_problem

from engagement.domain.messages.message import LONGEST_BODY, MOST_LINKS

JSON = {"Content-Type": "application/json"}
LINK = '<a href="https://contoso.example/{}">{}</a>'


@pytest.fixture(scope="module")
def crm(deployment):
    """One organization for all tests that leave nothing behind but messages."""
    return deployment.new_crm()


def post(crm, content, headers=JSON):
    """Send bytes as a draft."""
    return crm.call("POST", "/messages", content=content, headers=headers)


# Drafts


def test_a_draft_is_returned_as_the_contract_says(crm):
    answer = crm.call("POST", "/messages", json=draft_of(regarding={"type": "case", "id": "1"}))

    draft = answer.json()
    assert answer.status_code == 201
    assert draft == crm.message(draft["id"])
    assert len(draft["id"]) == 24
    assert (draft["status"], draft["sent_at"]) == ("draft", None)
    assert (draft["follow_state"], draft["follow_reason"]) == ("followed", None)
    assert draft["interaction_status"] == "Draft"
    assert draft["regarding"] == {"type": "case", "id": "1", "name": None}
    zero = {"open_count": 0, "click_count": 0, "attachment_view_count": 0}
    assert draft["kpis"] == {
        **zero,
        "reply_count": 0,
        "first_opened_at": None,
        "last_opened_at": None,
        "inferred_open_count": 0,
        "unsure": zero,
        "automated": zero,
    }
    for name, value in draft_of().items():
        if name != "recipients":
            assert draft[name] == value, name
    assert draft["recipients"] == [
        {
            "role": "to",
            "email": "ann@fabrikam.example",
            "name": "Ann",
            "record": {"type": "contact", "id": "r-ann@fabrikam.example", "name": None},
            "refusal": None,
        }
    ]


def test_a_patch_replaces_what_it_names_and_keeps_the_rest(crm):
    ok(crm.call("PUT", "/templates/t-1", json={"name": "Offer"}))
    draft = crm.draft(template_id="t-1")
    crm.attach(draft["id"])
    recipients = [recipient("bob@fabrikam.example", "cc")]
    changed = ok(
        crm.call(
            "PATCH", f"/messages/{draft['id']}", json={"subject": "New", "recipients": recipients}
        )
    )

    assert (changed["subject"], changed["template_id"]) == ("New", "t-1")
    assert changed["html_body"] == draft["html_body"]
    assert [item["email"] for item in changed["recipients"]] == ["bob@fabrikam.example"]
    assert [item["name"] for item in changed["attachments"]] == ["offer.pdf"]
    assert changed["created_at"] == draft["created_at"]
    assert crm.message(draft["id"]) == changed


def test_a_patch_that_is_wrong_changes_nothing(crm):
    draft = crm.draft()
    answer = crm.call("PATCH", f"/messages/{draft['id']}", json={"subject": "New", "copies": 1})
    assert_problem(answer, 400, "copies")
    assert crm.message(draft["id"]) == draft


def test_ninety_nine_recipients_can_be_replaced_by_others_and_removed(crm):
    many = [recipient(f"a{number}@fabrikam.example") for number in range(99)]
    path = f"/messages/{crm.draft(recipients=many)['id']}"
    crm.attach(path.removeprefix("/messages/"))
    others = [recipient(f"b{number}@fabrikam.example") for number in range(99)]
    assert len(ok(crm.call("PATCH", path, json={"recipients": others}))["recipients"]) == 99
    assert ok(crm.call("PATCH", path, json={"recipients": []}))["recipients"] == []
    ok(crm.call("PATCH", path, json={"recipients": many, "copies": "per_recipient"}))
    sent = crm.send(path.removeprefix("/messages/"))
    assert len(sent["copies"]) == 99


def test_a_message_that_does_not_exist_is_not_found(crm):
    for method, path in [
        ("GET", ""),
        ("PATCH", ""),
        ("POST", "/send"),
        ("GET", "/timeline"),
        ("POST", "/replies"),
        ("GET", "/attachments/1"),
        ("DELETE", "/attachments/1"),
    ]:
        body = {"/send": {"delivery": "crm"}, "/replies": {"replied_by": "a@b.example"}}
        options = {"json": body.get(path, {})} if method in {"POST", "PATCH"} else {}
        assert_problem(crm.call(method, f"/messages/{'0' * 24}{path}", **options), 404)


# B51: what is no JSON


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_B51_a_wrong_or_missing_content_type_is_named(crm, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert_problem(post(crm, json.dumps(draft_of()), headers), 400, "Content-Type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"]
)
def test_B51_json_by_any_of_its_names_is_taken(crm, content_type):
    answer = post(crm, json.dumps(draft_of()), {"Content-Type": content_type})
    assert answer.status_code == 201


DRAFT = json.dumps(draft_of())
NO_DRAFT = {
    "empty": b"",
    "byte order mark": b"\xef\xbb\xbf" + DRAFT.encode(),
    "utf-16": DRAFT.encode("utf-16"),
    "NaN": b'{"subject": NaN}',
    "duplicate key": b'{"subject": "a", "subject": "b"}',
    "200,000 arrays": b"[" * 200_000 + b"]" * 200_000,
    "200,000 open arrays": b"[" * 200_000,
    "5,000 digits": b'{"follow": ' + b"9" * 5_000 + b"}",
    "half a body": DRAFT.encode()[:-1],
    "not utf-8": DRAFT.encode().replace(b"Ann", b"\xff\xfe"),
    "list": b"[]",
    "text": b'"subject"',
    "null": b"null",
}


@pytest.mark.parametrize("body", NO_DRAFT.values(), ids=NO_DRAFT)
def test_B51_a_body_that_is_no_json_object_names_no_field(crm, body):
    assert_problem(post(crm, body), 400)


@pytest.mark.parametrize(
    ("field", "shown"),
    [("subject", "subject"), ("html_body", "html_body"), ("template_id", "template_id")],
)
@pytest.mark.parametrize("half", ["\\ud83d", "\\udc00", "a\\ude00b"])
def test_B51_half_a_surrogate_pair_is_refused_by_field(crm, field, shown, half):
    body = json.dumps(draft_of(**{field: "@"})).replace(f'"{field}": "@"', f'"{field}": "{half}"')
    assert_problem(post(crm, body), 400, shown)


def test_B51_half_a_surrogate_pair_in_a_name_of_a_field_is_refused(crm):
    assert_problem(post(crm, b'{"\\ud83d": 1}'), 400, "\\ud83d")


# B52: too much


def test_B52_a_body_beyond_the_limit_is_too_large_and_the_limit_is_stated(crm):
    html = "<p>" + "x" * LONGEST_BODY
    answer = crm.call("POST", "/messages", json=draft_of(html_body=html))
    assert_problem(answer, 413, "html_body", str(LONGEST_BODY))


def test_B52_51_megabytes_of_html_are_too_large(crm):
    answer = crm.call("POST", "/messages", json=draft_of(html_body="x" * 51_000_000))
    assert_problem(answer, 413, detail="at most")


def test_B52_a_hundred_thousand_links_are_too_many(crm):
    html = "".join(f"<a href=http://h.example/{number}>" for number in range(100_000))
    answer = crm.call("POST", "/messages", json=draft_of(html_body=html))
    assert_problem(answer, 422, "html_body", str(MOST_LINKS))


def test_B52_one_link_more_than_the_limit_is_too_many_over_both_bodies(crm):
    half = MOST_LINKS // 2
    html = "".join(LINK.format(number, number) for number in range(half))
    text = "\n".join(f"https://contoso.example/{number}" for number in range(half))
    answer = crm.call("POST", "/messages", json=draft_of(html_body=html, text_body=text + "1"))
    assert answer.status_code == 201
    more = text + "\nhttps://contoso.example/more"
    answer = crm.call("POST", "/messages", json=draft_of(html_body=html, text_body=more))
    assert_problem(answer, 422, "html_body", str(MOST_LINKS))


def test_B52_a_message_with_the_most_links_is_sent_with_all_of_them(crm, deployment):
    html = "".join(LINK.format(number, number) for number in range(MOST_LINKS))
    message = crm.sent(html_body=html)
    last = deployment.get(message.urls("c")[-1])
    assert last.headers["location"] == f"https://contoso.example/{MOST_LINKS - 1}"
    assert len(message.value["links"]) == MOST_LINKS


@pytest.mark.parametrize("count", [100, 10_000])
def test_B52_too_many_recipients_are_refused_with_the_limit(crm, count):
    recipients = [recipient(f"a{number}@fabrikam.example") for number in range(count)]
    answer = crm.call("POST", "/messages", json=draft_of(recipients=recipients))
    assert_problem(answer, 422, "recipients", "99")


# B53, B54: header lines


@pytest.mark.parametrize(
    "address",
    [
        '"a\r\nBcc: x"@y.example',
        "a\r\nBcc: x@y.example",
        "a@b.example, c@d.example",
        "a@b.example;c@d.example",
        "undisclosed-recipients:;",
        "group: a@b.example;",
        "Ann <a@b.example>",
        "<a@b.example>",
        "a@b.example\0",
        "a@@b.example",
        "@b.example",
        "a@",
        "a b@c.example",
        "a@[127.0.0.1]",
        "a@b.example\u202e",
        "a" * 65 + "@b.example",
        "a@" + "b" * 250 + ".example",
        "",
        "\ud800@b.example",
        None,
        7,
    ],
)
def test_B53_what_is_no_single_address_is_refused_by_name(crm, address):
    to = [recipient("ann@fabrikam.example"), {"email": address}]
    body = json.dumps(draft_of(recipients=to))
    assert_problem(post(crm, body), 400, "recipients[1].email")
    body = json.dumps(draft_of(sender={"user_id": "u", "email": address}))
    assert_problem(post(crm, body), 400, "sender.email")


@pytest.mark.parametrize(
    "address", ["ann@bücher.example", "jürgen@fabrikam.example", "o'b@x.example"]
)
def test_B53_international_addresses_are_kept_as_they_are(crm, address):
    draft = crm.draft(recipients=[recipient(address)])
    assert draft["recipients"][0]["email"] == address


@pytest.mark.parametrize("twin", ["ann@fabrikam.example", "ANN@FABRIKAM.EXAMPLE"])
def test_B53_an_address_is_on_a_message_once(crm, twin):
    to = [recipient("ann@fabrikam.example"), recipient(twin, "bcc")]
    answer = crm.call("POST", "/messages", json=draft_of(recipients=to))
    assert_problem(answer, 422, "recipients[1].email")


def test_B53_a_draft_may_have_no_recipients_and_sending_may_not(crm):
    message_id = crm.draft(recipients=[])["id"]
    for delivery in ("crm", "smtp"):
        answer = crm.call("POST", f"/messages/{message_id}/send", json={"delivery": delivery})
        assert_problem(answer, 422, "recipients")
    assert crm.message(message_id)["status"] == "draft"

    to = {"recipients": [recipient("ann@fabrikam.example")]}
    ok(crm.call("PATCH", f"/messages/{message_id}", json=to))
    assert crm.send(message_id)["status"] == "sent"


@pytest.mark.parametrize(
    "text", ["Ann\r\nBcc: x@y.example", "Ann\n", "A\0nn", "nnA\u202e", "\u2028"]
)
@pytest.mark.parametrize("place", ["recipient", "sender", "subject", "user", "record", "regarding"])
def test_S4_no_line_of_a_header_can_be_broken(crm, text, place):
    """A CR, LF, NUL or text that reads backwards is refused in every value that is one line."""
    sender = {"user_id": "u", "email": "seller@contoso.example"}
    record = {"type": "contact", "id": text}
    fields, field = {
        "recipient": (
            {"recipients": [{"email": "a@b.example", "name": text}]},
            "recipients[0].name",
        ),
        "sender": ({"sender": {**sender, "name": text}}, "sender.name"),
        "subject": ({"subject": text}, "subject"),
        "user": ({"sender": {**sender, "user_id": text}}, "sender.user_id"),
        "record": (
            {"recipients": [{"email": "a@b.example", "record": record}]},
            "recipients[0].record.id",
        ),
        "regarding": ({"regarding": {**record, "id": "c", "name": text}}, "regarding.name"),
    }[place]
    assert_problem(crm.call("POST", "/messages", json=draft_of(**fields)), 400, field)


def test_S4_names_that_look_like_headers_stay_inside_their_own(crm, mailbox):
    name = 'Ann, "Bcc: x" <x@y.example>; =?utf-8?q?=0D=0ABcc:_x@y.example?='
    subject = "Offer: =?utf-8?q?=0D=0ABcc:_x@y.example?= " + "ü" * 200
    message_id = crm.draft(
        subject=subject,
        sender={"user_id": "u", "email": "seller@contoso.example", "name": name},
        recipients=[recipient("ann@fabrikam.example", name=name)],
    )["id"]
    crm.attach(message_id, 'a"\r\nBcc: x@y.example.pdf', followed=False)
    crm.send(message_id, "smtp")

    envelope = mailbox.envelopes[-1]
    mail = email.message_from_bytes(envelope.content, policy=policy.SMTP)
    assert envelope.rcpt_tos == ["ann@fabrikam.example"]
    assert mail["Bcc"] is None
    assert mail["Subject"] == subject
    # The new parser of Python 3.11 puts a blank between two encoded words of a name.
    shown = email.message_from_bytes(envelope.content)["To"]
    assert str(make_header(decode_header(shown))) == f"{name} <ann@fabrikam.example>"
    assert [address.addr_spec for address in mail["To"].addresses] == ["ann@fabrikam.example"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["seller@contoso.example"]
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == 'a"Bcc_ x@y.example.pdf'


def test_S4_a_link_cannot_break_the_location_header(crm):
    for broken in ("https://x.example/&#13;&#10;Set-Cookie: a=b", "https://x.example/\r\nX: y"):
        html = f'<a href="{broken}">x</a>'
        answer = crm.call("POST", "/messages", json=draft_of(html_body=html))
        assert_problem(answer, 422, "html_body", "x.example")


@pytest.mark.parametrize("subject", ["a\r\nBcc: x@y.example", "a\0b", "x" * 1_000_000, "x" * 501])
def test_B54_a_subject_is_one_line_of_reasonable_length(crm, subject):
    assert_problem(crm.call("POST", "/messages", json=draft_of(subject=subject)), 400, "subject")


def test_B54_the_longest_subject_is_kept_whole(crm):
    subject = "\U0001f600" * 500
    assert crm.draft(subject=subject)["subject"] == subject


# B55 to B57: the bodies

HTML = {
    "unquoted": ("<a href=https://c.example/1>x</a>", ["https://c.example/1"]),
    "upper case": ("<A HREF='HTTPS://C.EXAMPLE/1'>x</A>", ["HTTPS://C.EXAMPLE/1"]),
    "no space": ('<a title="x"href="https://c.example/1">', ["https://c.example/1"]),
    "area": ('<map><area href="https://c.example/1"></map>', ["https://c.example/1"]),
    "vml": ('<!--[if mso]><v:rect href="https://c.example/1"><![endif]-->', None),
    "svg": ('<svg><a xlink:href="https://c.example/1">x</a></svg>', ["https://c.example/1"]),
    "entities": ('<a href="https://c.example/?a=1&amp;b=2">', ["https://c.example/?a=1&b=2"]),
    "two bodies": (
        '<body><a href="https://c.example/1">x</a></body></body>',
        ["https://c.example/1"],
    ),
    "no end": ('<table><tr><td><a href="https://c.example/1">x', ["https://c.example/1"]),
    "javascript": ('<a href="javascript:alert(1)">x</a>', []),
    "mail": ('<a href="mailto:a@b.example">x</a>', []),
    "anchor": ('<a href="#top">x</a>', []),
    "cid": ('<img src="cid:logo" alt="a &gt; b">', []),
    "form": ('<form action="https://c.example/1"></form>', []),
    "base": ('<base href="https://c.example/"><a href="offer">x</a>', []),
    "meta": ('<meta http-equiv="refresh" content="0;url=https://c.example/1">', []),
    "css": ('<p style="background:url(https://c.example/1)">x</p>', []),
    "template": ('<a href="{{url}}">x</a><a href="https://c.example/{{x}}">y</a>', []),
    "unsubscribe": ('<a href="https://c.example/unsubscribe?u=1">x</a>', []),
    "switched off": ('<p data-engagement="off"><a href="https://c.example/1">x</a></p>', []),
    "script": ('<script>"<a href=https://c.example/1>"</script>', []),
    "comment": ('<!-- <a href="https://c.example/1"> -->', []),
}


@pytest.mark.parametrize(("html", "expected"), HTML.values(), ids=HTML)
def test_B55_links_are_followed_where_they_are_links_and_the_rest_stays(crm, html, expected):
    message = crm.sent(html_body=html)

    urls = [link["url"] for link in message.value["links"]]
    if expected is not None:
        assert urls == expected
    # Whatever was replaced, everything else stands as it was written.
    links = iter(message.value["links"])
    assert message.html.count(f"{PUBLIC_URL}/c/") == len(urls)
    assert message.html.count(f"{PUBLIC_URL}/o/") == 1
    if not urls:
        assert html.partition("</body>")[0] in message.html
    assert next(links, None) == ({"id": "1", "url": urls[0]} if urls else None)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pw@c.example/",
        "https://good.example\\@evil.example/",
        "http:///c.example/",
        "https://c.example:99999/",
        "https://evil\u3002example/",
        "https://c\u202e.example/",
        "https:c.example",
        "http://.",
        "https://c.example/" + "x" * 2_000,
    ],
)
def test_B55_a_destination_that_must_not_be_followed_names_link_and_field(crm, url):
    begin = url[:9]
    html = f'<a href="https://good.example/">x</a><a href="{url}">y</a>'
    answer = crm.call("POST", "/messages", json=draft_of(html_body=html))
    assert_problem(answer, 422, "html_body", begin)

    message_id = crm.draft()["id"]
    answer = crm.call("PATCH", f"/messages/{message_id}", json={"html_body": html})
    assert_problem(answer, 422, "html_body", begin)


def test_B55_a_destination_that_must_not_be_followed_is_named_in_the_text_too(crm):
    text = "See https://user:pw@c.example/ now"
    answer = crm.call("POST", "/messages", json=draft_of(html_body=None, text_body=text))
    assert_problem(answer, 422, "text_body", "user:pw@c.example")


def test_B55_links_of_a_message_that_is_not_followed_are_its_authors_business(crm):
    html = '<a href="https://user:pw@c.example/">x</a>'
    message_id = crm.draft(html_body=html, follow=False)["id"]
    assert crm.send(message_id)["copies"][0]["html_body"] == html

    other = crm.draft(html_body=html, follow=False)["id"]
    assert_problem(crm.call("PATCH", f"/messages/{other}", json={"follow": True}), 422, "html_body")


def test_the_same_link_twice_is_two_links_with_the_same_target(crm, deployment):
    message = crm.sent(html_body=LINK.format("a", "top") + LINK.format("a", "bottom"))
    first, second = message.urls("c")

    assert first != second
    deployment.get(second)
    assert [deployment.get(url).headers["location"] for url in (first, second)] == [
        "https://contoso.example/a"
    ] * 2
    assert message.value["links"] == [
        {"id": "1", "url": "https://contoso.example/a"},
        {"id": "2", "url": "https://contoso.example/a"},
    ]
    assert Counter(item["link"]["id"] for item in message.acts()) == {"1": 1, "2": 2}


TEXT = {
    "full stop": ("See https://c.example/a.", "https://c.example/a", "."),
    "bracket": ("(see https://c.example/a)", "https://c.example/a", ")"),
    "own bracket": ("https://c.example/a_(b)", "https://c.example/a_(b)", ""),
    "angle brackets": ("<https://c.example/a>", "https://c.example/a", ">"),
    "wrapped": ("<https://c.example/a/\r\nb> x", "https://c.example/a/b", "> x"),
    "question mark": ("https://c.example/a?", "https://c.example/a", "?"),
    "query": ("https://c.example/?a=1&b=2", "https://c.example/?a=1&b=2", ""),
    "quoted": ('"https://c.example/a"', "https://c.example/a", '"'),
}


@pytest.mark.parametrize(("text", "url", "rest"), TEXT.values(), ids=TEXT)
def test_B56_a_url_in_the_text_ends_where_its_sentence_goes_on(crm, text, url, rest):
    message = crm.sent(html_body=None, text_body=text)

    (copy,) = message.value["copies"]
    assert [link["url"] for link in message.value["links"]] == [url]
    before, _, token = copy["text_body"].partition(f"{PUBLIC_URL}/c/")
    assert text.startswith(before)
    assert token[60:] == rest
    assert copy["html_body"] is None


@pytest.mark.parametrize("charset", ["iso-2022-jp", "windows-1252", "utf-16", "none-such"])
def test_B57_a_charset_that_the_html_declares_stays_as_it_is_written(crm, charset, mailbox):
    html = f'<meta charset="{charset}"><p>日本語 – “Größe” \U0001f600 \x1b$B</p>'
    message_id = crm.draft(html_body=html)["id"]
    sent = crm.send(message_id, "smtp")

    assert crm.message(message_id)["html_body"] == html
    assert sent["copies"][0]["html_body"].startswith(html)
    mail = email.message_from_bytes(mailbox.envelopes[-1].content, policy=policy.default)
    part = mail.get_body(("html",))
    assert part.get_content_charset() == "utf-8"
    assert part.get_payload(decode=True).decode() == sent["copies"][0]["html_body"]


# What B58 asks: the same Idempotency-Key twice


def test_B58_the_same_request_again_gives_the_same_message(fresh):
    headers = {"Idempotency-Key": "k-1"}
    first = fresh.call("POST", "/messages", json=draft_of(), headers=headers)
    ok(fresh.call("PATCH", f"/messages/{first.json()['id']}", json={"subject": "New"}))
    again = fresh.call("POST", "/messages", json=draft_of(), headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["subject"] == "New"


def test_B58_the_same_key_with_another_body_is_a_conflict(fresh):
    headers = {"Idempotency-Key": "k-1"}
    first = ok(fresh.call("POST", "/messages", json=draft_of(), headers=headers))
    other = fresh.call("POST", "/messages", json=draft_of(subject="Other"), headers=headers)

    assert_problem(other, 409, detail="Idempotency-Key")
    assert fresh.message(first["id"])["subject"] == draft_of()["subject"]


def test_B58_the_same_request_at_once_makes_one_message(fresh):
    headers = {"Idempotency-Key": "k-1"}
    answers = at_once(
        [lambda: fresh.call("POST", "/messages", json=draft_of(), headers=headers)] * 8
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_B58_of_two_bodies_with_one_key_at_once_one_wins(fresh):
    headers = {"Idempotency-Key": "k-1"}
    bodies = [draft_of(subject=str(number)) for number in range(4)]
    answers = at_once(
        [
            lambda body=body: fresh.call("POST", "/messages", json=body, headers=headers)
            for body in bodies
        ]
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
    (subject,) = [answer.json()["subject"] for answer in answers if answer.status_code == 201]
    won = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    assert fresh.message(won)["subject"] == subject


def test_B58_without_a_key_every_request_is_a_new_message(crm):
    assert crm.draft()["id"] != crm.draft()["id"]


def test_B58_a_refused_request_does_not_use_its_key_up(fresh):
    headers = {"Idempotency-Key": "k-1"}
    assert_problem(fresh.call("POST", "/messages", json={}, headers=headers), 400, "subject")
    ok(fresh.call("POST", "/messages", json=draft_of(), headers=headers))


@pytest.mark.parametrize("key", ["x" * 201, b"a\tb", b"\x85"])
def test_B58_a_key_that_cannot_be_one_is_named(crm, key):
    headers = {"Idempotency-Key": key}
    answer = crm.call("POST", "/messages", json=draft_of(), headers=headers)
    assert_problem(answer, 400, "Idempotency-Key")


# B59 to B62


@pytest.mark.parametrize(
    ("send_at", "status"),
    [
        ("2020-01-01T00:00:00Z", 422),
        ("9999-12-31T23:59:59Z", 422),
        ("0001-01-01T00:00:00Z", 422),
        # In Berlin there is no such time; without an offset it is none anywhere.
        ("2027-03-28T02:30:00", 400),
        ("2026-01-01T00:00:00-05:00", 422),
        ("2026-01-01T00:00:00+99:00", 400),
        ("0001-01-01T00:00:00+14:00", 400),
        ("2026-01-01 00:00 Nowhere/Land", 400),
        ("tomorrow", 400),
        (0, 400),
        ({}, 400),
    ],
)
def test_B59_a_time_that_is_none_or_not_ahead_is_refused(crm, send_at, status):
    answer = crm.call("POST", "/messages", json=draft_of(send_at=send_at))
    assert_problem(answer, status, "send_at")
    path = f"/messages/{crm.draft(send_at=None)['id']}"
    assert_problem(crm.call("PATCH", path, json={"send_at": send_at}), status, "send_at")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"organization_id": "another"}, "organization_id"),
        ({"org": "x"}, "org"),
        ({"id": "0" * 24}, "id"),
        ({"status": "sent"}, "status"),
        ({"subject": ["x"]}, "subject"),
        ({"follow": "yes"}, "follow"),
        ({"follow": None}, "follow"),
        ({"copies": "twice"}, "copies"),
        ({"recipients": {"email": "a@b.example"}}, "recipients"),
        ({"recipients": [{"email": "a@b.example", "type": "to"}]}, "recipients[0].type"),
        ({"sender": {"user_id": 1, "email": "a@b.example"}}, "sender.user_id"),
        ({"html_body": 1}, "html_body"),
        ({"html_body": None, "text_body": None}, "html_body"),
        ({"html_body": "a\0b"}, "html_body"),
    ],
)
def test_B60_unknown_and_wrongly_typed_fields_are_named(crm, fields, field):
    assert_problem(crm.call("POST", "/messages", json=draft_of(**fields)), 400, field)
    path = f"/messages/{crm.draft()['id']}"
    assert_problem(crm.call("PATCH", path, json=fields), 400, field)


@pytest.mark.parametrize("name", ["subject", "sender"])
def test_B60_a_field_that_is_missing_is_named(crm, name):
    body = draft_of()
    del body[name]
    assert_problem(crm.call("POST", "/messages", json=body), 400, name)


@pytest.mark.parametrize("kind", ["account", "contact", "lead"])
def test_B61_a_message_to_a_customers_record_is_followed(crm, kind):
    assert crm.draft(recipients=[recipient("a@b.example", kind=kind)])["follow_state"] == "followed"


@pytest.mark.parametrize(
    "recipients",
    [
        [{"email": "ann@fabrikam.example"}],
        [recipient("ann@fabrikam.example", kind="systemuser")],
        [recipient("ann@fabrikam.example", "bcc")],
        [recipient("ann@fabrikam.example", kind="queue"), recipient("b@c.example", "bcc")],
    ],
)
def test_B61_a_message_to_nobody_who_can_be_followed_says_so_and_is_sent_plain(crm, recipients):
    draft = crm.draft(recipients=recipients)
    assert draft["follow_state"] == "not_eligible"
    assert "account, contact or lead" in draft["follow_reason"]

    sent = crm.send(draft["id"])
    assert sent["follow_state"] == "not_eligible"
    assert sent["copies"][0]["html_body"] == draft["html_body"]


@pytest.mark.parametrize("kind", ["a b", "", "x" * 101, "1x", "conta\u0441t", None, 7])
def test_B61_what_cannot_name_a_type_of_record_is_refused(crm, kind):
    to = [recipient("ann@fabrikam.example", kind=kind)]
    answer = crm.call("POST", "/messages", json=draft_of(recipients=to))
    assert_problem(answer, 400, "recipients[0].record.type")


def test_B61_a_type_of_record_is_known_whatever_the_case(crm):
    draft = crm.draft(recipients=[recipient("ann@fabrikam.example", kind="Contact")])
    assert draft["follow_state"] == "followed"
    assert draft["recipients"][0]["record"]["type"] == "contact"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"sender": {"user_id": " ", "email": "kim@contoso.example"}}, "sender.user_id"),
        ({"regarding": {"type": "account", "id": ""}}, "regarding.id"),
    ],
)
def test_what_must_say_something_must_not_be_empty(crm, fields, field):
    assert_problem(crm.call("POST", "/messages", json=draft_of(**fields)), 400, field)


def test_B61_a_message_may_regard_any_type_of_record(crm):
    record = {"type": "new_project", "id": "p-1", "name": "Bridge"}
    assert crm.draft(regarding=record)["regarding"] == record
