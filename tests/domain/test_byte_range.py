"""The Range header: one range, the whole file, or a range that is not there (B44)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.byte_range import ByteRange, read_range
from engagement.errors import RangeNotSatisfiableError

SIZES = st.integers(0, 200)
NUMBERS = st.integers(0, 400)


def part_of(header, size):
    """Return the bytes that *header* asks for of a file of *size* bytes, b"416" for none."""
    data = bytes(range(size))
    try:
        part = read_range(header, size)
    except RangeNotSatisfiableError as error:
        return b"416" if error.size == size else b"wrong size"
    if part is None:
        return data
    assert 0 <= part.first <= part.last < size
    assert part.length == len(data[part.first : part.last + 1])
    return data[part.first : part.last + 1]


@given(SIZES, NUMBERS, NUMBERS)
def test_B44_first_and_last_cut_out_what_a_slice_would(size, first, last):
    data = bytes(range(size))
    if last < first:
        expected = data
    elif first >= size:
        expected = b"416"
    else:
        expected = data[first : last + 1]

    assert part_of(f"bytes={first}-{last}", size) == expected


@given(SIZES, NUMBERS)
def test_B44_an_open_end_reaches_to_the_end(size, first):
    expected = bytes(range(size))[first:] if first < size else b"416"

    assert part_of(f"bytes={first}-", size) == expected


@given(SIZES, NUMBERS)
def test_B44_a_suffix_is_the_end_and_at_most_all(size, length):
    expected = bytes(range(size))[-length:] if length and size else b"416"

    assert part_of(f"bytes=-{length}", size) == expected


@given(SIZES, st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=50))
def test_B44_several_ranges_get_the_whole_file(size, ranges):
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in ranges)

    assert read_range(header, size) is None


@given(st.text() | st.text("bytes=0123456789-, \t"), SIZES)
def test_B44_whatever_the_header_holds_the_answer_lies_in_the_file(header, size):
    part = part_of(header, size)

    assert part == b"416" or part in bytes(range(size))


@given(st.binary(), SIZES)
def test_B44_whatever_bytes_the_header_holds_the_answer_lies_in_the_file(header, size):
    part = part_of("bytes=" + header.decode("latin-1"), size)

    assert part == b"416" or part in bytes(range(size))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes= - ",
        "bytes=9-1",
        "bytes=a-b",
        "bytes=0x0-0x9",
        "bytes=1.0-2.0",
        "bytes=+1-2",
        "bytes=--1",
        "bytes=1--2",
        "bytes=1-2-3",
        "bytes=1-2,",
        "bytes=,1-2",
        "bytes=0-0,5-5",
        "bytes=0-1;2-3",
        "bytes:0-1",
        "byte=0-1",
        "lines=0-1",
        "items=0-1",
        "0-1",
        "bytes=٠-١",
        "bytes=²-³",
        "bytes=0-1\n",
        "bytes=0-1\0",
        "\nbytes=0-1",
        "bytes=" + "9" * 5_000 + "-",
        "bytes=0-" + "9" * 5_000,
        "bytes=" + ",".join(["0-9"] * 1_000),
    ],
)
def test_B44_what_is_not_one_range_gets_the_whole_file(header):
    assert read_range(header, 10) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 0)),
        ("bytes=0-9", ByteRange(0, 9)),
        ("bytes=0-10", ByteRange(0, 9)),
        ("bytes=9-", ByteRange(9, 9)),
        ("bytes=-1", ByteRange(9, 9)),
        ("bytes=-999999999999999999", ByteRange(0, 9)),
        ("bytes=00-000000000000000009", ByteRange(0, 9)),
        ("BYTES=0-1", ByteRange(0, 1)),
        ("bytes= \t0-1 \t", ByteRange(0, 1)),
    ],
)
def test_B44_the_edges_of_a_file_can_be_asked_for(header, expected):
    assert read_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-10", "bytes=10-99", "bytes=-0"])
def test_B44_nothing_of_the_file_is_told_with_its_size(header):
    with pytest.raises(RangeNotSatisfiableError) as raised:
        read_range(header, 10)

    assert raised.value.size == 10


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_B48_an_empty_file_has_no_range(header):
    with pytest.raises(RangeNotSatisfiableError):
        read_range(header, 0)
    assert read_range(None, 0) is None
