"""A template of the CRM: what messages are made of, or only a name that they are counted by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engagement.domain.messages.content import Content
from engagement.domain.messages.draft import (
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_SUBJECT,
    read_language,
)
from engagement.domain.payload import Fields
from engagement.domain.templates.html_template import fill_html, find_slots
from engagement.domain.templates.placeholder import Values, fill_line, fill_text, find_placeholders
from engagement.errors import InvalidRequestError, NotFoundError, TooLargeError

TEMPLATE_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_ID - 1}}}")
LARGEST_BODY = 512 * 1024
#: All of an organization's are read and ranked when they are listed.
MOST_TEMPLATES = 1_000

BODIES = ("html_body", "text_body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A stored template without its bodies."""

    id: str
    name: str
    subject: str | None
    #: str or None, BCP 47 language tag in lower case
    language: str | None
    #: str or None, name of the blob that holds the bodies, if there are any
    content_blob: str | None = None
    #: datetime, aware UTC
    created_at: datetime
    changed_at: datetime
    etag: str = ""


def check_template_id(value: str) -> str:
    """Return *value* if it can name a template, or raise NotFoundError."""
    if not TEMPLATE_ID.fullmatch(value):
        raise NotFoundError("There is no such template.")
    return value


def read_template(template_id: str, value: object, now: datetime) -> tuple[Template, Content]:
    """Read a template as the CRM registers it.

    Raises InvalidRequestError for what is wrong, TooLargeError for a body beyond LARGEST_BODY
    bytes, UnprocessableError for a placeholder that is none or stands where no value is safe.
    """
    if not TEMPLATE_ID.fullmatch(template_id):
        raise InvalidRequestError(
            f"A template id has 1 to {LONGEST_ID} letters, digits, dots, underscores or hyphens, "
            "and begins with a letter or a digit.",
            "template_id",
        )
    fields = Fields(value, {"name", "subject", "language", *BODIES})
    template = Template(
        id=template_id,
        name=fields.line("name", LONGEST_NAME),
        subject=fields.optional_line("subject", LONGEST_SUBJECT),
        language=read_language(fields),
        created_at=now,
        changed_at=now,
    )
    content = Content(*(_body(fields, name) for name in BODIES))
    find_placeholders(template.subject or "", "subject")
    find_slots(content.html_body or "")
    find_placeholders(content.text_body or "", "text_body")
    return template, content


def needs_content(draft: Mapping[str, Any]) -> bool:
    """Whether a draft that names a template takes its bodies: where it gives neither itself."""
    return all(draft.get(name) is None for name in BODIES)


def filled(
    draft: Mapping[str, Any], template: Template, content: Content, values: Values
) -> dict[str, Any]:
    """Return *draft* with what it leaves out taken from its template, and filled.

    What the draft says itself wins; of the bodies it takes both or none, so that they agree.
    Raises InvalidRequestError or UnprocessableError, naming the value at fault.
    """
    taken: dict[str, Any] = {}
    if draft.get("subject") is None and template.subject is not None:
        taken["subject"] = fill_line(template.subject, values)
    if needs_content(draft):
        if content.html_body is not None:
            taken["html_body"] = fill_html(content.html_body, values)
        if content.text_body is not None:
            taken["text_body"] = fill_text(content.text_body, values)
    segment = {} if draft.get("segment") is None else draft["segment"]
    if isinstance(segment, dict) and segment.get("language") is None:
        taken["segment"] = {**segment, "language": template.language}
    return {**draft, **taken}


def _body(fields: Fields, name: str) -> str | None:
    body = fields.optional_body(name)
    if body is not None and len(body.encode()) > LARGEST_BODY:
        raise TooLargeError(f"A template's body may have at most {LARGEST_BODY} bytes.", name)
    return body
