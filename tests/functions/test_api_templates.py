"""The API of templates: registering, filling messages, and the list with its rates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from deployment import at_once, draft_of, ok
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from problem import assert_problem

from engagement.domain.reports.cohort import Cohort, TemplateTotals
from engagement.domain.templates.placeholder import LONGEST_VALUE
from engagement.domain.templates.template import LARGEST_BODY, MOST_TEMPLATES
from engagement.storage import keys
from engagement.storage.template_totals import LONGEST_COLUMN
from engagement.storage.transactions import LARGEST

OFFER = {
    "name": "Offer",
    "subject": "An offer for {{ contact.first_name | you }}",
    "html_body": '<p>Dear {{contact.first_name}}, <a href="https://contoso.example/{{id}}">see</a></p>',
    "text_body": "Dear {{contact.first_name}}, see https://contoso.example/",
    "language": "de-AT",
}
VALUES = {"contact": {"first_name": "Ann", "unused": [1]}, "id": 7}
RATES = {
    "email_count": 0,
    "followed_count": 0,
    "open_rate": None,
    "open_rate_interval": None,
    "reply_rate": None,
    "reply_rate_interval": None,
    "recommended": False,
    "needs": 30,
    "needs_at_this_rate": None,
    "reason": "30 followed messages are needed: 30 more.",
    "segment": None,
}


@pytest.fixture(scope="module")
def seller(deployment):
    """One organization with the template of the offer, for those that leave it as it is."""
    crm = deployment.new_crm()
    put(crm, "offer", OFFER)
    return crm


def put(crm, template_id, value, status=None):
    answer = crm.call("PUT", f"/templates/{template_id}", json=value)
    assert status in (None, answer.status_code), answer.text
    return ok(answer)


def templates(crm, **query):
    """All templates, page by page."""
    items, end = [], None
    while True:
        params = {**query, **({"continuation": end} if end else {})}
        page = ok(crm.call("GET", "/templates", params=params))
        items += page["items"]
        end = page["continuation"]
        if end is None:
            return items


def unfilled(**fields):
    """A draft that leaves its subject and bodies to the template."""
    draft = draft_of(template_id="offer", values=VALUES)
    del draft["subject"], draft["html_body"]
    return {**draft, **fields}


def stored(crm, work):
    """Run *work* with the stores and the organization's key."""
    services = crm.deployment.services

    async def run():
        organization = await services.administering.find(crm.organization_id)
        return await work(services.templating, organization.key)

    return crm.deployment.run(run())


def count(crm, template_id, totals):
    """Store what the rollups would count."""
    stored(crm, lambda templating, key: templating.totals.write(key, template_id, totals))


# Registering


def test_a_template_is_registered_read_replaced_and_deleted(crm):
    made = put(crm, "offer", OFFER, 201)
    assert made == {
        **OFFER,
        **RATES,
        "id": "offer",
        "language": "de-at",
        "created_at": made["created_at"],
        "changed_at": made["created_at"],
    }
    assert ok(crm.call("GET", "/templates/offer")) == made

    changed = put(crm, "offer", {"name": "Only counted"}, 200)
    assert (changed["name"], changed["subject"], changed["html_body"]) == (
        "Only counted",
        None,
        None,
    )
    assert changed["created_at"] == made["created_at"] < changed["changed_at"]

    assert crm.call("DELETE", "/templates/offer").status_code == 204
    assert_problem(crm.call("GET", "/templates/offer"), 404)
    assert_problem(crm.call("DELETE", "/templates/offer"), 404)


def test_no_content_is_left_behind(crm):
    put(crm, "offer", OFFER)
    put(crm, "offer", OFFER)

    async def names(templating, key):
        return [blob.name async for blob in templating.blobs.list_templates(key)]

    assert len(stored(crm, names)) == 1
    crm.call("DELETE", "/templates/offer")
    assert stored(crm, names) == []


