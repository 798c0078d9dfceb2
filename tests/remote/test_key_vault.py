"""Secrets in Key Vault, against a strict fake over TLS."""

from __future__ import annotations

import asyncio

import pytest
from certificates import make_certificate
from vault_fake import VaultFake

from engagement.errors import ConfigurationError, ConflictError, NotFoundError, RemoteError
from engagement.remote.key_vault import KeyVault
from engagement.remote.sign_in import SignIn

NAME = "signing-keys"


@pytest.fixture
def vault(tmp_path, monkeypatch):
    """A vault of our own, which this process trusts and is signed in to."""
    with VaultFake(make_certificate(tmp_path / "vault.pem")) as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        fake.put(NAME, "first", contentType="text/plain", tags={"owner": "ann"})
        yield fake


def with_vault(fake, work):
    """Do something with the vault, signed in."""

    async def signed_in():
        sign_in = SignIn()
        try:
            return await work(KeyVault(fake.url, sign_in.token))
        finally:
            await sign_in.close()

    return asyncio.run(signed_in())


def test_the_newest_version_is_read(vault):
    version = vault.put(NAME, "second")
    found = with_vault(vault, lambda there: there.read(NAME))

    assert (found.value, found.version) == ("second", version)
    assert "second" not in repr(found)


async def replace(there, value="new"):
    """Read, and write in its place."""
    return await there.write(NAME, value, await there.read(NAME))


def test_what_is_written_keeps_what_belongs_to_the_secret(vault):
    version = with_vault(vault, replace)

    assert vault.values(NAME) == ["first", "new"]
    assert vault.secrets[NAME][-1] == {
        **vault.secrets[NAME][0],
        "value": "new",
        "version": version,
    }


def test_somebody_elses_change_is_not_overwritten(vault):
    async def too_late(there):
        read = await there.read(NAME)
        vault.put(NAME, "theirs")
        await there.write(NAME, "ours", read)

    with pytest.raises(ConflictError, match="nothing was written"):
        with_vault(vault, too_late)
    assert vault.values(NAME) == ["first", "theirs"]


def test_a_change_at_the_very_same_time_is_told(vault):
    vault.page = 1
    vault.before_write = lambda name: vault.put(name, "theirs")

    with pytest.raises(ConflictError, match="at the same time") as raised:
        with_vault(vault, replace)
    theirs, ours = vault.secrets[NAME][1:]
    assert theirs["version"] in str(raised.value)
    assert ours["version"] in str(raised.value)


@pytest.mark.parametrize(("read", "write"), [(False, True), (True, False)])
def test_a_missing_role_is_named(vault, read, write):
    vault.may_read, vault.may_write = read, write

    with pytest.raises(RemoteError, match=r"Key Vault Secrets Officer.*403 Forbidden") as raised:
        with_vault(vault, replace)
    assert "fabrikam" not in str(raised.value)


def test_a_secret_that_is_not_there_is_told(vault):
    with pytest.raises(NotFoundError):
        with_vault(vault, lambda there: there.read("another"))


def test_nobody_signed_in_is_told_what_to_do(vault, monkeypatch):
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RemoteError, match="az login"):
        with_vault(vault, lambda there: there.read(NAME))
    assert vault.asked == []


def test_a_certificate_that_nobody_vouches_for_is_refused(vault, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(RemoteError, match="could not be reached"):
        with_vault(vault, lambda there: there.read(NAME))
    assert vault.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://contoso.vault.azure.net",
        "https://contoso.vault.azure.net.evil.example",
        "https://evil.example/contoso.vault.azure.net",
        "https://vault.azure.net",
        "https://contoso.vault.azure.net/secrets",
        "https://kim@contoso.vault.azure.net",
        "https://contoso.vault.azure.net:8443",
        "contoso",
    ],
)
def test_S15_a_token_for_vaults_goes_to_vaults_only(url):
    async def never(scope):
        raise AssertionError(scope)

    with pytest.raises(ConfigurationError, match="A vault looks like"):
        KeyVault(url, never)


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("contoso.vault.azure.net", "https://vault.azure.net/.default"),
        ("contoso.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net/.default"),
        ("contoso.vault.azure.cn", "https://vault.azure.cn/.default"),
    ],
)
def test_every_cloud_has_a_scope_of_its_own(host, scope):
    asked = []

    async def token(wanted):
        asked.append(wanted)
        raise RemoteError("No.")

    with pytest.raises(RemoteError):
        asyncio.run(KeyVault(f"https://{host}", token).read(NAME))
    assert asked == [scope]


@pytest.mark.parametrize("name", ["", "../keys", "a/b", "a?b", "x" * 128])
def test_a_name_that_no_secret_has_is_refused(vault, name):
    with pytest.raises(ConfigurationError, match="letters, digits and hyphens"):
        with_vault(vault, lambda there: there.read(name))
    assert vault.asked == []
