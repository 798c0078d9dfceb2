"""What the app told those who operate it, read from its log."""

from __future__ import annotations

import json
from typing import Any

import pytest


def told(caplog: pytest.LogCaptureFixture, event: str, **fields: Any) -> list[dict[str, Any]]:
    """Records of an event with these fields, oldest first; caplog has to take its level."""
    lines = [json.loads(x.getMessage()) for x in caplog.records if x.name == "engagement"]
    return [line for line in lines if line["event"] == event and fields.items() <= line.items()]


def metrics(caplog: pytest.LogCaptureFixture, name: str, **fields: Any) -> list[dict[str, Any]]:
    """Records of a metric; caplog has to take INFO."""
    return told(caplog, "metric", name=name, **fields)