@pytest.mark.parametrize(
    "template_id", ["a", "9e1c2f0a-7d1f-4b3e-9a52-0123456789ab", "A.b_c-1", "x" * 200]
)
def test_a_template_may_be_named_as_the_crm_names_it(seller, template_id):
    assert put(seller, template_id, {"name": "x"})["id"] == template_id
    seller.call("DELETE", f"/templates/{template_id}")


@pytest.mark.parametrize("template_id", ["-", "_a", "a%20b", "a%23b", "é", "x" * 201, "%7Bguid%7D"])
def test_other_names_are_refused(seller, template_id):
    answer = seller.call("PUT", f"/templates/{template_id}", json={"name": "x"})
    assert_problem(answer, 400, "template_id")


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"name": " "}, 400, "name"),
        ({"name": None}, 400, "name"),
        ({"name": "x" * 201}, 400, "name"),
        ({"subject": "a\nb"}, 400, "subject"),
        ({"subject": "x" * 501}, 400, "subject"),
        ({"subject": "Dear {{x"}, 422, "subject"),
        ({"html_body": "<p>{{#if x}}</p>"}, 422, "html_body"),
        ({"html_body": "<script>{{x}}</script>"}, 422, "html_body"),
        ({"html_body": "x" * (LARGEST_BODY + 1)}, 413, "html_body"),
        ({"text_body": "{{}}"}, 422, "text_body"),
        ({"text_body": "é" * (LARGEST_BODY // 2 + 1)}, 413, "text_body"),
        ({"language": "german!"}, 400, "language"),
        ({"sender": {}}, 400, "sender"),
    ],
)
def test_what_is_wrong_with_a_template_is_named_and_nothing_is_stored(
    seller, changes, status, field
):
    answer = seller.call("PUT", "/templates/wrong", json={"name": "x", **changes})
    assert_problem(answer, status, field)
    assert_problem(seller.call("GET", "/templates/wrong"), 404)


def test_of_those_who_change_a_template_at_once_nobody_wins_by_halves(crm):
    put(crm, "offer", OFFER)
    bodies = [f"<p>{number}</p>" for number in range(6)]
    answers = at_once(
        [
            lambda body=body: crm.call(
                "PUT", "/templates/offer", json={"name": body, "html_body": body}
            )
            for body in bodies
        ]
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    template = ok(crm.call("GET", "/templates/offer"))
    assert template["name"] == template["html_body"]


def test_an_organization_has_so_many_templates_and_no_more(crm):
    put(crm, "offer", OFFER)
    made = datetime(2026, 11, 22, tzinfo=UTC)

    async def fill(templating, key):
        table = templating.templates.account.table(keys.table(key))
        rows = [
            {
                "PartitionKey": keys.TEMPLATES,
                "RowKey": f"t-{number:04d}",
                "name": "x",
                "created_at": made,
                "changed_at": made,
            }
            for number in range(MOST_TEMPLATES - 1)
        ]
        for start in range(0, len(rows), LARGEST):
            await table.submit_transaction(
                [("create", row) for row in rows[start : start + LARGEST]]
            )

    stored(crm, fill)
    assert_problem(crm.call("PUT", "/templates/more", json={"name": "x"}), 422, "template_id")
    put(crm, "offer", {"name": "x"}, 200)
    assert len(templates(crm, page_size=200)) == MOST_TEMPLATES


# Filling messages


def test_a_message_is_filled_from_its_template_and_the_values(seller):
    message = ok(seller.call("POST", "/messages", json=unfilled()))
    assert message["template_id"] == "offer"
    assert message["subject"] == "An offer for Ann"
    assert message["html_body"] == '<p>Dear Ann, <a href="https://contoso.example/7">see</a></p>'
    assert message["text_body"] == "Dear Ann, see https://contoso.example/"
    assert "values" not in message
    assert message["segment"] == {"language": "de-at", "industry": None}
    assert message == seller.message(message["id"])


def test_what_the_message_says_itself_wins(seller):
    message = ok(
        seller.call(
            "POST",
            "/messages",
            json=unfilled(
                subject="Mine {{x}}",
                text_body="Mine {{y}}",
                segment={"language": "fr", "industry": "Banking"},
                values=None,
            ),
        )
    )
    assert (message["subject"], message["text_body"]) == ("Mine {{x}}", "Mine {{y}}")
    # The other body of the template would say something else.
    assert message["html_body"] is None
    assert message["segment"] == {"language": "fr", "industry": "Banking"}


def test_the_language_of_the_template_joins_the_industry_of_the_message(seller):
    message = ok(seller.call("POST", "/messages", json=unfilled(segment={"industry": "Banking"})))
    assert message["segment"] == {"language": "de-at", "industry": "Banking"}


def test_a_template_without_content_only_counts(crm):
    put(crm, "own", {"name": "In the CRM"})
    draft = crm.draft(template_id="own")
    assert (draft["template_id"], draft["subject"]) == ("own", "Contract for signature")
    answer = crm.call("POST", "/messages", json=unfilled(template_id="own"))
    assert_problem(answer, 400, "subject")


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"values": {"id": 1}}, 422, "values.contact.first_name"),
        (
            {"values": {"id": 1, "contact": {"first_name": ["Ann"]}}},
            400,
            "values.contact.first_name",
        ),
        (
            {"values": {"id": 1, "contact": {"first_name": "x" * (LONGEST_VALUE + 1)}}},
            400,
            "values.contact.first_name",
        ),
        (
            {"values": {"id": 1, "contact": {"first_name": "a\r\nBcc: b@x.test"}}},
            400,
            "values.contact.first_name",
        ),
        ({"values": []}, 400, "values"),
        ({"values": "x"}, 400, "values"),
        ({"template_id": None}, 422, "values"),
        ({"template_id": "nosuch"}, 422, "template_id"),
        ({"template_id": "a/b"}, 422, "template_id"),
        ({"template_id": 7}, 400, "template_id"),
        ({"template_id": "x" * 201}, 400, "template_id"),
        ({"segment": []}, 400, "segment"),
        ({"segment": "de"}, 400, "segment"),
        ({"unknown": 1}, 400, "unknown"),
    ],
)
def test_S4_what_cannot_be_filled_is_named(seller, fields, status, field):
    assert_problem(seller.call("POST", "/messages", json=unfilled(**fields)), status, field)


