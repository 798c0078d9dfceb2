"""What a record of ours says, what it withholds, and what is left of those of libraries."""

from __future__ import annotations

import asyncio
import json
import logging
import math

import pytest
from deployment import ROOT
from hypothesis import given
from hypothesis import strategies as st
from log_scan import Log, scan
from told import metrics, told

from engagement import telemetry
from engagement.errors import StorageError

ADDRESS = "ann@fabrikam.example"
URL = "https://a.table.core.windows.net/org?sig=abc"


def fail():
    """Fail for a reason that quotes an address, caused by one that quotes a URL."""
    raise StorageError(ADDRESS) from OSError(URL)


def records(log):
    """Values of the records that are ours."""
    return [json.loads(x.partition(": ")[2]) for x in log.lines if x.startswith("engagement")]


def test_a_record_is_json_with_its_event_first():
    with Log() as log:
        telemetry.info("swept", blobs_deleted=3, organization="0" * 16, late=False, none=None)
    (line,) = log.lines
    assert line == (
        'engagement: {"event": "swept", "blobs_deleted": 3, '
        '"organization": "0000000000000000", "late": false, "none": null}'
    )


def test_levels_are_those_of_logging(caplog):
    caplog.set_level("INFO", "engagement")
    telemetry.info("a")
    telemetry.warning("b")
    telemetry.error("c")
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "ERROR"]
    assert told(caplog, "b") == [{"event": "b"}]


def test_an_exception_tells_its_kinds_and_places_and_no_word_of_its_own():
    with Log() as log:
        try:
            fail()
        except StorageError:
            telemetry.exception("it_failed", organization="0" * 16)
    (line,) = log.lines
    (value,) = records(log)
    assert (value["error"], value["causes"]) == ("StorageError", ["OSError"])
    assert value["at"][-1].startswith("tests/test_telemetry.py:")
    assert value["at"][-1].endswith(" fail")
    assert scan(line, ADDRESS, URL, str(ROOT)) == []


@pytest.mark.parametrize(
    "text",
    [
        ADDRESS,
        "10.0.0.7",
        "at.10.0.0.7",
        "fe80::1",
        "aB3_" * 15,
        "eng_0a0b0c0d_" + "A" * 43,
        "Contract for signature",
        URL,
        "a\nb",
        '","event":"forged',
        "ü",
    ],
)
def test_a_value_that_may_be_somebodys_is_withheld(text):
    with Log() as log:
        telemetry.info("x", value=text)
    assert records(log) == [{"event": "x", "value": "(withheld)"}]


@given(st.text())
def test_S15_no_text_gets_past_the_scan(text):
    with Log() as log:
        telemetry.info("x", value=text)
    (line,) = log.lines
    assert "\n" not in line
    assert scan(line) == []


@pytest.mark.parametrize(
    "value", ["interactions-poison", "0" * 32, "2.1.0", "a/b_c.d-e", "ENGAGEMENT_SIGNING_KEYS", ""]
)
def test_our_own_words_and_ids_are_shown(value):
    with Log() as log:
        telemetry.info("x", value=value)
    assert records(log)[0]["value"] == value


def test_a_sentence_of_ours_is_shown_as_it_is():
    with Log() as log:
        telemetry.error("x", reason=telemetry.Sentence("It must be one of a, b."))
    assert records(log)[0]["reason"] == "It must be one of a, b."


def test_a_metric_is_a_record_with_its_name(caplog):
    caplog.set_level("INFO", "engagement")
    telemetry.metric("lag", value=1 / 3, path="table")
    assert metrics(caplog, "lag") == [
        {"event": "metric", "name": "lag", "value": 0.333, "path": "table"}
    ]
    assert not math.isnan(metrics(caplog, "lag")[0]["value"])


@pytest.mark.parametrize(
    "name",
    ["azure.core.pipeline", "azure.identity.aio._internal", "aiohttp.client", "msal.application"],
)
def test_libraries_tell_warnings_only_and_what_they_quote_stays_away(name):
    with Log() as log:
        logger = logging.getLogger(name)
        logger.debug("to %s", ADDRESS)
        logger.info("GET %s", URL)
        logger.warning("%s failed at %s", ADDRESS, URL)
        logger.warning("told in one piece: %s" % ADDRESS)  # noqa: G002, UP031 - as libraries do
        try:
            fail()
        except StorageError:
            logger.exception("retry of %s", URL)
    values = [json.loads(line.partition(": ")[2]) for line in log.lines]
    assert [value["event"] for value in values] == ["library"] * 3
    assert [value.get("text") for value in values] == ["%s failed at %s", None, "retry of %s"]
    assert values[2]["error"] == "StorageError"
    assert scan("\n".join(log.lines), ADDRESS, URL, "piece") == []


def test_a_task_that_nobody_waited_for_quotes_nothing():
    async def forgotten():
        fail()

    async def forget():
        task = asyncio.get_running_loop().create_task(forgotten())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task

    with Log() as log:
        asyncio.run(forget())
    (line,) = log.lines
    assert json.loads(line.partition(": ")[2])["error"] == "StorageError"
    assert scan(line, ADDRESS, URL) == []


def test_the_workers_own_records_are_left_as_they_are():
    with Log() as log:
        logging.getLogger("azure.functions").warning("Function name: %s", "pixel")
    assert log.lines == ["azure.functions: Function name: pixel"]


def test_functions_that_the_host_is_told_of_exist():
    from deployment import build_app, settings

    from engagement.config import Config
    from engagement.wiring import build_services

    data = "AccountName=a;AccountKey=aaaa;TableEndpoint=http://127.0.0.1:1/a;QueueEndpoint=http://127.0.0.1:2/a"
    services = build_services(Config.from_environment(settings(data)))
    names = {one.get_function_name() for one in build_app(services).get_functions()}
    host = json.loads((ROOT / "host.json").read_text())["logging"]
    levels = host["logLevel"]
    listed = {name.split(".")[1] for name in levels if name.startswith("Function.")}
    assert listed <= names
    # What the host says of each run is left out, what we say in it is not.
    for name in listed:
        assert (levels[f"Function.{name}"], levels[f"Function.{name}.User"]) == (
            "Warning",
            "Information",
        )
    # The host would keep the URL of each request, and with it the tracking token.
    options = host["applicationInsights"]
    assert options["httpAutoCollectionOptions"] == {
        "enableHttpTriggerExtendedInfoCollection": False
    }
    assert "Trace" in options["samplingSettings"]["excludedTypes"]
