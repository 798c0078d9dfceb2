"""The API of what became of a message: the timeline and its pages, and replies."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from deployment import at_once, ok, recipient, wait_until
from problem import assert_problem
from sellers import coming
from strangers import judge

NOW = datetime.now(UTC)
REPLY = {"replied_by": "ann@fabrikam.example"}


def at(**ago):
    """A time before now, as JSON."""
    return (NOW - timedelta(**ago)).isoformat()


def page(message, **parameters):
    """One page of a message's timeline."""
    path = f"/messages/{message.id}/timeline"
    return message.crm.call("GET", path, params=parameters)


def pages(message, page_size):
    """Every page of a message's timeline."""
    found = [ok(page(message, page_size=page_size))]
    while found[-1]["continuation"]:
        more = {"continuation": found[-1]["continuation"]}
        found.append(ok(page(message, page_size=page_size, **more)))
    return [one["items"] for one in found]


def alerts(message):
    """The alerts of a message's sender."""
    return ok(message.crm.call("GET", "/alerts", params={"user_id": "u-17"}))["items"]


def reply(message, body=REPLY, **headers):
    """Report a reply."""
    return message.crm.call("POST", f"/messages/{message.id}/replies", json=body, headers=headers)


@pytest.fixture(scope="module")
def eventful(deployment):
    """A message that eleven things happened to, six of them at one moment."""
    message = deployment.new_crm().sent_with_attachment()
    moment = at(hours=1)
    for number in range(6):
        ok(reply(message, {"replied_by": f"a{number}@fabrikam.example", "at": moment}))
    for minutes in (5, 90, 1):
        ok(reply(message, {**REPLY, "at": at(minutes=minutes)}))
    deployment.get(message.pixel)
    deployment.get(message.link)
    return message


# The timeline


def test_what_happened_is_told_as_the_contract_says(crm, deployment):
    message = crm.sent_with_attachment()
    for url in (message.pixel, message.link, message.file):
        deployment.get(url)
    deployment.request("HEAD", message.link)
    head, file, click, opened = message.timeline

    assert [item["type"] for item in (head, file, click, opened)] == [
        "click",
        "attachment_view",
        "click",
        "open",
    ]
    assert set(opened) == {
        "id",
        "type",
        "at",
        "recipient",
        "verdict",
        "via",
        "reasons",
        "rules",
        "link",
        "attachment",
        "client",
        "replied_by",
    }
    assert click["link"] == {"id": "1", "url": "https://contoso.example/offer?a=1&b=2"}
    assert file["attachment"] == {"id": "1", "name": "offer.pdf"}
    assert (opened["link"], opened["attachment"], opened["recipient"]) == (None, None, None)
    assert (click["verdict"], click["reasons"], click["via"]) == ("person", [], "direct")
    assert (head["verdict"], head["reasons"], head["via"]) == ("automated", ["method"], "unknown")
    assert {item["client"] for item in message.timeline} == {"Firefox"}
    # The version that was shipped, and what stands for the organization's own changes.
    (rules,) = {item["rules"] for item in message.timeline}
    assert re.fullmatch(r"\d+\+[0-9a-f]{8}", rules)
    assert all(item["at"].endswith("Z") for item in message.timeline)


@pytest.mark.parametrize("page_size", [1, 2, 3, 5, 10, 11, 12, 200])
def test_pages_have_neither_gaps_nor_repeats(eventful, page_size):
    found = pages(eventful, page_size)
    items = [item for one in found for item in one]

    assert all(len(one) == page_size for one in found[:-1])
    assert 1 <= len(found[-1]) <= page_size
    assert len(items) == len({item["id"] for item in items}) == 11
    moments = [item["at"] for item in items]
    assert moments == sorted(moments, reverse=True)
    assert items == ok(page(eventful))["items"]


def test_what_happens_between_two_pages_does_not_shift_the_second(crm, deployment):
    message = crm.sent()
    for minutes in (10, 20, 30):
        ok(reply(message, {**REPLY, "at": at(minutes=minutes)}))
    before = [item["id"] for item in message.timeline]
    first = ok(page(message, page_size=2))
    deployment.get(message.pixel)
    rest = ok(page(message, page_size=2, continuation=first["continuation"]))

    assert [item["id"] for item in first["items"] + rest["items"]] == before
    assert len(message.timeline) == 4


