"""10,000 due reminders and sends after a month of pause; run by ``make scale``."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections import Counter, defaultdict
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from azure.data.tables import TableServiceClient
from deployment import Deployment, HostProcess, settings, wait_until
from office import Server

from devserver.backing import Azurite, free_port
from engagement.config import Config
from engagement.domain.messages.content import Content
from engagement.domain.messages.due_time import DueTime, Task
from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Copies, Message, Recipient, Role, Sender, Status
from engagement.domain.messages.reminder import Condition, Reminder
from engagement.storage import keys
from engagement.storage.account import Account
from engagement.storage.blobs import Blobs
from engagement.storage.due_times import DueTimes
from engagement.storage.messages import Messages
from engagement.storage.queries import Queries
from engagement.storage.wire import Wire

COUNT = int(os.environ.get("SCALE", "10000"))
ORGANIZATIONS = 50
#: Those that may be on their way when the process is killed: one for each lane.
IN_FLIGHT = 8
NOW = datetime.now(UTC)
MONTH_AGO = NOW - timedelta(days=30)


def message_of(number):
    """A message to be sent, or with a reminder, that was due some time in the last month."""
    at = MONTH_AGO + timedelta(seconds=number * 30 * 86_400 / COUNT)
    sends = number % 2 == 0
    return at, Message(
        id=secrets.token_hex(12),
        subject=f"{number:05d}",
        sender=Sender("u-17", "seller@contoso.example", None),
        regarding=None,
        template_id=None,
        follow=False,
        copies=Copies.SINGLE,
        status=Status.SCHEDULED if sends else Status.SENT,
        created_at=MONTH_AGO,
        send_at=at if sends else None,
        sent_at=None if sends else MONTH_AGO,
        delivery="smtp" if sends else "crm",
        follow_state=None if sends else FollowState.NOT_FOLLOWED,
        reminder=None if sends else Reminder(Condition.AT, at),
        content_blob=keys.blob(NOW, secrets.token_hex(12), "0"),
        recipients=(Recipient(1, Role.TO, "ann@fabrikam.example", None, None),),
    )


async def fill(environment, organizations):
    """Store messages with what is due, as the routes would have, a month ago."""
    account = Account(Config.from_environment(environment).data)
    wire = Wire(account)
    messages = Messages(account, Queries(wire))
    blobs, due_times = Blobs(account), DueTimes(account)
    limit = asyncio.Semaphore(16)

    async def store(number):
        organization = organizations[number % ORGANIZATIONS]
        at, message = message_of(number)
        task = Task.SEND if message.send_at else Task.REMIND
        async with limit:
            if message.send_at:
                content = Content(None, "Hello")
                await blobs.write_content(organization, message.content_blob, content)
            await messages.create(organization, message)
            await due_times.add(
                DueTime(
                    at=at,
                    organization=organization,
                    message_id=message.id,
                    task=task,
                    noted_at=MONTH_AGO,
                )
            )

    await asyncio.gather(*(store(number) for number in range(COUNT)))
    await wire.close()
    await account.close()


@pytest.fixture
def backlog(tmp_path):
    """Stores with a month's backlog, and a mail server."""
    server = Server()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    azurite = Azurite(tmp_path, (0, 0, 0))
    with ExitStack() as stack:
        controller.start()
        stack.callback(controller.stop)
        azurite.start()
        stack.callback(azurite.stop)
        azurite.wait()
        environment = settings(
            azurite.connection_string,
            ENGAGEMENT_SMTP_HOST="127.0.0.1",
            ENGAGEMENT_SMTP_PORT=str(controller.port),
            ENGAGEMENT_SMTP_SECURITY="none",
        )
        with Deployment(environment) as deployment:
            crms = [deployment.new_crm() for _ in range(ORGANIZATIONS)]
            read = deployment.services.administering.organizations.read
            keys_ = [deployment.run(read(crm.organization_id)).key for crm in crms]
        asyncio.run(fill(environment, keys_))
        yield environment, server, keys_


def alerts_of(environment, organizations):
    """Subjects of the reminders' alerts, over all organizations."""
    found = []
    with TableServiceClient.from_connection_string(environment["ENGAGEMENT_DATA"]) as tables:
        for organization in organizations:
            table = tables.get_table_client(keys.table(organization))
            query = "PartitionKey ge 'alerts-' and PartitionKey lt 'alerts.'"
            found += [row["subject"] for row in table.query_entities(query)]
    return found


def done(environment):
    """Whether nothing is left but what was on its way when the process was killed."""
    with TableServiceClient.from_connection_string(environment["ENGAGEMENT_DATA"]) as tables:
        rows = tables.get_table_client(keys.DUE_TIMES).list_entities(select=["task"])
        left = Counter(row["task"] for row in rows)
    return left["remind"] == 0 and left["send"] <= IN_FLIGHT


def memory(pid):
    """Peak of a process's memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


@pytest.mark.scale
def test_F9_a_months_backlog_is_done_once_and_the_oldest_first(backlog):
    environment, server, organizations = backlog
    began = datetime.now(UTC)
    with HostProcess(environment) as host:
        wait_until(lambda: len(server.subjects) > COUNT // 8, patience=300)
        host.kill()
    killed_at = len(server.subjects)
    with HostProcess(environment) as host:
        wait_until(lambda: done(environment), patience=1_800)
        peak = memory(host.process.pid)
    seconds = (datetime.now(UTC) - began).total_seconds()

    assert len(set(server.subjects)) == len(server.subjects)
    assert len(server.subjects) >= COUNT // 2 - IN_FLIGHT
    reminded = alerts_of(environment, organizations)
    expected = [f"{number:05d}" for number in range(1, COUNT, 2)]
    assert sorted(reminded) == expected
    for part in (server.subjects[:killed_at], server.subjects[killed_at:]):
        lanes = defaultdict(list)
        for subject in part:
            lanes[int(subject) % ORGANIZATIONS].append(subject)
        assert all(lane == sorted(lane) for lane in lanes.values())
    figures = f"{seconds:.0f} s, killed after {killed_at} sends, peak {peak} MiB"
    sys.stdout.write(f"\n{COUNT} due: {figures}\n")
