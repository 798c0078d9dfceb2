"""What the tests of the public surface share: raw requests, tokens, and what was stored."""

from __future__ import annotations

import http.client
import re
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from azure.data.tables import TableClient
from deployment import FIREFOX, PUBLIC_URL, reader_of

from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken
from engagement.storage.judgement_requests import JudgementRequest, record_of

SIGNER = TokenSigner({1: b"k" * 32})
#: A header by which a raw request comes from a browser.
BROWSER = f"User-Agent: {FIREFOX}"
KINDS = {"o": Kind.OPEN, "c": Kind.CLICK, "a": Kind.ATTACHMENT}

#: A transparent GIF of 1 x 1 pixel, spelled out.
IMAGE = bytes.fromhex(
    "474946383961"  # GIF89a
    "01000100f00000"  # 1 x 1, two colours
    "000000000000"  # both black
    "21f9040100000000"  # colour 0 is transparent
    "2c000000000100010000"  # one image, all of it
    "02024401003b"  # its only pixel has colour 0
)


@dataclass(frozen=True)
class Answer:
    """A response as it came over the wire, header names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name):
        """Return the value of a header that may come once, None if it is missing."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, name
        return values[0] if values else None


def raw(deployment, method, target, *headers, host="Host: links.contoso.example"):
    """Send a request byte for byte, as no client library would; text stands for Latin-1."""
    lines = [f"{method} {target} HTTP/1.1", host, "Connection: close", *headers]
    if not any(header.lower().startswith("x-forwarded-for:") for header in headers):
        lines.append(f"X-Forwarded-For: {reader_of(target)}")
    with connect(deployment) as connection:
        connection.sendall("\r\n".join(filter(None, lines)).encode("latin-1") + b"\r\n\r\n")
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        fields = [(name.lower(), value) for name, value in answer.getheaders()]
        return Answer(answer.status, fields, answer.read())


def connect(deployment):
    """Open a connection to a deployment."""
    return socket.create_connection(address(deployment), timeout=60)


def address(deployment):
    """Where a deployment listens."""
    return ("127.0.0.1", int(deployment.url.rsplit(":", 1)[1]))


def path(url):
    """Path of a tracked URL."""
    return url.removeprefix(PUBLIC_URL)


def token(url):
    """Token in a tracked URL."""
    return path(url).split("/")[2].removesuffix(".gif")


def said(url):
    """What the token of a tracked URL says."""
    return SIGNER.verify(token(url), KINDS[path(url)[1]])


def signed(kind, of, **changes):
    """Sign a token like that of the tracked URL *of*, but of *kind* and with *changes*."""
    known = said(of)
    fields = {
        "organization": known.organization,
        "message_id": known.message_id,
        "handed_over_at": known.handed_over_at,
        "recipient": known.recipient,
        "target": known.target,
    }
    return SIGNER.sign(TrackingToken(kind, **{**fields, **changes}))


def flipped(text, place=-1):
    """Return *text* with another character in one place."""
    characters = list(text)
    characters[place] = "A" if characters[place] != "A" else "B"
    return "".join(characters)


@contextmanager
def table(message):
    """Open the table of the organization that sent *message*."""
    connection_string = message.crm.deployment.environment["ENGAGEMENT_DATA"]
    name = f"org{said(message.pixel).organization}"
    with TableClient.from_connection_string(connection_string, name) as client:
        yield client


def interactions(message):
    """Return the rows of a message's interactions, newest first, inferred opens left out."""
    return [row for row in stored(message) if row["reasons"] != "inferred"]


def stored(message):
    """Return all rows of a message's interactions, newest first."""
    with table(message) as rows:
        found = rows.query_entities(
            "PartitionKey eq @id and RowKey ge '5' and RowKey lt '6'",
            parameters={"id": message.id},
        )
        return list(found)


def forget(message):
    """Remove a message's interactions, so that the next test can use it; returns the message."""
    found = stored(message)
    with table(message) as rows:
        for row in found:
            rows.delete_entity(row)
    return message


def judge(message):
    """Judge a message now, as the queue function does when its record comes."""
    record = record_of(JudgementRequest(said(message.pixel).organization, message.id, last=True))
    deployment = message.crm.deployment
    deployment.run(deployment.services.judging.take(record, datetime.now(UTC)))


def verdicts(message):
    """Return type, verdict and reasons of a message's interactions, newest first."""
    return [(row["type"], row["verdict"], row["reasons"]) for row in interactions(message)]


def facts(answer):
    """Return everything of an answer that could tell two cases apart; the date cannot."""
    pairs = answer.headers if isinstance(answer, Answer) else answer.headers.multi_items()
    status = answer.status if isinstance(answer, Answer) else answer.status_code
    body = answer.body if isinstance(answer, Answer) else answer.content
    return status, sorted((k, v) for k, v in pairs if k not in ("date", "connection")), body


def file_name(answer):
    """Decode the name that a Content-Disposition saves a file under (RFC 8187)."""
    pattern = r"""attachment; filename="[^"\\\r\n]*"; filename\*=UTF-8''([!#$&+^`|~.\w%-]*)"""
    found = re.fullmatch(pattern, answer.headers["content-disposition"], re.ASCII)
    return unquote(found[1], errors="strict")
