"""F11, F23: neither table nor queue take an interaction; then the disk or the log fail, too."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import ExitStack, contextmanager, suppress

import pytest
from deployment import Deployment, settings, wait_until
from fault_proxy import hanging, healthy, refusing
from faulty import Faulty
from told import metrics


@pytest.fixture
def faulty(azurite, tmp_path):
    """A deployment of the test's own, behind fault proxies."""
    with ExitStack() as stack:
        yield Faulty(azurite, tmp_path / "spill", stack)


def test_F11_with_table_and_queue_down_interactions_wait_on_disk(faulty):
    faulty.tables.refuse()
    faulty.queues.refuse()
    for _ in range(6):
        faulty.open()
    assert not faulty.recording.spill.empty()
    assert faulty.recording.lost == 0

    faulty.tables.accept()
    faulty.queues.accept()
    wait_until(lambda: faulty.opens() == 6)
    wait_until(faulty.recording.spill.empty)


def test_F11_a_hanging_table_and_queue_still_answer_the_pixel(faulty):
    faulty.set(hanging)
    for _ in range(4):
        faulty.open()
    assert not faulty.recording.spill.empty()

    faulty.set(healthy)
    faulty.drain()
    assert faulty.opens() == 4


def test_F11_a_full_disk_is_counted_and_never_silent(faulty, caplog):
    caplog.set_level("INFO")
    faulty.recording.spill.limit_bytes = 10
    faulty.tables.refuse()
    faulty.queues.refuse()
    faulty.open()
    assert faulty.recording.lost == 1
    assert [line["value"] for line in metrics(caplog, "lost")] == [1]
    faulty.tables.accept()
    faulty.queues.accept()


def test_F11_what_an_earlier_process_spilled_is_placed_by_the_next(azurite, tmp_path):
    with ExitStack() as stack:
        before = Faulty(azurite, tmp_path, stack)
        before.tables.refuse()
        before.queues.refuse()
        before.open()
        message, organization = before.message, before.message.crm
        before.queues.accept()
    assert list(tmp_path.iterdir())

    environment = settings(azurite.connection_string, ENGAGEMENT_SPILL_FOLDER=str(tmp_path))
    with Deployment(environment) as after:
        organization.deployment = after
        after.get(message.pixel)
        wait_until(lambda: len(message.acts("open")) == 2)
        wait_until(after.services.recording.spill.empty)


def test_F23_without_a_folder_to_spill_to_losses_are_counted_and_nobody_is_kept(faulty, caplog):
    caplog.set_level("INFO", "engagement")
    folder = faulty.recording.spill.folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("This is no folder.")
    faulty.set(refusing(503))
    for _ in range(3):
        faulty.open()
    assert faulty.deployment.get(faulty.message.link).status_code == 503
    assert faulty.recording.lost == 3
    assert metrics(caplog, "lost")

    # What comes when there is room again is kept.
    folder.unlink()
    faulty.open()
    assert not faulty.recording.spill.empty()
    assert faulty.recording.lost == 3


class Broken(logging.Handler):
    """A sink that fails whoever logs."""

    def emit(self, record):
        raise OSError


@contextmanager
def broken_sink():
    yield Broken()


@contextmanager
def broken_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    yield logging.StreamHandler(stream)
    with suppress(BrokenPipeError):
        stream.close()


@contextmanager
def closed_stream():
    with open(os.devnull, "w") as stream:  # noqa: PTH123
        pass
    yield logging.StreamHandler(stream)


def test_F23_while_the_log_is_down_everything_is_answered_and_kept(faulty, monkeypatch):
    # Python tells of it on the error stream, which is closed as well.
    monkeypatch.setattr("sys.stderr", None)
    logger, expected = logging.getLogger("engagement"), 0
    for sink in (broken_sink, broken_pipe, closed_stream):
        with sink() as handler, monkeypatch.context() as patch:
            patch.setattr(logger, "level", logging.INFO)
            patch.setattr(logger, "handlers", [handler])
            for fault in (healthy, refusing(503)):
                faulty.tables.fault = fault
                faulty.recording.table_breaker.succeeded()
                faulty.open()
                expected += 1
            # It tells that the link could not be read.
            faulty.deployment.services.tracking.links.values.clear()
            assert faulty.deployment.get(faulty.message.link).status_code == 503
            faulty.tables.fault = healthy
            assert faulty.message.kpis
    wait_until(lambda: faulty.opens() == expected)
    assert faulty.recording.lost == 0
