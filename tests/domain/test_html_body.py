"""The links of HTML bodies, by hand-made traps and by generated soup; what is inserted."""

from html.parser import HTMLParser

import html_samples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.domain.tracking.html_body import find_links, insert_attachments, insert_pixel
from engagement.domain.tracking.html_tag import SPACE, attributes, tags
from engagement.domain.tracking.link import Link, splice

TRACKED = "https://track.test/c/"
PIXEL = "https://track.test/o/abc.gif"

soups = st.lists(
    st.sampled_from(html_samples.CONSTRUCTS + html_samples.FRAGMENTS + html_samples.OUTLOOK_ONLY),
    max_size=40,
).map("".join)


def urls_of(html):
    return [link.url for link in find_links(html)]


def tracked(html):
    """Return *html* with its links replaced, as a caller does it."""
    links = [link for link in find_links(html) if not link.url.startswith(TRACKED)]
    return splice(html, links, [f"{TRACKED}{number}" for number in range(len(links))])


@pytest.mark.parametrize(("html", "expected"), html_samples.MAILS)
def test_links_of_real_looking_mails_are_found(html, expected):
    assert urls_of(html) == expected


@pytest.mark.parametrize(
    "html",
    [
        "<a href=https://x.test/>",
        "<A HREF=https://x.test/>",
        "<a\nhref\n=\nhttps://x.test/\n>",
        "<a/href=https://x.test/>",
        '<a class="a"href="https://x.test/"id=b>',
        "<a href='https://x.test/'>",
        "<a href=' \thttps://x.test/\n'>",
        '<a title="a > b" href="https://x.test/">',
        "<a title='href=\"https://no.test\"' href=https://x.test/>",
        "<a data-href=https://no.test href=https://x.test/>",
        "<a a=b=href=https://no.test href=https://x.test/>",
        '<a =" href=https://x.test/>',
        "<a href=https://x.test/ href=https://no.test>",
        "<a href=https://x.test/ HREF=https://no.test>",
        "<area href=https://x.test/>",
        "<v:rect href=https://x.test/>",
        "<V:RoundRect href='https://x.test/'/>",
        "<svg><a xlink:href=https://x.test/ /></svg>",
        "<svg><style/><title/><a href='https://x.test/'></svg>",
        "<a href=&#104;ttps&colon;//x.test&#x2f;>",
        "<a href='&#32;https://x.test/&#10;'>",
        "<noscript><a href=https://x.test/></noscript>",
        "<template><a href=https://x.test/></template>",
        "<!--><a href=https://x.test/>-->",
        "<!---><a href=https://x.test/>-->",
        "<!-- --!><a href=https://x.test/>",
        "<!--[if mso]><a href=https://x.test/><![endif]-->",
        "<!--[if (gte mso 9)|(IE)]><style><a href=https://no.test></style><v:a href=https://x.test/>-->",
        "<!--[if mso]><title><![endif]--><a href=https://x.test/>",
        '<!--[if mso]><a href="https://no.test><![endif]--><a href=https://x.test/>',
        "<!--[if !mso]><!--><a href=https://x.test/><!--<![endif]-->",
        "<![if !mso]><a href=https://x.test/><![endif]>",
        "<![CDATA[ <a href=https://no.test> <a href=https://x.test/> ]]>",
        "<script><!--<script></script>--></script><a href=https://x.test/>",
        "<p data-engagement=off><a href=https://no.test></p><a href=https://x.test/>",
        "<p data-engagement=off>one<p><a href=https://x.test/>",
        "<div data-engagement=off><div><a href=https://no.test></div></div><a href=https://x.test/>",
        "<img data-engagement=off><br data-engagement='off'/><a href=https://x.test/>",
        "<v:rect data-engagement=off /><a href=https://x.test/>",
        "<a data-engagement=off href=https://no.test><a href=https://x.test/>",
        "<a data-engagement=on href=https://x.test/>",
        "<p data-engagement=off data-engagement=on></p><a href=https://x.test/>",
    ],
)
def test_B55_a_link_is_found_however_it_is_written(html):
    assert urls_of(html) == ["https://x.test/"]


