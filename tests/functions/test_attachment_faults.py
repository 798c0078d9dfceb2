"""F12, F13: the bytes of a followed attachment are damaged, or nobody can sign a URL for them."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobClient
from certificates import make_certificate, server_context
from deployment import Deployment, settings
from fault_proxy import FaultProxy, cut, first, hanging, healthy, only, refusing
from strangers import said, table
from told import told

from devserver.backing import PROGRAMS, Azurite, connection_string
from engagement.config import DataAccount
from engagement.functions.public import NOT_FOUND, TRY_AGAIN
from engagement.storage.account import Account
from engagement.storage.shared_access import SharedAccess

DATA = b"%PDF-1.7 " + bytes(range(256)) * 4
LIMIT = 2_000
LARGE = bytes(range(250)) * 10


def row_of(message):
    """The row of the first attachment."""
    with table(message) as rows:
        return rows.get_entity(message.id, "2-attachment-0001")


@pytest.fixture(scope="module")
def blobs(azurite):
    """The blob service, which can be made to fail."""
    with FaultProxy(azurite.ports[0]) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def deployment(azurite, blobs, tmp_path_factory):
    """A deployment that reads blobs through it, and passes little through itself."""
    _, queue, table_port = azurite.ports
    data = connection_string((blobs.port, queue, table_port))
    spill = str(tmp_path_factory.mktemp("spill"))
    more = {"ENGAGEMENT_STREAM_LIMIT_BYTES": str(LIMIT), "ENGAGEMENT_SPILL_FOLDER": spill}
    with Deployment(settings(data, **more)) as running:
        yield running


@pytest.fixture(scope="module")
def seller(deployment):
    """The CRM of its organization."""
    return deployment.new_crm()


@pytest.fixture
def message(seller, blobs):
    """A message with a followed file."""
    yield seller.sent_with_attachment(data=DATA)
    blobs.fault = healthy


def blob_of(message):
    """The blob of that file, past the proxy."""
    data = message.crm.deployment.environment["ENGAGEMENT_DATA"]
    container = f"org-{said(message.pixel).organization}"
    return BlobClient.from_connection_string(data, container, row_of(message)["blob"])


def views(message):
    return message.kpis["attachment_view_count"]


@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-9"}, {"Range": "bytes=1000-"}])
@pytest.mark.parametrize("left", [None, 0, len(DATA) // 2], ids=["deleted", "empty", "half"])
def test_F12_a_file_without_its_bytes_is_not_there_and_was_not_viewed(
    deployment, message, caplog, left, asked
):
    with blob_of(message) as blob:
        if left is None:
            blob.delete_blob()
        else:
            blob.upload_blob(DATA[:left], overwrite=True)
    answer = deployment.get(message.file, headers=asked)

    if left and asked == {"Range": "bytes=0-9"}:
        # These bytes are there.
        assert (answer.status_code, answer.content) == (206, DATA[:10])
        return
    assert (answer.status_code, answer.content) == (404, NOT_FOUND)
    assert message.timeline == []
    assert [line["message"] for line in told(caplog, "attachment_missing")] == [message.id]


@pytest.mark.parametrize("data", [b"", LARGE[:-1]], ids=["empty", "shorter"])
def test_F12_a_large_file_that_is_not_whole_is_not_there(deployment, seller, data):
    message = seller.sent_with_attachment(data=LARGE)
    with blob_of(message) as blob:
        blob.upload_blob(data, overwrite=True)

    assert deployment.get(message.file).content == NOT_FOUND
    assert message.timeline == []


def test_F12_a_read_that_breaks_off_is_begun_again_and_is_one_view(deployment, message, blobs):
    blobs.fault = only(lambda request: request.method == "GET", first(1, cut))
    answer = deployment.get(message.file)

    assert (answer.status_code, answer.content) == (200, DATA)
    assert views(message) == 1


def test_F12_a_read_that_always_breaks_off_is_no_view_and_asks_to_try_again(
    deployment, message, blobs
):
    blobs.fault = only(lambda request: request.method == "GET", cut)
    answer = deployment.get(message.file)

    assert (answer.status_code, answer.content) == (503, TRY_AGAIN)
    assert answer.headers["retry-after"] == "5"
    assert message.timeline == []
    blobs.fault = healthy
    assert deployment.get(message.file).content == DATA
    assert views(message) == 1
