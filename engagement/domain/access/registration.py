"""What Microsoft Entra knows of the API, and by which tokens are told to be for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Registration:
    """The app registration of the API in the one tenant whose tokens it takes."""

    tenant_id: str
    client_id: str
    #: client ids of the only applications that may call; empty for all
    applications: frozenset[str]
    #: str, scheme and host of Microsoft Entra
    authority: str

    @property
    def audiences(self) -> frozenset[str]:
        """What tokens for the API name as their audience.

        https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
        """
        return frozenset((self.client_id, f"api://{self.client_id}"))

    @property
    def issuers(self) -> Mapping[str, str]:
        """Who issues tokens of each version; the app registration says which it wants."""
        return {
            "1.0": f"https://sts.windows.net/{self.tenant_id}/",
            "2.0": f"{self.authority}/{self.tenant_id}/v2.0",
        }

    @property
    def keys_url(self) -> str:
        """Where the tenant publishes the keys that tokens of both versions are signed with."""
        return f"{self.authority}/{self.tenant_id}/discovery/v2.0/keys"
