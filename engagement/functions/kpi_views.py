"""KPIs of periods, as the JSON of the contract."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engagement.domain.reports.rollup import GroupKind, Rollup
from engagement.domain.reports.summary import Summary
from engagement.services.rolling_up import Recomputed

#: What a group is named by.
NAMES = {GroupKind.SENDER: "sender", GroupKind.TEMPLATE: "template_id"}


def summary_json(summary: Summary, group_by: GroupKind | None) -> dict[str, Any]:
    """Return the totals of a period, their distribution, and groups if they were asked for."""
    totals, weekdays = summary.totals, summary.weekdays
    value: dict[str, Any] = {
        "from": summary.period.first.isoformat(),
        "to": summary.period.last.isoformat(),
        "totals": rollup_json(totals),
        "by_hour": {
            "open": totals.open_hours,
            "click": totals.click_hours,
            "reply": totals.reply_hours,
        },
        "by_weekday": {
            "open": [rollup.people.open_count for rollup in weekdays],
            "click": [rollup.people.click_count for rollup in weekdays],
            "reply": [rollup.reply_count for rollup in weekdays],
        },
        "series": [{"on": on.isoformat(), **rollup_json(x)} for on, x in summary.series],
    }
    if group_by is not None:
        name = NAMES[group_by]
        value["groups"] = [{name: group.id, **rollup_json(x)} for group, x in summary.groups]
    return value


def rollup_json(rollup: Rollup) -> dict[str, Any]:
    """Return what became of messages, and what was done, by people and beside them by others."""
    cohort = rollup.cohort
    return {
        **asdict(cohort),
        "open_rate": _rate(cohort.opened_count, cohort.followed_count),
        "reply_rate": _rate(cohort.replied_count, cohort.followed_count),
        "kpis": {
            **asdict(rollup.people),
            "reply_count": rollup.reply_count,
            "inferred_open_count": rollup.inferred_open_count,
            "unsure": asdict(rollup.unsure),
            "automated": asdict(rollup.automated),
        },
    }


def recomputed_json(on: str, recomputed: Recomputed) -> dict[str, Any]:
    """Return what recomputing a day came to, and where to go on."""
    return {
        "on": on,
        "message_count": recomputed.message_count,
        "totals": rollup_json(recomputed.rollup),
        "continuation": recomputed.continuation,
    }


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
