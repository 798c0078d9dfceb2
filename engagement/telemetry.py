"""What the app tells those who operate it: one line of JSON a record, with the event first.

The Functions worker hands on the text of a record and nothing else of it, so fields are in the text
(``AsyncLoggingHandler`` of Azure/azure-functions-python-worker). The host drops what is logged
while no function runs (``GrpcWorkerChannel.Log`` of Azure/azure-functions-host), so what counts is
told from within one.

Nothing here names a person or opens anything: fields are ids, counts and names of our own, and of
an exception only its kind and where it was raised are told, as its words may quote anything.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

logger = logging.getLogger("engagement")

Value = str | float | bool | None

#: Words as we make them, and ids; longer ones may be keys or tracking tokens.
LONGEST_WORD = 40
PLAIN = re.compile(rf"[A-Za-z0-9_./-]{{0,{LONGEST_WORD}}}")
ADDRESS = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
WITHHELD = "(withheld)"

#: Packages whose records quote what they work with: URLs, addresses, answers of servers.
LIBRARIES = ("aiohttp", "aiosmtplib", "asyncio", "azure", "jwt", "msal", "requests", "urllib3")
#: What the worker says of functions, by their names.
WORKER = "azure.functions"

ROOT = Path(__file__).parent.parent
MOST_FRAMES = 12


class Sentence(str):
    """A sentence of our own with nobody's data in it, which may be told as it is."""

    __slots__ = ()


def info(event: str, **fields: Value) -> None:
    """Tell what happened."""
    _tell(logging.INFO, event, fields)


def warning(event: str, **fields: Value) -> None:
    """Tell what somebody may want to look at, if it goes on."""
    _tell(logging.WARNING, event, fields)


def error(event: str, **fields: Value) -> None:
    """Tell what somebody has to look at."""
    _tell(logging.ERROR, event, fields)


def exception(event: str, **fields: Value) -> None:
    """Tell of the exception that is being handled, a fault of ours."""
    _tell(logging.ERROR, event, fields, _error(sys.exception()))


def metric(name: str, **fields: Value) -> None:
    """Tell a figure; queries and alert rules read these by their names."""
    _tell(logging.INFO, "metric", {"name": name, **fields})


def tame_libraries() -> None:
    """Let libraries tell warnings only, and those without what they quote."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.setLogRecordFactory(_record)


def _tell(
    level: int, event: str, fields: Mapping[str, Value], more: Mapping[str, object] | None = None
) -> None:
    shown = {name: _shown(value) for name, value in fields.items()}
    # Whoever tells something is not to fail because nobody takes it.
    with suppress(Exception):
        logger.log(level, _line(event, {**shown, **(more or {})}))


def _line(event: str, fields: Mapping[str, object]) -> str:
    return json.dumps({"event": event, **fields})


def _shown(value: Value) -> Value:
    """Return what may be told of a value, whatever it holds."""
    if not isinstance(value, str):
        return round(value, 3) if isinstance(value, float) else value
    if isinstance(value, Sentence):
        return str(value)
    return value if PLAIN.fullmatch(value) and not ADDRESS.search(value) else WITHHELD


def _error(error: BaseException | None) -> dict[str, object]:
    if error is None:
        return {}
    kinds = [type(each).__name__ for each in _causes(error)]
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return {"error": kinds[0], "causes": kinds[1:], "at": [_place(frame) for frame in frames]}


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _place(frame: traceback.FrameSummary) -> str:
    file = Path(frame.filename)
    # Of others' files the end: what is before it is this machine's.
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else Path(*file.parts[-3:])
    return f"{shown.as_posix()}:{frame.lineno} {frame.name[:LONGEST_WORD]}"


def _record(*args: Any, **options: Any) -> logging.LogRecord:
    record = logging.LogRecord(*args, **options)
    inside = record.name.split(".")
    if inside[0] in LIBRARIES and not record.name.startswith(WORKER):
        fields: dict[str, object] = {
            "logger": record.name,
            "at": f"{record.module}:{record.lineno}",
        }
        if record.args:
            # A template, whose values stay away.
            fields["text"] = str(record.msg)
        if isinstance(record.exc_info, tuple):
            fields |= _error(record.exc_info[1])
        record.msg, record.args = _line("library", fields), None
        record.exc_info = record.exc_text = record.stack_info = None
    return record
