"""Interactions that could not be stored at once are put in their place; messages are judged."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from engagement.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """Return the queue triggers; what cannot be read goes to the poison queue."""
    bp = func.Blueprint()

    @bp.queue_trigger(arg_name="record", queue_name="interactions", connection="ENGAGEMENT_DATA")
    async def place_interaction(record: func.QueueMessage) -> None:
        await services.recording.take(record.get_body().decode("utf-8"))

    @bp.queue_trigger(arg_name="request", queue_name="judgements", connection="ENGAGEMENT_DATA")
    async def judge_message(request: func.QueueMessage) -> None:
        await services.judging.take(request.get_body().decode("utf-8"), datetime.now(UTC))

    return bp
