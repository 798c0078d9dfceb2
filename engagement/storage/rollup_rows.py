"""How the numbers of a rollup are written into one column, and read from it."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from engagement.domain.reports.cohort import Cohort
from engagement.domain.reports.rollup import NO_HOURS, Rollup, Segments
from engagement.domain.verdicts.kpi import Counts

#: Between the kind and the value of a segment; no value may hold it.
SEPARATOR = "\0"


def numbers_of(rollup: Rollup) -> str:
    """Return the numbers of a rollup as JSON; what is zero is left out."""
    numbers: dict[str, Any] = {
        "cohort": astuple(rollup.cohort),
        "people": astuple(rollup.people),
        "unsure": astuple(rollup.unsure),
        "automated": astuple(rollup.automated),
        "reply": [rollup.reply_count],
        "inferred_open": [rollup.inferred_open_count],
        "open_hours": rollup.open_hours,
        "click_hours": rollup.click_hours,
        "reply_hours": rollup.reply_hours,
    }
    kept: dict[str, Any] = {name: value for name, value in numbers.items() if any(value)}
    if rollup.segments:
        kept["segments"] = segments_of(rollup.segments)
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def rollup_of(text: str) -> Rollup:
    """Read a rollup from its numbers."""
    numbers = json.loads(text)
    return Rollup(
        cohort=Cohort(*numbers.get("cohort", ())),
        people=Counts(*numbers.get("people", ())),
        unsure=Counts(*numbers.get("unsure", ())),
        automated=Counts(*numbers.get("automated", ())),
        reply_count=numbers.get("reply", [0])[0],
        inferred_open_count=numbers.get("inferred_open", [0])[0],
        open_hours=tuple(numbers.get("open_hours", NO_HOURS)),
        click_hours=tuple(numbers.get("click_hours", NO_HOURS)),
        reply_hours=tuple(numbers.get("reply_hours", NO_HOURS)),
        segments=read_segments(numbers.get("segments", {})),
    )


def segments_of(segments: Segments) -> dict[str, list[int]]:
    """Return cohorts by segment in a form that JSON takes."""
    return {SEPARATOR.join(name): list(astuple(cohort)) for name, cohort in segments.items()}


def read_segments(value: dict[str, list[int]]) -> Segments:
    """Read what :func:`segments_of` returned."""
    found = {}
    for name, counts in value.items():
        kind, _, segment = name.partition(SEPARATOR)
        found[kind, segment] = Cohort(*counts)
    return found