def test_B77_a_value_with_markup_is_text_in_the_message_that_is_sent(crm):
    put(crm, "offer", OFFER)
    attack = '</p><script>alert("1")</script>{{id}}'
    values = {"contact": {"first_name": attack}, "id": "../?x=<"}
    message = ok(crm.call("POST", "/messages", json=unfilled(values=values)))
    html = crm.send(message["id"])["copies"][0]["html_body"]

    assert "<script" not in html
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;{{id}}" in html
    (link,) = crm.message(message["id"])["links"][:1]
    assert link["url"] == "https://contoso.example/..%2F%3Fx%3D%3C"


@hypothesis_settings(max_examples=25)
@given(name=st.text(max_size=40))
def test_S5_whatever_the_values_a_message_is_made_or_the_value_is_refused(seller, name):
    values = {"contact": {"first_name": name}, "id": name}
    body = unfilled(values=values)
    try:
        answer = seller.call("POST", "/messages", json=body)
    except UnicodeEncodeError:
        return
    if answer.status_code == 201:
        assert answer.json()["html_body"].count("<") == OFFER["html_body"].count("<")
        assert answer.json()["subject"] == f"An offer for {name if name.strip() else 'you'}"
    else:
        assert_problem(answer, 400, "values.contact.first_name")


def test_a_repeated_request_makes_one_message_though_the_template_has_changed(crm):
    put(crm, "offer", OFFER)
    headers = {"Idempotency-Key": "once"}
    first = ok(crm.call("POST", "/messages", json=unfilled(), headers=headers))
    put(crm, "offer", {**OFFER, "subject": "Another"})
    again = ok(crm.call("POST", "/messages", json=unfilled(), headers=headers))
    assert (again["id"], again["subject"]) == (first["id"], "An offer for Ann")
    answer = crm.call(
        "POST", "/messages", json=unfilled(values={**VALUES, "id": 8}), headers=headers
    )
    assert_problem(answer, 409)


