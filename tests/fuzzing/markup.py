"""Targets among the readers of bodies: HTML, plain text, templates."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from fuzzing.target import Target, as_body, joined, parts

from engagement.domain.templates.html_template import fill_html
from engagement.domain.templates.placeholder import Values, fill_line, fill_text
from engagement.domain.tracking import html_body, text_body
from engagement.domain.tracking.html_tag import attribute_spans, attributes, tags
from engagement.domain.tracking.link import Link, splice
from engagement.errors import InvalidRequestError

TRACKED = "https://links.contoso.example/c/"
PIXEL = "https://links.contoso.example/o/x.gif"
FILES = [("offer.pdf", "https://links.contoso.example/a/x/offer.pdf")]
INSERTED = html_body.insert_pixel(html_body.insert_attachments("", FILES), PIXEL)
#: Right wherever a placeholder may stand.
PLAIN = "https://x.example/"


def tracked_urls(links: list[Link]) -> list[str]:
    """Return a tracked URL for each link."""
    return [f"{TRACKED}{number}" for number in range(len(links))]


def put_back(result: str, replaced: list[Link], source: str, links: list[Link]) -> str:
    """Return a rewritten body with what was written before in the place of the new links."""
    pieces, position = [], 0
    for new, old in zip(replaced, links, strict=True):
        pieces += (result[position : new.start], source[old.start : old.end])
        position = new.end
    return "".join((*pieces, result[position:]))


def rewritten(body: str, find_links: Callable[[str], list[Link]]) -> str:
    """P2: return *body* with tracked links, after nothing else changed and they are found again."""
    links = find_links(body)
    urls = tracked_urls(links)
    result = splice(body, links, urls)

    replaced = find_links(result)
    assert [link.url for link in replaced] == urls
    assert put_back(result, replaced, body, links) == body
    return result


def html_links(data: bytes) -> None:
    """P2, P3: nothing but the links changes, they are found again, and no markup is new."""
    html = as_body(data)
    result = rewritten(html, html_body.find_links)
    before, after = list(tags(html)), list(tags(result))
    assert [(tag.name, tag.hidden) for tag in after] == [(tag.name, tag.hidden) for tag in before]
    for one, other in zip(before, after, strict=True):
        changed = attributes(html, one).items() ^ attributes(result, other).items()
        assert {name for name, _ in changed} <= {"href", "xlink:href"}


def html_insertions(data: bytes) -> None:
    """P2, P3: what is inserted stands in one place, once, and is never taken for the sender's."""
    html = as_body(data)
    whole = html_body.insert_pixel(html_body.insert_attachments(html, FILES), PIXEL)
    place = whole.index(INSERTED)
    assert whole[:place] + whole[place + len(INSERTED) :] == html
    assert html_body.insert_pixel(whole, PIXEL) == whole
    urls = [link.url for link in html_body.find_links(whole)]
    assert urls == [link.url for link in html_body.find_links(html)]
    seen = [tag.name for tag in tags(whole)]
    assert len(seen) == len(list(tags(html))) + len(list(tags(INSERTED)))


def text_links(data: bytes) -> None:
    """P2: nothing but the links changes, and they are found again; any HTML has a text."""
    text = as_body(data)
    rewritten(text, text_body.find_links)
    appended = text_body.append_attachments(text, FILES)
    assert appended.startswith(text.rstrip("\r\n"))
    assert FILES[0][1] in appended


def text_of_html(data: bytes) -> None:
    """Any HTML has a text, which holds no white space but that of lines and paragraphs."""
    text = text_body.text_of(as_body(data))
    assert text == text.strip()
    assert "\n\n\n" not in text
    assert "  " not in text


def html_template(data: bytes) -> None:
    """S5: no value is markup, wherever a placeholder was let stand."""
    html, *values = map(as_body, parts(data, 3))
    named = dict(zip(("x", "y"), values, strict=True))
    with suppress(InvalidRequestError):
        filled = fill_html(html, Values(named))
        plain = fill_html(html, Values(dict.fromkeys(named, PLAIN)))
        assert _shape(filled) == _shape(plain)


