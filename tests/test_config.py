"""Settings: what is wrong stops the start with a sentence that names the setting."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from deployment import SIGNING_KEY, settings

from engagement.config import Config
from engagement.domain.access.registration import Registration
from engagement.errors import ConfigurationError

AZURITE = "AccountName=a;AccountKey=aaaa;TableEndpoint=http://127.0.0.1:1/a"

TENANT = "7f0c0a52-6c5d-4f7e-9a3e-0d5a4e1b2c33"
CLIENT = "aa11bb22-3333-4444-8555-666677778888"

WRONG = [
    ("ENGAGEMENT_SURFACE", "both"),
    ("ENGAGEMENT_PUBLIC_URL", ""),
    ("ENGAGEMENT_PUBLIC_URL", "links.contoso.example"),
    ("ENGAGEMENT_PUBLIC_URL", "https://links.contoso.example/?a=1"),
    ("ENGAGEMENT_PUBLIC_URL", "https://user@links.contoso.example"),
    ("ENGAGEMENT_SIGNING_KEYS", ""),
    ("ENGAGEMENT_SIGNING_KEYS", SIGNING_KEY),
    ("ENGAGEMENT_SIGNING_KEYS", f"0:{SIGNING_KEY}"),
    ("ENGAGEMENT_SIGNING_KEYS", f"256:{SIGNING_KEY}"),
    ("ENGAGEMENT_SIGNING_KEYS", f"1:{SIGNING_KEY},1:{SIGNING_KEY}"),
    ("ENGAGEMENT_SIGNING_KEYS", "1:c2hvcnQ"),
    ("ENGAGEMENT_SIGNING_KEYS", "1:not base64url!"),
    ("ENGAGEMENT_SIGNING_KEYS", f"1:{SIGNING_KEY}:tomorrow"),
    ("ENGAGEMENT_ADMIN_KEY", "short"),
    ("ENGAGEMENT_DATA", ""),
    ("ENGAGEMENT_SMTP_SECURITY", "ssl"),
    ("ENGAGEMENT_PUBLIC_URL", "https://links.contoso.example/links"),
    ("ENGAGEMENT_SMTP_PORT", "smtp"),
    ("ENGAGEMENT_SMTP_PORT", "0"),
    ("ENGAGEMENT_SMTP_PORT", "65536"),
    ("ENGAGEMENT_SMTP_USERNAME", "kim"),
    ("ENGAGEMENT_GRAPH_TENANT_ID", "common"),
    ("ENGAGEMENT_GRAPH_TENANT_ID", "contoso/../fabrikam"),
    ("ENGAGEMENT_GRAPH_CLIENT_ID", ""),
    ("ENGAGEMENT_GRAPH_CLIENT_SECRET", ""),
    ("ENGAGEMENT_GRAPH_IDENTITY_CLIENT_ID", "both-are-too-many"),
    ("ENGAGEMENT_GRAPH_URL", "graph.microsoft.com"),
    ("ENGAGEMENT_GRAPH_URL", "http://graph.microsoft.com"),
    ("ENGAGEMENT_GRAPH_URL", "https://graph.microsoft.com/v1.0"),
    ("ENGAGEMENT_GRAPH_URL", "https://graph.microsoft.com?x=1"),
    ("ENGAGEMENT_GRAPH_URL", "https://kim@graph.microsoft.com"),
    ("ENGAGEMENT_GRAPH_AUTHORITY", "http://127.0.0.1:1"),
    ("ENGAGEMENT_ENTRA_TENANT_ID", ""),
    ("ENGAGEMENT_ENTRA_TENANT_ID", "common"),
    ("ENGAGEMENT_ENTRA_TENANT_ID", "contoso.example"),
    ("ENGAGEMENT_ENTRA_CLIENT_ID", ""),
    ("ENGAGEMENT_ENTRA_CLIENT_ID", f"api://{CLIENT}"),
    ("ENGAGEMENT_ENTRA_APPLICATIONS", f"{CLIENT};{CLIENT}"),
    ("ENGAGEMENT_ENTRA_APPLICATIONS", "*"),
    ("ENGAGEMENT_ENTRA_AUTHORITY", "http://login.microsoftonline.com"),
    ("ENGAGEMENT_ENTRA_AUTHORITY", f"https://login.microsoftonline.com/{TENANT}"),
    ("ENGAGEMENT_API_KEYS", "no"),
    ("ENGAGEMENT_SPILL_LIMIT_BYTES", "-1"),
    ("ENGAGEMENT_STREAM_LIMIT_BYTES", "4 MB"),
    ("ENGAGEMENT_WEBHOOK_ALLOW_PRIVATE", "yes"),
]


def environment(**more):
    """Settings that are right, but for *more*."""
    smtp = {"ENGAGEMENT_SMTP_HOST": "mail", "ENGAGEMENT_SMTP_SECURITY": "none"}
    graph = {
        "ENGAGEMENT_GRAPH_TENANT_ID": "contoso.example",
        "ENGAGEMENT_GRAPH_CLIENT_ID": "c-2",
        "ENGAGEMENT_GRAPH_CLIENT_SECRET": "a-secret-of-the-app",
    }
    entra = {"ENGAGEMENT_ENTRA_TENANT_ID": TENANT, "ENGAGEMENT_ENTRA_CLIENT_ID": CLIENT}
    return settings(AZURITE, **smtp, **graph, **entra) | more


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(ConfigurationError, match=name):
        Config.from_environment(environment(**{name: value}))


def test_azure_is_reached_by_addresses_and_an_identity():
    config = Config.from_environment(
        environment(
            ENGAGEMENT_DATA="",
            ENGAGEMENT_DATA__tableServiceUri="https://a.table.core.windows.net/",
            ENGAGEMENT_DATA__blobServiceUri="https://a.blob.core.windows.net",
            ENGAGEMENT_DATA__queueServiceUri="https://a.queue.core.windows.net",
            ENGAGEMENT_DATA__clientId="c-1",
        )
    )

    assert config.data.table_url == "https://a.table.core.windows.net"
    assert (config.data.connection_string, config.data.client_id) == (None, "c-1")


def test_a_signing_key_may_wait_for_its_time():
    keys = f"1:{SIGNING_KEY},2:{SIGNING_KEY}:2026-11-23T12:00Z"
    config = Config.from_environment(environment(ENGAGEMENT_SIGNING_KEYS=keys))

    assert set(config.signing_keys) == {1, 2}
    assert config.signing_from == {2: datetime(2026, 11, 23, 12, tzinfo=UTC)}


def test_secrets_do_not_show():
    config = Config.from_environment(environment())

    assert "an-admin-key" not in repr(config)
    assert "kkkk" not in repr(config)
    assert "a-secret-of" not in repr(config)
    assert "aaaa" not in repr(config)


def test_B83_webhooks_call_public_addresses_only_unless_they_are_told_otherwise():
    name = "ENGAGEMENT_WEBHOOK_ALLOW_PRIVATE"
    allowed = {
        value: Config.from_environment(environment(**{name: value})).webhook_allow_private
        for value in ("", "false", "true")
    }
    assert allowed == {"": False, "false": False, "true": True}


def test_graph_is_the_public_clouds_unless_another_is_named():
    there = Config.from_environment(environment()).graph
    assert there.url == "https://graph.microsoft.com"
    assert there.authority == "https://login.microsoftonline.com"

    elsewhere = {
        "ENGAGEMENT_GRAPH_URL": "https://graph.microsoft.us/",
        "ENGAGEMENT_GRAPH_AUTHORITY": "https://login.microsoftonline.us/",
    }
    there = Config.from_environment(environment(**elsewhere)).graph
    assert there.url == "https://graph.microsoft.us"
    assert there.authority == "https://login.microsoftonline.us"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost"])
def test_without_tls_graph_may_be_on_this_machine_only(url):
    assert Config.from_environment(environment(ENGAGEMENT_GRAPH_URL=url)).graph.url == url


def test_without_a_tenant_there_is_no_graph():
    assert Config.from_environment(environment(ENGAGEMENT_GRAPH_TENANT_ID="")).graph is None


def test_tokens_are_of_the_public_cloud_and_of_every_application_unless_told_otherwise():
    config = Config.from_environment(environment())
    assert config.api_keys is True
    assert config.entra == Registration(
        TENANT, CLIENT, frozenset(), "https://login.microsoftonline.com"
    )
    elsewhere = {
        "ENGAGEMENT_ENTRA_TENANT_ID": f" {TENANT.upper()} ",
        "ENGAGEMENT_ENTRA_APPLICATIONS": f"{CLIENT.upper()}, {TENANT},",
        "ENGAGEMENT_ENTRA_AUTHORITY": "https://login.microsoftonline.us/",
        "ENGAGEMENT_API_KEYS": "false",
    }
    config = Config.from_environment(environment(**elsewhere))
    assert config.api_keys is False
    assert config.entra == Registration(
        TENANT, CLIENT, frozenset({CLIENT, TENANT}), "https://login.microsoftonline.us"
    )


def test_without_keys_and_without_a_tenant_nobody_could_call():
    nobody = {"ENGAGEMENT_ENTRA_TENANT_ID": "", "ENGAGEMENT_ENTRA_CLIENT_ID": ""}
    assert Config.from_environment(environment(**nobody)).entra is None
    with pytest.raises(ConfigurationError, match="ENGAGEMENT_API_KEYS"):
        Config.from_environment(environment(**nobody, ENGAGEMENT_API_KEYS="false"))
