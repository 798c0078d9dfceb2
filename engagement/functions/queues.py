"""What waits in queues: interactions to be stored, messages to be judged, webhooks to be sent."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func

from engagement.functions.background import in_background
from engagement.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """Return the queue triggers; what cannot be read goes to the poison queue."""
    bp = func.Blueprint()

    @bp.queue_trigger(arg_name="record", queue_name="interactions", connection="ENGAGEMENT_DATA")
    @in_background
    async def place_interaction(record: func.QueueMessage) -> None:
        await services.recording.take(record.get_body().decode("utf-8"))

    @bp.queue_trigger(arg_name="request", queue_name="judgements", connection="ENGAGEMENT_DATA")
    @in_background
    async def judge_message(request: func.QueueMessage) -> None:
        await services.judging.take(request.get_body().decode("utf-8"), datetime.now(UTC))

    @bp.queue_trigger(arg_name="delivery", queue_name="webhooks", connection="ENGAGEMENT_DATA")
    @in_background
    async def send_webhook(delivery: func.QueueMessage) -> None:
        await services.notifying.take(delivery.get_body().decode("utf-8"), datetime.now(UTC))

    return bp
