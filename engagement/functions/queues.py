"""Interactions that could not be stored at once are put in their place."""

from __future__ import annotations

import azure.functions as func

from engagement.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """Return the queue triggers; what cannot be read goes to the poison queue."""
    bp = func.Blueprint()

    @bp.queue_trigger(arg_name="record", queue_name="interactions", connection="ENGAGEMENT_DATA")
    async def place_interaction(record: func.QueueMessage) -> None:
        await services.recording.take(record.get_body().decode("utf-8"))

    return bp
