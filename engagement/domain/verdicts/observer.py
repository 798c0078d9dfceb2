"""Judging hits as they come: by their requests, and by what this process has seen lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engagement.domain.tracking.tracking_token import Kind, TokenSigner, TrackingToken
from engagement.domain.verdicts.classifier import PROXIES, classify
from engagement.domain.verdicts.client_address import (
    Address,
    AddressPrivacy,
    is_local,
    kept_address,
    line_of,
)
from engagement.domain.verdicts.context import ALONE, contexts
from engagement.domain.verdicts.evidence import (
    Evidence,
    InteractionType,
    announced,
    printable_user_agent,
    seconds_since,
)
from engagement.domain.verdicts.recent import MessageKey, Recent
from engagement.domain.verdicts.rule_set import RuleSet
from engagement.domain.verdicts.verdict import Judgement, Verdict

#: Longest method that is kept, in characters.
LONGEST_METHOD = 10

TYPES = {
    Kind.OPEN: InteractionType.OPEN,
    Kind.CLICK: InteractionType.CLICK,
    Kind.ATTACHMENT: InteractionType.ATTACHMENT_VIEW,
}


@dataclass(frozen=True, slots=True)
class Hit:
    """One request of somebody unknown."""

    method: str
    #: Mapping, asked for names in lower case
    headers: Mapping[str, str]
    at: datetime
    #: str, random, made once per request
    nonce: str


@dataclass(frozen=True, slots=True)
class Crowd:
    """That an actor of one message asked for many others at about the same time."""

    actor: str
    at: datetime
    #: int, for how many messages
    messages: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a hit."""

    evidence: Evidence
    judgement: Judgement
    #: bool, whether its message is to be judged soon: it tells something of earlier hits, or it is
    #: a person where none was a minute ago
    telling: bool
    #: other messages that the same address asked for lately, when it now turns out to be too many
    crowd: Mapping[MessageKey, Crowd]


class Observer:
    """Remembers what it saw for some minutes, bounded."""

    def __init__(self, signer: TokenSigner) -> None:
        self.signer = signer
        self.recent = Recent()

    def observe(
        self,
        token: TrackingToken,
        hit: Hit,
        address: Address | None,
        rules: RuleSet,
        privacy: AddressPrivacy = AddressPrivacy.TRUNCATED,
    ) -> Sight:
        """Judge a hit; never raises, whatever the request holds.

        Of *address* the evidence keeps what *privacy* leaves.
        """
        kind, windows = TYPES[token.kind], rules.windows
        user_agent = printable_user_agent(hit.headers.get("user-agent"))
        message = (token.organization, token.message_id)
        who = _who(user_agent, address, kind, rules)
        others = self._others(message, address, hit.at, rules)
        evidence = Evidence(
            type=kind,
            at=hit.at,
            recipient=token.recipient,
            target=token.target,
            method=hit.method[:LONGEST_METHOD],
            announced=announced(hit.headers),
            user_agent=user_agent,
            network=rules.network_index(kind).find(address) if address else None,
            address=kept_address(address, privacy),
            actor=self.signer.pseudonym(message, who, hit.at),
            after_seconds=seconds_since(token.handed_over_at, hit.at),
            messages=len(others) + 1,
        )
        width = max(2 * windows.burst_seconds, windows.address_seconds)
        before = self.recent.note(message, evidence, width)
        *earlier, context = contexts([*before, evidence], windows)
        corrects = any(x is not ALONE for x in earlier) and earlier != contexts(before, windows)
        if corrects:
            # Whoever it was that was taken for a person, the next one is news.
            self.recent.forget_person(message, token.recipient)
        judgement = classify(evidence, rules, context)
        return Sight(
            evidence=evidence,
            judgement=judgement,
            telling=corrects or self._is_news(message, evidence, judgement),
            crowd={
                other: Crowd(self.signer.pseudonym(other, who, hit.at), hit.at, evidence.messages)
                for other in self._crowd(others, address, hit.at, rules)
            },
        )

    def _is_news(self, message: MessageKey, evidence: Evidence, judgement: Judgement) -> bool:
        return judgement.verdict is Verdict.PERSON and self.recent.is_new_person(
            message, evidence.recipient, evidence.at
        )

    def _others(
        self, message: MessageKey, address: Address | None, at: datetime, rules: RuleSet
    ) -> list[MessageKey]:
        """Return what else the address asked for lately."""
        if address is None or is_local(address) or not rules.windows.address_messages:
            return []
        return self.recent.others(line_of(address), message, at, rules.windows.address_seconds)

    def _crowd(
        self, others: list[MessageKey], address: Address | None, at: datetime, rules: RuleSet
    ) -> list[MessageKey]:
        """Return the messages to be judged again, as the address has just turned out to be busy."""
        windows = rules.windows
        many = address is not None and 0 < windows.address_messages <= len(others) + 1
        if not many or not self.recent.is_newly_busy(line_of(address), at, windows.address_seconds):
            return []
        return others


def _who(
    user_agent: str | None, address: Address | None, kind: InteractionType, rules: RuleSet
) -> str:
    """Return what tells visitors apart: a proxy fetches from whichever of its addresses."""
    client = rules.client(user_agent, kind)
    if client is not None and client.kind in PROXIES:
        return client.name
    return str(address or user_agent)
