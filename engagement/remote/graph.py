"""Hands messages to Microsoft Graph as MIME, so that Message-ID and headers stay ours.

https://learn.microsoft.com/graph/api/user-sendmail and https://learn.microsoft.com/graph/errors.
Graph takes the recipients from the message, and says of one that it took no more than 202. So what
matters is as with a mail server: whether a message that was not confirmed may have been sent.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import aiohttp
from yarl import URL

from engagement.config import GraphTenant
from engagement.domain.mailbox_address import check_address, wire_address
from engagement.errors import RemoteError, UnprocessableError
from engagement.remote.entra import Entra

#: int, bytes of a request with MIME (https://learn.microsoft.com/graph/outlook-send-mime-message);
#: as it travels in base64, that is three quarters of it in bytes of the message
LARGEST_REQUEST = 4 * 1024**2

#: float, seconds to wait after a request to come back later that does not say when
LATER = 30.0
LONGEST_WAIT = 3_600.0

_CONNECT_SECONDS = 10.0
_LARGEST_ERROR = 16 * 1024
_IN_DOUBT = "Microsoft Graph did not say whether it took the message."
_TOO_LARGE = (
    f"The message is too large for Microsoft Graph, whose limit is {LARGEST_REQUEST} bytes in "
    "base64: follow its attachments, or send it another way."
)
#: 429 and 503 by the page on throttling, 509 by that on errors: the request was not acted on.
_COME_BACK_LATER = (429, 503, 509)
_REFUSALS = {
    401: "Microsoft Graph did not accept the app's token",
    403: "Microsoft Graph does not let the app send from this mailbox: it lacks Mail.Send, or its "
    "access to mailboxes is limited",
    404: "Microsoft Graph knows no such mailbox",
}


class Graph:
    """Microsoft Graph, as our app in one tenant. *timeout* is the seconds that a request may take.

    Every message gets a connection of its own: one that is kept may be closed by the other side
    just when it is used, and that would leave a doubt.
    """

    def __init__(self, tenant: GraphTenant, entra: Entra, *, timeout: float = 30.0) -> None:
        self._url = tenant.url
        self._entra = entra
        self._timeout = timeout

    async def send(self, mime: bytes, *, mailbox: str) -> None:
        """Send one message from *mailbox* to the recipients in its To, Cc and Bcc.

        Raises UnprocessableError if it is too large, and RemoteError if Graph did not take it: the
        error is ``ambiguous`` if Graph had the message and did not say what became of it, and has
        ``retry_after`` if it surely did not take it and may do so later. It names no addresses. A
        task cancelled in here leaves the same doubt as an ambiguous error. Raises
        InvalidRequestError for a mailbox that is no address.
        """
        # What may stand before the @ includes /, ? and #.
        name = quote(wire_address(check_address(mailbox, "sender.email")), safe="@")
        body = base64.b64encode(mime)
        if len(body) > LARGEST_REQUEST:
            raise UnprocessableError(_TOO_LARGE, "attachments")
        url = f"{self._url}/v1.0/users/{name}/sendMail"
        token = await self._entra.token()
        error = await self._post(url, body, token)
        if error is not None and error[0] == 401:
            # It may have been revoked before its end.
            error = await self._post(url, body, await self._entra.token(refused=token))
        if error is not None:
            raise _refusal(*error)

    async def _post(
        self, url: str, body: bytes, token: str
    ) -> tuple[int, Mapping[str, str], str] | None:
        """Return None if the message was taken, otherwise status, headers and Graph's error code.

        Raises RemoteError if there was no answer.
        """
        connect = min(_CONNECT_SECONDS, self._timeout)
        timeout = aiohttp.ClientTimeout(total=self._timeout, connect=connect)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
                session.post(
                    URL(url, encoded=True), data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                if answer.status == 202:
                    return None
                return answer.status, answer.headers, await _error_code(answer)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            raise RemoteError("Microsoft Graph could not be reached.", retry_after=LATER) from None
        except (aiohttp.ClientError, OSError):
            # Also if not all of it was written: an answer that came early may have got lost.
            raise RemoteError(_IN_DOUBT, ambiguous=True) from None


async def _error_code(answer: aiohttp.ClientResponse) -> str:
    """Return the code in Graph's error, "" for a page that is none."""
    try:
        body = await answer.content.readexactly(_LARGEST_ERROR)
    except asyncio.IncompleteReadError as error:
        body = error.partial
    except (aiohttp.ClientError, OSError):
        return ""  # the status has said what matters
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    # Its message is left out, as it quotes addresses.
    return code if isinstance(code, str) and re.fullmatch(r"[\w.-]{1,100}", code, re.ASCII) else ""


def _refusal(
    status: int, headers: Mapping[str, str], code: str
) -> RemoteError | UnprocessableError:
    """Return the error to raise for an answer that is not 202."""
    shown = f"{status} {code}".strip()
    if status == 413:
        return UnprocessableError(_TOO_LARGE, "attachments")
    if status in _COME_BACK_LATER:
        wait = retry_after(headers.get("Retry-After", ""), datetime.now(UTC))
        return RemoteError(f"Microsoft Graph is too busy ({shown}).", retry_after=wait)
    if 300 <= status < 500:
        sentence = _REFUSALS.get(status, "Microsoft Graph refused the message")
        return RemoteError(f"{sentence} ({shown}).")
    return RemoteError(f"{_IN_DOUBT[:-1]} ({shown}).", ambiguous=True)


def retry_after(value: str, now: datetime) -> float:
    """Return the seconds that a Retry-After header asks for (RFC 9110 section 10.2.3).

    At most an hour, and a default if it is missing or makes no sense; *now* is aware UTC.
    """
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return LATER
    if moment.utcoffset() is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, min((moment - now).total_seconds(), LONGEST_WAIT))
