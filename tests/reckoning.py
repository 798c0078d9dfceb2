"""What is there in the end, held against what was answered: nothing lost, nothing doubled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

from azure.data.tables import TableServiceClient
from azure.storage.blob import ContainerClient
from crash_site import Recipients, Site
from deployment import Crm, Deployment, ok
from stubborn_crm import Story, StubbornCrm
from traffic import number_of

from engagement.domain.messages.message import Message, Status
from engagement.storage import keys

#: Answers that say that a visit was taken; 503 says that it was not.
TAKEN, REFUSED = {200, 302}, 503
COUNTS = ("open_count", "click_count", "attachment_view_count")


@dataclass
class Visits:
    """How many visits were made, answered with a yes, and stored; and what is wrong with them."""

    sent: int
    answered: int
    stored: int
    lost: list[int]
    doubled: list[int]

    def __str__(self) -> str:
        return (
            f"visits: sent {self.sent}, answered {self.answered}, stored {self.stored}, "
            f"lost {len(self.lost)}, doubled {len(self.doubled)}"
        )


def visits_of(recipients: Recipients, stored: Counter[int]) -> Visits:
    """Hold the visits that were made against those that are *stored*."""
    sent, taken = set(), set()
    for outcome in recipients.outcomes:
        assert outcome.status in {*TAKEN, REFUSED, None}, outcome
        if outcome.sent:
            number = number_of(outcome.request.headers["User-Agent"])
            sent.add(number)
            if outcome.status in TAKEN:
                taken.add(number)
    assert stored.keys() <= sent, "a visit is stored that nobody made"
    return Visits(
        sent=len(sent),
        answered=len(taken),
        stored=stored.total(),
        lost=sorted(taken - stored.keys()),
        doubled=sorted(number for number, count in stored.items() if count > 1),
    )


class Reckoning:
    """Everything that is stored of one organization, beside what its CRM knows."""

    def __init__(self, site: Site, deployment: Deployment, client: StubbornCrm) -> None:
        self.deployment = deployment
        self.client = client
        self.crm: Crm = client.crm
        self.site = site
        services = deployment.services
        read = services.administering.organizations.read(self.crm.organization_id)
        self.key: str = deployment.run(read).key
        self.messages = {id_: self._message(id_) for id_ in self._ids()}
        self.visits: Counter[int] = Counter()
        self.rows: defaultdict[str, list[Any]] = defaultdict(list)
        first, end = keys.INTERACTION, keys.INTERACTION_END
        for row in self._query(f"RowKey ge '{first}' and RowKey lt '{end}'"):
            self.rows[row["PartitionKey"]].append(row)
            if row.get("user_agent"):
                self.visits[number_of(row["user_agent"])] += 1

    def check_judged(self) -> None:
        """Assert that everything was judged for good: judging it again changes nothing."""
        judging = self.deployment.services.judging
        rules = self.deployment.run(judging.rules(self.key))
        for id_ in self.messages:
            now = datetime.now(UTC)
            assert self.deployment.run(judging.judge(self.key, id_, rules, now)) == [], id_

    def check(self) -> None:
        """Assert that all of it is whole, once, and agrees with itself."""
        self._check_drafts()
        self._check_files()
        self._check_mails()
        self._check_alerts()
        self._check_counts()

    def statuses(self) -> Counter[str]:
        """How many messages there are of each status."""
        return Counter(message.status.value for message in self.messages.values())

    def _check_drafts(self) -> None:
        """What was acknowledged is there; what was not is there whole, or not at all."""
        subjects = Counter(message.subject for message in self.messages.values())
        stories = {story.subject: story for story in self.client.stories}
        assert max(subjects.values()) == 1, "a message is doubled"
        assert subjects.keys() <= stories.keys()
        for story in self.client.stories:
            there = story.subject in subjects
            assert story.gone != there if story.id else not story.gone, story.subject
        for message in self.messages.values():
            shown = self.crm.message(message.id)
            draft = stories[message.subject].draft
            assert shown["html_body"] == draft["html_body"]
            assert [x["email"] for x in shown["recipients"]] == [
                x["email"] for x in draft["recipients"]
            ]

    def _check_files(self) -> None:
        """Files that were acknowledged are there; each is whole, and no blob is left over."""
        named = set()
        for story in self._told():
            message = self.messages[story.id]
            names = [item.name for item in message.attachments]
            assert sorted(names) == sorted(set(names)), "a file is doubled"
            assert set(story.attached) <= set(names) <= story.files.keys()
            for item in message.attachments:
                path = f"/messages/{story.id}/attachments/{item.number}"
                answer = self.crm.call("GET", path)
                assert answer.content == story.files[item.name], f"{story.subject}: {item.name}"
        for message in self.messages.values():
            named |= {message.content_blob, *(item.blob for item in message.attachments)}
        data = self.site.azurite.connection_string
        container = keys.container(self.key)
        with ContainerClient.from_connection_string(data, container) as client:
            assert set(client.list_blob_names()) == named

    def _check_mails(self) -> None:
        """What was sent came once, what may have been at most once, all else not at all."""
        mails = self._mails()
        for id_ in mails:
            assert id_ in self.messages
        for story in self._told():
            message, got = self.messages[story.id], mails.get(story.id, Counter())
            assert max(got.values(), default=1) == 1, f"doubled: {story.subject}"
            copies = len(story.draft["recipients"]) if "copies" in story.draft else 1
            most = copies if message.ambiguous or message.status is Status.SENT else 0
            least = copies if message.status is Status.SENT else 0
            assert least <= len(got) <= most, f"{story.subject}: {len(got)}, {message.status}"
            wanted = {"sent": (Status.SENT,), "scheduled": (Status.SENT, Status.UNKNOWN)}
            allowed = wanted.get(story.told, (Status.SENDING, Status.UNKNOWN))
            assert message.status in allowed, f"{story.subject}: {story.told}, {message.status}"

    def _check_alerts(self) -> None:
        """Reminders that were triggered are told once, and so is what did not go out."""
        alerts: Counter[tuple[str, str]] = Counter()
        for row in self._query(f"PartitionKey ge '{keys.ALERTS}' and PartitionKey lt 'alerts.'"):
            alerts[row["type"], row["message_id"]] += 1
        assert max(alerts.values(), default=1) == 1, "an alert is doubled"
        for message in self.messages.values():
            reminder = message.reminder
            triggered = reminder is not None and reminder.status.value == "triggered"
            assert reminder is None or reminder.status.value != "set"
            assert alerts["reminder", message.id] == triggered, message.subject
            in_doubt = message.send_at is not None and message.status is Status.UNKNOWN
            assert alerts["not_sent", message.id] == in_doubt, message.subject

    def _check_counts(self) -> None:
        """The timeline, the KPIs, the list and the rollup tell the same."""
        listed = {row["id"]: row["kpis"] for row in self._pages("/messages", followed="true")}
        totals: Counter[str] = Counter()
        for id_, message in self.messages.items():
            rows = self.rows.get(id_, [])
            kpis = self.crm.kpis(id_)
            shown = self.crm.timeline(id_)
            assert sorted(x["id"] for x in shown) == sorted(
                row["RowKey"].removeprefix(keys.INTERACTION) for row in rows
            )
            assert counted(kpis) == expected(rows), message.subject
            if id_ in listed:
                assert listed[id_] == kpis, message.subject
                totals.update(flat(kpis))
        replied = [story.id for story in self.client.stories if story.replied]
        assert all(self.crm.kpis(id_)["reply_count"] == 1 for id_ in replied)
        period = {"from": (datetime.now(UTC) - timedelta(days=1)).date().isoformat()}
        rolled = ok(self.crm.call("GET", "/kpis", params=period))["totals"]["kpis"]
        assert flat(rolled) == {name: totals[name] for name in flat(rolled)}

    def _told(self) -> Iterator[Story]:
        return (story for story in self.client.stories if story.id and not story.gone)

    def _mails(self) -> dict[str, Counter[str]]:
        """How often each copy of a message was taken by the mail server."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for content in self.site.mail.mails:
            mail = message_from_bytes(content, policy=default)
            if mail["Subject"].startswith(f"{self.crm.organization_id} "):
                found[mail["X-Engagement-Message"]][mail["Message-ID"]] += 1
        return found

    def _ids(self) -> list[str]:
        rows = self._query(f"RowKey eq '{keys.HEAD}'")
        return [row["PartitionKey"] for row in rows]

    def _message(self, message_id: str) -> Message:
        read = self.deployment.services.reading.messages.read(self.key, message_id)
        return self.deployment.run(read)

    def _query(self, query: str) -> list[Any]:
        with TableServiceClient.from_connection_string(
            self.site.azurite.connection_string
        ) as tables:
            return list(tables.get_table_client(keys.table(self.key)).query_entities(query))

    def _pages(self, path: str, **query: str) -> list[Any]:
        items: list[Any] = []
        page = ok(self.crm.call("GET", path, params=query))
        items += page["items"]
        while page["continuation"]:
            query["continuation"] = page["continuation"]
            page = ok(self.crm.call("GET", path, params=query))
            items += page["items"]
        return items


