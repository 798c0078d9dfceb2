"""Which destinations are refused, and that the others are kept to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.tracking.destination import MAX_LENGTH, check_destination, location
from engagement.errors import UnprocessableError


def refused(url):
    """Tell whether both ways in refuse *url*; they must agree."""
    outcomes = []
    for call in (lambda: check_destination(url, "html"), lambda: location(url)):
        try:
            call()
        except UnprocessableError:
            outcomes.append(True)
        else:
            outcomes.append(False)
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://x.test/\r\nSet-Cookie: a=b",
        "https://x.test/\0",
        "https://x.test/\ta",
        "\nhttps://x.test",
        "https://x.test/a b",
        "https://x.test/\x7f",
        "https://x.test/\x85",
        "https://x.test/\xa0",
        "https://x.test/\u2028",
        "https://x.test/\u3000",
        "https://x.test/\ud800",
        " https://x.test",
        "https://x.test ",
        "\x1fhttps://x.test",
    ],
)
def test_B28_control_characters_and_spaces_are_refused(url):
    assert refused(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,a",
        "vbscript:a",
        "file:///etc/passwd",
        "blob:https://x.test/1",
        "ftp://x.test",
        "mailto:a@x.test",
        "view-source:https://x.test",
        "httpss://x.test",
        "x",
        "",
        "/a",
        "ſhttp://x.test",
        "httpſ://x.test",
    ],
)
def test_B29_every_scheme_but_http_and_https_is_refused(url):
    assert refused(url)


@pytest.mark.parametrize(
    "url",
    [
        "//evil.test",
        "https:///evil.test",
        "https:evil.test",
        "https:/evil.test",
        "\\\\evil.test",
        "https:\\\\evil.test",
        "https://good.test\\@evil.test",
        "https://good.test\\.evil.test",
        "https://x.test/a\\b",
    ],
)
def test_B30_what_browsers_and_parsers_read_differently_is_refused(url):
    assert refused(url)


@pytest.mark.parametrize(
    "url",
    ["https://user:pw@x.test/", "https://user@x.test", "https://@x.test", "https://a:b@[::1]/"],
)
def test_B31_user_information_is_refused(url):
    assert refused(url)


@pytest.mark.parametrize(
    "host",
    [
        "ｅｖｉｌ.test",
        "evil。test",
        "evil．test",
        "good.test\u2044evil.test",
        "good.test\u2215evil.test",
        "good\u202etset",
        "e\u200bvil.test",
        "e\u00advil.test",
        "\u2066x.test",
        "x\u200d.test",
        "x\ufeff.test",
        "①.test",
        "½.test",
        "ⓔ.test",
        "cafe\u0301.test",
        "\u0301x.test",
        "℀.test",
        "\ufffd.test",
        "\ue000.test",
        "❤.test",
        "e\u034fvil.test",
        "evil\ufe0f.test",
    ],
)
def test_B32_a_host_that_means_something_else_than_it_shows_is_refused(host):
    assert refused(f"https://{host}/")


@pytest.mark.parametrize(
    "authority",
    [
        "x.test:99999",
        "x.test:65536",
        "x.test:0",
        "x.test:",
        "x.test:-1",
        "x.test:8a",
        "x.test:٣",
        "x.test:1:2",
        "",
        ".",
        "..",
        ".x.test",
        "x..test",
        "x.test..",
        ":80",
        "[]",
        "[::1",
        "::1",
        "[::g]",
        "[fe80::1%25eth0]",
        "[1.2.3.4]",
        "%65vil.test",
        "x.test%2f.evil.test",
        "a,b",
        "x_y*.test",
        "a" * 64 + ".test",
        "a." * 130 + "test",
        "ü" * 60,
    ],
)
def test_B33_a_bad_port_or_host_is_refused(authority):
    assert refused(f"http://{authority}")
    assert refused(f"http://{authority}/a")


@pytest.mark.parametrize(
    "url",
    [
        "http://x.test",
        "HTTPS://X.Test/",
        "https://x.test:65535/a",
        "https://x.test./a",
        "https://x_y.test",
        "http://localhost:3000",
        "http://127.0.0.1/",
        "https://[::1]:80/?a",
        "https://xn--bcher-kva.test/",
        "https://x.test?a=1",
        "https://x.test#a",
        "https://x.test/a;b=1;c?d=e;f&g#h/i?j",
        "https://x.test/?a=1&amp;b=2&amp;amp;c",
        "https://x.test/%2F%2f%zz%%20%",
        "https://x.test/?u=https://y.test/?v=1%26w=2",
        "https://x.test/@a:b//..//./<>\"'`{}|^[]~!$()*+,=",
        "https://x.test/" + "a" * (MAX_LENGTH - 15),
    ],
)
def test_B34_an_ascii_destination_makes_the_round_trip_byte_for_byte(url):
    assert check_destination(url, "html") == url
    assert location(url) == url


@pytest.mark.parametrize(
    ("url", "ascii_form"),
    [
        ("https://bücher.test/", "https://xn--bcher-kva.test/"),
        ("https://BÜCHER.Test:8/Ü", "https://xn--bcher-kva.Test:8/%C3%9C"),
        ("https://straße.test", "https://xn--strae-oqa.test"),
        ("https://日本語.test/パス?質=値#部", None),
        ("https://аррӏе.test/", "https://xn--80ak6aa92e.test/"),
        (
            "https://x.test/é%C3%A9/\U0001f600?q=ü&amp;%",
            "https://x.test/%C3%A9%C3%A9/%F0%9F%98%80?q=%C3%BC&amp;%",
        ),
        ("https://col·legi.test", "https://xn--collegi-xma.test"),
        ("https://ς.test", "https://xn--3xa.test"),
        ("https://Ꮥᾳ.test", "https://xn--mxaq484j.test"),
        ("https://ΟΔΟΣ.test", "https://xn--pxavbq.test"),
    ],
)
def test_B32_an_international_destination_is_kept_and_sent_in_ascii(url, ascii_form):
    assert check_destination(url, "html") == url
    sent = location(url)
    assert sent.isascii()
    assert location(sent) == sent
    if ascii_form:
        assert sent == ascii_form


def test_B34_a_destination_of_4_kb_is_refused_with_the_limit():
    with pytest.raises(UnprocessableError, match="longer than 2000 characters") as refusal:
        check_destination("https://x.test/" + "a" * 4000, "html")
    assert len(refusal.value.detail) < 320


def test_the_error_names_the_link_and_the_field():
    with pytest.raises(UnprocessableError) as refusal:
        check_destination("javascript:alert(1)", "body.html")
    assert refusal.value.field == "body.html"
    assert refusal.value.detail == (
        "The link 'javascript:alert(1)' cannot be followed: "
        "it does not begin with http:// or https://."
    )


def test_S17_the_error_shows_no_control_character_and_is_short():
    with pytest.raises(UnprocessableError) as refusal:
        check_destination("https://x.test/\r\n\u202e\ud800" + "\0" * 1_000_000, "html")
    assert refusal.value.detail.removesuffix(".").isprintable()
    assert r"\r\n\u202e\ud800\x00" in refusal.value.detail
    assert len(refusal.value.detail) < 400


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_B34_whatever_is_accepted_is_sent_as_ascii_without_a_space(rest):
    url = f"https://x.test/{rest}"
    if not refused(url):
        assert check_destination(url, "html") == url
        assert all("!" <= character <= "~" for character in location(url))


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_B32_any_host_is_refused_or_has_an_ascii_form(host):
    url = f"https://{host}/"
    if not refused(url):
        assert location(location(url)) == location(url)
