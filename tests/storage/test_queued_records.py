"""What waits in queues and files: all that the app never wrote is one kind of error."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from engagement.domain.verdicts.observer import Crowd
from engagement.domain.webhooks.webhook_event import Event, EventType
from engagement.storage.interaction_records import read_record
from engagement.storage.judgement_requests import JudgementRequest, read_request, record_of
from engagement.storage.webhook_deliveries import Delivery, read_delivery
from engagement.storage.webhook_deliveries import record_of as delivery_record

AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
REQUEST = JudgementRequest("0" * 16, "1" * 24, "5-abc", last=True, crowd=Crowd("actor", AT, 7))
DELIVERY = Delivery(
    "0" * 16, "e-1", Event(f"evt_{'0' * 24}", EventType.MESSAGE_SENT, AT, {"a": 1}), 2
)


def test_what_is_queued_is_read_again():
    assert read_request(record_of(REQUEST)) == REQUEST
    assert read_delivery(delivery_record(DELIVERY)) == DELIVERY


@pytest.mark.parametrize("read", [read_record, read_request, read_delivery])
def test_a_record_that_is_nested_beyond_reading_is_a_value_error(read):
    with pytest.raises(ValueError, match="nested"):
        read('{"v":1,"a":' + "[" * 100_000)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"messages": 7', '"messages": 1e999'),
        ('"messages": 7', '"messages": "7"'),
        ('"actor": "actor"', '"actor": ["actor"]'),
        ("10:00:00+00:00", "10:00:00"),
        ('"2026-11-22T10:00:00+00:00"', '"0001-01-01T00:00:00+14:00"'),
        ('"5-abc"', "5"),
    ],
)
def test_a_request_with_a_value_of_another_kind_is_a_value_error(old, new):
    record = record_of(REQUEST)
    assert old in record
    with pytest.raises(ValueError, match=r"cannot be read|names no|offset|range"):
        read_request(record.replace(old, new))


@pytest.mark.parametrize("at", ["2026-11-22T10:00:00", "0001-01-01T00:00:00+14:00", "now"])
def test_an_event_without_a_moment_is_a_value_error(at):
    value = json.loads(delivery_record(DELIVERY))
    value["event"]["at"] = at
    with pytest.raises(ValueError, match=r"offset|range|isoformat"):
        read_delivery(json.dumps(value))
