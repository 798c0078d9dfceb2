"""A deployment whose stores can be made to fail, and what it wrote to them."""

from __future__ import annotations

import asyncio
import base64

from azure.data.tables import TableClient
from deployment import Deployment, settings
from fault_proxy import FaultProxy, only, refusing

from devserver.backing import connection_string
from engagement.domain.tracking.tracking_token import Kind


class Faulty:
    """A deployment whose tables, blobs and queues can be made to fail."""

    def __init__(self, azurite, spill, stack, *, judges=True):
        blob, queue, table = (stack.enter_context(FaultProxy(port)) for port in azurite.ports)
        self.blobs, self.queues, self.tables = blob, queue, table
        if not judges:
            # It puts into the queues, and takes nothing from them.
            queue.fault = only(lambda request: request.method == "GET", refusing(503))
        data = connection_string((blob.port, queue.port, table.port))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))
        self.recording = self.deployment.services.recording
        self.message = self.deployment.new_crm().sent()

    def open(self):
        """Fetch the pixel, which has to be the image whatever happens."""
        answer = self.deployment.get(self.message.pixel)
        assert (answer.status_code, len(answer.content)) == (200, 43)
        return answer

    def opens(self):
        """Count the opens that are stored; those of one reader within a minute are one KPI."""
        return len(self.message.acts("open"))

    def set(self, fault):
        """Let tables and queues fail alike."""
        self.tables.fault = self.queues.fault = fault

    def appends(self):
        """Bodies of the message's interactions that reached the table, in order."""
        return [
            body
            for method, path, body in self.tables.seen
            if method == "POST"
            and "$batch" not in path
            and b"5-interaction-" in body
            # Functions of this deployment take what other tests left in the queues, too.
            and self.message.id.encode() in body
        ]

    def queued(self, queue):
        """Records about the message that reached a queue, in order."""
        texts = [
            base64.b64decode(body.split(b"MessageText>")[1].removesuffix(b"</")).decode()
            for method, path, body in self.queues.seen
            if method == "POST" and f"/{queue}/messages" in path
        ]
        # What could not be dealt with is put back, and that is no other record.
        return [text for text in texts if self.message.id in text and '"tries"' not in text]

    def markers(self):
        """Rows that say in which minutes a message of the organization changed."""
        text = self.message.pixel.rpartition("/")[2].removesuffix(".gif")
        token = self.deployment.services.tracking.signer.verify(text, Kind.OPEN)
        data = self.deployment.environment["ENGAGEMENT_DATA"]
        with TableClient.from_connection_string(data, f"org{token.organization}") as table:
            query = "PartitionKey ge 'changed-' and PartitionKey lt 'changed.'"
            return list(table.query_entities(query))

    def drain(self):
        """Place what was spilled now, as the app does by itself some seconds later."""
        for _ in range(2):
            self.deployment.run(self.recording.drain())

    def deliver(self, record, times=1):
        """Have the queue function take an interaction's record, so many times at once."""

        async def take_all():
            await asyncio.gather(*(self.recording.take(record) for _ in range(times)))

        self.deployment.run(take_all())
