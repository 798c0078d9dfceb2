"""Tracked URLs: short, recognised as our own, and nothing but a token in them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.tracking.tracked_url import TrackedUrls
from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken

SIGNER = TokenSigner({1: b"k" * 32})
#: 40 characters of host name, the longest that the limit on URLs is stated for
URLS = TrackedUrls("https://" + "links.contoso-engagement-tracking.example"[-40:], SIGNER)

TOKENS = st.builds(
    TrackingToken,
    st.sampled_from(Kind),
    st.binary(min_size=8, max_size=8).map(bytes.hex),
    st.binary(min_size=12, max_size=12).map(bytes.hex),
    st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(0, 255),
    st.integers(0, 65_535),
)


def token(kind):
    """Return a token of a kind."""
    return TrackingToken(kind, "0" * 16, "0" * 24, datetime(2026, 11, 22, tzinfo=UTC), 1, 1)


@given(TOKENS, st.text(max_size=300))
def test_every_url_has_fewer_than_120_characters(token, name):
    url = URLS.url(token, name)

    assert len(URLS.host) == 40
    assert len(url) < 120
    assert URLS.own(url)
    assert urlsplit(url).query == ""


@given(TOKENS)
def test_a_link_says_what_it_was_made_of(token):
    assert URLS.read_link(URLS.url(token)) == (token if token.kind is Kind.CLICK else None)


def test_the_file_name_at_the_end_is_cut_to_fit_and_keeps_its_kind():
    assert URLS.url(token(Kind.ATTACHMENT), "A very long name of a contract.pdf").endswith(".pdf")


def test_other_peoples_urls_are_not_ours():
    assert not URLS.own("https://contoso.example/c/x")
    assert not URLS.own(f"https://evil.example/{URLS.base}/c/x")
    assert URLS.read_link(f"{URLS.base}/c/{'A' * 60}") is None
    assert URLS.read_link(URLS.url(token(Kind.OPEN))) is None