def test_a_draft_may_change_to_another_template_that_there_is(seller):
    draft = seller.draft()
    path = f"/messages/{draft['id']}"
    assert_problem(seller.call("PATCH", path, json={"template_id": "nosuch"}), 422, "template_id")
    assert_problem(seller.call("PATCH", path, json={"values": VALUES}), 400, "values")
    changed = ok(seller.call("PATCH", path, json={"template_id": "offer"}))
    assert (changed["template_id"], changed["subject"]) == ("offer", draft["subject"])


def test_a_message_keeps_the_template_that_was_deleted(crm):
    put(crm, "offer", OFFER)
    message = ok(crm.call("POST", "/messages", json=unfilled()))
    crm.call("DELETE", "/templates/offer")
    assert crm.message(message["id"])["template_id"] == "offer"
    assert ok(crm.call("PATCH", f"/messages/{message['id']}", json={"subject": "New"}))
    assert_problem(crm.call("POST", "/messages", json=unfilled()), 422, "template_id")


def test_B62_the_template_of_another_organization_is_not_there(seller, deployment):
    stranger = deployment.new_crm()
    for call in (
        lambda: stranger.call("POST", "/messages", json=unfilled()),
        lambda: stranger.call("POST", "/messages", json=draft_of(template_id="offer")),
    ):
        assert_problem(call(), 422, "template_id", "There is no such template.")
    draft = stranger.draft()["id"]
    answer = stranger.call("PATCH", f"/messages/{draft}", json={"template_id": "offer"})
    assert_problem(answer, 422, "template_id")
    assert_problem(stranger.call("GET", "/templates/offer"), 404)
    assert_problem(stranger.call("DELETE", "/templates/offer"), 404)
    assert templates(stranger) == []
    put(stranger, "offer", {"name": "Ours"}, 201)
    assert ok(seller.call("GET", "/templates/offer"))["name"] == "Offer"


# The list


@pytest.fixture(scope="module")
def ranked(deployment):
    """An organization whose messages were counted."""
    crm = deployment.new_crm()
    language, industry = ("language", "de"), ("industry", "Banking")
    counted = {
        "good": TemplateTotals(Cohort(45, 40, 30, 12), {language: Cohort(20, 20, 1, 1)}),
        "better": TemplateTotals(
            Cohort(500, 400, 200, 120),
            {language: Cohort(50, 40, 30, 2), industry: Cohort(29, 29, 29, 29)},
        ),
        "poor": TemplateTotals(Cohort(40, 40, 0, 0)),
        "perhaps": TemplateTotals(Cohort(40, 40, 10, 7), {language: Cohort(30, 30, 10, 7)}),
        "new": TemplateTotals(),
        "gone": TemplateTotals(Cohort(9, 9, 9, 9)),
    }
    for template_id, totals in counted.items():
        if template_id != "gone":
            put(crm, template_id, {"name": template_id.title()})
        count(crm, template_id, totals)
    usual = TemplateTotals(
        Cohort(1_000, 800, 400, 96),
        {language: Cohort(200, 200, 90, 20), industry: Cohort(60, 60, 9, 9)},
    )
    count(crm, None, usual)
    return crm


def test_the_list_shows_rates_and_what_is_recommended_first(ranked):
    items = templates(ranked)
    assert [item["id"] for item in items] == ["better", "good", "perhaps", "new", "poor"]
    assert [item["recommended"] for item in items] == [True, True, False, False, False]
    good = items[1]
    assert good == {
        "id": "good",
        "name": "Good",
        "language": None,
        "email_count": 45,
        "followed_count": 40,
        "open_rate": 0.75,
        "open_rate_interval": [0.6265, 0.8476],
        "reply_rate": 0.3,
        "reply_rate_interval": [0.1936, 0.4271],
        "recommended": True,
        "needs": 0,
        "needs_at_this_rate": 0,
        "reason": "Its reply rate is above the organization's 12.0%, and hardly by chance.",
        "segment": None,
    }
    assert (items[2]["needs"], items[2]["needs_at_this_rate"]) == (0, 62)
    assert {name: items[3][name] for name in RATES} == RATES
    details = ok(ranked.call("GET", "/templates/good"))
    assert {name: details[name] for name in good} == good


