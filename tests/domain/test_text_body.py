"""The links of plain-text bodies, and the plain text that is made from HTML."""

import html_samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.domain.tracking.link import splice
from engagement.domain.tracking.text_body import append_attachments, find_links, text_of

TRACKED = "https://track.test/c/1"

PIECES = [
    "https://x.test/a",
    "http://x.test",
    "https://",
    "https://é.test/ü?q=1&b=2#f",
    "HTTP://X.test",
    "https",
    "x",
    " ",
    "\n",
    "\r\n",
    "\t",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "](",
    "{",
    "}",
    "{{",
    "}}",
    "<%",
    "%>",
    "%%",
    '"',
    "'",
    ".",
    ",",
    ";",
    ":",
    "!",
    "?",
    "/",
    "|",
    "„",
    "”",
    "，",
    "。",
    "unsubscribe",
    "<URL:",
    "\0",
    "\U0001f600",
    "a",
]
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def urls_of(text):
    return [link.url for link in find_links(text)]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "see {}.",
        "see {}...",
        "see {}, and",
        "see {}; and",
        "is it {}?",
        "is it {}?!",
        "({})",
        "(see {}).",
        "[{}]",
        "{{{}}}",
        '"{}"',
        "'{}'",
        "“{}”",
        "„{}“,",
        "<{}>",
        "< {} >",
        "<URL:{}>",
        "<\r\n{}\r\n>",
        "> {}",
        "a:{}",
        "请看{}，谢谢",
        "[label]({})",
        "*{} b*",
        "<a href='{}'>",
        '<a href="{}">',
        "{}\r\nnext",
        "{}\x0bnext",
        "{}\u2028next",
        "a > b < {}>c",
        "<{} and more> than",
        "mailto:a@x.test {} ftp://x.test",
    ],
)
@pytest.mark.parametrize(
    "url",
    [
        "https://x.test/a",
        "HTTP://x.test",
        "https://x.test/wiki/A_(b)",
        "https://x.test/?a=1&b=2;c=3,4#d.e",
        "https://[::1]:8080/",
        "https://bücher.test/ü/\U0001f600",
        "https://x.test/a%20b/?r=https://y.test/",
    ],
)
def test_B56_a_url_is_found_without_what_the_sentence_puts_around_it(text, url):
    body = text.format(url) if text != "{{{}}}" else "{" + url + "}"
    (link,) = find_links(body)
    assert (link.url, body[link.start : link.end]) == (url, url)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("<https://x.test/a\nb/c>", "https://x.test/ab/c"),
        ("<https://x.test/a\r\n  b\r\n\tc>", "https://x.test/abc"),
        ("<https://x.test/a \nb >", "https://x.test/ab"),
        ("<https://x.test/a.>", "https://x.test/a."),
        ("<https://[::1]/a\nb>", "https://[::1]/ab"),
    ],
)
def test_B56_a_url_wrapped_over_lines_in_angle_brackets_is_one_link(text, url):
    (link,) = find_links(text)
    assert link.url == url
    assert splice(text, [link], [TRACKED]).replace(" >", ">") == f"<{TRACKED}>"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("https://x.test/1 https://x.test/2", ["https://x.test/1", "https://x.test/2"]),
        ("https://x.test/1,https://x.test/2", ["https://x.test/1", "https://x.test/2"]),
        ("[https://x.test/1](https://x.test/2)", ["https://x.test/1", "https://x.test/2"]),
        ("<https://x.test/1><https://x.test/2>", ["https://x.test/1", "https://x.test/2"]),
        ("<https://x.test/1\n\nhttps://x.test/2>", ["https://x.test/1", "https://x.test/2"]),
        ("https://x.test/(a(b)).)", ["https://x.test/(a(b))"]),
        ("https://x.test/1\nnext", ["https://x.test/1"]),
        ("https://user:pw@x.test/", ["https://user:pw@x.test/"]),
        ("https://x.test\\@y.test", ["https://x.test\\@y.test"]),
    ],
)
def test_B56_urls_end_where_a_reader_would_end_them(text, urls):
    assert urls_of(text) == urls


@pytest.mark.parametrize(
    "text",
    [
        "https://.",
        "https:// x",
        "write https:// before it",
        "https:x.test",
        "xhttps://x.test",
        "1https://x.test",
        "ftp://x.test www.x.test x.test //x.test",
        "https://{{ host }}/",
        "https://x.test/{{ id }}/b",
        "https://x.test/{{id}}.",
        "<https://x.test/{{ id }}>",
        "https://x.test/<%= id %>",
        "https://x.test/%%First Name%%",
        "https://x.test/*|ID|*",
        "https://x.test/${id}",
        "https://x.test/unsubscribe?u=1",
        "<https://x.test/un\nsubscribe>",
        "https://x.test/opt-out",
        "",
    ],
)
def test_B56_prose_placeholders_and_unsubscribe_links_are_left_alone(text):
    assert urls_of(text) == []


