"""Verdicts: the first rules, and that they judge whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.verdict import Verdict, Via, classify

FIREFOX = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko Firefox/145.0"}


@pytest.mark.parametrize(
    ("method", "headers", "reasons"),
    [
        ("GET", FIREFOX, ()),
        ("HEAD", FIREFOX, ("method",)),
        ("GET", {}, ("no_user_agent",)),
        ("GET", {"user-agent": "  "}, ("no_user_agent",)),
        ("GET", {**FIREFOX, "sec-purpose": "prefetch;prerender"}, ("prefetch",)),
        ("GET", {**FIREFOX, "purpose": "Prefetch"}, ("prefetch",)),
        ("GET", {**FIREFOX, "x-purpose": "preview"}, ("prefetch",)),
        ("GET", {**FIREFOX, "x-moz": "prefetch"}, ("prefetch",)),
        ("GET", {**FIREFOX, "sec-purpose": "navigate"}, ()),
        ("HEAD", {}, ("method", "no_user_agent")),
    ],
)
def test_B23_machines_that_say_so_are_automated(method, headers, reasons):
    judgement = classify(method, headers)

    assert judgement.reasons == reasons
    assert judgement.verdict is (Verdict.AUTOMATED if reasons else Verdict.PERSON)
    assert judgement.via is (Via.UNKNOWN if reasons else Via.DIRECT)


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_P5_whatever_comes_is_judged(method, headers):
    judgement = classify(method, headers)

    assert isinstance(judgement.verdict, Verdict)
    assert (judgement.verdict is Verdict.PERSON) == (judgement.reasons == ())
