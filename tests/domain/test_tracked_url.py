"""Tracked URLs: short, recognised as our own, and nothing but a token in them."""

from __future__ import annotations

from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.tracked_url import TrackedUrls
from engagement.domain.tracking_token import Kind, TokenSigner

SIGNER = TokenSigner({1: b"k" * 32})
#: 40 characters of host name, the longest that the limit on URLs is stated for
URLS = TrackedUrls("https://" + "links.contoso-engagement-tracking.example"[-40:], SIGNER)

organizations = st.binary(min_size=8, max_size=8).map(bytes.hex)
messages = st.binary(min_size=12, max_size=12).map(bytes.hex)
numbers = st.integers(0, 65_535)


@given(organizations, messages, numbers, numbers, st.text(max_size=300))
def test_every_url_has_fewer_than_120_characters(organization, message, recipient, number, name):
    made = [
        URLS.pixel(organization, message, recipient),
        URLS.link(organization, message, recipient, number),
        URLS.attachment(organization, message, recipient, number, name),
    ]

    assert len(URLS.host) == 40
    assert [url for url in made if len(url) >= 120] == []
    assert all(URLS.own(url) for url in made)
    assert all(urlsplit(url).query == "" for url in made)


@given(organizations, messages, numbers, numbers)
def test_a_link_says_what_it_was_made_of(organization, message, recipient, number):
    token = URLS.read_link(URLS.link(organization, message, recipient, number))

    assert token is not None
    assert (token.kind, token.organization) == (Kind.CLICK, organization)
    assert (token.message_id, token.recipient, token.target) == (message, recipient, number)


def test_the_file_name_at_the_end_is_cut_to_fit_and_keeps_its_kind():
    url = URLS.attachment("0" * 16, "0" * 24, 1, 1, "A very long name of a contract.pdf")

    assert url.endswith(".pdf")


def test_other_peoples_urls_are_not_ours():
    assert not URLS.own("https://contoso.example/c/x")
    assert not URLS.own(f"https://evil.example/{URLS.base}/c/x")
    assert URLS.read_link(f"{URLS.base}/c/{'A' * 56}") is None
    assert URLS.read_link(URLS.pixel("0" * 16, "0" * 24, 1)) is None
