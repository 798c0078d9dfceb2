"""Triggers: HTTP routes, timers and queues; authentication and web manners."""

from __future__ import annotations

from collections.abc import Iterator

import azure.functions as func

from engagement.services import PublicServices, Services


def blueprints(services: PublicServices) -> Iterator[func.Blueprint]:
    """Yield the triggers of the surface; the public one never loads those of the private one."""
    from engagement.functions import probes

    yield probes.blueprint(services)
    if services.surface != "private":
        from engagement.functions import public

        yield public.blueprint(services)
    if isinstance(services, Services):
        from engagement.functions import (
            api_alerts,
            api_attachments,
            api_delivery_time,
            api_kpis,
            api_lists,
            api_messages,
            api_openapi,
            api_organizations,
            api_reminders,
            api_schedules,
            api_templates,
            api_verdicts,
            api_webhooks,
            queues,
            timers,
        )

        yield api_organizations.blueprint(services)
        yield api_messages.blueprint(services)
        yield api_schedules.blueprint(services)
        yield api_reminders.blueprint(services)
        yield api_attachments.blueprint(services)
        yield api_lists.blueprint(services)
        yield api_alerts.blueprint(services)
        yield api_templates.blueprint(services)
        yield api_kpis.blueprint(services)
        yield api_verdicts.blueprint(services)
        yield api_webhooks.blueprint(services)
        yield api_delivery_time.blueprint(services)
        yield api_openapi.blueprint(services)
        yield timers.blueprint(services)
        yield queues.blueprint(services)