def flat(kpis: Any) -> dict[str, int]:
    """Counts of KPIs, by verdict and act."""
    found = {f"{who} {name}": kpis[who][name] for who in ("unsure", "automated") for name in COUNTS}
    return found | {name: kpis[name] for name in (*COUNTS, "reply_count")}


def counted(kpis: Any) -> dict[str, int]:
    """How often each thing was done, by whomever, as the KPIs say."""
    others = ("unsure", "automated")
    sums = {name: kpis[name] + sum(kpis[who][name] for who in others) for name in COUNTS}
    return sums | {"reply_count": kpis["reply_count"]}


def expected(rows: Sequence[Any]) -> dict[str, int]:
    """The same as the rows say: each visit was another visitor's, so that all of them count."""
    types: Counter[str] = Counter()
    opened, acted = set(), set()
    for row in rows:
        if row["reasons"] == "inferred":
            continue
        types[row["type"]] += 1
        if row["verdict"] == "person":
            if row["type"] == "open":
                opened.add(row["recipient"])
            elif row["type"] != "reply":
                acted.add(row["recipient"])
    counts = {name: types[name.removesuffix("_count")] for name in (*COUNTS, "reply_count")}
    # Of a recipient who selected something and opened nothing, an open is inferred.
    return counts | {"open_count": types["open"] + len(acted - opened)}
