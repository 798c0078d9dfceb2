"""A week of one message, the clock moved by hand: what its seller is told at each step."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from deployment import FIREFOX, PUBLIC_URL, ok
from office import NOW

from engagement.domain.messages.due_time import SETTLED
from engagement.domain.tracking.tracking_token import Kind
from engagement.domain.verdicts.observer import Hit
from engagement.storage.judgement_requests import JudgementRequest, record_of

MONDAY = NOW + timedelta(days=1)
DAY = timedelta(days=1)
#: Barracuda's scanner, as engagement/rules.toml knows it.
SCANNER = {"user-agent": "BarracudaNetworks link scanner", "x-forwarded-for": "203.0.113.9"}
ANN = {"user-agent": FIREFOX, "x-forwarded-for": "198.51.100.7"}


class Seller:
    """What a seller sees of one message at a time."""

    def __init__(self, office, message_id):
        self.office = office
        self.message_id = message_id

    def tick(self, now):
        """Let the timer run at a time."""
        self.office.run(now)

    def sees(self):
        """Status, words on the tile, and the reminder."""
        message = self.office.crm.message(self.message_id)
        words = message["interaction_status"].split(" on ")[0]
        return message["status"], words, message["reminder"]["status"]

    def alerts(self, now):
        """Types of the alerts, in their order."""
        return [alert.type.value for alert in self.office.alerts(now)]

    def visit(self, url, at, headers, nonce):
        """Have somebody fetch an image or select a link at a time, and the message be judged."""
        hit = Hit("GET", headers, at, nonce)
        tracking, judging = self.office.services.tracking, self.office.services.judging
        kind, text = url
        act, known = {
            "o": (tracking.open, Kind.OPEN),
            "c": (tracking.click, Kind.CLICK),
        }[kind]
        organization = tracking.signer.verify(text, known).organization
        record = record_of(JudgementRequest(organization, self.message_id, last=True))

        async def visit():
            await act(text, hit)
            await judging.take(record, at)

        self.office.deployment.run(visit())


def tracked(office, kind):
    """Kind and token of the tracked URL in what the mail server took."""
    return kind, re.search(rf"{PUBLIC_URL}/{kind}/([\w-]+)", office.server.html)[1]


def test_a_week_of_a_message(office):
    send_at = MONDAY.isoformat()
    remind_by = (MONDAY + 2 * DAY).isoformat()
    draft = office.crm.draft(
        send_at=send_at,
        reminder={"condition": "not_opened_by", "remind_by": remind_by, "comment": "Call Ann"},
    )
    seller = Seller(office, draft["id"])
    assert seller.sees() == ("draft", "Draft", "set")
    office.crm.send(draft["id"], "smtp")
    seller.tick(MONDAY - timedelta(minutes=1))
    assert seller.sees() == ("scheduled", "Scheduled to send", "set")

    seller.tick(MONDAY)
    assert seller.sees() == ("sent", "Not yet opened", "set")
    assert office.server.subjects == ["Contract for signature"]
    pixel = tracked(office, "o")
    link = tracked(office, "c")

    # The recipient's gateway fetches everything within seconds.
    seller.visit(pixel, MONDAY + timedelta(seconds=2), SCANNER, "00000001")
    seller.visit(link, MONDAY + timedelta(seconds=3), SCANNER, "00000002")
    assert seller.sees() == ("sent", "Not yet opened", "set")
    assert seller.alerts(MONDAY + DAY) == []
    kpis = office.crm.kpis(draft["id"])
    assert (kpis["open_count"], kpis["automated"]["open_count"]) == (0, 1)

    seller.tick(MONDAY + 2 * DAY + SETTLED - timedelta(seconds=1))
    assert seller.sees()[2] == "set"
    for late in (0, 15, 86_400):
        seller.tick(MONDAY + 2 * DAY + SETTLED + timedelta(seconds=late))
    assert seller.sees() == ("sent", "Not yet opened", "triggered")
    assert seller.alerts(MONDAY + 3 * DAY) == ["reminder"]

    # Ann reads it on Thursday, and answers on Friday.
    seller.visit(pixel, MONDAY + 3 * DAY, ANN, "00000003")
    assert seller.sees()[1].startswith("Last opened")
    assert seller.alerts(MONDAY + 3 * DAY + DAY) == ["reminder", "first_open"]
    path = f"/messages/{draft['id']}"
    out_of_office = {"replied_by": "ann@fabrikam.example", "automatic": True}
    ok(office.crm.call("POST", f"{path}/replies", json=out_of_office))
    assert seller.sees()[1].startswith("Last opened")
    ok(office.crm.call("POST", f"{path}/replies", json={"replied_by": "ann@fabrikam.example"}))
    assert seller.sees() == ("sent", "Replied", "triggered")
    assert sorted(seller.alerts(MONDAY + 4 * DAY)) == ["first_open", "reminder", "reply"]
    assert seller.alerts(MONDAY + 4 * DAY)[0] == "reminder"
    assert office.due() == []
    assert datetime.now(UTC) < MONDAY
