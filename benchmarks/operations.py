"""What the product does, read from where it is written down: no number of it stands here.

Requests per operation are those of the table in docs/data-model.md, which tests/test_costs.py
holds against what a deployment sends; schedules are those of the timers themselves.
"""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from devserver.timers import next_occurrence

ROOT = Path(__file__).parent.parent
DATA_MODEL = ROOT / "docs" / "data-model.md"
TIMERS = ROOT / "engagement" / "functions" / "timers.py"

#: Hours of an average month.
MONTH_HOURS = 730


@cache
def requests() -> dict[str, tuple[int, int]]:
    """Return operation to requests to tables and to blobs, as the data model documents them."""
    rows = re.findall(
        r"^\| ([^|]+) \| (\d+) \| (\d+) \|", DATA_MODEL.read_text("utf-8"), re.MULTILINE
    )
    return {operation: (int(tables), int(blobs)) for operation, tables, blobs in rows}


@cache
def schedules() -> dict[str, str]:
    """Return timer to schedule (NCRONTAB of six fields), as the timers are declared."""
    found = {}
    for node in ast.walk(ast.parse(TIMERS.read_text("utf-8"))):
        if isinstance(node, ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                schedule = _schedule(decorator)
                if schedule:
                    found[node.name] = schedule
    return found


def _schedule(decorator: ast.expr) -> str | None:
    if not isinstance(decorator, ast.Call):
        return None
    for keyword in decorator.keywords:
        if keyword.arg == "schedule" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


@cache
def runs_a_month(schedule: str) -> float:
    """Return how often a schedule that repeats within a day comes about in an average month."""
    at = begin = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    end = begin + timedelta(days=1)
    count = 0
    while (at := next_occurrence(schedule, at)) <= end:
        count += 1
    return count * MONTH_HOURS / 24
