"""Values in HTML: where placeholders may stand, and that no value changes the markup."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import html_samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.templates.html_template import fill_html, find_slots
from engagement.domain.templates.placeholder import MOST_PLACEHOLDERS, Values
from engagement.domain.tracking.html_tag import attribute_spans, tags
from engagement.errors import InvalidRequestError, UnprocessableError

PLACEHOLDERS = [
    "{{x}}",
    "{{ y }}",
    "{{ z | it's }}",
    "{{x}}{{y}}",
    "<!--[if mso]>{{x}}><![endif]-->",
]
HOSTILE = [
    "",
    "-",
    "--",
    "-->",
    "--!>",
    "!",
    ">",
    "<",
    "/",
    "</title>",
    "script",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    " a=b ",
    "`",
    "&",
    "&lt;script&gt;",
    "#60;",
    "]]>",
    "{{y}}",
    "javascript:alert(1)",
    "https://fabrikam.example/?a=1&b=2",
    "<![endif]-->",
    "\r\n",
    "\u2028\U0001f600é",
]


def filled(html, **values):
    return fill_html(html, Values(values))


def markup(html):
    """The tags of a body with the names of their attributes, as our own scanner reads them."""
    return [(tag.name, tag.hidden, *attribute_spans(html, tag)) for tag in tags(html)]


def parse5_markup(documents):
    """The same, as parse5 reads them."""
    modules = os.environ.get(
        "ENGAGEMENT_NODE_MODULES", str(Path(__file__).parents[2] / "node_modules")
    )
    node = shutil.which("node")
    if node is None or not Path(modules, "parse5").exists():
        pytest.skip("needs node and parse5: npm install")
    answer = subprocess.run(
        [node, str(Path(__file__).with_name("parse5_shape.mjs"))],
        input=json.dumps(documents),
        env={**os.environ, "ENGAGEMENT_NODE_MODULES": modules},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return json.loads(answer.stdout)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Dear {{x}},</p>", "<p>Dear &lt;b&gt; &amp; &quot;c&quot; it&#x27;s,</p>"),
        ('<img alt="{{x}}">', '<img alt="&lt;b&gt; &amp; &quot;c&quot; it&#x27;s">'),
        ("<img alt='{{ x }}'>", "<img alt='&lt;b&gt; &amp; &quot;c&quot; it&#x27;s'>"),
        (
            '<a href="https://x.test/{{x}}">',
            '<a href="https://x.test/%3Cb%3E%20%26%20%22c%22%20it%27s">',
        ),
        (
            "<!--[if mso]><p>{{y}}</p><![endif]-->",
            "<!--[if mso]><p>a&#45;&#45;&gt;b</p><![endif]-->",
        ),
        (
            '<!--[if mso]><v:rect href="https://x.test/o-{{y}}"><![endif]-->',
            '<!--[if mso]><v:rect href="https://x.test/o-a&#45;&#45;%3Eb"><![endif]-->',
        ),
    ],
)
def test_S5_a_value_is_written_as_its_place_demands(html, expected):
    assert filled(html, x='<b> & "c" it\'s', y="a-->b") == expected


@pytest.mark.parametrize(
    ("html", "value", "expected"),
    [
        ('<a href="{{x}}">', "https://x.test/?a=1&b=2", "https://x.test/?a=1&amp;b=2"),
        ('<a href=" {{x}}">', " HTTP://x.test ", " HTTP://x.test"),
        ('<a href="{{x}}">', 'mailto:a"b@x.test', "mailto:a&quot;b@x.test"),
        ('<img src="{{x}}/logo.png">', "https://x.test", "https://x.test/logo.png"),
        ('<a href="mailto:{{x}}">', "ann?cc=b@x.test", "mailto:ann%3Fcc%3Db@x.test"),
        ('<a href="tel:{{x}}">', "+49 30", "tel:+49%2030"),
        ('<a href="https://{{x}}.x.test">', "a.b/@c", "https://a.b%2F%40c.x.test"),
        ('<a href="{{ no | https://x.test/?a&amp;b }}">', "", "https://x.test/?a&amp;b"),
    ],
)
def test_a_link_may_begin_with_a_value_or_hold_one(html, value, expected):
    (begin,) = re.findall(r'="([^"]*)"', filled(html, x=value))
    assert begin == expected


@pytest.mark.parametrize(
    "value",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "www.contoso.example",
        "//contoso.example",
        "https://",
        "https://a b",
        "",
    ],
)
def test_S5_what_begins_a_link_is_a_web_or_mail_address(value):
    with pytest.raises(UnprocessableError) as refused:
        filled('<a href="{{contact.site}}">', contact={"site": value})
    assert refused.value.field == "values.contact.site"


@pytest.mark.parametrize(
    "html",
    [
        "<script>{{x}}</script>",
        "<style>{{x}}</style>",
        "<title>{{x}}</title>",
        "<textarea>{{x}}</textarea>",
        "<xmp>{{x}}</xmp>",
        "<plaintext>{{x}}",
        "<!-- {{x}} -->",
        "<!--{{x}}>",
        "<!--[if {{x}}]> a <![endif]-->",
        "<!--[if mso]><!-- {{x}} --><![endif]-->",
        "<!doctype {{x}}>",
        "<?{{x}}>",
        "<{{x}}>",
        "</{{x}}>",
        "<b{{x}}>",
        "<b {{x}}>",
        "<b {{x}}=1>",
        "<a href={{x}}>",
        "<a href=https://x.test/{{x}}>",
        '<a onclick="{{x}}">',
        '<a style="{{x}}">',
        '<a name="{{x}}">',
        '<a href="javascript:f({{x}})">',
        '<a href="&#106;avascript:f({{x}})">',
        '<a href="java{{x}}:f()">',
        '<a href="java\nscript:{{x}}">',
        '<a href="{{x}}" href="{{x}}">',
        '<a href="{{x | javascript:f()}}">',
        '<a href="{{x | www.contoso.example}}">',
        '<a href="{{x|}}">',
        '<base href="{{x}}">',
        '<link href="{{x}}">',
        '<script src="{{x}}"></script>',
        '<iframe src="{{x}}"></iframe>',
        '<embed src="{{x}}">',
        '<object data="{{x}}">',
        '<form action="{{x}}">',
        '<img srcset="{{x}}">',
        '<meta content="{{x}}">',
        '<p data-engagement="{{x}}">',
        "<a title='{{x | it's}}'>",
        "<!--[if mso]>{{x}}",
        "<!--[if mso]>-{{x}}-><![endif]-->",
        "<!--[if mso]>--{{x}}><![endif]-->",
        "<!--[if mso]>--!{{x}}><![endif]-->",
        "<svg><![CDATA[{{x}}]]></svg>",
        "<a title='{{x}}",
    ],
)
def test_S5_a_placeholder_is_refused_where_no_value_is_safe(html):
    with pytest.raises(UnprocessableError) as refused:
        find_slots(f"<p>\n {html}")
    assert refused.value.field == "html_body"
    assert refused.value.detail.startswith(("Line 2, column ", "Line 3, column "))


def test_the_position_of_a_refused_placeholder_is_told():
    with pytest.raises(UnprocessableError, match=r"^Line 3, column 11: no value is safe"):
        find_slots('<p>\n\n<p style="{{x}}">')


def soup(seed):
    """A body of pieces that may make anything together, with placeholders between them."""
    chance = random.Random(seed)  # noqa: S311 -- the same soup on every run
    pieces = html_samples.CONSTRUCTS + html_samples.FRAGMENTS + html_samples.OUTLOOK_ONLY * 2
    body = chance.choices(pieces, k=chance.randrange(1, 12))
    for _ in range(chance.randrange(1, 4)):
        body.insert(chance.randrange(len(body) + 1), chance.choice(PLACEHOLDERS))
    values = {name: chance.choice(HOSTILE) for name in "xyz"}
    return "".join(body), values


def harmless(html):
    """The template with plain words in its placeholders."""
    return fill_html(html, Values(dict.fromkeys("xyz", "https://x.test/word")))


def accepted(count):
    """Bodies that are accepted as templates, each with the same body filled by hostile values."""
    for seed in range(count):
        html, values = soup(seed)
        try:
            yield html, harmless(html), filled(html, **values)
        except InvalidRequestError:
            continue


def test_S5_no_value_changes_the_markup_of_any_soup():
    found = list(accepted(8_000))
    assert len(found) > 2_000
    for html, plain, hostile in found:
        assert markup(hostile) == markup(plain) == markup(html), (html, hostile)


def test_S5_parse5_sees_no_other_markup_whatever_the_values():
    found = list(accepted(3_000))
    plain = parse5_markup([plain for _, plain, _ in found])
    hostile = parse5_markup([hostile for _, _, hostile in found])
    for (html, _, source), first, second in zip(found, plain, hostile, strict=True):
        assert first == second, (html, source)


TEMPLATE = """<html><body bgcolor="{{x}}"><p title='{{x}}'>Dear {{x | there}},</p>
<!--[if mso]><v:rect href="https://x.test/-{{x}}" alt="{{x}}">{{x}}</v:rect><![endif]-->
<a href="https://x.test/{{x}}?q={{x}}#{{x}}">see</a> <a href="mailto:{{x}}">{{x}}{{x}}</a>
<img src='https://x.test/{{x}}.png' alt="{{x}}"></body></html>"""


@given(value=st.text(max_size=30) | st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join))
def test_S5_any_text_stays_text(value):
    try:
        source = filled(TEMPLATE, x=value)
    except InvalidRequestError:
        assert "\0" in value or any("\ud800" <= char <= "\udfff" for char in value)
        return
    assert markup(source) == markup(TEMPLATE)


def test_a_value_is_not_looked_at_again():
    assert filled("{{x}} {{y}}", x="{{y}}", y="{{ x | z }}") == "{{y}} {{ x | z }}"


def test_a_body_of_the_largest_size_is_read_once():
    part = '<a href="https://x.test/{{x}}" title="{{x}}">{{x}}</a><p ' + "a " * 500 + ">"
    html = part * (MOST_PLACEHOLDERS // 3) + "<b>" * 100_000
    assert filled(html, x="<i>").count("&lt;i&gt;") == 2 * (MOST_PLACEHOLDERS // 3)