@settings(max_examples=500, deadline=None)
@given(texts)
def test_P2_replaced_links_are_found_again_and_nothing_else_changes(text):
    links = find_links(text)
    urls = [f"{TRACKED}{number}" for number in range(len(links))]
    result = splice(text, links, urls)
    again = find_links(result)
    assert [link.url for link in again] == urls
    pieces, position = [], 0
    for new, old in zip(again, links, strict=True):
        pieces += (result[position : new.start], text[old.start : old.end])
        position = new.end
    assert "".join((*pieces, result[position:])) == text


@given(st.text())
def test_any_text_is_a_body(text):
    for link in find_links(text):
        assert link.url == "".join(text[link.start : link.end].split())
    assert isinstance(text_of(text), str)


@pytest.mark.parametrize(
    "text",
    [
        "https://" * 120_000,
        "<https://" * 110_000,
        "<https://a" + "\na" * 500_000,
        "<https://a\na b " * 60_000,
        "https://x/" + ")" * 1_000_000,
        "https://x/" + "(" * 1_000_000,
        "https://x/" + "." * 1_000_000,
        "https://x/" + "](" * 500_000,
        "https://a," * 100_000,
        "<" + " " * 1_000_000,
        "https://x/" + "opt-" * 250_000,
    ],
    ids=lambda text: text[:16],
)
def test_S17_a_megabyte_of_malice_is_read_once(text):
    links = find_links(text)
    assert splice(text, links, [TRACKED] * len(links)).count(TRACKED) == len(links)


def test_attachments_follow_the_text_one_a_line():
    files = [("a\r\nb.pdf", "https://x.test/a"), ("c.pdf", "https://x.test/c")]
    assert append_attachments("Hello\n", files) == (
        "Hello\n\na b.pdf <https://x.test/a>\nc.pdf <https://x.test/c>\n"
    )
    assert append_attachments("Hello\r\nAda", files[1:]) == (
        "Hello\r\nAda\r\n\r\nc.pdf <https://x.test/c>\r\n"
    )
    assert append_attachments("Hello", []) == "Hello"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (html_samples.PLAIN, "Dear Ada,\n\nsee our page <https://plain.test/>."),
        ("a<br>b<br/>c<div>d</div>e", "a\nb\nc\nd\ne"),
        ("<ul><li>one<li> two\n words</ul>end", "- one\n- two words\n\nend"),
        ("<table><tr><td>a<td>b</tr><tr><td>c</table>", "a b\nc"),
        ("<p>a &amp; b&nbsp;&lt;c&gt;\n d</p>", "a & b <c> d"),
        ("<img src=x alt='A &quot;chart&quot;'><img src=pixel.gif alt=''>", 'A "chart"'),
        ("<a href='https://x.test/'><img alt=Logo></a>", "Logo <https://x.test/>"),
        ("<a href='https://x.test/?a&amp;b'><img></a>", "<https://x.test/?a&b>"),
        ("<a href=https://x.test/>https://x.test/</a>", "<https://x.test/>"),
        ("<a href=mailto:a@x.test>a@x.test</a> <a href=tel:+1>call</a>", "a@x.test call <tel:+1>"),
        ("<a href=#top>top</a><a name=top>.</a><a href='javascript:1'>x</a>", "top.x"),
        ("<a href=/1>one<a href=/2>two", "one </1>two"),
        ("<a href='{{ unsubscribe }}'>Leave</a>", "Leave <{{ unsubscribe }}>"),
        ("<head><title>t</title><style>s</style></head><script>x</script>b<!-- c -->", "b"),
        ("<!--[if mso]><p>Outlook</p><![endif]--><![if !mso]>all<![endif]>", "all"),
        ("<div style='color:red; DISPLAY : none'>no<div>no</div>no</div>yes", "yes"),
        ("", ""),
        ("a < b", "a < b"),
        ("<div><div>a</div></div>\n<div>b<br><br>c</div>", "a\nb\n\nc"),
        ("<p>a<p><br><p>b", "a\n\nb"),
    ],
)
def test_the_plain_text_of_html_is_what_a_reader_sees(html, text):
    assert text_of(html) == text


def test_the_plain_text_of_a_newsletter_reads_well():
    text = text_of(html_samples.NEWSLETTER)
    assert text.startswith("News of May\n\nHe said")
    assert "read the first <https://news.test/1?a=1&copy=2> and" in text
    assert "- One\n- Two\n" in text
    assert "never.test" not in text


def test_the_links_of_a_made_text_are_found_again():
    assert urls_of(text_of(html_samples.PLAIN)) == ["https://plain.test/"]
