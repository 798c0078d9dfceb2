"""Whoever runs the command line, signed in to Azure: by ``az login``, a managed identity and more.

The ways are those of azure-identity's DefaultAzureCredential, in its order:
https://learn.microsoft.com/python/api/azure-identity/azure.identity.defaultazurecredential.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engagement.errors import RemoteError

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential


class SignIn:
    """Gives access tokens, which azure-identity keeps until shortly before their end."""

    def __init__(self) -> None:
        self._credential: DefaultAzureCredential | None = None

    async def token(self, scope: str) -> str:
        """Return a token for *scope*, such as ``https://vault.azure.net/.default``.

        Raises RemoteError, which says what to do and quotes nothing but Entra's error number.
        """
        # 0.2 s that commands without a sign-in do not need.
        from azure.core.exceptions import AzureError
        from azure.identity.aio import DefaultAzureCredential

        if self._credential is None:
            self._credential = DefaultAzureCredential()
        try:
            return (await self._credential.get_token(scope)).token
        except AzureError as error:
            number = re.search(r"AADSTS[0-9]{1,10}", str(error))
            why = f" ({number[0]})" if number else ""
            raise RemoteError(
                f"Azure gave no token for {scope.removesuffix('/.default')}{why}: run az login, "
                "in the tenant of the deployment."
            ) from None

    async def close(self) -> None:
        """Give the connections back."""
        if self._credential is not None:
            await self._credential.close()
