"""When to send: a table of cases made by hand, and rules that hold for every case."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.delivery.country import zones_of_place
from engagement.domain.delivery.delivery_plan import plan_delivery
from engagement.domain.delivery.delivery_reason import reasons_of
from engagement.domain.delivery.delivery_time import Choice
from engagement.domain.delivery.delivery_wish import read_wish
from engagement.domain.delivery.habit import Trace
from engagement.domain.delivery.working_hours import (
    DAYS,
    DeliveryTimeSettings,
    WorkingHours,
    patched_delivery_time,
)
from engagement.domain.time_zone import zone_countries

DEFAULT = DeliveryTimeSettings()
WEEKDAYS = frozenset(range(5))


def recipient(text, number=0):
    """A recipient: a zone, a country, a region (US-CA), a phone number or an address."""
    if "@" in text:
        return {"email": text}
    value = {"email": f"p{number}@fabrikam.example"}
    if "/" in text:
        return {**value, "time_zone": text}
    if text.startswith("+"):
        return {**value, "phone": text}
    return {**value, "region" if "-" in text else "country": text}


def plan(now, people, *, settings=DEFAULT, traces=None, **more):
    """Plan a delivery for people, written as in `recipient`."""
    now = datetime.fromisoformat(now)
    recipients = [recipient(text, number) for number, text in enumerate(people.split())]
    wish = read_wish(
        {"time_zone": "Europe/Berlin", "recipients": recipients, **more}, now.astimezone(UTC)
    )
    given_traces = traces or [Trace()] * len(recipients)
    return plan_delivery(wish, given_traces, settings, now.astimezone(UTC))


AT_ONCE, NEXT, COMPROMISE = Choice.AT_ONCE, Choice.NEXT, Choice.COMPROMISE

#: name, now, recipients, when to send
ALONE = [
    # A week in Berlin; 9 June 2026 is a Tuesday.
    ("in working hours", "2026-06-09T09:30+02:00", "DE", "2026-06-09T09:30+02:00"),
    ("early in the morning", "2026-06-09T06:00+02:00", "DE", "2026-06-09T08:00+02:00"),
    ("as they begin", "2026-06-09T08:00+02:00", "DE", "2026-06-09T08:00+02:00"),
    ("in their last second", "2026-06-09T16:59:59+02:00", "DE", "2026-06-09T16:59:59+02:00"),
    ("as they end", "2026-06-09T17:00+02:00", "DE", "2026-06-10T08:00+02:00"),
    ("Friday evening", "2026-06-12T18:00+02:00", "DE", "2026-06-15T08:00+02:00"),
    ("Saturday", "2026-06-13T12:00+02:00", "DE", "2026-06-15T08:00+02:00"),
    ("Sunday night", "2026-06-14T23:59+02:00", "DE", "2026-06-15T08:00+02:00"),
    # Offsets of half and three quarters of an hour.
    ("Kathmandu", "2026-06-09T02:00Z", "Asia/Kathmandu", "2026-06-09T08:00+05:45"),
    ("Kolkata", "2026-06-09T02:29Z", "Asia/Kolkata", "2026-06-09T08:00+05:30"),
    ("Kolkata's old name", "2026-06-09T02:29Z", "Asia/Calcutta", "2026-06-09T08:00+05:30"),
    ("Chatham in winter", "2026-06-08T19:00Z", "Pacific/Chatham", "2026-06-09T08:00+12:45"),
    ("Chatham in summer", "2026-01-12T18:00Z", "Pacific/Chatham", "2026-01-13T08:00+13:45"),
    ("Adelaide in winter", "2026-06-08T22:00Z", "AU-SA", "2026-06-09T08:00+09:30"),
    ("Adelaide in summer", "2026-01-12T21:00Z", "AU-SA", "2026-01-13T08:00+10:30"),
    ("Eucla", "2026-06-08T23:00Z", "Australia/Eucla", "2026-06-09T08:00+08:45"),
    ("Marquesas", "2026-06-09T17:00Z", "Pacific/Marquesas", "2026-06-09T08:00-09:30"),
    ("St. John's", "2026-06-09T10:00Z", "America/St_Johns", "2026-06-09T08:00-02:30"),
    ("Yangon", "2026-06-09T01:00Z", "MM", "2026-06-09T08:00+06:30"),
    ("Kabul", "2026-06-09T03:00Z", "AF", "2026-06-09T08:00+04:30"),
    # Clocks are turned over the weekend, by an hour or by half of one.
    ("spring in Berlin", "2026-03-28T20:00+01:00", "DE", "2026-03-30T08:00+02:00"),
    ("autumn in Berlin", "2026-10-24T20:00+02:00", "DE", "2026-10-26T08:00+01:00"),
    ("spring in New York", "2026-03-06T18:00-05:00", "US-NY", "2026-03-09T08:00-04:00"),
    ("autumn in New York", "2026-10-30T17:30-04:00", "US-NY", "2026-11-02T08:00-05:00"),
    ("spring in Melbourne", "2026-10-02T17:00+10:00", "AU-VIC", "2026-10-05T08:00+11:00"),
    ("spring in Santiago", "2026-09-04T18:00-04:00", "CL-RM", "2026-09-07T08:00-03:00"),
    ("spring on Lord Howe", "2026-10-02T18:00+10:30", "Australia/Lord_Howe",
     "2026-10-05T08:00+11:00"),
    ("autumn on Lord Howe", "2027-04-02T18:00+11:00", "Australia/Lord_Howe",
     "2027-04-05T08:00+10:30"),
    ("Ramadan in Morocco", "2026-02-13T18:00+01:00", "MA", "2026-02-16T08:00+00:00"),
    ("no winter time any more", "2027-01-11T07:00-07:00", "CA-BC", "2027-01-11T08:00-07:00"),
    # Either side of the date line.
    ("Kiritimati", "2026-06-08T17:59Z", "Pacific/Kiritimati", "2026-06-09T08:00+14:00"),
    ("still Saturday in Pago Pago", "2026-06-06T20:00Z", "AS", "2026-06-08T08:00-11:00"),
    ("still Friday in Pago Pago", "2026-06-13T01:00Z", "AS", "2026-06-12T14:00-11:00"),
    ("Monday already in Apia", "2026-06-07T20:00Z", "WS", "2026-06-08T09:00+13:00"),
    ("the day that Apia left out", "2011-12-29T18:00-10:00", "WS", "2012-01-03T08:00+14:00"),
    # Weeks that begin on a Sunday or a Saturday.
    ("Thursday evening in Riyadh", "2026-06-11T18:00+03:00", "SA", "2026-06-14T08:00+03:00"),
    ("Friday in Dubai", "2026-06-12T09:00+04:00", "AE", "2026-06-12T09:00+04:00"),
    ("Wednesday evening in Tehran", "2026-06-10T18:00+03:30", "IR", "2026-06-13T08:00+03:30"),
    ("Friday in Hong Kong", "2026-06-12T18:00+08:00", "HK", "2026-06-15T08:00+08:00"),
    # Public holidays.
    ("4 July, observed on Friday", "2026-07-02T18:00-04:00", "US-NY", "2026-07-06T08:00-04:00"),
    ("4 July, observed on Monday", "2027-07-02T18:00-04:00", "US-NY", "2027-07-06T08:00-04:00"),
    ("14 July", "2026-07-13T18:00+02:00", "FR", "2026-07-15T08:00+02:00"),
    ("3 October", "2028-10-02T18:00+02:00", "DE", "2028-10-04T08:00+02:00"),
    ("Epiphany in Bavaria", "2026-01-05T18:00+01:00", "DE-BY", "2026-01-07T08:00+01:00"),
    ("Epiphany in Berlin", "2026-01-05T18:00+01:00", "DE-BE", "2026-01-06T08:00+01:00"),
    ("Labour Day in Sydney", "2026-10-02T17:00+10:00", "AU-NSW", "2026-10-06T08:00+11:00"),
    ("Easter and clocks in Chile", "2026-04-02T18:00-03:00", "CL-RM", "2026-04-06T08:00-04:00"),
    ("Christmas in London", "2026-12-24T18:00Z", "GB", "2026-12-29T08:00+00:00"),
    ("Golden Week in Tokyo", "2026-05-01T18:00+09:00", "JP", "2026-05-07T08:00+09:00"),
    ("Golden Week in Shanghai", "2026-09-30T18:00+08:00", "CN", "2026-10-08T08:00+08:00"),
    ("asked on a holiday", "2026-12-25T10:00+01:00", "DE", "2026-12-28T08:00+01:00"),
    # Where the zone is known from something else.
    ("a phone in Nepal", "2026-06-09T02:00Z", "+9779812345678", "2026-06-09T08:00+05:45"),
    ("a phone in San Francisco", "2026-06-09T06:00Z", "+14155550100", "2026-06-09T08:00-07:00"),
    ("a domain in Japan", "2026-06-09T12:00Z", "ann@fabrikam.jp", "2026-06-10T08:00+09:00"),
    ("Honolulu", "2026-06-09T12:00Z", "US-HI", "2026-06-09T08:00-10:00"),
    ("nothing but the seller", "2026-06-09T03:00Z", "ann@fabrikam.com", "2026-06-09T08:00+02:00"),
]  # fmt: skip

TOGETHER = [
    ("Berlin and New York", "2026-06-09T06:30Z", "DE US-NY", "2026-06-09T08:00-04:00", NEXT),
    ("all at work", "2026-06-09T12:30Z", "DE US-NY FR GB", "2026-06-09T12:30Z", AT_ONCE),
    ("one of them off", "2026-07-02T22:00Z", "US-NY FR", "2026-07-06T08:00-04:00", NEXT),
    ("the other off", "2026-07-13T22:00Z", "US-NY FR", "2026-07-15T08:00-04:00", NEXT),
    ("both off on one day", "2026-05-22T23:00Z", "DE US-NY", "2026-05-26T08:00-04:00", NEXT),
    ("St. Patrick's Day", "2026-03-16T18:00Z", "GB IE", "2026-03-18T08:00+00:00", NEXT),
    ("one clock, two days", "2026-06-05T20:00Z", "Pacific/Kiritimati US-HI",
     "2026-06-08T08:00-10:00", NEXT),
    ("two weeks of days", "2026-06-11T17:00Z", "SA US-NY", "2026-06-15T08:00-04:00", NEXT),
    ("a week of Nepal and India", "2026-06-09T02:20Z", "Asia/Kathmandu Asia/Kolkata",
     "2026-06-09T08:00+05:30", NEXT),
    ("no overlap", "2026-06-08T15:00Z", "JP US-NY", "2026-06-09T08:00+09:00", COMPROMISE),
    ("ends as the other begins", "2026-06-09T00:00Z", "GB AU-NSW", "2026-06-09T08:00+01:00",
     COMPROMISE),
    ("the last moment of two", "2026-06-09T07:00Z", "DE AT US-CA", "2026-06-09T16:55+02:00",
     COMPROMISE),
    ("two of three", "2026-06-09T07:00Z", "DE GB US-CA", "2026-06-09T16:00+01:00", COMPROMISE),
]  # fmt: skip

NIGHT = {"working_hours": {"days": ["sun"], "from": "02:30", "to": "06:00"}}
BEFORE_DAWN = {"working_hours": {"days": ["sun"], "from": "01:00", "to": "02:30"}}
MIDNIGHT = {"working_hours": {"days": ["sun"], "from": "00:00", "to": "06:00"}}
WEEKEND = {"countries": {"AE": {"days": ["sat", "sun"]}}}

CONFIGURED = [
    ("later hours", {"working_hours": {"from": "09:30", "to": "12:00"}},
     "2026-06-09T08:00+02:00", "DE", "2026-06-09T09:30+02:00"),
    ("six days", {"working_hours": {"days": [*DAYS[:6]]}},
     "2026-06-13T07:00+02:00", "DE", "2026-06-13T08:00+02:00"),
    ("days for all countries", {"working_hours": {"days": [*DAYS[:5]]}},
     "2026-06-11T18:00+03:00", "SA", "2026-06-12T08:00+03:00"),
    ("hours of one country", {"countries": {"ES": {"from": "09:00", "to": "18:30"}}},
     "2026-06-09T17:30+02:00", "ES", "2026-06-09T17:30+02:00"),
    ("not of another", {"countries": {"ES": {"from": "09:00", "to": "18:30"}}},
     "2026-06-09T17:30+02:00", "FR", "2026-06-10T08:00+02:00"),
    ("a Sunday of work", {"countries": {"MT": {"days": ["sun", "mon"]}}},
     "2026-06-12T12:00+02:00", "MT", "2026-06-14T08:00+02:00"),
    ("holidays do not matter", {"holidays": False},
     "2028-10-02T18:00+02:00", "DE", "2028-10-03T08:00+02:00"),
    ("the hour that is left out", NIGHT, "2026-03-29T00:30+01:00", "DE", "2026-03-29T03:30+02:00"),
    ("the hour that comes twice", NIGHT, "2026-10-25T01:00+02:00", "DE", "2026-10-25T02:30+01:00"),
    ("it ends the first time", BEFORE_DAWN,
     "2026-10-25T02:15+01:00", "DE", "2026-11-01T01:00+01:00"),
    ("no midnight in Beirut", MIDNIGHT,
     "2026-03-28T12:00+02:00", "LB", "2026-03-29T01:00+03:00"),
    ("no common day", WEEKEND, "2026-06-08T08:00+02:00", "DE AE", "2026-06-13T08:00+04:00"),
    ("two holidays on the only day", {"working_hours": {"days": ["thu"]}},
     "2025-12-19T12:00-05:00", "US-NY", "2026-01-08T08:00-05:00"),
]  # fmt: skip


def named(cases):
    return {"argvalues": [case[1:] for case in cases], "ids": [case[0] for case in cases]}


@pytest.mark.parametrize(("now", "who", "expected"), **named(ALONE))
def test_B59_a_message_to_one_arrives_in_the_next_working_hours(now, who, expected):
    found = plan(now, who)
    advice = found.advice

    assert advice.send_at == datetime.fromisoformat(expected)
    assert (
        found.readers[0].local(advice.send_at).isoformat()[-6:]
        == (datetime.fromisoformat(expected).isoformat()[-6:])
    )
    at_once = datetime.fromisoformat(now) == advice.send_at
    assert (advice.choice, advice.now_is_good) == ((AT_ONCE, True) if at_once else (NEXT, False))
    assert advice.inside == (True,)


@pytest.mark.parametrize(("now", "people", "expected", "choice"), **named(TOGETHER))
def test_B59_a_message_to_several_suits_all_or_most_of_them(now, people, expected, choice):
    advice = plan(now, people).advice

    assert (advice.send_at, advice.choice) == (datetime.fromisoformat(expected), choice)
    assert all(advice.inside) == (choice is not COMPROMISE)


@pytest.mark.parametrize(("changes", "now", "people", "expected"), **named(CONFIGURED))
def test_B59_an_organization_says_when_people_work(changes, now, people, expected):
    settings = patched_delivery_time(DEFAULT, changes)
    assert plan(now, people, settings=settings).advice.send_at == datetime.fromisoformat(expected)


def test_the_table_is_long_enough():
    assert len([*ALONE, *TOGETHER, *CONFIGURED]) >= 40
    assert len({case[0] for case in [*ALONE, *TOGETHER, *CONFIGURED]}) >= 40


@pytest.mark.parametrize(
    ("not_before", "expected"),
    [
        ("2026-06-13T12:00:00+02:00", "2026-06-15T08:00+02:00"),
        ("2026-06-10T11:11:00+02:00", "2026-06-10T11:11+02:00"),
        ("2026-06-10T05:11:00-04:00", "2026-06-10T11:11+02:00"),
        ("1969-01-01T00:00:00Z", "2026-06-09T09:30+02:00"),
        ("0001-01-01T00:00:00Z", "2026-06-09T09:30+02:00"),
        (None, "2026-06-09T09:30+02:00"),
    ],
)
def test_B59_a_time_that_is_wished_is_waited_for(not_before, expected):
    advice = plan("2026-06-09T09:30+02:00", "DE", not_before=not_before).advice
    assert advice.send_at == datetime.fromisoformat(expected)
    assert advice.now_is_good == (expected == "2026-06-09T09:30+02:00")


def acts(*times):
    """What is kept of somebody who acted at these hours of days before 9 June 2026, in UTC."""
    day = datetime(2026, 6, 8, tzinfo=UTC)
    return Trace(tuple(day + timedelta(hours=hour) - n * timedelta(days=1) for n, hour in times))


#: In Berlin: ten acts at two in the afternoon, two at nine, one at night.
AFTERNOON = acts(*((n, 12.25) for n in range(10)), (1, 7.5), (2, 7.5), (3, 1))


@pytest.mark.parametrize(
    ("now", "expected", "choice"),
    [
        ("2026-06-09T06:00+02:00", "2026-06-09T14:00+02:00", Choice.HABIT),
        ("2026-06-09T10:40+02:00", "2026-06-09T14:00+02:00", Choice.HABIT),
        ("2026-06-09T14:20+02:00", "2026-06-09T14:20+02:00", AT_ONCE),
        # It is over for today: nobody waits for another day for that.
        ("2026-06-09T15:20+02:00", "2026-06-09T15:20+02:00", AT_ONCE),
        ("2026-06-12T18:00+02:00", "2026-06-15T14:00+02:00", Choice.HABIT),
    ],
)
def test_the_hour_in_which_a_person_answers_weighs_in(now, expected, choice):
    found = plan(now, "DE", traces=[AFTERNOON])

    assert found.advice.send_at == datetime.fromisoformat(expected)
    assert found.advice.choice is choice
    assert found.advice.now_is_good == (now[11:13] in {"10", "14", "15"})
    if choice is Choice.HABIT:
        texts = {reason.code: reason.text for reason in reasons_of(found)}
        assert "10 of the last 13 times from 14:00 to 14:59" in texts["habit"]


@pytest.mark.parametrize(
    "trace",
    [
        Trace(),
        acts(*((n, 12) for n in range(7))),
        acts(*((n + 90, 12) for n in range(20))),
        # One hour is not clearly better than another.
        acts(*((n, 6 + n % 9) for n in range(18))),
        # Nobody is made to work at night.
        acts(*((n, 1) for n in range(20))),
    ],
    ids=["nothing", "too little", "too long ago", "evenly", "at night"],
)
def test_what_is_no_habit_does_not_weigh_in(trace):
    advice = plan("2026-06-09T06:00+02:00", "DE", traces=[trace]).advice
    assert (advice.send_at, advice.choice) == (
        datetime.fromisoformat("2026-06-09T08:00+02:00"),
        NEXT,
    )


def test_a_habit_weighs_in_within_the_hours_of_all():
    both = plan("2026-06-09T06:00+02:00", "DE GB", traces=[AFTERNOON, Trace()]).advice
    apart = plan("2026-06-09T06:00+02:00", "DE US-CA", traces=[AFTERNOON, Trace()]).advice

    assert both.send_at == datetime.fromisoformat("2026-06-09T14:00+02:00")
    assert apart.choice is COMPROMISE


def test_a_time_for_all_is_looked_for_within_two_weeks_and_another_within_one():
    """Thursdays only: 25 December 2025 and 1 January 2026 are two of them."""
    settings = patched_delivery_time(DEFAULT, {"working_hours": {"days": ["thu"]}})
    soon = plan("2025-12-26T12:00-05:00", "US-NY US-CA", settings=settings).advice
    late = plan("2025-12-19T12:00-05:00", "US-NY US-CA", settings=settings).advice

    assert (soon.send_at, soon.choice) == (datetime.fromisoformat("2026-01-08T08:00-08:00"), NEXT)
    # Nobody works within a week: then it makes no difference.
    assert (late.choice, late.inside) == (COMPROMISE, (False, False))
    assert late.send_at == datetime.fromisoformat("2025-12-19T12:00-05:00")


def test_the_reasons_name_what_is_in_the_way():
    found = plan("2026-07-02T22:00Z", "US-NY FR JP")
    texts = {reason.code: reason.text for reason in reasons_of(found)}

    assert texts["compromise"].startswith("Within 14 days there is no time")
    assert texts["outside_working_hours"].count("p2@") == 1
    assert found.advice.inside == (True, True, False)


def test_the_reasons_name_holidays_and_the_hours_of_the_seller():
    alone = reasons_of(plan("2028-10-02T18:00+02:00", "DE DE-BE DE-BY DE-SN DE-HH"))
    named_holidays = [reason.text for reason in alone if reason.code == "holiday"]
    assert named_holidays[0] == (
        "Tuesday 3 October is a public holiday (German Unity Day) for p0@fabrikam.example, "
        "p1@fabrikam.example, p2@fabrikam.example and 2 more."
    )
    night = reasons_of(plan("2026-06-09T22:00Z", "JP"))
    assert night[-1].code == "seller_outside_working_hours"
    assert "Wednesday 10 June 01:00" in night[-1].text
    off = reasons_of(plan("2028-10-03T06:00Z", "GB"))
    assert off[-1].code == "seller_holiday"


ZONES = st.sampled_from(sorted(zone_countries()))
NOWS = st.integers(0, 20 * 365 * 24 * 60).map(
    lambda minutes: datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
QUARTERS = [time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)]
HOURS = st.builds(
    lambda clocks, days: WorkingHours(min(clocks), max(clocks), days),
    st.sets(st.sampled_from(QUARTERS), min_size=2, max_size=2),
    st.none() | st.frozensets(st.integers(0, 6), min_size=1),
)


@given(zone=ZONES, now=NOWS, hours=HOURS, holidays=st.booleans())
def test_the_answer_for_one_lies_in_the_working_hours_and_never_before_now(
    zone, now, hours, holidays
):
    settings = DeliveryTimeSettings(hours, {}, holidays)
    found = plan(now.isoformat(), zone, settings=settings)
    calendar, at = found.readers[0].person.calendar, found.advice.send_at
    local = at.astimezone(calendar.zone)

    assert at >= now
    assert calendar.hours.begin <= local.time().replace(fold=0) < calendar.hours.end
    assert calendar.works_on(local.date())
    assert found.advice.inside == (True,)
    # What is in working hours is not put off.
    assert (at == now) == calendar.is_open(now) == found.advice.now_is_good


@given(zones=st.lists(ZONES, min_size=1, max_size=6), now=NOWS, hours=HOURS)
def test_recipients_can_be_added_without_end(zones, now, hours):
    settings = DeliveryTimeSettings(hours)
    counts = []
    for number in range(1, len(zones) + 1):
        found = plan(now.isoformat(), " ".join(zones[:number]), settings=settings)
        assert found.advice.send_at >= now
        assert reasons_of(found)
        counts.append((all(found.advice.inside), found.advice.choice))
    assert all(whole == (choice is not COMPROMISE) for whole, choice in counts)


@given(zones=st.lists(ZONES, min_size=2, max_size=5), now=NOWS)
def test_the_order_of_recipients_does_not_matter(zones, now):
    one = plan(now.isoformat(), " ".join(zones)).advice
    other = plan(now.isoformat(), " ".join(reversed(zones))).advice
    assert (one.send_at, one.choice) == (other.send_at, other.choice)
    assert one.inside == tuple(reversed(other.inside))


@given(zone=ZONES, now=NOWS)
def test_asked_again_at_the_time_that_was_recommended_it_says_now(zone, now):
    at = plan(now.isoformat(), zone).advice.send_at
    again = plan(at.isoformat(), zone).advice
    assert (again.send_at, again.now_is_good) == (at, True)


def test_every_country_has_a_zone_and_hours():
    for country in sorted(set(zone_countries().values())):
        found = plan("2026-06-09T12:00Z", country)
        assert found.readers[0].located.name == zones_of_place(country, None)[0]
        assert len(found.readers[0].person.calendar.hours.days) == len(WEEKDAYS)
