"""Hits on messages as tests tell them: who, what, when after the hand-over, from where."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken
from engagement.domain.verdicts.client_address import read_address
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.interaction import Interaction, interaction_id
from engagement.domain.verdicts.kpi import Fact, count
from engagement.domain.verdicts.observer import Hit, Observer
from engagement.domain.verdicts.timeline import crowded, inferred_opens, judge_again
from engagement.wiring.foundation import shipped_rules

RULES = shipped_rules()
SENT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SIGNER = TokenSigner({1: b"k" * 32})

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
BARE_WEBKIT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
)
APPLE = "Mozilla/5.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_SCAN = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)"

HOME, OFFICE = "203.0.113.7", "198.51.100.20"
MINUTE, HOUR = 60, 3600


class Story:
    """What happened to some messages, judged as the product does it."""

    def __init__(self, rules=RULES):
        self.rules = rules
        self.observer = Observer(SIGNER)
        self.messages = defaultdict(list)

    def hit(self, kind, after, **more):
        """Let a hit come *after* so many seconds; returns the judgement at that moment."""
        return self.sight(kind, after, **more).judgement

    def sight(self, kind, after, **more):
        """Let a hit come; returns what is seen of it at that moment."""
        found = {
            "user_agent": CHROME,
            "address": HOME,
            "target": 0 if kind is Kind.OPEN else 1,
            "recipient": 1,
            "message": 1,
            "method": "GET",
            "headers": {},
            **more,
        }
        token = TrackingToken(
            kind, "0" * 16, f"{found['message']:024x}", SENT, found["recipient"], found["target"]
        )
        at = SENT + timedelta(seconds=after)
        headers = dict(found["headers"])
        if found["user_agent"] is not None:
            headers["user-agent"] = found["user_agent"]
        nonce = f"{len(self.messages[found['message']]):08x}"
        address = read_address(found["address"] or "")
        sight = self.observer.observe(
            token, Hit(found["method"], headers, at, nonce), address, self.rules
        )
        self.messages[found["message"]].append(
            Interaction(
                id=interaction_id(at, nonce),
                message_id=token.message_id,
                evidence=sight.evidence,
                judgement=sight.judgement,
            )
        )
        for (_, other), crowd in sight.crowd.items():
            number = int(other, 16)
            self.messages[number] = crowded(self.messages[number], crowd, self.rules.windows)
        return sight

    def open(self, after, **more):
        """Let somebody open the message."""
        return self.hit(Kind.OPEN, after, **more)

    def click(self, after, target=1, **more):
        """Let somebody select a link."""
        return self.hit(Kind.CLICK, after, target=target, **more)

    def view(self, after, target=1, **more):
        """Let somebody view an attachment."""
        return self.hit(Kind.ATTACHMENT, after, target=target, **more)

    def judged(self, message=1):
        """Interactions of a message as they are in the end, in the order in which they came."""
        found = self.messages[message]
        new = {x.id: x for x in judge_again(found, self.rules, history=False)}
        found = [new.get(x.id, x) for x in found]
        assert judge_again(found, self.rules, history=False) == []
        return found

    def verdicts(self, message=1):
        """Verdicts of a message's interactions, in the order in which they came."""
        return [x.judgement.verdict.value for x in self.judged(message)]

    def kpi(self, message=1):
        """Counts of a message in the end."""
        found = self.judged(message)
        return count(fact_of(x) for x in (*found, *inferred_opens(found)))


def fact_of(interaction):
    """What counting reads of an interaction."""
    known = interaction.evidence
    return Fact(
        type=known.type,
        verdict=interaction.judgement.verdict,
        at=known.at,
        recipient=known.recipient,
        target=known.target,
        actor=known.actor,
        inferred=interaction.inferred,
    )


def kinds(interactions):
    """Types of interactions."""
    return [InteractionType(x.evidence.type).value for x in interactions]
