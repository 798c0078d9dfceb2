"""The API of delivery times: what it answers, what it is told, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from deployment import ok
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from problem import assert_problem

from engagement.domain.delivery.habit import ReplyOffset, Trace

KATHMANDU = ZoneInfo("Asia/Kathmandu")
ANN, BOB = "ann@fabrikam.example", "bob@fabrikam.example"


@pytest.fixture(scope="module")
def seller(deployment):
    """An organization for which holidays do not matter: the tests run on any day."""
    crm = deployment.new_crm()
    crm.set({"delivery_time": {"holidays": False}})
    return crm


def asked(crm, *recipients, **more):
    """Ask for a delivery time; the seller is in Berlin."""
    body = {"time_zone": "Europe/Berlin", "recipients": list(recipients), **more}
    return crm.call("POST", "/delivery-time", json=body)


def saturday():
    """Noon of the Saturday after the next, in Nepal, where no clock is turned."""
    today = datetime.now(KATHMANDU).replace(hour=12, minute=0, second=0, microsecond=0)
    return today + timedelta(days=(5 - today.weekday()) % 7 + 7)


def monday(hour=8):
    """The Monday behind that."""
    return (saturday() + timedelta(days=2)).replace(hour=hour)


def test_the_answer_tells_the_time_of_everybody_and_why(seller):
    answer = ok(
        asked(
            seller,
            {"email": ANN, "country": "NP"},
            not_before=saturday().isoformat(),
            time_zone="Asia/Tokyo",
        )
    )
    at = monday().astimezone(UTC)
    local = saturday().strftime("%A ") + str(saturday().day) + saturday().strftime(" %B %H:%M")

    assert answer == {
        "send_at": f"{at:%Y-%m-%dT%H:%M}:00.000Z",
        "now_is_good": False,
        "choice": "next",
        "seller": {
            "time_zone": "Asia/Tokyo",
            "local_time": f"{at + timedelta(hours=9):%Y-%m-%dT%H:%M}:00.000+09:00",
            "inside_working_hours": True,
        },
        "recipients": [
            {
                "email": ANN,
                "time_zone": "Asia/Kathmandu",
                "country": "NP",
                "evidence": "country_and_region",
                "narrowed_by": [],
                "certain": True,
                "against": [],
                "local_time": f"{monday():%Y-%m-%dT%H:%M}:00.000+05:45",
                "inside_working_hours": True,
                "working_hours": {
                    "days": ["mon", "tue", "wed", "thu", "fri"],
                    "from": "08:00",
                    "to": "17:00",
                },
                "holiday": None,
                "history": None,
            }
        ],
        "reasons": [
            {
                "code": "next",
                "text": f"It is {local} for {ANN}; this is the first time in the working hours "
                "after that.",
            }
        ],
    }


def test_now_is_good_when_everybody_is_at_work(fresh):
    everyday = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
    hours = {**everyday, "from": "00:00", "to": "23:59"}
    fresh.set({"delivery_time": {"working_hours": hours, "holidays": False}})
    zones = ["Asia/Tokyo", "Asia/Kathmandu", "America/New_York", "Pacific/Chatham"]
    people = [{"email": f"p{n}@x.example", "time_zone": zone} for n, zone in enumerate(zones)]
    before = datetime.now(UTC)
    answer = ok(asked(fresh, *people))
    at = datetime.fromisoformat(answer["send_at"])

    # In the last minute of a day somewhere it is the minute after.
    assert answer["choice"] in {"at_once", "next"}
    assert answer["now_is_good"] == (answer["choice"] == "at_once")
    assert before - timedelta(milliseconds=1) <= at <= before + timedelta(minutes=5)
    for person in answer["recipients"]:
        assert datetime.fromisoformat(person["local_time"]) == at
        assert person["inside_working_hours"] is True


def test_settings_hold_from_the_next_question_on(fresh):
    fresh.set({"delivery_time": {"holidays": False}})
    person = {"email": ANN, "time_zone": "Asia/Kathmandu"}
    wish = {"not_before": saturday().isoformat()}
    assert datetime.fromisoformat(ok(asked(fresh, person, **wish))["send_at"]) == monday()

    fresh.set({"delivery_time": {"countries": {"NP": {"days": ["mon", "sun"], "from": "10:30"}}}})
    sunday = (saturday() + timedelta(days=1)).replace(hour=10, minute=30)
    assert datetime.fromisoformat(ok(asked(fresh, person, **wish))["send_at"]) == sunday


def test_without_an_overlap_it_says_who_is_outside(seller):
    answer = ok(
        asked(
            seller,
            {"email": ANN, "time_zone": "Asia/Tokyo"},
            {"email": BOB, "phone": "+1 212 555 0100"},
            not_before=saturday().isoformat(),
        )
    )
    inside = [person["inside_working_hours"] for person in answer["recipients"]]
    texts = {reason["code"]: reason["text"] for reason in answer["reasons"]}

    assert (answer["choice"], answer["now_is_good"], inside) == ("compromise", False, [True, False])
    assert "both recipients" in texts["compromise"]
    assert BOB in texts["outside_working_hours"]
    assert ANN not in texts["outside_working_hours"]


async def keep(deployment, crm, address, **told):
    """Keep what a message tells of a person, as the projection does."""
    services = deployment.services
    organization = await services.administering.find(crm.organization_id)
    sent_at = datetime.now(UTC)
    await services.advising.people.write(
        organization.key, address, "1" * 24, sent_at, Trace(**told)
    )


def test_what_is_kept_of_a_person_weighs_in_and_is_the_organizations_own(deployment, seller):
    acts = tuple(
        datetime.now(KATHMANDU).replace(hour=14, minute=20) - timedelta(days=day)
        for day in range(1, 11)
    )
    offset = ReplyOffset(345, datetime.now(UTC))
    deployment.run(keep(deployment, seller, ANN, acts=acts, reply_offset=offset))
    wish = {"not_before": saturday().isoformat()}
    found = ok(asked(seller, {"email": ANN.upper()}, **wish))
    person = found["recipients"][0]

    assert (person["time_zone"], person["evidence"]) == ("+05:45", "reply_date_offset")
    assert person["history"] == {"acts": 10, "hour": 14}
    assert found["choice"] == "habit"
    assert datetime.fromisoformat(found["send_at"]) == monday(14)
    other = ok(asked(deployment.new_crm(), {"email": ANN}, **wish))["recipients"][0]
    assert (other["evidence"], other["history"]) == ("none", None)


def test_the_clock_of_a_reply_is_kept_and_shown_to_nobody(deployment, crm):
    message = crm.sent()
    body = {"replied_by": ANN, "date_header": "Sun, 22 Nov 2026 14:30:00 +0545"}
    shown = ok(crm.call("POST", f"/messages/{message.id}/replies", json=body))
    plain = ok(crm.call("POST", f"/messages/{message.id}/replies", json={"replied_by": ANN}))
    assert set(shown) == set(plain)

    async def kept():
        organization = await deployment.services.administering.find(crm.organization_id)
        interactions = deployment.services.reading.interactions
        return await interactions.page(organization.key, message.id, after="", size=10)

    offsets = {reply.id: reply.utc_offset_minutes for reply in deployment.run(kept())}
    assert offsets == {shown["id"]: 345, plain["id"]: None}
    refused = {"replied_by": ANN, "date_header": "Sun, 22 Nov 2026 14:30:00 +1500"}
    answer = crm.call("POST", f"/messages/{message.id}/replies", json=refused)
    assert_problem(answer, 400, "date_header")


def test_ninety_nine_recipients_are_many_and_a_hundred_too_many(seller):
    people = [{"email": f"p{n}@fabrikam.example", "country": "DE"} for n in range(100)]
    answer = ok(asked(seller, *people[:99]))
    assert len(answer["recipients"]) == 99
    assert_problem(asked(seller, *people), 400, "recipients")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time_zone": None}, "time_zone"),
        ({"time_zone": "W. Europe Standard Time"}, "time_zone"),
        ({"time_zone": "europe/berlin"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": "-05:00"}, "time_zone"),
        ({"time_zone": "Europe"}, "time_zone"),
        ({"time_zone": "Europe/Berlin\u0000"}, "time_zone"),
        ({"country": "XX"}, "country"),
        ({"region": "US-ZZ"}, "region"),
        ({"not_before": "9999-12-31T23:59:59Z"}, "not_before"),
        ({"not_before": "9999-12-31T23:59:59-14:00"}, "not_before"),
        ({"not_before": "0001-01-01T00:00:00+14:00"}, "not_before"),
        ({"not_before": "2026-03-29T02:30:00"}, "not_before"),
        ({"not_before": "tomorrow"}, "not_before"),
        ({"not_before": 1_790_000_000}, "not_before"),
        ({"recipients": []}, "recipients"),
        ({"recipients": None}, "recipients"),
        ({"recipients": {}}, "recipients"),
        ({"recipients": ["ann"]}, "recipients[0]"),
        ({"recipients": [{}]}, "recipients[0].email"),
        ({"recipients": [{"email": "ann"}]}, "recipients[0].email"),
        ({"recipients": [{"email": ANN}, {"email": "ANN@fabrikam.example"}]},
         "recipients[1].email"),
        ({"recipients": [{"email": ANN, "time_zone": "Mars/Olympus"}]}, "recipients[0].time_zone"),
        ({"recipients": [{"email": ANN, "country": "Nepal"}]}, "recipients[0].country"),
        ({"recipients": [{"email": ANN, "country": "US", "region": "XX"}]},
         "recipients[0].region"),
        ({"recipients": [{"email": ANN, "phone": "call me"}]}, "recipients[0].phone"),
        ({"recipients": [{"email": ANN, "phone": "0170 1234567"}]}, "recipients[0].phone"),
        ({"recipients": [{"email": ANN, "phone": "+1"}]}, "recipients[0].phone"),
        ({"recipients": [{"email": ANN, "phone": "+" + "9" * 50}]}, "recipients[0].phone"),
        ({"recipients": [{"email": ANN, "phone": 4930123456}]}, "recipients[0].phone"),
        ({"recipients": [{"email": ANN, "role": "to"}]}, "recipients[0].role"),
        ({"send_at": None}, "send_at"),
    ],
)  # fmt: skip
def test_B59_what_cannot_be_understood_is_named(seller, changes, field):
    body = {"time_zone": "Europe/Berlin", "recipients": [{"email": ANN}], **changes}
    assert_problem(seller.call("POST", "/delivery-time", json=body), 400, field)


def test_B59_the_seller_has_to_say_where_the_clock_stands(seller):
    answer = seller.call("POST", "/delivery-time", json={"recipients": [{"email": ANN}]})
    assert_problem(answer, 400, "time_zone")
    words = assert_problem(asked(seller, {"email": ANN}, time_zone="CEST"), 400, "time_zone")
    assert "IANA" in words["detail"]


@pytest.mark.parametrize("not_before", ["1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z", None])
def test_B59_what_is_past_is_now(seller, not_before):
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    answer = ok(asked(seller, {"email": ANN}, not_before=not_before))
    assert datetime.fromisoformat(answer["send_at"]) >= before


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(st.characters(exclude_categories=()), max_size=30),
    st.sampled_from(["DE", "US-CA", "Europe/Berlin", "+4930123456", "2026-03-29T02:30:00-05:00"]),
    st.lists(st.integers(), max_size=2),
)
PERSON = st.fixed_dictionaries(
    {"email": st.sampled_from([ANN, BOB, "x@y.de"]) | VALUES},
    optional={"time_zone": VALUES, "country": VALUES, "region": VALUES, "phone": VALUES},
)


@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    people=st.lists(PERSON, max_size=3),
    more=st.dictionaries(st.sampled_from(["country", "region", "not_before"]), VALUES, max_size=2),
)
def test_B59_no_value_of_any_field_makes_it_fail(seller, people, more):
    body = {"time_zone": "Europe/Berlin", "recipients": people, **more}
    headers = {"Content-Type": "application/json"}
    content = json.dumps(body).encode()
    answer = seller.call("POST", "/delivery-time", content=content, headers=headers)
    assert answer.status_code in {200, 400}, answer.text
    if answer.status_code == 400:
        assert answer.json()["field"].startswith((*more, "recipients"))