def test_the_timeline_of_a_message_that_nothing_happened_to_is_one_empty_page(crm):
    empty = {"items": [], "continuation": None}
    assert ok(page(crm.sent())) == empty
    assert ok(crm.call("GET", f"/messages/{crm.draft()['id']}/timeline")) == empty


@pytest.mark.parametrize(
    "page_size", ["0", "-1", "201", "1000000000", "9" * 5_000, "1.0", "1e1", " 1", "x", "١", "1,2"]
)
def test_a_page_size_that_cannot_be_one_is_named(eventful, page_size):
    assert_problem(page(eventful, page_size=page_size), 400, "page_size", "200")


@pytest.mark.parametrize(
    "continuation",
    [
        "x",
        "0",
        "' or RowKey ne '",
        "0000000000000-",
        "0000000000000-zzzzzzzz",
        "0000000000000-00000000 ",
        "../..",
        "5-interaction-",
        "\ud7ff",
        "1" * 10_000,
    ],
)
def test_a_continuation_that_no_page_ended_with_is_named(eventful, continuation):
    assert_problem(page(eventful, continuation=continuation), 400, "continuation")


@pytest.mark.parametrize("name", ["size", "pageSize", "cursor"])
def test_a_parameter_that_is_not_known_is_named(eventful, name):
    assert_problem(page(eventful, **{name: "1"}), 400, name, "no such parameter")


def test_a_continuation_is_a_place_in_time_and_opens_no_other_message(eventful, crm):
    message = crm.sent()
    ok(reply(message, {**REPLY, "at": at(minutes=30)}))
    continuation = ok(page(eventful, page_size=1))["continuation"]
    found = ok(page(message, continuation=continuation))

    assert [item["id"] for item in found["items"]] == [item["id"] for item in message.timeline]


# Replies


def test_a_reply_is_counted_and_told(crm):
    message = crm.sent()
    answer = reply(message, {**REPLY, "at": "2026-01-02T03:04:05.678+01:00"})

    assert answer.status_code == 201
    assert message.timeline == [answer.json()]
    told = answer.json()
    assert (told["type"], told["verdict"]) == ("reply", "person")
    assert told["at"] == "2026-01-02T02:04:05.678Z"
    assert told["replied_by"] == "ann@fabrikam.example"
    assert told["recipient"]["email"] == "ann@fabrikam.example"
    assert (told["client"], told["rules"], told["reasons"]) == (None, None, [])
    assert message.kpis["reply_count"] == 1
    assert crm.message(message.id)["interaction_status"] == "Replied"


def test_a_reply_of_somebody_else_is_kept_without_a_recipient(crm):
    message = crm.sent()
    told = ok(reply(message, {"replied_by": "assistant@fabrikam.example"}))
    assert (told["recipient"], told["replied_by"]) == (None, "assistant@fabrikam.example")


@pytest.mark.parametrize("address", ["ANN@fabrikam.example", "ann@FABRIKAM.EXAMPLE"])
def test_whoever_replied_is_known_whatever_the_case(crm, address):
    told = ok(reply(crm.sent(), {"replied_by": address}))
    assert told["recipient"]["email"] == "ann@fabrikam.example"


def test_an_automatic_reply_is_a_machines_and_no_reply(crm):
    message = crm.sent()
    told = ok(reply(message, {**REPLY, "automatic": True}))

    assert (told["verdict"], told["reasons"]) == ("automated", ["automatic_reply"])
    assert message.kpis["reply_count"] == 0
    assert crm.message(message.id)["interaction_status"] == "Not yet opened"
    ok(reply(message))
    assert message.kpis["reply_count"] == 1


def test_B58_a_reply_counts_once_for_each_idempotency_key(crm):
    message = crm.sent()
    answers = [reply(message, **{"Idempotency-Key": key}) for key in ("a", "a", "b", "a")]

    assert {answer.status_code for answer in answers} == {201}
    ids = [answer.json()["id"] for answer in answers]
    assert ids[0] == ids[1] == ids[3] != ids[2]
    assert message.kpis["reply_count"] == 2


def test_B58_a_key_that_came_with_another_reply_is_refused(crm):
    message = crm.sent()
    assert reply(message, **{"Idempotency-Key": "a"}).status_code == 201
    other = {**REPLY, "automatic": True}

    assert_problem(reply(message, other, **{"Idempotency-Key": "a"}), 409)
    assert message.kpis["reply_count"] == 1


