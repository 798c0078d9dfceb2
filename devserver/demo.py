"""Makes the demo organization and a followed message, through the HTTP API like any CRM."""

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
        {"role": "to", "email": "ann@fabrikam.example", "record": {"type": "contact", "id": "c-1"}}
    ],
    "regarding": {"type": "opportunity", "id": "o-9", "name": "Fabrikam renewal"},
    "copies": "per_recipient",
}
CONTRACT = b"The contract of Contoso and Fabrikam\n"


async def check(answer: httpx.Response) -> None:
    """Raise StartError for a step that was refused."""
    if answer.is_error:
        detail = (await answer.aread()).decode()
        raise StartError(f"The demo failed at {answer.url}: {answer.status_code} {detail[:500]}")


async def make(base_url: str, admin_key: str) -> tuple[str, str]:
    """Make the demo and send its message; give the API key and the message's id."""
    async with httpx.AsyncClient(
        base_url=base_url, timeout=60, trust_env=False, event_hooks={"response": [check]}
    ) as client:
        client.headers["X-Api-Key"] = admin_key
        made = await client.put(PATH, json={"name": "Demo organization"})
        if made.status_code != 201:
            # It is there from an earlier run, whose key was shown only then.
            made = await client.post(f"{PATH}/api-keys")
        client.headers["X-Api-Key"] = api_key = made.json()["api_key"]
        draft = await client.post(f"{PATH}/messages", json=MESSAGE)
        message = f"{PATH}/messages/{draft.json()['id']}"
        followed = {"name": "contract.txt", "followed": "true"}
        text = {"Content-Type": "text/plain"}
        await client.post(f"{message}/attachments", params=followed, content=CONTRACT, headers=text)
        await client.post(f"{message}/send", json={"delivery": "smtp"})
        return api_key, draft.json()["id"]
