"""Interactions: their ids sort newest first, and what is kept of a user agent prints."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.verdicts.evidence import printable_user_agent
from engagement.domain.verdicts.interaction import interaction_id

moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.lists(moments, min_size=2))
def test_ids_sort_newest_first(found):
    rounded = [at.replace(microsecond=at.microsecond // 1000 * 1000) for at in found]
    by_id = sorted(rounded, key=lambda at: interaction_id(at, "0"))

    assert by_id == sorted(rounded, reverse=True)


@given(st.text(max_size=2000))
def test_B21_what_is_kept_of_a_user_agent_prints_and_is_short(value):
    kept = printable_user_agent(value)

    assert kept is None or (kept.isprintable() and 0 < len(kept) <= 512)


def test_B21_a_user_agent_of_markup_is_kept_as_text():
    assert printable_user_agent("<script>\r\nx\0</script>") == "<script>  x </script>"
    assert printable_user_agent(None) is None
    assert printable_user_agent("\r\n") is None