def test_within_a_language_its_own_messages_count_where_they_are_enough(ranked):
    found = {item["id"]: item for item in templates(ranked, language="DE")}
    better, perhaps, good = found["better"], found["perhaps"], found["good"]
    assert better["segment"] == {"language": "de", "followed_count": 40, "used": True}
    assert (better["reply_rate"], better["email_count"], better["recommended"]) == (0.05, 50, False)
    assert perhaps["reply_rate"] == 0.2333
    assert perhaps["recommended"]
    assert "10.0% with language de" in perhaps["reason"]
    assert good["segment"] == {"language": "de", "followed_count": 20, "used": False}
    assert (good["reply_rate"], good["recommended"]) == (0.3, True)
    assert next(iter(found)) == "good"


def test_within_an_industry_one_message_too_few_is_not_enough(ranked):
    path, params = "/templates/better", {"industry": "Banking"}
    found = ok(ranked.call("GET", path, params=params))
    assert found["segment"] == {"industry": "Banking", "followed_count": 29, "used": False}
    assert found["followed_count"] == 400


@pytest.mark.parametrize("size", [1, 2, 4, 5, 200])
def test_pages_make_up_the_list(ranked, size):
    assert templates(ranked, page_size=size) == templates(ranked)


def test_pages_go_on_when_what_they_ended_with_is_deleted(crm):
    for number in range(5):
        put(crm, f"t-{number}", {"name": "x"})
    page = ok(crm.call("GET", "/templates", params={"page_size": 2}))
    assert [item["id"] for item in page["items"]] == ["t-0", "t-1"]
    crm.call("DELETE", "/templates/t-1")
    put(crm, "t-00", {"name": "x"})
    rest = ok(crm.call("GET", "/templates", params={"continuation": page["continuation"]}))
    assert [item["id"] for item in rest["items"]] == ["t-2", "t-3", "t-4"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"language": "x!"}, "language"),
        ({"language": " "}, "language"),
        ({"industry": " "}, "industry"),
        ({"industry": "a\nb"}, "industry"),
        ({"industry": "x" * 201}, "industry"),
        ({"language": "de", "industry": "Banking"}, "industry"),
        ({"continuation": "2-0000000000-x"}, "continuation"),
        ({"page_size": "0"}, "page_size"),
        ({"sort": "name"}, "sort"),
    ],
)
def test_what_is_wrong_with_the_question_is_named(seller, params, field):
    assert_problem(seller.call("GET", "/templates", params=params), 400, field)


def test_more_segments_than_a_row_holds_leave_the_smallest_out(crm):
    segments = {
        ("industry", f"Manufacturing of part {number:05d}"): Cohort(number, number, number, 0)
        for number in range(2_000)
    }
    count(crm, "offer", TemplateTotals(Cohort(1, 1), segments))

    async def read(templating, key):
        return await templating.totals.read(key, "offer")

    kept = stored(crm, read)
    assert kept.all == Cohort(1, 1)
    assert 300 < len(kept.segments) < LONGEST_COLUMN / 50
    assert min(cohort.followed_count for cohort in kept.segments.values()) > 1_000
    assert kept.segments == {key: segments[key] for key in kept.segments}


def test_totals_are_replaced_whole_and_those_of_all_stand_apart(crm):
    first = TemplateTotals(Cohort(9, 8, 7, 6), {("language", "de"): Cohort(1, 1, 1, 1)})
    count(crm, "organization", first)
    count(crm, None, TemplateTotals(Cohort(5, 4, 3, 2)))
    count(crm, "organization", TemplateTotals(Cohort(2, 1)))

    async def read_all(templating, key):
        return await templating.totals.read_all(key)

    assert stored(crm, read_all) == {
        "organization": TemplateTotals(Cohort(2, 1)),
        None: TemplateTotals(Cohort(5, 4, 3, 2)),
    }
