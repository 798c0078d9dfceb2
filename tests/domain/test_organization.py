"""Organizations: which ids there are, and which keys open one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.alerts.alert_settings import AlertSettings
from engagement.domain.alerts.quiet_hours import QuietHours
from engagement.domain.organizations.organization import (
    LARGEST_UPLOAD,
    ApiKey,
    Organization,
    Settings,
    State,
    check_organization_id,
    secret_digest,
)
from engagement.domain.organizations.settings_patch import patched, settings_json
from engagement.domain.verdicts.client_address import AddressPrivacy
from engagement.domain.verdicts.verdict_settings import VerdictSettings
from engagement.errors import InvalidRequestError
from engagement.wiring.foundation import shipped_rules

SHIPPED = shipped_rules()
SECRET, OTHER = "s" * 43, "t" * 43
CONTOSO = Organization(
    id="contoso",
    name="Contoso",
    key="00112233aabbccdd",
    state=State.ACTIVE,
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
    api_keys=(
        ApiKey("00000001", secret_digest(SECRET)),
        ApiKey("00000002", secret_digest(OTHER)),
    ),
)


@pytest.mark.parametrize("value", ["a", "7", "Contoso", "a.b_c-d", "x" * 63])
def test_an_organization_id_is_a_short_plain_name(value):
    assert check_organization_id(value) == value


@pytest.mark.parametrize(
    "value",
    ["", "-a", ".", "..", "_x", "a b", "a/b", "a'", "é", "\u0661", "x" * 64, "a\n", "a%2Fb", "a\0"],
)
def test_what_is_no_organization_id_names_the_field(value):
    with pytest.raises(InvalidRequestError) as raised:
        check_organization_id(value)
    assert raised.value.field == "organization_id"


def test_each_key_of_an_organization_opens_it():
    assert CONTOSO.accepts(f"eng_00000001_{SECRET}")
    assert CONTOSO.accepts(f"eng_00000002_{OTHER}")


@pytest.mark.parametrize(
    "presented",
    [
        "",
        SECRET,
        f"eng_00000002_{SECRET}",
        f"eng_00000003_{SECRET}",
        f"eng_00000001_{SECRET[:-1]}u",
        f"eng_00000001_{SECRET} ",
        f" eng_00000001_{SECRET}",
        f"eng_00000001_{SECRET}\n",
        f"eng_00000001_{SECRET}s",
        f"ENG_00000001_{SECRET}",
        f"eng_00000001_{SECRET.upper()}",
        f"eng_00000001_{secret_digest(SECRET)}",
        f"eng_00000001_{'é' * 43}",
        f"eng_00000001_{SECRET},eng_00000002_{OTHER}",
    ],
)
def test_nothing_else_opens_it(presented):
    assert not CONTOSO.accepts(presented)


@given(st.text(max_size=70))
def test_any_text_is_a_key_or_not_and_never_an_error(presented):
    assert not CONTOSO.accepts(presented)


def test_an_organization_without_keys_opens_to_nobody():
    assert not replace(CONTOSO, api_keys=()).accepts(f"eng_00000001_{SECRET}")


def test_a_digest_does_not_hold_the_secret():
    assert SECRET not in secret_digest(SECRET)
    assert secret_digest(SECRET) != secret_digest(OTHER)


def test_settings_survive_their_own_json():
    settings = Settings(
        follow_enabled=False,
        upload_limit_bytes=7,
        blocked_extensions=frozenset({"exe"}),
        verdicts=VerdictSettings(
            windows={"burst_links": 0},
            rules={
                "gmail_image_proxy": {"enabled": False},
                "our_gateway": {"ranges": ["192.0.2.0/24"], "scope": "all", "certainty": "certain"},
                "our_crawler": {
                    "contains": ["OurBot"],
                    "kind": "machine",
                    "scope": "clicks",
                    "client": None,
                },
            },
            client_address=AddressPrivacy.NONE,
        ),
        alerts=AlertSettings(
            first_open=False, quiet_hours=QuietHours(time(20), time(7, 30), "Europe/Berlin")
        ),
    )
    assert patched(Settings(), settings_json(settings, SHIPPED), SHIPPED) == settings
    assert patched(settings, {}, SHIPPED) == settings


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"follow": {"enabled": False}}, Settings(follow_enabled=False)),
        ({"follow": {}}, Settings()),
        ({"attachments": {"upload_limit_bytes": 1}}, Settings(upload_limit_bytes=1)),
        (
            {"attachments": {"upload_limit_bytes": LARGEST_UPLOAD}},
            Settings(upload_limit_bytes=LARGEST_UPLOAD),
        ),
        (
            {"attachments": {"blocked_extensions": [".EXE", "exe", "tmp"]}},
            Settings(blocked_extensions=frozenset({"exe", "tmp"})),
        ),
        (
            {"attachments": {"blocked_extensions": []}},
            Settings(blocked_extensions=frozenset()),
        ),
    ],
)
def test_a_patch_changes_what_it_names_only(changes, expected):
    assert patched(Settings(), changes, SHIPPED) == expected


WRONG_SETTINGS = [
    ([], None),
    (None, None),
    ({"Follow": {}}, "Follow"),
    ({"follow": None}, "follow"),
    ({"follow": {"enabled": "yes"}}, "follow.enabled"),
    ({"follow": {"enabled": None}}, "follow.enabled"),
    ({"follow": {"on": True}}, "follow.on"),
    ({"attachments": []}, "attachments"),
    ({"attachments": {"upload_limit_bytes": 0}}, "attachments.upload_limit_bytes"),
    ({"attachments": {"upload_limit_bytes": True}}, "attachments.upload_limit_bytes"),
    ({"attachments": {"upload_limit_bytes": 1.5}}, "attachments.upload_limit_bytes"),
    (
        {"attachments": {"upload_limit_bytes": LARGEST_UPLOAD + 1}},
        "attachments.upload_limit_bytes",
    ),
    ({"attachments": {"blocked_extensions": "exe"}}, "attachments.blocked_extensions"),
    ({"attachments": {"blocked_extensions": [1]}}, "attachments.blocked_extensions[0]"),
    ({"attachments": {"blocked_extensions": ["a", "é"]}}, "attachments.blocked_extensions[1]"),
    ({"attachments": {"blocked_extensions": [""]}}, "attachments.blocked_extensions[0]"),
    ({"attachments": {"blocked_extensions": ["x"] * 501}}, "attachments.blocked_extensions"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG_SETTINGS)
def test_a_wrong_setting_is_named(changes, field):
    with pytest.raises(InvalidRequestError) as raised:
        patched(Settings(), changes, SHIPPED)
    assert (raised.value.status, raised.value.field) == (400, field)
