"""Signatures of webhooks, against the known answer of Standard Webhooks and as a consumer sees."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.webhooks.webhook import Endpoint, Secret, rotated
from engagement.domain.webhooks.webhook_signature import WebhookSigner, shown_secret, sign, verify

# https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries, their tests
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(1614265330, UTC)
HEADERS = {
    "webhook-id": EVENT,
    "webhook-timestamp": "1614265330",
    "webhook-signature": SIGNATURE,
}

ORGANIZATION = "00112233aabbccdd"
SIGNER = WebhookSigner({1: b"k" * 32})
FIRST = Secret(1, "a" * 32)
ENDPOINT = Endpoint(
    id="0" * 24,
    url="https://hooks.contoso.com/",
    event_types=None,
    secrets=(FIRST,),
    created_at=NOW,
)


def shown(secret, signer=SIGNER):
    """The text of a secret, as its consumer has it."""
    return shown_secret(signer.secret(ORGANIZATION, ENDPOINT.id, secret))


def signed(endpoint, now=NOW, signer=SIGNER):
    """Headers of a delivery."""
    return signer.headers(ORGANIZATION, endpoint, EVENT, BODY, now)


def refused(headers, now=NOW, secret=SECRET, body=BODY):
    """Why a delivery is not believed."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is what is asked for
        verify(secret, headers, body, now)
    return str(caught.value)


def test_the_known_answer_of_the_specification_comes_out():
    secret = base64.b64decode(SECRET.removeprefix("whsec_"))

    assert sign(secret, EVENT, 1614265330, BODY) == SIGNATURE
    assert verify(SECRET, HEADERS, BODY, NOW) == EVENT


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1,",
        SIGNATURE.removeprefix("v1,"),
        SIGNATURE.replace("v1", "v2"),
        SIGNATURE.replace("v1", "v1a"),
        SIGNATURE[:-2],
        SIGNATURE.replace("g0hM", "g0hN"),
        SIGNATURE.lower(),
        "v1,\u00e9",
    ],
)
def test_B78_a_bad_signature_is_refused(signature):
    assert "signature" in refused({**HEADERS, "webhook-signature": signature})


def test_B78_another_body_is_refused():
    assert "signature" in refused(HEADERS, body=b'{"test":2432232314}')


@pytest.mark.parametrize("minutes", [-6, 6])
def test_B78_a_time_that_is_too_far_from_now_is_refused(minutes):
    assert "timestamp" in refused(HEADERS, now=NOW - timedelta(minutes=minutes))


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_B78_clocks_may_differ_by_five_minutes(minutes):
    assert verify(SECRET, HEADERS, BODY, NOW + timedelta(minutes=minutes)) == EVENT


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1614265330.5", "\u0661", "9" * 400])
def test_B78_a_time_that_is_none_is_refused(timestamp):
    assert "timestamp" in refused({**HEADERS, "webhook-timestamp": timestamp})


@pytest.mark.parametrize("name", list(HEADERS))
def test_B78_a_missing_header_is_refused(name):
    headers = {key: value for key, value in HEADERS.items() if key != name}
    assert name in refused(headers)


def test_B78_the_same_id_twice_is_told_twice_for_the_consumer_to_know():
    assert {verify(SECRET, HEADERS, BODY, NOW) for _ in range(2)} == {EVENT}


def test_B78_an_id_with_a_full_stop_is_neither_signed_nor_believed():
    # "a.1" at 2 with "x" and "a" at 1 with "2.x" would be signed alike.
    with pytest.raises(ValueError, match="full stop"):
        sign(b"k" * 24, "a.1", 2, b"x")
    assert "webhook-id" in refused({**HEADERS, "webhook-id": "msg.p5jX"})


@pytest.mark.parametrize("order", [1, -1])
def test_B78_two_signatures_old_and_new_are_both_believed(order):
    endpoint = rotated(ENDPOINT, Secret(1, "b" * 32), NOW)
    headers = signed(endpoint)
    both = headers["webhook-signature"].split(" ")
    headers["webhook-signature"] = " ".join(both[::order])

    assert len(both) == 2
    assert verify(shown(FIRST), headers, BODY, NOW) == EVENT
    assert verify(shown(endpoint.secrets[0]), headers, BODY, NOW) == EVENT


def test_the_secret_before_ceases_to_sign_after_a_day():
    endpoint = rotated(ENDPOINT, Secret(1, "b" * 32), NOW)
    later = NOW + timedelta(hours=24)
    headers = signed(endpoint, later)

    assert "signature" in refused(headers, later, shown(FIRST))
    assert verify(shown(endpoint.secrets[0]), headers, BODY, later) == EVENT


def test_a_newer_signing_key_changes_no_secret():
    more = WebhookSigner({1: b"k" * 32, 2: b"l" * 32})

    assert more.newest(NOW) == 2
    assert shown(FIRST, more) == shown(FIRST)
    assert shown(Secret(2, FIRST.nonce), more) != shown(FIRST)


def test_with_a_revoked_signing_key_nothing_is_signed_until_the_secret_is_rotated():
    revoked = WebhookSigner({2: b"l" * 32})
    endpoint = rotated(ENDPOINT, Secret(2, "b" * 32), NOW)

    assert signed(ENDPOINT, signer=revoked) is None
    headers = signed(endpoint, signer=revoked)
    assert verify(shown(endpoint.secrets[0], revoked), headers, BODY, NOW) == EVENT
    assert " " not in headers["webhook-signature"]


def test_a_secret_is_of_one_organization_endpoint_and_rotation():
    made = {
        SIGNER.secret(organization, endpoint, Secret(1, nonce))
        for organization in ("0" * 16, "1" * 16)
        for endpoint in ("0" * 24, "1" * 24)
        for nonce in ("a", "b")
    }
    assert len(made) == 8
    assert {len(secret) for secret in made} == {32}


def test_the_form_of_secrets_is_pinned():
    # Consumers keep them: another derivation would break every one of them.
    assert shown(FIRST) == "whsec_23BjcxIdfKHRMKjR2s9GJtdplXVELZMAn/oxfrh8YtQ="


@given(st.binary(min_size=24, max_size=64), st.text("abc_0", min_size=1), st.binary(max_size=50))
def test_what_is_signed_is_believed_and_nothing_else(secret, event_id, body):
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": sign(secret, event_id, 1614265330, body),
    }
    assert verify(shown_secret(secret), headers, body, NOW) == event_id
    assert "signature" in refused(headers, secret=shown_secret(secret + b"x"), body=body)
    assert "signature" in refused(headers, secret=shown_secret(secret), body=body + b" ")
    assert "signature" in refused(
        {**headers, "webhook-id": event_id + "x"}, secret=shown_secret(secret), body=body
    )


@pytest.mark.parametrize("secret", ["whsec_\u00e9", "whsec_!", "whsec_abc"])
def test_a_secret_that_is_none_is_refused(secret):
    assert refused(HEADERS, secret=secret)


def test_disabling_or_another_url_leaves_the_secret():
    assert signed(replace(ENDPOINT, url="https://other.contoso.com/")) == signed(ENDPOINT)
