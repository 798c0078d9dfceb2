import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.mailbox_address import (
    address_key,
    check_address,
    check_display_text,
    wire_address,
)
from engagement.errors import InvalidRequestError


@pytest.mark.parametrize(
    "address",
    [
        "ann@fabrikam.example",
        "a.n-n+tag_1@mail.fabrikam.example",
        "!#$%&'*+/=?^_`{|}~-@fabrikam.example",
        "ann@localhost",
        "ann@xn--bcher-kva.example",
        "ann@bücher.example",
        "jürgen@fabrikam.example",
        "用户@例子.example",
        "a" * 64 + "@fabrikam.example",
    ],
)
def test_B53_an_address_is_accepted_as_it_is(address):
    assert check_address(address, "sender.email") == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@fabrikam.example",
        "ann@",
        "ann@@fabrikam.example",
        "a@b@fabrikam.example",
        '"a\r\nBcc: x"@y.example',
        '"ann smith"@y.example',
        '"ann"@y.example',
        "a@b.example, c@d.example",
        "a@b.example,c@d.example",
        "a@b.example;c@d.example",
        "Ann <ann@fabrikam.example>",
        "<ann@fabrikam.example>",
        "team:ann@fabrikam.example;",
        "ann(comment)@fabrikam.example",
        " ann@fabrikam.example",
        "ann@fabrikam.example\n",
        "ann@fabri kam.example",
        "ann\u00a0x@fabrikam.example",
        "ann\0@fabrikam.example",
        "ann\x85@fabrikam.example",
        "ann\u202e@fabrikam.example",
        "ann\u200b@fabrikam.example",
        "ann\ud800@fabrikam.example",
        "ann\u037ex@fabrikam.example",  # NFC makes a semicolon of the Greek question mark
        ".ann@fabrikam.example",
        "ann.@fabrikam.example",
        "a..n@fabrikam.example",
        "ann@.example",
        "ann@fabrikam..example",
        "ann@fabrikam.example.",
        "ann@-fabrikam.example",
        "ann@fabrikam-.example",
        "ann@fabri_kam.example",
        "ann@[127.0.0.1]",
        "ann@127.0.0.1",
        "ann@" + "a" * 64 + ".example",
        "ann@" + "ü" * 64 + ".example",
        "a" * 65 + "@fabrikam.example",
        "ü" * 33 + "@fabrikam.example",
        "ann@" + "a." * 126 + "example",
        "ann@" + "ü." * 100 + "example",
        "ann@straße.example",  # Python would send this to strasse.example
        "ann@ｆabrikam.example",
        "ann@fabrikam。example",
    ],
)
def test_B53_S4_anything_but_one_bare_address_is_refused(address):
    with pytest.raises(InvalidRequestError) as caught:
        check_address(address, "recipients[0].email")
    assert caught.value.field == "recipients[0].email"
    assert address not in caught.value.detail or not address


@given(st.one_of(st.text(), st.text('ab.@üß\r\n ,;:<>"\\\0\u202e', max_size=12)))
def test_B53_S4_what_is_accepted_can_neither_end_a_line_nor_start_another_address(text):
    try:
        address = check_address(text, "email")
    except InvalidRequestError:
        return
    assert address.count("@") == 1
    assert not set(address) & set('\r\n\0 ,;:<>()[]"\\')
    assert check_address(address, "email") == address
    assert wire_address(address).rpartition("@")[2].isascii()
    assert len(wire_address(address).encode()) <= 254


def test_B53_a_decomposed_address_is_stored_composed():
    assert check_address("ju\u0308rgen@fabrikam.example", "email") == "jürgen@fabrikam.example"


def test_B53_a_domain_in_another_script_travels_as_punycode():
    assert wire_address("ann@bücher.example") == "ann@xn--bcher-kva.example"
    assert wire_address("ann@Bücher.Example") == "ann@xn--bcher-kva.example"
    assert wire_address("jürgen@fabrikam.example") == "jürgen@fabrikam.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Fabrikam.Example", "ann@fabrikam.example"),
        ("JÜRGEN@fabrikam.example", "ju\u0308rgen@fabrikam.example"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_B53_two_spellings_of_an_address_have_one_key(one, other):
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@fabrikam.example", "ann+x@fabrikam.example"),
        ("ann@fabrikam.example", "an.n@fabrikam.example"),
        ("ann@straße.example", "ann@strasse.example"),
    ],
)
def test_B53_two_addresses_have_two_keys(one, other):
    assert address_key(one) != address_key(other)


@given(st.text(st.characters(exclude_categories=())))
def test_B53_any_text_has_a_key_that_is_its_own_key(text):
    assert address_key(address_key(text)) == address_key(text)


@pytest.mark.parametrize("text", ["", "Ann O'Neil", "日本 \U0001f600", "שלום\u200f", "a" * 200])
def test_B54_a_line_of_text_is_accepted_as_it_is(text):
    assert check_display_text(text, "subject", 200) == text


@pytest.mark.parametrize(
    "text",
    [
        "x\r\nBcc: ann@fabrikam.example",
        "x\ny",
        "x\ry",
        "x\0",
        "x\ty",
        "x\x7f",
        "x\x85y",
        "x\u2028y",
        "x\ud800",
        "x\u202ey",
        "x\u2066y",
        "a" * 201,
        "a" * 1_000_000,
    ],
)
def test_B53_B54_S4_controls_and_too_long_texts_are_refused(text):
    with pytest.raises(InvalidRequestError) as caught:
        check_display_text(text, "subject", 200)
    assert caught.value.field == "subject"
