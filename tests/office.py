"""An office whose clock is moved by hand: what happens when a time has come."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

from azure.data.tables import TableServiceClient
from deployment import Deployment, ok, settings
from fault_proxy import FaultProxy, healthy

from devserver.backing import connection_string
from engagement.storage import keys

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
MONTH = timedelta(days=30)


class Server:
    """A mail server that answers what it is told to, and keeps the subjects of what it took."""

    def __init__(self):
        self.subjects = []
        self.html = ""
        self.answer = "250 taken"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=default)
        if self.answer is None:
            # It has the message, and nobody learns of it.
            server.transport.abort()
        elif not self.answer.startswith("250"):
            return self.answer
        self.subjects.append(message["Subject"])
        html = message.get_body(("html",))
        self.html = html.get_content() if html is not None else ""
        return self.answer


class Office:
    """A deployment with a mail server, and a clock that is moved by hand."""

    def __init__(self, azurite, mail, stack):
        self.server = mail
        self.tables = stack.enter_context(FaultProxy(azurite.ports[2]))
        self.data = azurite.connection_string
        environment = settings(
            connection_string((*azurite.ports[:2], self.tables.port)),
            ENGAGEMENT_SMTP_HOST="127.0.0.1",
            ENGAGEMENT_SMTP_PORT=str(mail.port),
            ENGAGEMENT_SMTP_SECURITY="none",
        )
        self.deployment = stack.enter_context(Deployment(environment))
        self.services = self.deployment.services
        self.sending = self.services.dispatching.sending
        self.transports = self.sending.handing_over.transports
        self.sending.clock = lambda: self.now

    def begin(self):
        """Begin a test: with an organization of its own, and nothing due."""
        self.now = NOW
        self.tables.fault = healthy
        self.sending.handing_over.transports = self.transports
        self.server.subjects, self.server.answer = [], "250 taken"
        with TableServiceClient.from_connection_string(self.data) as tables:
            client = tables.create_table_if_not_exists(keys.DUE_TIMES)
            for row in client.list_entities():
                client.delete_entity(row)
        self.crm = self.deployment.new_crm()

    def scheduled(self, subject="Offer", *, after=HOUR, delivery="smtp", crm=None, **fields):
        """Have a message wait; returns its id."""
        crm = crm or self.crm
        send_at = (NOW + after).isoformat()
        draft = crm.draft(subject=subject, send_at=send_at, **fields)
        assert crm.send(draft["id"], delivery)["status"] == "scheduled"
        return draft["id"]

    def run(self, now, seconds=60.0):
        """Do what the timer does, at another time."""
        self.now = now
        dispatching = self.services.dispatching
        return self.deployment.run(dispatching.run(lambda: now, seconds))

    def run_twice_at_once(self, now):
        """Do what two timers do at the same time."""
        self.now = now

        async def both():
            runs = (self.services.dispatching.run(lambda: now, 60.0) for _ in range(2))
            return await asyncio.gather(*runs)

        return self.deployment.run(both())

    def send_now(self, message_id, delivery):
        """Send a message whose time has not come by the clock of the route."""
        body = {"delivery": delivery, "now": True}
        return ok(self.crm.call("POST", f"/messages/{message_id}/send", json=body))

    def status(self, message_id):
        """Status of a message."""
        return self.crm.message(message_id)["status"]

    def key(self):
        """The name by which the organization's stores are named."""

        async def read():
            organizations = self.services.administering.organizations
            return (await organizations.read(self.crm.organization_id)).key

        return self.deployment.run(read())

    def lose(self, message_id, what):
        """Delete the blob with the content of a message, or with its file, as if it were lost."""
        key = self.key()

        async def delete():
            message = await self.services.dispatching.messages.read(key, message_id)
            blob = message.content_blob if what == "content" else message.attachments[0].blob
            await self.sending.blobs.delete(key, blob)

        self.deployment.run(delete())

    def alerts(self, now, crm=None):
        """Alerts of the seller at a time."""
        crm = crm or self.crm

        async def page():
            organization = await self.services.administering.organizations.read(crm.organization_id)
            return await self.services.alerting.page(organization, "u-17", now, after="", size=200)

        return self.deployment.run(page())[0]

    def due(self):
        """Every note of a due time."""
        with TableServiceClient.from_connection_string(self.data) as tables:
            return list(tables.get_table_client(keys.DUE_TIMES).list_entities())
