"""Builds the services of a deployment; the only package that knows every layer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from engagement.config import Config
from engagement.services import PublicServices
from engagement.wiring.foundation import Foundation
from engagement.wiring.public import build_public_services


def build_services(
    config: Config, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> PublicServices:
    """Build what the triggers of the surface need; opens no connection yet.

    *clock* tells when messages are handed over and requests are counted, aware UTC. Every surface
    but the public one gets the whole :class:`engagement.services.Services`.
    """
    foundation = Foundation.of(config)
    if config.surface == "public":
        return build_public_services(config, foundation, clock)
    from engagement.wiring.private import build_private_services

    return build_private_services(config, foundation, clock)
