"""Makes the demo organization and a followed message, through the HTTP API like any CRM."""

from typing import Any

import httpx

from devserver.settings import StartError

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
MESSAGE = {
    "subject": "Contract for signature",
    "html_body": HTML,
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
    "copies": "per_recipient",
}
CONTRACT = b"The contract of Contoso and Fabrikam\n"


async def call(client: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response:
    """Make one step, or raise StartError."""
    try:
        answer = await client.request(method, path, **options)
    except httpx.HTTPError as error:
        raise StartError(f"The demo failed at {method} {path}: {error!r}") from error
    if not answer.is_success:
        raise StartError(f"The demo failed at {method} {path}: {answer} {answer.text[:500]}")
    return answer


async def make(base_url: str, admin_key: str) -> tuple[str, str]:
    """Make the demo and send its message; give the API key and the message's id."""
    async with httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False) as client:
        client.headers["X-Api-Key"] = admin_key
        made = await call(client, "PUT", PATH, json={"name": "Demo organization"})
        if made.status_code != 201:
            # It is there from an earlier run, and so is its key: that was shown only once.
            made = await call(client, "POST", f"{PATH}/api-keys")
        client.headers["X-Api-Key"] = api_key = made.json()["api_key"]
        draft = await call(client, "POST", f"{PATH}/messages", json=MESSAGE)
        message = f"{PATH}/messages/{draft.json()['id']}"
        await call(
            client,
            "POST",
            f"{message}/attachments",
            params={"name": "contract.txt", "followed": "true"},
            content=CONTRACT,
            headers={"Content-Type": "text/plain"},
        )
        await call(client, "POST", f"{message}/send", json={"delivery": "smtp"})
        return api_key, draft.json()["id"]
