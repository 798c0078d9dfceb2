"""What anybody may ask for, described: probes, this document, and tracked URLs."""

from __future__ import annotations

from engagement.functions.openapi.operation import (
    ANY_TYPE,
    Answer,
    Operation,
    Subject,
    file_of,
    found,
)
from engagement.functions.openapi.schema import TEXT, Schema, answered, one_of, ref

TAG = "Public"
HTML = "text/html"

NOT_FOUND = Answer("One page for every token that does not hold.", TEXT, HTML)
TRY_AGAIN = Answer("A store does not answer.", TEXT, HTML, ("Retry-After",))
TOO_MANY = Answer("Too many wrong tokens came from there.", TEXT, HTML, ("Retry-After",))
ELSEWHERE = Answer("Where it is.", None, None, ("Location",))
DOCUMENT: dict[int, Answer] = {
    200: Answer("The document.", ref("Document"), headers=("ETag",)),
    304: Answer("It is as under the tag in If-None-Match.", None, None, ("ETag",)),
}
#: Of a description of an API all that is said is that it is one; its form is another standard's.
ANY_DOCUMENT: Schema = {"type": "object", "additionalProperties": True}

SUBJECT = Subject(
    TAG,
    "What needs no sign-in.",
    {
        "healthz": Operation(
            tag=TAG,
            summary="Tell whether the app serves",
            answers={
                **found("Health", "It serves."),
                503: Answer("A setting is wrong or missing.", ref("Health")),
            },
        ),
        "readyz": Operation(
            tag=TAG,
            summary="Tell whether the stores answer too",
            answers=found("Health", "They do."),
            problems=(503,),
        ),
        "robots": Operation(
            tag=TAG,
            summary="Ask crawlers to stay away",
            answers={200: Answer("For crawlers.", TEXT, "text/plain")},
        ),
        "pixel": Operation(
            tag=TAG,
            summary="Count an open",
            description="A mail program asks for it when a message is opened.",
            answers={200: file_of("image/gif", "A transparent image of 1 x 1 pixel.")},
        ),
        "click": Operation(
            tag=TAG,
            summary="Lead to the destination of a link",
            answers={302: ELSEWHERE, 404: NOT_FOUND, 429: TOO_MANY, 503: TRY_AGAIN},
        ),
        "attachment": Operation(
            tag=TAG,
            summary="Download a followed attachment",
            answers={
                200: file_of(ANY_TYPE, "The file.", "Content-Disposition"),
                206: file_of(ANY_TYPE, "A part of it.", "Content-Disposition", "Content-Range"),
                302: ELSEWHERE,
                404: NOT_FOUND,
                416: Answer("The part is not in the file.", None, None, ("Content-Range",)),
                429: TOO_MANY,
                503: TRY_AGAIN,
            },
        ),
        "openapi": Operation(tag=TAG, summary="Describe this API (OpenAPI 3.1)", answers=DOCUMENT),
        "swagger": Operation(
            tag=TAG,
            summary="Describe what the Power Platform connector needs of it (Swagger 2.0)",
            answers=DOCUMENT,
        ),
    },
    {
        "Health": answered({"status": one_of(["ok", "misconfigured"])}),
        "Document": ANY_DOCUMENT,
        "Problem": answered(
            {
                "type": one_of(["about:blank"]),
                "title": TEXT,
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": {**TEXT, "description": "A sentence for people."},
                "field": {**TEXT, "description": "The field, parameter or header at fault."},
            },
            maybe=["field"],
            description="What went wrong (RFC 9457).",
        ),
    },
)