def text_template(data: bytes) -> None:
    """A value stands in a text as it is, and never breaks a line of a subject."""
    text, value = map(as_body, parts(data, 2))
    values = Values({"x": value})
    with suppress(InvalidRequestError):
        filled = fill_text(text, values)
        assert filled == text or "{{" in text
    with suppress(InvalidRequestError):
        line = fill_line(text, values)
        assert len(line.splitlines()) <= max(len(text.splitlines()), 1)


def _shape(html: str) -> list[tuple[object, ...]]:
    return [(tag.name, tag.hidden, *attribute_spans(html, tag)) for tag in tags(html)]


WORDS = (
    *("<a ", "<A\n", "<area ", "<v:rect ", "</a>", "<svg>", "</svg>", "<math>", "<title>"),
    *("</title>", "<script>", "</script>", "<style>", "</style>", "<textarea>", "<plaintext>"),
    *("<!--", "-->", "--!>", "<!-->", "<!--[if mso]>", "<![endif]-->", "<![CDATA[", "]]>", "<!"),
    *("</body>", "</html>", "<p>", "<div data-engagement=off>", "</div>", "href=", 'href="', "'"),
    *("xlink:href=", " rel=unsubscribe", "https://x.example/", "http:", "&amp;", "&#x2f;", "&copy"),
    *("{{", "}}", "/>", ">", "<", "=", '"', "\0", "\r\n", "\f", "é"),
)
BODIES = (
    b'<p>See <a href="https://x.example/?a=1&amp;b=2">it</a></p>',
    b"<!--[if mso]><v:rect href='https://x.example/1'><![endif]--><a href=https://x.example/2>",
    b"<svg><a xlink:href=https://x.example/3 href=https://x.example/4><![CDATA[<a>]]></svg></body>",
    b"<script><!--<script></script>--></script><textarea><a href=https://x.example></textarea>",
)
VALUES = ("<script>", '"', "-->", "javascript:alert(1)", "https://x.example/")

TARGETS = {
    "html_links": Target(check=html_links, seeds=BODIES, words=WORDS),
    "html_insertions": Target(
        check=html_insertions,
        seeds=(*BODIES, b"<svg><a x<div data-engagement=off>so</bodsv"),
        words=WORDS,
    ),
    "text_links": Target(
        check=text_links,
        seeds=(
            b"See https://x.example/(a), <https://x.example/a\n b> and [x](http://x.example).",
            b"<URL:https://x.example/\r\n\tb>https://x.example/{{id}} https://x.example/<%= a %>",
            b"<URL:https://[x:),-outle/\r\n\tb>https://x.example",
        ),
        words=(
            *("https://x.example/", "http://", "<URL:", "<", ">", "(", ")", "[", "](", ",", ";"),
            *("\n ", "\r\n", "{{", "<%", "opt-out", ".", "'", "\uff0c", "é"),
        ),
    ),
    "text_of_html": Target(
        check=text_of_html,
        seeds=(*BODIES, b"<p style='display:none'>a<p>b<br>c<ul><li>d<img alt='e &lt; f'>"),
        words=(*WORDS, "<br>", "<li>", "<td>", "<img alt='", "<p style='display:none'>", "&nbsp;"),
    ),
    "html_template": Target(
        check=html_template,
        seeds=(
            joined('<p title="{{x}}">{{ y | you }}</p>', "a", "b"),
            joined('<a href="https://x.example/?{{x}}"><img src="{{y}}">', "a", PLAIN),
            joined("<!--[if mso]><p>{{x}}-{{y}}<![endif]-->", "-", "->"),
        ),
        words=(*WORDS, "{{x}}", "{{ y }}", "{{x|", "title=", "src=", *VALUES),
    ),
    "text_template": Target(
        check=text_template,
        seeds=(joined("Dear {{ x | you }}, {{x}}", "Ann"), joined("{{x}}", "a\r\nBcc: b")),
        words=("{{", "}}", "{{x}}", "|", "\r\n", "\u2028", "\0"),
    ),
}