@pytest.mark.parametrize(
    "html",
    [
        "<a href=javascript:alert(1)>",
        "<a href='JaVaScRiPt:alert(1)//https://x.test'>",
        "<a href='java\nscript:https://x.test'>",
        "<a href=data:text/html,https://x.test>",
        "<a href=mailto:a@x.test><a href=tel:1><a href=sms:1><a href=cid:1><a href=#a><a href>",
        "<a href=/a><a href=a/https://x.test><a href=//x.test><a href='?https://x.test'>",
        "<form action=https://x.test><base href=https://x.test><link href=https://x.test>",
        "<meta http-equiv=refresh content='0;url=https://x.test'>",
        "<img src=https://x.test alt='<a href=https://x.test>'><td style='background:url(https://x.test)'>",
        "<abbr href=https://x.test><video href=https://x.test><a-b href=https://x.test>",
        "<a xlink:href=https://x.test>",
        "<svg><![CDATA[ > <a href=https://x.test> ]]></svg>",
        "<!-- <a href=https://x.test> -->",
        "<!-- > <a href=https://x.test>",
        "<!--[if mso]> --<a href='https://x.test' <![endif]-->",
        "<script><a href=https://x.test></script>",
        "<script><!--<script></script><a href=https://x.test></script>",
        "<style><a href=https://x.test></style>",
        "<textarea><a href=https://x.test></textarea>",
        "<title><a href=https://x.test></title>",
        "<xmp><a href=https://x.test></xmp>",
        "<iframe><a href=https://x.test></iframe>",
        "<noembed><a href=https://x.test></noembed>",
        "<noframes><a href=https://x.test></noframes>",
        "<plaintext></plaintext><a href=https://x.test>",
        "<style></\u017ftyle><a href=https://x.test></style>",
        "<!--[if mso]><a href=https://x.test>and more",
        "</a href=https://x.test>",
        "<? <a href=https://x.test ?>",
        "<a href=https://x.test",
        "<a href='https://x.test>",
        "< a href=https://x.test>",
        "<a title='<a href=https://x.test>'>",
        "<a href='{{ url }}'><a href='https://x.test/{{id}}'><a href='https://{% if a %}x'>",
        "<a href='https://x.test/${id}'><a href='https://%%host%%/'><a href='https://x.test/*|ID|*'>",
        "<a href='https://x.test/[[id]]'><a href='https://x.test/<%= id %>'>",
        "<a href='https://x.test/&lbrace;&#123;id}}'>",
    ],
)
def test_B55_what_no_reader_can_follow_or_no_rule_allows_is_left_alone(html):
    assert urls_of(html) == []
    assert tracked(html) == html


@pytest.mark.parametrize(
    "html",
    [
        "<a href=https://x.test/Unsubscribe?u=1>",
        "<a href=https://x.test/opt-out>",
        "<a href=https://x.test/OPT_OUT>",
        "<a href=https://x.test/?optout=1>",
        "<a href=https://x.test/&#117;nsubscribe>",
        "<a href=https://x.test/leave rel='nofollow Unsubscribe'>",
    ],
)
def test_B39_an_unsubscribe_link_is_never_tracked(html):
    assert urls_of(html) == []


@pytest.mark.parametrize(
    "value",
    [
        "https:evil.test",
        "https:///evil.test",
        "https://",
        "http://u:p@x.test",
        "https://x.test\\@evil.test",
    ],
)
def test_B30_a_bad_destination_is_returned_so_that_the_caller_can_name_it(value):
    assert urls_of(f"<a href='{value}'>") == [value]


@pytest.mark.parametrize(
    "value", ["https://x.test/a\nb", "ht\ntps://x.test/", "\x01https://x.test/"]
)
def test_B55_a_line_break_in_a_link_is_kept_for_the_caller_to_refuse(value):
    assert urls_of(f'<a href="{value}">') == [value]


