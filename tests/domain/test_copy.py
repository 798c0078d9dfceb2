"""Copies: every tracked URL of a copy stands for the link that it replaced."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.messages.content import Content
from engagement.domain.messages.copy import Renderer, plan_links
from engagement.domain.messages.message import MOST_LINKS
from engagement.domain.tracking import html_body, text_body
from engagement.domain.tracking.destination import check_destination
from engagement.domain.tracking.tracked_url import TrackedUrls
from engagement.domain.tracking.tracking_token import TokenSigner
from engagement.errors import UnprocessableError

URLS = TrackedUrls("https://links.contoso.example", TokenSigner({1: b"k" * 32}))
ORGANIZATION, MESSAGE = "0" * 16, "1" * 24
SENT = datetime(2026, 11, 22, tzinfo=UTC)

urls = st.sampled_from(
    [
        "https://contoso.example/",
        "https://contoso.example/offer?a=1&b=2",
        "http://fabrikam.example:8080/x#y",
        "https://contoso.example/a(b)c",
    ]
)
pieces = st.lists(st.tuples(st.sampled_from(["<p>", " ", "</p>\n", "<br>", "é"]), urls), max_size=8)


def destination(url, field):
    """What the services do with a link."""
    return None if URLS.own(url) else check_destination(url, field)


def render(content, recipient=1):
    """Plan and render a content for one recipient."""
    plan = plan_links(content, destination)
    renderer = Renderer(URLS, ORGANIZATION, MESSAGE, SENT, content, plan, [])
    return plan, renderer.render(recipient)


def stands_for(plan, url):
    """The destination that a tracked URL of a copy leads to."""
    number = URLS.read_link(url).target
    return next(link.url for link in plan.links if link.number == number)


@given(pieces, pieces)
def test_P2_every_tracked_link_stands_for_what_it_replaced(html_pieces, text_pieces):
    html = "".join(f'{text}<a href="{url}">x</a>' for text, url in html_pieces)
    text = "".join(f"x {url} \n" for _, url in text_pieces)
    plan, copy = render(Content(html, text))

    in_html = [stands_for(plan, link.url) for link in html_body.find_links(copy.html_body)]
    in_text = [stands_for(plan, link.url) for link in text_body.find_links(copy.text_body)]
    assert in_html == [url for _, url in html_pieces]
    assert in_text == [url for _, url in text_pieces]
    assert len({link.number for link in plan.links}) == len(html_pieces) + len(text_pieces)


@given(pieces)
def test_P2_rendering_a_copy_again_changes_nothing(html_pieces):
    html = "".join(f'{text}<a href="{url}">x</a>' for text, url in html_pieces)
    _, once = render(Content(html, None))
    plan, twice = render(once)

    assert plan.links == ()
    assert twice == once


def test_each_recipient_has_links_of_their_own():
    content = Content('<a href="https://contoso.example/">x</a>', None)

    assert render(content, 1)[1] != render(content, 2)[1]
    assert render(content, 1)[1] == render(content, 1)[1]


def test_a_message_may_have_so_many_links_and_no_more():
    link = '<a href="https://contoso.example/">x</a>'
    plan_links(Content(link * MOST_LINKS, None), destination)

    with pytest.raises(UnprocessableError, match=str(MOST_LINKS)) as caught:
        plan_links(Content(link * MOST_LINKS, "https://contoso.example/"), destination)
    assert caught.value.field == "html_body"