def test_B58_a_reply_counts_once_for_each_message_id_of_its_own(crm):
    message = crm.sent()
    body = {**REPLY, "internet_message_id": "<1@fabrikam.example>"}
    first, again = reply(message, body), reply(message, {**body, "at": at(days=1)})
    other = reply(message, {**REPLY, "internet_message_id": "<2@fabrikam.example>"})

    assert again.json() == first.json()
    assert other.json()["id"] != first.json()["id"]
    assert message.kpis["reply_count"] == 2


def test_B58_a_reply_is_known_by_its_message_id_whatever_key_it_comes_with(crm):
    message = crm.sent()
    body = {**REPLY, "internet_message_id": "<1@fabrikam.example>"}
    answers = [reply(message, body, **{"Idempotency-Key": key}) for key in ("a", "b", "a")]
    answers.append(reply(message, body))

    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert message.kpis["reply_count"] == 1


def test_B58_the_same_reply_at_once_counts_once(crm):
    message = crm.sent()
    body = {**REPLY, "internet_message_id": "<1@fabrikam.example>"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: reply(message, body), range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert message.kpis["reply_count"] == 1


def test_B58_a_message_id_of_a_reply_is_known_for_its_own_message_only(crm):
    body = {**REPLY, "internet_message_id": "<1@fabrikam.example>"}
    one, two = crm.sent(), crm.sent()
    ok(reply(one, body))
    ok(reply(two, body))
    assert (one.kpis["reply_count"], two.kpis["reply_count"]) == (1, 1)


def test_a_draft_has_no_replies(crm):
    message_id = crm.draft()["id"]
    answer = crm.call("POST", f"/messages/{message_id}/replies", json=REPLY)
    assert_problem(answer, 409, detail="only a sent one")


def test_a_message_that_is_not_followed_is_replied_to_all_the_same(crm):
    message = crm.sent(follow=False)
    ok(reply(message))
    assert message.kpis["reply_count"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "replied_by"),
        ({"replied_by": None}, "replied_by"),
        ({"replied_by": "nobody"}, "replied_by"),
        ({"replied_by": "a@b.example\r\nBcc: x@y.example"}, "replied_by"),
        ({**REPLY, "at": "2026-01-01"}, "at"),
        ({**REPLY, "at": "2026-01-01T00:00:00"}, "at"),
        ({**REPLY, "at": 1}, "at"),
        ({**REPLY, "at": "0001-01-01T00:00:00Z"}, "at"),
        ({**REPLY, "at": "1969-12-31T23:59:59Z"}, "at"),
        ({**REPLY, "at": "2300-01-01T00:00:00Z"}, "at"),
        ({**REPLY, "at": "9999-12-31T23:59:59Z"}, "at"),
        ({**REPLY, "at": "9999-12-31T23:59:59-14:00"}, "at"),
        ({**REPLY, "internet_message_id": "x" * 999}, "internet_message_id"),
        ({**REPLY, "internet_message_id": "<a>\r\n"}, "internet_message_id"),
        ({**REPLY, "automatic": "yes"}, "automatic"),
        ({**REPLY, "subject": "Re: x"}, "subject"),
        ([], None),
    ],
)
def test_B59_a_wrong_reply_is_named_and_not_counted(eventful, body, field):
    assert_problem(reply(eventful, body), 400, field)
    assert len(eventful.timeline) == 11


def test_B59_the_oldest_reply_that_can_be_is_the_last_of_the_timeline(crm):
    message = crm.sent()
    ok(reply(message, {**REPLY, "at": "1970-01-01T00:00:00Z"}))
    ok(reply(message, {**REPLY, "at": at(hours=-2)}))
    ok(reply(message))
    items = [item for one in pages(message, 1) for item in one]
    assert [item["id"] for item in items] == [item["id"] for item in message.timeline]
    assert items[-1]["at"] == "1970-01-01T00:00:00.000Z"


# KPIs


