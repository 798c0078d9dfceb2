"""The spill: whole lines, bounded, taken over by the next process."""

from __future__ import annotations

import resource
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.storage.spill import Spill


def lines(spill):
    """Everything that is ready to be placed."""
    return [line for file in spill.claim() for line in spill.read(file)]


def test_a_file_is_read_one_pass_after_it_was_set_aside(tmp_path):
    spill = Spill(tmp_path / "spill", 1000)
    assert spill.add("one")
    assert spill.add("two")

    assert lines(spill) == []
    assert lines(spill) == ["one", "two"]


def test_what_another_process_left_is_taken_over(tmp_path):
    Spill(tmp_path, 1000).add("left")
    heir = Spill(tmp_path, 1000)
    assert not heir.empty()

    heir.claim()
    (file,) = heir.claim()
    heir.done(file)
    assert heir.empty()


def test_a_line_that_a_crash_cut_is_not_read(tmp_path):
    spill = Spill(tmp_path, 1000)
    spill.add("whole")
    with (tmp_path / f"{spill.name}.jsonl").open("ab") as file:
        file.write(b'{"v": 1, "organ')

    spill.claim()
    assert lines(spill) == ["whole"]


def test_F11_it_takes_no_more_than_its_limit(tmp_path):
    spill = Spill(tmp_path, 20)

    assert [spill.add("x" * 8) for _ in range(4)] == [True, True, False, False]


def test_F23_a_folder_that_cannot_be_written_is_a_no_and_no_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")

    assert not Spill(tmp_path / "file", 1000).add("x")


@pytest.fixture
def little_room():
    """Let no file of this process grow beyond 20 bytes, while a test runs its few lines."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextmanager
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    return limited


def test_F23_a_line_that_only_half_fits_on_the_disk_is_not_taken_and_spoils_none(
    tmp_path, little_room
):
    spill = Spill(tmp_path, 1000)
    with little_room():
        taken = [spill.add(line) for line in ("a" * 9, "b" * 19, "c" * 9, "d")]
    assert taken == [True, False, True, True]
    assert spill.add("e")

    spill.claim()
    assert sorted(lines(spill)) == ["a" * 9, "c" * 9, "d", "e"]


def test_F23_a_disk_without_any_room_is_a_no_and_no_error(tmp_path):
    spill = Spill(tmp_path, 1000)
    (tmp_path / f"{spill.name}.jsonl").symlink_to("/dev/full")

    assert not spill.add("x")


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))
def test_what_was_added_is_read(tmp_path_factory, records):
    spill = Spill(tmp_path_factory.mktemp("spill"), 10**9)
    for record in records:
        spill.add(record)

    spill.claim()
    assert lines(spill) == records
