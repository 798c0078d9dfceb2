"""Web manners: JSON in and out, and one shape for every error (RFC 9457)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import azure.functions as func

from engagement import telemetry
from engagement.domain.json_text import parse_json
from engagement.domain.precondition import Precondition, entity_tag
from engagement.errors import (
    EngagementError,
    InvalidRequestError,
    RemoteError,
    StorageError,
    StoreMissingError,
    TooLargeError,
    TooManyRequestsError,
    UnauthorizedError,
)

T = TypeVar("T")
Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

#: Bytes; two bodies of the largest size, escaped, and room for the rest.
LARGEST_JSON = 24 * 1024**2
LARGEST_PAGE = 200
DEFAULT_PAGE = 50
LONGEST_KEY = 200
#: Seconds after which a caller may try again when a store is down.
RETRY_AFTER = "5"

API_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_response(value: object, status: int = 200) -> func.HttpResponse:
    """Answer with JSON."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return func.HttpResponse(
        body, status_code=status, headers=dict(API_HEADERS), mimetype="application/json"
    )


def tagged_response(value: object) -> func.HttpResponse:
    """Answer with JSON and its tag, by which a change may ask for just that to be current."""
    response = json_response(value)
    response.headers["ETag"] = entity_tag(value)
    return response


def no_content() -> func.HttpResponse:
    """Answer that it is done, and nothing more."""
    return func.HttpResponse(status_code=204, headers=dict(API_HEADERS))


def problem(
    status: int, detail: str, field: str | None = None, retry_after: float | None = None
) -> func.HttpResponse:
    """Answer with application/problem+json; *retry_after* is in seconds."""
    value: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field is not None:
        value["field"] = field
    headers = dict(API_HEADERS)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER
    elif retry_after is not None:
        headers["Retry-After"] = seconds(retry_after)
    body = json.dumps(value).encode()
    return func.HttpResponse(
        body, status_code=status, headers=headers, mimetype="application/problem+json"
    )


def seconds(value: float) -> str:
    """Return *value* as Retry-After is written: whole seconds, none too early."""
    return str(math.ceil(value))


async def answer(handler: Handler, request: func.HttpRequest) -> func.HttpResponse:
    """Run *handler* and turn errors into answers; a bug is logged and tells the caller nothing."""
    try:
        return await handler(request)
    except InvalidRequestError as error:
        return problem(error.status, error.detail, error.field)
    except (RemoteError, TooManyRequestsError) as error:
        if isinstance(error, RemoteError):
            tell_failure(error)
        return problem(error.status, error.detail, retry_after=error.retry_after)
    except UnauthorizedError as error:
        response = problem(error.status, error.detail)
        response.headers["WWW-Authenticate"] = error.challenge
        return response
    except EngagementError as error:
        if isinstance(error, StorageError | StoreMissingError):
            tell_failure(error)
        return problem(error.status, error.detail)
    except Exception:
        telemetry.exception("request_failed", status=500)
        return problem(500, "This is a fault of ours.")


def tell_failure(error: EngagementError) -> None:
    """Tell that a request fails because of others: a store, or a system that is called.

    The host's own log of requests knows no status, as it would keep the URL with it.
    """
    kind = type(error.__cause__ or error).__name__
    if isinstance(error, StoreMissingError):
        # Trying again will not mend it.
        telemetry.error("store_missing", status=error.status, error=kind)
        return
    telemetry.warning("request_failed", status=error.status, error=kind)


def read_json(request: func.HttpRequest) -> object:
    """Return the JSON of the body; raises InvalidRequestError, TooLargeError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise InvalidRequestError("The Content-Type must be application/json.", "Content-Type")
    body = request.get_body()
    if len(body) > LARGEST_JSON:
        raise TooLargeError(f"A body may have at most {LARGEST_JSON} bytes.")
    return parse_json(body)


def precondition(request: func.HttpRequest) -> Precondition:
    """Return what If-Match asks for; raises InvalidRequestError."""
    return Precondition(request.headers.get("if-match", ""))


def idempotency_key(request: func.HttpRequest) -> str:
    """Return the Idempotency-Key, "" if there is none; raises InvalidRequestError."""
    key: str = request.headers.get("idempotency-key", "")
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise InvalidRequestError(
            f"An Idempotency-Key has at most {LONGEST_KEY} printable characters.",
            "Idempotency-Key",
        )
    return key


def takes(*names: str) -> Callable[[T], T]:
    """Say which parameters of the query a handler of the API reads; it is called with no others."""

    def mark(handler: T) -> T:
        handler.parameters = names  # type: ignore[attr-defined]
        return handler

    return mark


def check_parameters(request: func.HttpRequest, handler: Callable[..., object]) -> None:
    """Raise InvalidRequestError naming a parameter of the query that *handler* does not take."""
    known = getattr(handler, "parameters", ())
    for name in request.params:
        if name not in known:
            raise InvalidRequestError("There is no such parameter.", name)


def flag(parameters: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return a query parameter that is true or false; raises InvalidRequestError."""
    value = parameters.get(name)
    if value is None:
        return default
    if value not in ("true", "false"):
        raise InvalidRequestError("This must be true or false.", name)
    return value == "true"


def continuation(parameters: Mapping[str, str], shape: re.Pattern[str]) -> str:
    """Return what the page before ended with, "" for the first; raises InvalidRequestError."""
    value = parameters.get("continuation", "")
    if value and not shape.fullmatch(value):
        raise InvalidRequestError("This is not what a page ended with.", "continuation")
    return value


def page_size(parameters: Mapping[str, str]) -> int:
    """Return how many items a page is to have; raises InvalidRequestError."""
    value = parameters.get("page_size", str(DEFAULT_PAGE))
    if not (value.isascii() and value.isdigit() and len(value) < 5):
        value = "0"
    if not 1 <= int(value) <= LARGEST_PAGE:
        raise InvalidRequestError(f"This must be from 1 to {LARGEST_PAGE}.", "page_size")
    return int(value)
