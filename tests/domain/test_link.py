"""Which URLs are followable, and how links are replaced."""

import pytest

from engagement.domain.tracking.link import Link, is_followable, splice

TRACKED = "https://track.test/c/1"


@pytest.mark.parametrize(
    "url",
    ["http://x.test", "HTTPS://x.test", "https:x.test", "https://", "h\tttp://x.test", "\x01http:"],
)
def test_a_web_link_is_followable_even_if_it_leads_nowhere(url):
    assert is_followable(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "#a",
        "/a",
        "//x.test",
        "a",
        "mailto:a@x.test",
        "javascript:1",
        "httpsx://x.test",
        "https",
    ],
)
def test_B29_other_schemes_and_relative_urls_are_left_alone(url):
    assert not is_followable(url)


@pytest.mark.parametrize(
    "placeholder", ["{{x}}", "{{", "{% x %}", "${x}", "%%x%%", "*|x|*", "[[x]]", "<% x %>", "<%= x"]
)
def test_B55_a_placeholder_is_left_to_the_template_language(placeholder):
    assert not is_followable(f"https://x.test/?a={placeholder}&b")


@pytest.mark.parametrize(
    "url", ["http://x.test/unsubscribe", "http://x.test/UNSUBSCRIPTION", "http://opt-out.x.test"]
)
def test_B39_an_unsubscribe_link_is_left_alone(url):
    assert not is_followable(url)


def test_everything_outside_the_links_stays():
    text = "see https://x.test, or\r\n\0"
    assert splice(text, [Link(4, 18, "https://x.test")], [TRACKED]) == f"see {TRACKED}, or\r\n\0"


@pytest.mark.parametrize(
    "url", ["", "https://t.test/ x", 'https://t.test/"', "https://t.test/>", "a&b"]
)
def test_P3_a_replacement_that_would_need_escaping_is_refused(url):
    with pytest.raises(ValueError, match="tracked URL"):
        splice("see https://x.test", [Link(4, 18, "https://x.test")], [url])


def test_a_caller_that_mixes_links_up_is_told():
    links = [Link(0, 1, "https://x.test/1"), Link(1, 2, "https://x.test/2")]
    with pytest.raises(ValueError, match="overlaps"):
        splice("", links[::-1], [TRACKED, TRACKED])
    with pytest.raises(ValueError, match="zip"):
        splice("", links, [TRACKED])
