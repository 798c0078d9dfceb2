"""Targets among what is read from stores and settings: records, keys, connection strings."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path

from fuzzing.target import Target, as_field

from engagement.config import DataAccount
from engagement.domain.signing_key import SETTING, read_signing_keys, write_signing_keys
from engagement.errors import ConfigurationError
from engagement.storage import interaction_records, judgement_requests, webhook_deliveries
from engagement.storage.account import Account
from engagement.storage.spill import Spill
from engagement.storage.wire import Wire


def records(data: bytes) -> None:
    """What no version of the app queued is a ValueError; what it did is written as it was read."""
    text = as_field(data)
    with suppress(ValueError):
        organization, entity = interaction_records.read_record(text)
        again = interaction_records.record_of(organization, entity)
        assert _same(interaction_records.read_record(again), (organization, entity))
    with suppress(ValueError):
        request = judgement_requests.read_request(text)
        again = judgement_requests.record_of(request)
        assert judgement_requests.read_request(again) == request
    with suppress(ValueError):
        delivery = webhook_deliveries.read_delivery(text)
        again = webhook_deliveries.record_of(delivery)
        assert _same(webhook_deliveries.read_delivery(again).event.data, delivery.event.data)


def _same(one: object, other: object) -> bool:
    # Not a number is not itself.
    return json.dumps(one) == json.dumps(other)


def spilled(data: bytes) -> None:
    """A file of any bytes is read line by line; each line is a record, or a ValueError."""
    with tempfile.NamedTemporaryFile(suffix=".claimed") as file:
        file.write(data)
        file.flush()
        lines = Spill(Path(file.name).parent, 0).read(Path(file.name))
    assert len(lines) == data.count(b"\n")
    for line in lines:
        with suppress(ValueError):
            interaction_records.read_record(line)


def signing_keys(data: bytes) -> None:
    """A list of keys is read and written again, or refused without quoting a key."""
    text = as_field(data)
    try:
        keys = read_signing_keys(text)
    except ConfigurationError as error:
        refusal = str(error)
    else:
        refusal = SETTING
        assert read_signing_keys(write_signing_keys(keys.values())) == keys
        assert all(1 <= number <= 255 and len(keys[number].key) >= 32 for number in keys)
    assert SETTING in refusal
    assert not any(len(part) > 20 and part in refusal for part in text.split(":"))


def connection_string(data: bytes) -> None:
    """A connection string is taken apart, or refused without quoting it."""
    text = as_field(data)
    try:
        wire = Wire(Account(DataAccount(text or "x", None, None, None, None)))
    except ConfigurationError as error:
        refusal = str(error)
    else:
        refusal = "ENGAGEMENT_DATA"
        assert wire.name in text
        assert wire.tables
        assert wire.key
    assert "ENGAGEMENT_DATA" in refusal
    assert len(refusal) < 100


RECORD = (
    b'{"v":1,"organization":"aaaaaaaaaaaaaaaa","message_id":"bbbbbbbbbbbbbbbbbbbbbbbb","last":true,'
    b'"crowd":{"actor":"abc","at":"2026-11-22T10:00:00+00:00","messages":3},"endpoint":"e","tries":1,'
    b'"entity":{"PartitionKey":"bbbbbbbbbbbbbbbbbbbbbbbb","RowKey":"i"},"interaction_id":"1",'
    b'"event":{"id":"evt_0123456789abcdef01234567","type":"message.sent",'
    b'"at":"2026-11-22T10:00:00+00:00","data":{}}}'
)
WORDS = (
    "null",
    "1e999",
    "NaN",
    "true",
    "[" * 100,
    "{",
    "}",
    '"',
    ",",
    ":",
    "\\ud800",
    "\n",
    '"v":1',
    "-1",
)
CONNECTION = (
    b"AccountName=a;AccountKey=aaaa;TableEndpoint=http://127.0.0.1:1/a;"
    b"QueueEndpoint=http://127.0.0.1:2/a;BlobEndpoint=http://127.0.0.1:3/a"
)
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s"
TARGETS = {
    "records": Target(check=records, seeds=(RECORD,), words=WORDS),
    "spilled": Target(check=spilled, seeds=(RECORD + b"\n" + RECORD[:40],), words=WORDS),
    "signing_keys": Target(
        check=signing_keys,
        seeds=(
            f"1:{KEY}".encode(),
            f"2:{KEY}:2026-11-23T12:00Z, 1:{KEY}".encode(),
            f"1:{KEY}:0026-11-23T12:00Z".encode(),
        ),
        words=(":", ",", "=", KEY, "2026-02-30T25:00Z", "256", "0", "\u0661", " ", "Z"),
    ),
    "connection_string": Target(
        check=connection_string,
        seeds=(CONNECTION, CONNECTION.replace(b"http://127.0.0.1:1/a", b"/")),
        words=(
            "AccountKey=",
            "TableEndpoint=",
            "QueueEndpoint=",
            "AccountName=",
            ";",
            "=",
            "é",
            "\0",
        ),
    ),
}
