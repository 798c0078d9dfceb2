"""F12, F13: the bytes of a followed attachment are damaged, or nobody can sign a URL for them."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobClient
from azure.storage.blob.aio import BlobServiceClient
from certificates import make_certificate, server_context
from deployment import Deployment, at_once, settings
from fault_proxy import FaultProxy, cut, dated, hanging, healthy, only, refusing, slow
from strangers import said, table
from told import told

from devserver.backing import PROGRAMS, Child, connection_string
from engagement.config import DataAccount
from engagement.functions.public import NOT_FOUND, TRY_AGAIN
from engagement.storage.account import BLOB_PATIENCE, Account
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


@pytest.mark.parametrize(
    ("left", "asked"),
    [
        (None, {}),
        (None, {"Range": "bytes=0-9"}),
        (0, {}),
        (0, {"Range": "bytes=0-9"}),
        (len(DATA) // 2, {}),
        (len(DATA) // 2, {"Range": "bytes=0-999"}),
    ],
)
def test_F12_a_file_without_all_its_bytes_is_not_there_and_was_not_viewed(
    deployment, message, caplog, left, asked
):
    with blob_of(message) as blob:
        if left is None:
            blob.delete_blob()
        else:
            blob.upload_blob(DATA[:left], overwrite=True)
    answer = deployment.get(message.file, headers=asked)

    assert (answer.status_code, answer.content) == (404, NOT_FOUND)
    assert message.timeline == []
    assert [line["message"] for line in told(caplog, "attachment_missing")] == [message.id]


@pytest.mark.parametrize("data", [b"", LARGE[:-1]], ids=["empty", "shorter"])
def test_F12_a_large_file_that_is_not_whole_is_not_there(deployment, seller, data):
    message = seller.sent_with_attachment(data=LARGE)
    assert deployment.request("HEAD", message.file).status_code == 302
    with blob_of(message) as blob:
        blob.upload_blob(data, overwrite=True)

    assert deployment.get(message.file).content == NOT_FOUND
    assert views(message) == 0


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


class BlobsWithEntra(Child):
    """The emulator's blob service over TLS, which takes Entra's tokens and gives keys to sign."""

    name, says, preferred = "azurite-blob", "successfully listen", (0,)

    def __init__(self, folder, certificate):
        super().__init__(folder)
        self.certificate = str(certificate)

    def command(self):
        return [
            *(str(PROGRAMS / self.name), "--silent", "--skipApiVersionCheck"),
            *("--blobHost", "127.0.0.1", "--blobPort", str(self.ports[0])),
            *("--oauth", "basic", "--cert", self.certificate, "--key", self.certificate),
            *("--location", str(self.folder)),
        ]

    def stop(self):
        # Asked to end, it closes its port and stays.
        self.process.kill()
        self.process.wait()


class Identity:
    """An identity that Entra gives tokens for the store to; the emulator reads their claims."""

    async def get_token(self, *scopes, **_):
        assert scopes == ("https://storage.azure.com/.default",)
        now = int(time.time())
        life = {"iat": now, "nbf": now, "exp": now + 3600}
        who = {"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/t/"}
        claims = {**who, **life, "oid": "0" * 8, "tid": "1" * 8}
        return AccessToken(jwt.encode(claims, "k" * 32), now + 3600)


class Signing:
    """A deployment that reads blobs as in Azure: by an identity, over TLS."""

    def __init__(self, deployment, blobs, certificate):
        self.deployment, self.blobs, self.certificate = deployment, blobs, certificate
        self.crm = deployment.new_crm()
        url = f"https://127.0.0.1:{blobs.port}/devstoreaccount1"
        self.account = Account(DataAccount(None, None, url, None, None))
        trust = {"connection_verify": str(certificate)}
        client = BlobServiceClient(url, credential=Identity(), **BLOB_PATIENCE, **trust)
        self.account.__dict__["blobs"] = client
        self.account.opened.append(client)
        deployment.services.tracking.blobs.account = self.account
        key = deployment.run(deployment.services.administering.find(self.crm.organization_id)).key
        deployment.run(client.create_container(f"org-{key}"))

    def begin(self):
        """Forget the key, and have nothing fail."""
        self.deployment.services.tracking.blobs.shared_access = SharedAccess(self.account)
        self.blobs.fault = healthy
        self.blobs.seen.clear()
        self.message = self.crm.sent_with_attachment(data=LARGE)
        return self

    def get(self, **headers):
        """Select the file."""
        return self.deployment.get(self.message.file, headers=headers)

    def follow(self, answer):
        """Read what a redirect leads to, as a browser."""
        trust = ssl.create_default_context(cafile=self.certificate)
        return httpx.get(answer.headers["location"], verify=trust, trust_env=False)

    def keys(self):
        """How often a key was asked for."""
        return sum("comp=userdelegationkey" in path for _, path, _ in self.blobs.seen)


@pytest.fixture(scope="module")
def premises(azurite, tmp_path_factory):
    """That deployment."""
    folder = tmp_path_factory.mktemp("signing")
    certificate = make_certificate(folder / "c.pem")
    more = {"ENGAGEMENT_STREAM_LIMIT_BYTES": str(LIMIT), "ENGAGEMENT_SPILL_FOLDER": str(folder)}
    with (
        BlobsWithEntra(folder / "blobs", certificate) as store,
        FaultProxy(store.ports[0], server_context(certificate)) as blobs,
        Deployment(settings(azurite.connection_string, **more)) as running,
    ):
        made = Signing(running, blobs, certificate)
        yield made
        running.run(made.account.close())


@pytest.fixture
def signing(premises):
    """That deployment, with no key yet and a message with a large file."""
    yield premises.begin()
    premises.blobs.fault = healthy


def no_key(fault, otherwise=healthy):
    """Let only asking for a key fail."""
    return only(lambda request: "comp=userdelegationkey" in request.raw_path, fault, otherwise)


def test_F13_a_large_file_is_read_at_the_store_by_a_key_that_is_asked_for_once(signing):
    answers = [signing.get() for _ in range(3)]

    assert [answer.status_code for answer in answers] == [302] * 3
    assert {signing.follow(answer).content for answer in answers} == {LARGE}
    assert signing.keys() == 1
    assert views(signing.message) == 1


@pytest.mark.parametrize(
    "fault",
    [refusing(403), refusing(400), refusing(503, "60"), hanging],
    ids=["403", "400", "503", "hanging"],
)
def test_F13_without_a_key_a_large_file_comes_through_the_app(signing, fault, caplog):
    signing.blobs.fault = no_key(fault)
    whole, part = signing.get(), signing.get(Range="bytes=1000-1009")
    head = signing.deployment.request("HEAD", signing.message.file)

    assert (whole.status_code, whole.content) == (200, LARGE)
    assert whole.headers["content-disposition"].startswith("attachment;")
    assert (part.status_code, part.content) == (206, LARGE[1000:1010])
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(LARGE)))
    assert views(signing.message) == 1
    # Not everybody waits until it fails again.
    assert signing.keys() == 1
    assert len(told(caplog, "delegation_key_refused")) == 1


def test_F13_large_files_come_through_the_app_one_after_the_other(signing):
    reading, most = 0, 0

    async def watched(proxy, request, body):
        nonlocal reading, most
        read = request.method == "GET"
        reading += read
        most = max(most, reading)
        answer = await slow(0.05)(proxy, request, body)
        reading -= read
        return answer

    signing.blobs.fault = no_key(refusing(403), watched)
    answers = at_once([signing.get] * 4)

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, LARGE)}
    assert most == 1


def test_F13_a_key_serves_to_its_end_while_no_other_is_to_be_had_and_then_the_app(signing):
    assert signing.get().status_code == 302
    answers = []
    # Another one is asked for at half of its six hours, and then once a minute.
    for minutes in (170, 190, 190, 350, 356):
        signing.blobs.fault = no_key(refusing(403), dated(timedelta(minutes=minutes)))
        answers.append((signing.get().status_code, signing.keys()))

    assert answers == [(302, 1), (302, 2), (302, 2), (302, 3), (200, 4)]
    signing.blobs.fault = dated(timedelta(minutes=358))
    assert (signing.get().status_code, signing.keys()) == (302, 5)


@pytest.mark.parametrize("minutes", [-20, 20])
def test_F13_a_signature_goes_by_the_stores_clock_however_far_ours_is_off(signing, minutes):
    skew = timedelta(minutes=minutes)
    signing.blobs.fault = dated(skew)
    before = datetime.now(UTC).replace(microsecond=0) + skew
    query = parse_qs(urlsplit(signing.get().headers["location"]).query)
    after = datetime.now(UTC) + skew
    ends, key_begins, key_ends = (
        datetime.fromisoformat(query[name][0]) for name in ("se", "skt", "ske")
    )

    assert before <= ends - timedelta(minutes=5) <= after
    assert before <= key_begins + timedelta(minutes=15) <= after
    assert before <= key_ends - timedelta(hours=6) <= after