def test_each_count_is_of_its_own_kind(crm, deployment):
    message = crm.sent_with_attachment()
    deployment.get(message.pixel)
    deployment.get(message.pixel)
    deployment.get(message.pixel, headers={"X-Forwarded-For": "203.0.113.7"})
    deployment.get(message.pixel, headers={"Sec-Purpose": "prefetch"})
    deployment.get(message.link)
    deployment.get(message.file)
    deployment.request("HEAD", message.file)

    kpis = message.kpis
    one = {"open_count": 1, "click_count": 0, "attachment_view_count": 1}
    assert kpis["automated"] == one
    assert kpis["unsure"] == dict.fromkeys(one, 0)
    # Of the opens two were of one person within a minute.
    assert (kpis["open_count"], kpis["click_count"], kpis["attachment_view_count"]) == (2, 1, 1)
    assert kpis["inferred_open_count"] == 0
    last, _, first = [item["at"] for item in message.acts("open") if item["verdict"] == "person"]
    assert (kpis["last_opened_at"], kpis["first_opened_at"]) == (last, first)


def test_a_click_without_an_open_tells_of_one_until_the_open_is_seen(crm, deployment):
    message = crm.sent()
    deployment.get(message.link)
    kpis = message.kpis
    assert (kpis["open_count"], kpis["inferred_open_count"]) == (1, 1)
    assert crm.message(message.id)["interaction_status"] == "Last opened today"

    wait_until(lambda: len(message.timeline) == 2)
    (inferred,) = [item for item in message.timeline if item["reasons"] == ["inferred"]]
    (click,) = message.acts()
    assert (inferred["type"], inferred["verdict"]) == ("open", "person")
    assert inferred["at"] == click["at"] == kpis["first_opened_at"]
    assert message.kpis == kpis

    deployment.get(message.pixel)
    kpis = message.kpis
    assert (kpis["open_count"], kpis["inferred_open_count"]) == (1, 0)
    judge(message)
    wait_until(lambda: [item["type"] for item in message.timeline] == ["open", "click"])
    assert message.kpis == kpis


def test_F6_a_request_for_judgement_delivered_ten_times_at_once_tells_of_one_open(crm, deployment):
    message = crm.sent()
    deployment.get(message.link)
    at_once([lambda: judge(message)] * 10)
    wait_until(lambda: coming(crm))
    judge(message)

    assert [item["reasons"] for item in message.acts()] == [[]]
    assert len(message.timeline) == 2
    assert [alert.type for alert in coming(crm)] == ["first_open"]
    assert message.kpis["open_count"] == 1


def test_F6_the_same_open_ten_times_at_once_counts_once_and_makes_one_alert(crm, deployment):
    message = crm.sent()
    at_once([lambda: deployment.get(message.pixel)] * 10)
    wait_until(lambda: alerts(message))
    judge(message)

    assert len(message.acts("open")) == len(message.timeline) == 10
    assert message.kpis["open_count"] == 1
    assert [item["type"] for item in alerts(message)] == ["first_open"]


def test_F7_what_comes_in_the_wrong_order_is_stored_and_sorted(crm, deployment):
    message = crm.sent_with_attachment()
    deployment.get(message.link)
    ok(reply(message, {**REPLY, "at": at(hours=1)}))
    deployment.get(message.file)
    ok(reply(message, {**REPLY, "at": at(hours=-1)}))
    deployment.get(message.pixel)

    acts = message.acts()
    kinds = ["reply", "open", "attachment_view", "click", "reply"]
    assert [item["type"] for item in acts] == kinds
    moments = [datetime.fromisoformat(item["at"]) for item in acts]
    assert moments == sorted(moments, reverse=True)
    assert moments[-1] < datetime.fromisoformat(crm.message(message.id)["sent_at"]) < moments[-2]
    judge(message)
    wait_until(lambda: message.timeline == acts)
    kpis = message.kpis
    assert (kpis["open_count"], kpis["inferred_open_count"]) == (1, 0)
    assert (kpis["click_count"], kpis["attachment_view_count"], kpis["reply_count"]) == (1, 1, 2)
    assert kpis["first_opened_at"] == acts[1]["at"]


def test_who_opened_is_said_for_a_copy_of_ones_own_and_reply_counts_are_the_messages(
    crm, deployment
):
    message = crm.sent(
        recipients=[recipient("ann@fabrikam.example"), recipient("bob@fabrikam.example", "bcc")],
        copies="per_recipient",
    )
    deployment.get(message.urls("o", 1)[0])
    ok(reply(message, {"replied_by": "bob@fabrikam.example"}))
    assert {item["recipient"]["email"] for item in message.timeline} == {"bob@fabrikam.example"}
    assert (message.kpis["open_count"], message.kpis["reply_count"]) == (1, 1)
