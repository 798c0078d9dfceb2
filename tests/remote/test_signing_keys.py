"""Fetching the keys of access tokens: whatever Entra answers, what is known goes on serving."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from certificates import make_certificate
from entra_fake import (
    API,
    TENANT,
    EntraFake,
    answering,
    breaking_off,
    endless,
    hanging,
    jwk,
    publishing,
    rsa_key,
    trickling,
)

from devserver.backing import free_port
from engagement.domain.access.registration import Registration
from engagement.errors import RemoteError
from engagement.remote.signing_keys import COOL_DOWN, LARGEST, LIFE, SigningKeys

KEYS = json.dumps({"keys": [jwk("key-1")]}).encode()

FAULTS = {
    "400": answering(400),
    "404 with keys": answering(404, KEYS),
    "429": answering(429, b"", **{"Retry-After": "60"}),
    "500": answering(500, b"<html>Oops</html>"),
    "503 with keys": answering(503, KEYS),
    "moved": answering(301, b"", Location=f"/{TENANT}/elsewhere"),
    "elsewhere for now": answering(302, KEYS, Location=f"/{TENANT}/elsewhere"),
    "asked to repeat": answering(307, b"", Location=f"/{TENANT}/elsewhere"),
    "nothing": answering(200),
    "a page": answering(200, b"<!DOCTYPE html><title>Sign in</title>"),
    "no JSON": answering(200, KEYS[:-1]),
    "not UTF-8": answering(200, b'{"keys": "\xff"}'),
    "a list": answering(200, b"[]"),
    "another object": answering(200, b'{"error": "temporarily_unavailable"}'),
    "no keys": answering(200, b'{"keys": []}'),
    "keys that are none": answering(200, b'{"keys": [null, 1, "a", [], {}]}'),
    "a key without an id": publishing(jwk("key-1", kid=None)),
    "keys of another tenant": publishing(
        jwk("key-1", issuer="https://login.microsoftonline.com/9188040d-6c67/v2.0")
    ),
    "nested": answering(200, b"[" * 100_000),
    "a bomb": answering(200, gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"}),
    "zipped": answering(200, gzip.compress(KEYS), **{"Content-Encoding": "gzip"}),
    "one byte too many": answering(200, KEYS + b" " * (LARGEST + 1 - len(KEYS))),
    "endless": endless,
    "broken off": breaking_off,
    "hanging": hanging,
    "trickling": trickling,
}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("entra") / "c.pem")


@pytest.fixture(scope="module")
def tenant(certificate):
    with EntraFake(certificate) as fake:
        yield fake


@pytest.fixture
def entra(tenant, certificate, monkeypatch):
    """The tenant, in a good mood, and trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tenant.reset()
    return tenant


@pytest.fixture
def clock():
    return Clock()


def keys_of(authority, clock, timeout=10.0):
    registration = Registration(TENANT, API, frozenset(), authority)
    return SigningKeys(registration, timeout=timeout, clock=clock)


@pytest.fixture
def keys(entra, clock):
    """Keys that were never fetched."""
    return keys_of(entra.authority, clock)


async def test_keys_are_fetched_once_a_day(entra, keys, clock):
    assert entra.asked == []  # not before somebody shows a token
    for passed in (0, COOL_DOWN, LIFE - COOL_DOWN - 1):
        clock.now += passed
        assert await keys.find("key-1") == {"kty": "RSA", "n": jwk("key-1")["n"], "e": "AQAB"}
    assert entra.asked == [f"/{TENANT}/discovery/v2.0/keys"]

    clock.now += 1
    assert await keys.find("key-1")
    assert len(entra.asked) == 2


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_F16_without_any_keys_nobody_can_be_known_until_they_are_there(entra, clock, fault):
    slow = fault in (hanging, trickling)
    keys = keys_of(entra.authority, clock, timeout=0.3 if slow else 10.0)
    entra.fault = fault
    for _ in range(3):
        with pytest.raises(RemoteError) as caught:
            await keys.find("key-1")
        assert caught.value.retry_after == COOL_DOWN
    assert len(entra.asked) == 1  # nor is the redirect followed

    entra.fault = None
    keys.timeout = 10.0
    clock.now += COOL_DOWN
    assert await keys.find("key-1")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_F16_keys_that_cannot_be_fetched_again_go_on_serving(entra, keys, clock, fault):
    await keys.find("key-1")
    keys.timeout = 0.3 if fault in (hanging, trickling) else 10.0
    entra.fault = fault
    clock.now += LIFE
    for _ in range(3):
        assert await keys.find("key-1")
        assert await keys.find("key-2") is None
    assert len(entra.asked) == 2

    # For as long as it takes, and trying again now and then.
    clock.now += 30 * LIFE
    assert await keys.find("key-1")
    assert len(entra.asked) == 3


async def test_F16_nothing_listens(certificate, clock, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    keys = keys_of(f"https://127.0.0.1:{free_port()}", clock)
    with pytest.raises(RemoteError):
        await keys.find("key-1")


async def test_F16_a_certificate_of_nobodys_is_not_trusted(entra, keys, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(RemoteError):
        await keys.find("key-1")
    assert entra.asked == []


async def test_F16_a_new_key_is_found_when_a_token_names_it(entra, keys, clock):
    await keys.find("key-1")
    entra.published = [jwk("key-2"), jwk("key-1")]
    clock.now += COOL_DOWN

    assert await keys.find("key-2")
    assert await keys.find("key-1")
    assert len(entra.asked) == 2


async def test_F16_a_key_that_entra_took_back_holds_no_more(entra, keys, clock):
    await keys.find("key-1")
    entra.published = [jwk("key-2")]
    clock.now += COOL_DOWN

    assert await keys.find("key-2")
    assert await keys.find("key-1") is None


async def test_F16_made_up_keys_make_one_fetch_in_30_seconds(entra, keys, clock):
    await keys.find("key-1")
    for second in range(90):
        clock.now += 1
        for number in range(3):
            assert await keys.find(f"made-up-{second}-{number}") is None
    assert len(entra.asked) == 1 + 3


async def test_F16_many_who_come_at_once_make_one_fetch(entra, keys):
    found = await asyncio.gather(*(keys.find("key-1") for _ in range(50)))

    assert all(found)
    assert len(entra.asked) == 1


async def test_F16_who_goes_away_takes_the_keys_from_nobody(entra, keys):
    first, second = (asyncio.create_task(keys.find("key-1")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()

    assert await second
    assert first.cancelled()
    assert len(entra.asked) == 1


async def test_F16_a_fetch_is_given_up_when_the_app_stops(entra, keys):
    entra.fault = hanging
    waiting = asyncio.create_task(keys.find("key-1"))
    await asyncio.sleep(0)
    await keys.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_F16_keys_of_other_kinds_are_left_out(entra, keys):
    private = rsa_key("key-1").private_numbers()
    entra.published = [
        jwk("key-1", d=str(private.d), use=None, issuer=None),
        jwk("key-2", use="enc"),
        jwk("key-3", kty="oct", k="c2VjcmV0"),
        jwk("key-4", alg="HS256"),
        jwk("weak"),
        jwk("../key-5"),
    ]
    assert set(await keys.find("key-1")) == {"kty", "n", "e"}
    assert list(keys.keys) == ["key-1"]
