"""Tokens by which the app itself, and no user, calls Microsoft Graph (OAuth client credentials).

The app proves who it is by a secret, or, without one, by a token of a managed identity that the app
registration trusts:
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
"""

from __future__ import annotations

import asyncio
import functools
import re
from typing import TYPE_CHECKING, Any

from engagement.config import GraphTenant
from engagement.errors import RemoteError

if TYPE_CHECKING:
    import msal
    import requests

#: What a managed identity's token has to be for, in order to be taken as an app's proof.
EXCHANGE = "api://AzureADTokenExchange"

#: float, seconds; msal itself asks again no sooner when Entra has failed
LATER = 60.0

#: OAuth errors that pass (RFC 6749 section 4.1.2.1); all others want somebody to change something.
_PASSING = ("server_error", "temporarily_unavailable")

#: No connection (what requests raises is an OSError), or a page that is no answer of Entra's: msal
#: takes the shape for granted.
_NO_ANSWER = (OSError, ValueError, LookupError, TypeError, AttributeError)


class Entra:
    """Gives tokens for one app; msal keeps them until shortly before their end."""

    def __init__(self, tenant: GraphTenant, *, timeout: float = 10.0) -> None:
        self._tenant = tenant
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._app: msal.ConfidentialClientApplication | None = None

    async def token(self, *, refused: str = "") -> str:
        """Return a token for Microsoft Graph, and not the one that was *refused*.

        Raises RemoteError, with ``retry_after`` unless somebody has to change something first.
        """
        # One at a time: whoever waits finds the token that the first one fetched.
        async with self._lock:
            return await asyncio.to_thread(self._fetch, refused)

    def _fetch(self, refused: str) -> str:
        from msal.exceptions import MsalServiceError  # 0.1 s that nothing else needs

        try:
            if self._app is None:
                self._app = self._new_app()
            scopes = [f"{self._tenant.url}/.default"]
            answer = self._app.acquire_token_for_client(scopes)
            if refused and answer.get("access_token") == refused:
                self._app.remove_tokens_for_client()
                answer = self._app.acquire_token_for_client(scopes)
        except (MsalServiceError, *_NO_ANSWER):
            # Without the cause, which may quote what was sent.
            raise RemoteError("Microsoft Entra did not answer.", retry_after=LATER) from None
        return _token_in(answer)

    def _new_app(self) -> msal.ConfidentialClientApplication:
        import msal

        session = self._session()
        credential: Any = self._tenant.client_secret
        if credential is None:
            identity = msal.ManagedIdentityClient(
                msal.UserAssignedManagedIdentity(client_id=self._tenant.identity_client_id),
                http_client=session,
            )
            credential = {"client_assertion": functools.partial(_assertion, identity)}
        return msal.ConfidentialClientApplication(
            self._tenant.client_id,
            client_credential=credential,
            authority=f"{self._tenant.authority}/{self._tenant.tenant_id}",
            http_client=session,
            # It would ask the public cloud whether the configured authority is one of Microsoft's.
            instance_discovery=False,
        )

    def _session(self) -> requests.Session:
        import requests

        session = requests.Session()
        # A token is fetched once an hour; by then the other side has closed what was kept open.
        session.headers["Connection"] = "close"
        # requests has no time-out unless every call names one.
        session.request = functools.partial(  # type: ignore[method-assign]
            session.request, timeout=self._timeout
        )
        return session


def _assertion(identity: msal.ManagedIdentityClient) -> str:
    token = identity.acquire_token_for_client(resource=EXCHANGE).get("access_token")
    if not isinstance(token, str):
        # msal gives one reason for all failures of the host, also for those that pass.
        raise RemoteError("The managed identity gave no token.", retry_after=LATER)
    return token


def _token_in(answer: dict[str, Any]) -> str:
    token = answer.get("access_token")
    if isinstance(token, str):
        return token
    error = re.fullmatch(r"[a-z_]{1,50}", str(answer.get("error")))
    # Of the description only the number is told, as it quotes ids; it can be looked up.
    number = re.match(r"AADSTS[0-9]{1,10}", str(answer.get("error_description")))
    why = ", ".join(found[0] for found in (error, number) if found) or "without a reason"
    retry_after = LATER if error and error[0] in _PASSING else None
    raise RemoteError(f"Microsoft Entra gave no token ({why}).", retry_after=retry_after)
