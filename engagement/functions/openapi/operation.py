"""What is said of one operation; method, path and who may call it are those of its route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engagement.domain.reports.viewer import LANGUAGE as LANGUAGE_TAG
from engagement.functions.openapi.schema import (
    BOOLEAN,
    FILE,
    TEXT,
    Schema,
    matching,
    number,
    ref,
    text,
)
from engagement.functions.web import DEFAULT_PAGE, LARGEST_PAGE, LONGEST_KEY

JSON = "application/json"
ANY_TYPE = "*/*"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or a header."""

    name: str
    schema: Schema
    description: str
    required: bool = False
    #: str, "query" or "header"
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers with one status; the media type is None where there is no body."""

    description: str
    schema: Schema | None = None
    media_type: str | None = JSON
    #: names of headers, which document.py describes
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. Statuses that follow from its parts are added by document.py."""

    tag: str
    summary: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    #: Schema or None, of the JSON that it reads
    request: Schema | None = None
    #: whether it reads a file instead
    reads_file: bool = False
    answers: Mapping[int, Answer]
    #: statuses of problems besides those that follow
    problems: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """Operations by the names of their functions, and the schemas that they speak of."""

    tag: str
    description: str
    operations: Mapping[str, Operation]
    schemas: Mapping[str, Schema] = field(default_factory=dict)


DONE = {204: Answer("It is done.", None, None)}

PAGE_SIZE = Parameter(
    "page_size", number(1, LARGEST_PAGE, default=DEFAULT_PAGE), "How many items a page is to have."
)
CONTINUATION = Parameter(
    "continuation", text(4_000), "What the page before ended with; the first page needs none."
)
PAGE = (PAGE_SIZE, CONTINUATION)
TIME_ZONE = Parameter(
    "time_zone", text(60), "By whose clock days are told: an IANA name; UTC unless given."
)
LANGUAGE = Parameter(
    "language",
    matching(LANGUAGE_TAG.pattern),
    "In which language words are written (BCP 47); English unless given.",
)
VIEWER = (TIME_ZONE, LANGUAGE)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    text(LONGEST_KEY, least=0),
    "Makes the call safe to repeat: the same key with the same body returns what the first made.",
    place="header",
)
IF_MATCH = Parameter(
    "If-Match",
    TEXT,
    "Changes only what still has this ETag; otherwise the answer is 412.",
    place="header",
)


def found(name: str, description: str = "It was found.") -> dict[int, Answer]:
    """Answer 200 with what a schema describes."""
    return {200: Answer(description, ref(name))}


def made(name: str, description: str = "It was made.") -> dict[int, Answer]:
    """Answer 201 with what a schema describes."""
    return {201: Answer(description, ref(name))}


def file_of(media_type: str, description: str, *headers: str) -> Answer:
    """Answer with a file."""
    return Answer(description, FILE, media_type, headers)


def flag(name: str, description: str, *, default: bool) -> Parameter:
    """Take true or false."""
    return Parameter(name, {**BOOLEAN, "default": default}, description)


def query(name: str, schema: Schema, description: str, **more: Any) -> Parameter:
    """Take a parameter of the query."""
    return Parameter(name, schema, description, **more)
