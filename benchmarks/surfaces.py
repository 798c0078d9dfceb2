"""The settings of the deployment that is measured, and the services of its private surface."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engagement.config import Config
from engagement.services import Services
from engagement.wiring import build_services

KEY = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
PUBLIC_URL = "http://links.contoso.example"


def settings(data: str, surface: str) -> dict[str, str]:
    """Return the settings of a surface on the stores of the connection string *data*."""
    return {
        "ENGAGEMENT_SURFACE": surface,
        "ENGAGEMENT_DATA": data,
        "ENGAGEMENT_SIGNING_KEYS": f"1:{KEY}",
        "ENGAGEMENT_PUBLIC_URL": PUBLIC_URL,
        # The local host starts an inbox where none is named.
        "ENGAGEMENT_SMTP_HOST": "127.0.0.1",
    }


@asynccontextmanager
async def private_services(data: str) -> AsyncIterator[Services]:
    """Build what the private surface works with, on the stores of a connection string."""
    services = build_services(Config.from_environment(settings(data, "private")))
    if not isinstance(services, Services):
        raise TypeError("The private surface is needed.")
    try:
        yield services
    finally:
        await services.close()
