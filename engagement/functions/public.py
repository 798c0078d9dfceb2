"""What strangers call: the pixel, the redirect, the attachment.

Three rules: the pixel always answers with the image; the answer never depends on who asks; and
whatever is wrong with a token, the answer is one and the same, until a source has shown too many
such: then it is another one and the same, while good tokens are served as ever.
"""

from __future__ import annotations

import base64
import functools
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import azure.functions as func

from engagement import telemetry
from engagement.domain.file_name import content_disposition
from engagement.domain.verdicts.observer import Hit
from engagement.errors import (
    InvalidTokenError,
    NotFoundError,
    RangeNotSatisfiableError,
    StorageError,
    TooManyRequestsError,
)
from engagement.functions.access import Access, Wrapped, wrapped
from engagement.functions.web import RETRY_AFTER, seconds, tell_failure
from engagement.services import PublicServices
from engagement.services.limiting import Limiting
from engagement.services.tracking import Download

#: A transparent image of 1 x 1 pixel, 43 bytes.
GIF = base64.b64decode("R0lGODlhAQABAPAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")

HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
#: Made once: it is the same for everybody, and nobody changes it.
PIXEL = func.HttpResponse(GIF, headers={**HEADERS, "Content-Type": "image/gif"})
#: For what a browser may show: nothing in it runs, loads or submits.
LOCKED = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}

PAGES = Path(__file__).parent.parent / "pages"
NOT_FOUND = (PAGES / "not_found.html").read_bytes()
TOO_MANY = (PAGES / "too_many.html").read_bytes()
TRY_AGAIN = (PAGES / "try_again.html").read_bytes()

#: All are declared, so that the host lets them through and each is answered in so many words.
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ALLOWED = ("GET", "HEAD")


def blueprint(services: PublicServices) -> func.Blueprint:
    """Return the anonymous routes."""
    bp = func.Blueprint()
    tracking, limiting = services.tracking, services.limiting

    @bp.route("o/{file}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @for_strangers
    async def pixel(req: func.HttpRequest) -> func.HttpResponse:
        try:
            await tracking.open(_token(req.route_params["file"]), _hit(req))
        except InvalidTokenError:
            # Beyond the limit too the answer is the image.
            with suppress(TooManyRequestsError):
                limiting.count_bad_token(req.headers)
        except Exception:
            # This is our problem, not the recipient's.
            telemetry.exception("open_failed")
        return PIXEL

    @bp.route("c/{token}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @for_strangers
    @_limited(limiting)
    async def click(req: func.HttpRequest) -> func.HttpResponse:
        location = await tracking.click(req.route_params["token"], _hit(req))
        return func.HttpResponse(status_code=302, headers={**HEADERS, "Location": location})

    @bp.route("a/{token}/{*name}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)
    @for_strangers
    @_limited(limiting)
    async def attachment(req: func.HttpRequest) -> func.HttpResponse:
        return _download(await tracking.download(req.route_params["token"], _hit(req)))

    @bp.route("robots.txt", methods=["GET", "HEAD"], auth_level=func.AuthLevel.ANONYMOUS)
    @for_strangers
    async def robots(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding
        return func.HttpResponse("User-agent: *\nDisallow: /\n", mimetype="text/plain")

    return bp


def _limited(limiting: Limiting) -> Callable[[Wrapped], Wrapped]:
    """Return what counts a handler's bad tokens by their source, and refuses too many of them."""

    def decorate(handler: Wrapped) -> Wrapped:
        @functools.wraps(handler)
        async def counted(req: func.HttpRequest) -> func.HttpResponse:
            try:
                return await handler(req)
            except InvalidTokenError:
                try:
                    limiting.count_bad_token(req.headers)
                except TooManyRequestsError as error:
                    return _page(429, TOO_MANY, {"Retry-After": seconds(error.retry_after)})
                raise

        return counted

    return decorate


def for_strangers(handler: Wrapped) -> Wrapped:
    """Give *handler* the answers that every public route shares."""

    async def check(req: func.HttpRequest) -> func.HttpResponse:
        if req.method not in ALLOWED:
            return func.HttpResponse(
                status_code=405, headers={**HEADERS, "Allow": ", ".join(ALLOWED)}
            )
        try:
            return await handler(req)
        except (InvalidTokenError, NotFoundError):
            return _page(404, NOT_FOUND)
        except RangeNotSatisfiableError as error:
            part = {"Content-Range": f"bytes */{error.size}"}
            return func.HttpResponse(status_code=416, headers={**HEADERS, **part})
        except StorageError as error:
            tell_failure(error)
            return _page(503, TRY_AGAIN, {"Retry-After": RETRY_AFTER})
        except Exception:
            telemetry.exception("request_failed", status=503)
            return _page(503, TRY_AGAIN, {"Retry-After": RETRY_AFTER})

    return wrapped(handler, check, Access.ANYONE)


def _hit(req: func.HttpRequest) -> Hit:
    return Hit(req.method, req.headers, datetime.now(UTC), secrets.token_hex(6))


def _token(file: str) -> str:
    """Return the token of a pixel's file name, whatever a linkifier put behind the suffix."""
    head, suffix, _ = file.partition(".gif")
    return head if suffix else file


def _page(status: int, page: bytes, more: dict[str, str] | None = None) -> func.HttpResponse:
    headers = {**HEADERS, **LOCKED, **(more or {})}
    return func.HttpResponse(page, status_code=status, headers=headers, mimetype="text/html")


def _download(download: Download) -> func.HttpResponse:
    if download.url is not None:
        return func.HttpResponse(status_code=302, headers={**HEADERS, "Location": download.url})
    attachment, part = download.attachment, download.part
    headers = {
        **HEADERS,
        **LOCKED,
        "Accept-Ranges": "bytes",
        "Content-Disposition": content_disposition(attachment.name),
        # Said here, as HEAD has no data to count.
        "Content-Length": str(attachment.size if part is None else part.length),
        # As a mimetype, text would be given a charset of its own.
        "Content-Type": attachment.content_type,
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{attachment.size}"
    return func.HttpResponse(
        download.data, status_code=200 if part is None else 206, headers=headers
    )
