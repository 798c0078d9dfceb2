"""Makes the demo organization and a followed message, through the HTTP API like any CRM."""

from dataclasses import dataclass
from typing import Any

import httpx

ORGANIZATION = "demo"
PATH = f"/api/v1/organizations/{ORGANIZATION}"

HTML = """<!doctype html>
<html lang="en"><body style="font-family: sans-serif; max-width: 36em">
<p>Dear Ann,</p>
<p>thank you for the good talk. The contract is attached. Before you sign, have a look at the
<a href="https://example.com/offer?ref=17">offer</a> and at our
<a href="https://example.com/terms">terms</a>.</p>
<p>Kind regards<br>Kim Seller, Contoso</p>
</body></html>"""
TEXT = """Dear Ann,

thank you for the good talk. The contract is attached. Before you sign, have a look
at the offer, https://example.com/offer?ref=17, and at our terms, https://example.com/terms.

Kind regards
Kim Seller, Contoso
"""
MESSAGE: dict[str, Any] = {
    "subject": "Contract for signature",
    "html_body": HTML,
    "text_body": TEXT,
    "sender": {"user_id": "u-17", "email": "seller@contoso.example", "name": "Kim Seller"},
    "recipients": [
        {
            "role": "to",
            "email": "ann@fabrikam.example",
            "name": "Ann",
            "record": {"type": "contact", "id": "c-1"},
        }
    ],
    "regarding": {"type": "opportunity", "id": "o-9", "name": "Fabrikam renewal"},
    "template_id": None,
    "follow": True,
    "send_at": None,
    "reminder": None,
    "copies": "per_recipient",
}


class DemoError(RuntimeError):
    """A step of the demo was not answered as the contract says."""


@dataclass(frozen=True)
class Demo:
    """What the person at the terminal needs to go on."""

    api_key: str
    message_id: str


def pdf(text: str) -> bytes:
    """Write a PDF of one page with one line."""
    stream = f"BT /F1 24 Tf 72 720 Td ({text}) Tj ET"
    page = "/Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< {page} /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    content, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(content)}\n%%EOF\n"
    return f"{content}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")


async def call(client: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response:
    """Make one step, or raise DemoError."""
    try:
        answer = await client.request(method, path, **options)
    except httpx.HTTPError as error:
        raise DemoError(f"The demo failed at {method} {path}: {error!r}") from error
    if not answer.is_success:
        detail = answer.text[:500]
        raise DemoError(f"The demo failed at {method} {path}: {answer.status_code} {detail}")
    return answer


async def api_key(client: httpx.AsyncClient, admin_key: str) -> str:
    """Make the demo organization, or a fresh key for the one that is there."""
    headers = {"X-Api-Key": admin_key}
    name = {"name": "Demo organization"}
    answer = await call(client, "PUT", PATH, json=name, headers=headers)
    if answer.status_code != 201:
        answer = await call(client, "POST", f"{PATH}/api-keys", headers=headers)
    return str(answer.json()["api_key"])


async def attach(
    client: httpx.AsyncClient, message: str, name: str, content: bytes, *, followed: bool
) -> None:
    """Add an attachment to a message."""
    kind = "application/pdf" if name.endswith(".pdf") else "text/plain"
    query = {"name": name, "followed": str(followed).lower()}
    path = f"{PATH}/messages/{message}/attachments"
    await call(client, "POST", path, params=query, content=content, headers={"Content-Type": kind})


async def make(base_url: str, admin_key: str) -> Demo:
    """Make the demo and send its message."""
    async with httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False) as client:
        key = await api_key(client, admin_key)
        client.headers["X-Api-Key"] = key
        made = await call(client, "POST", f"{PATH}/messages", json=MESSAGE)
        message = str(made.json()["id"])
        contract = pdf("The contract of Contoso and Fabrikam")
        await attach(client, message, "contract.pdf", contract, followed=True)
        await attach(client, message, "directions.txt", b"Second floor, left.\n", followed=False)
        await call(client, "POST", f"{PATH}/messages/{message}/send", json={"delivery": "smtp"})
    return Demo(key, message)