def test_the_span_is_the_value_without_quotes_and_white_space():
    html = "<a href=' https://x.test/?a&amp;b '>"
    assert find_links(html) == [Link(10, 33, "https://x.test/?a&b")]
    assert html[10:33] == "https://x.test/?a&amp;b"


def test_both_attributes_of_a_link_in_svg_are_replaced():
    html = "<svg><a xlink:href=https://x.test/1 href=https://x.test/2>"
    assert tracked(html) == f"<svg><a xlink:href={TRACKED}0 href={TRACKED}1>"


class Texts(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.texts = []
        self.feed(html)
        self.close()

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("html", [mail for mail, _ in html_samples.MAILS])
def test_P2_the_visible_texts_of_a_mail_do_not_change(html):
    assert Texts(tracked(html)).texts == Texts(html).texts


@settings(max_examples=500, deadline=None)
@given(soups)
def test_P2_every_character_outside_the_replaced_spans_stays(html):
    links = find_links(html)
    urls = [f"{TRACKED}{number}" for number in range(len(links))]
    result = splice(html, links, urls)
    before = after = 0
    for link, url in zip(links, urls, strict=True):
        gap = link.start - before
        assert result[after : after + gap] == html[before : link.start]
        assert result[after + gap :].startswith(url)
        before, after = link.end, after + gap + len(url)
    assert result[after:] == html[before:]


@settings(max_examples=500, deadline=None)
@given(soups)
def test_P2_every_tracked_link_stands_where_its_original_stood(html):
    originals = find_links(html)
    urls = [f"{TRACKED}{number}" for number in range(len(originals))]
    replaced = find_links(splice(html, originals, urls))
    assert [link.url for link in replaced] == urls
    # The round trip: the written originals put back give the body as it was.
    pieces, position = [], 0
    result = splice(html, originals, urls)
    for new, old in zip(replaced, originals, strict=True):
        pieces += (result[position : new.start], html[old.start : old.end])
        position = new.end
    assert "".join((*pieces, result[position:])) == html


@settings(max_examples=300, deadline=None)
@given(soups)
def test_P2_a_second_pass_finds_nothing_to_replace(html):
    once = insert_pixel(insert_attachments(tracked(html), [("a.pdf", f"{TRACKED}a/b")]), PIXEL)
    assert [link for link in find_links(once) if not link.url.startswith(TRACKED)] == []
    assert insert_pixel(tracked(once), PIXEL) == once


@settings(max_examples=300, deadline=None)
@given(soups)
def test_P3_no_tag_and_no_script_appears_that_was_not_there(html):
    result = tracked(html)
    assert result.lower().count("javascript:") <= html.lower().count("javascript:")
    assert [tag.name for tag in tags(result)] == [tag.name for tag in tags(html)]


def markup(html):
    """Return every tag of *html* with its attributes, decoded."""
    return [(tag.name, attributes(html, tag)) for tag in tags(html)]


@settings(max_examples=300, deadline=None)
@given(soups)
def test_P3_no_attribute_appears_and_none_changes_but_the_followed_ones(html):
    changed = 0
    for (_, before), (_, after) in zip(markup(html), markup(tracked(html)), strict=True):
        assert list(after) == list(before)
        others = [name for name in after if after[name] != before[name]]
        assert all(after[name].strip(SPACE).startswith(TRACKED) for name in others)
        assert set(others) <= {"href", "xlink:href"}
        changed += len(others)
    # A comment of Outlook's is read as markup, and once more as one comment.
    assert changed >= len(find_links(html))


FILE = "https://track.test/a/t/o%20f.pdf"
INSERTED = markup(insert_pixel(insert_attachments("", [("offer.pdf", FILE)]), PIXEL))
names = st.text(max_size=30) | st.lists(
    st.sampled_from(
        [
            *html_samples.FRAGMENTS,
            "<script>",
            "<img src=x onerror=alert(1)>",
            "javascript:",
            "&quot;",
            "&#34; onclick=alert(1) x=&#34;",
            '" onmouseover="alert(1)',
            "</a></table>",
            "<!--",
        ]
    ),
    max_size=8,
).map("".join)


def test_P3_what_is_inserted_runs_nothing():
    assert [name for name, _ in INSERTED] == [
        *("table", "tr", "td", "a", "/a", "/td", "/tr", "/table"),
        "img",
    ]
    added = {name for _, attributes_of in INSERTED for name in attributes_of}
    assert not [name for name in added if name.startswith("on")]
    assert INSERTED[3][1] == {"data-engagement": "off", "href": FILE}


@settings(max_examples=500, deadline=None)
@given(soups, names)
def test_P3_no_file_name_writes_markup_or_an_attribute(html, name):
    before = markup(html)
    after = markup(insert_pixel(insert_attachments(html, [(name, FILE)]), PIXEL))

    # All that is new are the tags that are always inserted, together and in one place.
    assert len(after) == len(before) + len(INSERTED)
    assert any(
        after == before[:place] + INSERTED + before[place:] for place in range(len(before) + 1)
    )


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_is_a_body(html):
    assert tracked(insert_pixel(html, PIXEL)).count(PIXEL) == 1


@pytest.mark.parametrize(
    ("html", "before"),
    [
        ("<html><body>a</body></html>", "</body></html>"),
        ("<body>a</body>b</BODY >c</html>", "</BODY >c</html>"),
        ("<html>a</html>", "</html>"),
        ("a", ""),
        ("", ""),
        ("<body>a</body><!-- </body> -->", "</body><!-- </body> -->"),
        ("<body>a</body><script>'</body>'</script>", "</body><script>'</body>'</script>"),
        ("<body>a<textarea></body></textarea>", ""),
        (
            "<body>a</body><!--[if mso]></body><![endif]-->",
            "</body><!--[if mso]></body><![endif]-->",
        ),
        ("<body>a</body><p title='</body>'>", "</body><p title='</body>'>"),
        ("a<!-- open </body>", "<!-- open </body>"),
        ("a<title>open", "<title>open"),
        ("a<p title='open", "<p title='open"),
        ("a<plaintext>b", "<plaintext>b"),
    ],
)
def test_B55_the_pixel_is_the_last_thing_that_is_shown(html, before):
    result = insert_pixel(html, PIXEL)
    start = len(html) - len(before)
    assert result.startswith(html[:start] + f'<img src="{PIXEL}"')
    assert result.endswith(">" + before)
    assert len(result) == len(html) + result.index(">", start) + 1 - start
    assert insert_pixel(result, PIXEL) == result


def test_the_pixel_has_an_empty_alt_and_is_not_hidden():
    pixel = insert_pixel("", PIXEL)
    assert 'alt=""' in pixel
    assert 'width="1" height="1"' in pixel
    assert "none" not in pixel
    assert "hidden" not in pixel


def test_attachments_are_links_below_the_text_and_before_the_pixel():
    files = [('Offer <1> & "2".pdf', "https://track.test/a/t/o%20f.pdf?a=1&b"), ("b\nc", TRACKED)]
    html = insert_pixel(insert_attachments("<body>text</body>", files), PIXEL)
    assert html.index("text") < html.index("Offer") < html.index(PIXEL) < html.index("</body>")
    assert 'href="https://track.test/a/t/o%20f.pdf?a=1&amp;b">Offer &lt;1&gt; &amp; &quot;2' in html
    assert ">b c</a>" in html
    assert find_links(html) == []


def test_an_element_that_was_left_open_does_not_have_attachments_tracked():
    for html in (
        "<a data-engagement=off>",
        "<p data-engagement=off>",
        "<svg><a data-engagement=off>",
    ):
        assert find_links(insert_attachments(html, [("a.pdf", TRACKED)])) == []


def test_no_attachments_change_nothing():
    assert insert_attachments(html_samples.OUTLOOK, []) == html_samples.OUTLOOK
