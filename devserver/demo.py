"""Makes the demo organization and a followed message, through the HTTP API like any CRM."""

import httpx

from devserver.settings import StartError

ORGANIZATION = "demo"
PATH = f"/api/v1/organizations/{ORGANIZATION}"

HTML = """<!doctype html>
<html lang="en"><body style="font-family: sans-serif; max-width: 36em">
<p>Dear Ann,</p>
<p>thank you for the good talk. The contract is behind the link at the end, and our terms are
attached. Before you sign, have a look at the
<a href="https://example.com/offer?ref=17">offer</a> and at the
<a href="https://example.com/questions">questions of others</a>.</p>
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
#: Name, whether it is followed, and bytes: the inbox shows a link to one and holds the other.
FILES = (
    ("contract.txt", "true", b"The contract of Contoso and Fabrikam\n"),
    ("terms.txt", "false", b"The terms of Contoso\n"),
)


def ok(answer: httpx.Response) -> httpx.Response:
    """Give the answer of a step, or raise StartError if it was refused."""
    if answer.is_error:
        told = f"{answer.status_code} {answer.text[:500]}"
        raise StartError(f"The demo failed at {answer.url}: {told}")
    return answer


async def make(base_url: str, admin_key: str, kept: str | None = None) -> tuple[str, str]:
    """Make the demo and send its message; give the API key and the message's id."""
    async with httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False) as client:
        api_key = await find_key(client, admin_key, kept)
        client.headers["X-Api-Key"] = api_key
        draft = ok(await client.post(f"{PATH}/messages", json=MESSAGE)).json()["id"]
        message, text = f"{PATH}/messages/{draft}", {"Content-Type": "text/plain"}
        for name, followed, data in FILES:
            query = {"name": name, "followed": followed}
            url = f"{message}/attachments"
            ok(await client.post(url, params=query, content=data, headers=text))
        ok(await client.post(f"{message}/send", json={"delivery": "smtp"}))
        return api_key, draft


async def find_key(client: httpx.AsyncClient, admin_key: str, kept: str | None) -> str:
    """Give the API key of an earlier start if it still works, and a new one otherwise."""
    if kept:
        tried = await client.get(f"{PATH}/settings", headers={"X-Api-Key": kept})
        if tried.is_success:
            return kept
    admin = {"X-Api-Key": admin_key}
    made = ok(await client.put(PATH, json={"name": "Demo organization"}, headers=admin))
    if made.status_code != 201:
        # It is there from an earlier start, whose key was shown only then.
        made = ok(await client.post(f"{PATH}/api-keys", headers=admin))
    api_key: str = made.json()["api_key"]
    return api_key
