"""Triggers: HTTP routes, timers and queues; authentication and web manners."""

from __future__ import annotations

from collections.abc import Iterator

import azure.functions as func

from engagement.services import Services


def blueprints(services: Services) -> Iterator[func.Blueprint]:
    """Yield the triggers of the surface; the public one never loads those of the private one."""
    from engagement.functions import probes

    yield probes.blueprint(services)
    if services.surface != "private":
        from engagement.functions import public

        yield public.blueprint(services)
    if services.surface != "public":
        from engagement.functions import (
            api_attachments,
            api_messages,
            api_organizations,
            queues,
            timers,
        )

        for module in (api_organizations, api_messages, api_attachments, timers, queues):
            yield module.blueprint(services)
