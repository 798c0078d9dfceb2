"""Lists that are filled without sending anything: rows are written as the projection does."""

from __future__ import annotations

import secrets
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from azure.data.tables import TableClient
from deployment import ok

from engagement.domain.messages.follow import FollowState
from engagement.domain.messages.message import Sender, Status
from engagement.domain.reports.listed import Listed
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.kpi import Kpi
from engagement.domain.verdicts.verdict import Judgement, Verdict, Via
from engagement.storage import keys
from engagement.storage.listing_rows import COLUMN, text_of

#: When the first message was sent; each later number a minute before.
FIRST = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KIM = Sender("u-17", "seller@contoso.example", "Kim Seller")


def row(number, **fields):
    """A followed message that was sent; the higher the number, the older."""
    at = FIRST - timedelta(minutes=number)
    usual = {
        "message_id": f"{number:024x}",
        "subject": f"Message {number}",
        "sender": KIM,
        "recipients": "Ann",
        "regarding": None,
        "template_id": None,
        "status": Status.SENT,
        "follow_state": FollowState.FOLLOWED,
        "ambiguous": False,
        "created_at": at,
        "sending_at": at,
        "sent_at": at,
        "kpi": Kpi(),
    }
    return Listed(**{**usual, **fields})


def an_open(message_id, at, verdict=Verdict.PERSON):
    """An open that no queue knows of."""
    return Interaction(
        id=interaction_id(at, secrets.token_hex(4)),
        message_id=message_id,
        evidence=Evidence(type=InteractionType.OPEN, at=at),
        judgement=Judgement(verdict, Via.DIRECT),
    )


def fill(crm, rows, *, record=None, wanted="list-"):
    """Put rows on the *wanted* lists of an organization, and on that of a *record*."""
    deployment = crm.deployment
    key = deployment.run(deployment.services.administering.find(crm.organization_id)).key
    shelves = defaultdict(list)
    for one in rows:
        for partition in filter(lambda name: name.startswith(wanted), partitions(one, record)):
            shelves[partition].append(
                {"PartitionKey": partition, "RowKey": one.key, COLUMN: text_of(one)}
            )
    with TableClient.from_connection_string(
        deployment.environment["ENGAGEMENT_DATA"], keys.table(key)
    ) as table:
        for found in shelves.values():
            for start in range(0, len(found), 100):
                table.submit_transaction(("upsert", one) for one in found[start : start + 100])


def partitions(one, record):
    """Where a row stands."""
    if record is not None:
        yield keys.list_of_record(*record)
    if one.followed:
        yield keys.LIST_ALL
        yield keys.list_of_sender(one.sender.user_id)
        if one.template_id is not None:
            yield keys.list_of_template(one.template_id)


def followed(crm, **parameters):
    """One page of all followed emails."""
    return ok(ask(crm, **parameters))


def ask(crm, path="/messages", **parameters):
    """Ask for a list; a parameter that Python keeps for itself ends with an underscore."""
    query = {name.rstrip("_"): value for name, value in parameters.items()}
    return crm.call("GET", path, params=query)


def ids(page):
    """The numbers of the messages on a page."""
    return [int(item["id"], 16) for item in page["items"]]


def pages(crm, path="/messages", **parameters):
    """Every page of a list."""
    found = [ok(ask(crm, path, **parameters))]
    while found[-1]["continuation"]:
        more = {**parameters, "continuation": found[-1]["continuation"]}
        found.append(ok(ask(crm, path, **more)))
    return found


def everything(crm, path="/messages", **parameters):
    """The numbers of the messages on all pages."""
    return [number for page in pages(crm, path, **parameters) for number in ids(page)]


def changed(continuation, place):
    """A continuation of which one character is another."""
    other = "A" if continuation[place] != "A" else "B"
    text = list(continuation)
    text[place] = other
    return "".join(text)
