"""Judging a message's interactions as a whole, shortly after they came and whenever asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from engagement import telemetry
from engagement.domain.verdicts.evidence import InteractionType
from engagement.domain.verdicts.interaction import Interaction
from engagement.domain.verdicts.observer import Crowd
from engagement.domain.verdicts.rule_set import RuleSet
from engagement.domain.verdicts.timeline import crowded, inferred_opens, judge_again
from engagement.domain.verdicts.verdict import Verdict
from engagement.errors import ConflictError, NotFoundError, StorageError
from engagement.services.alerting import Alerting
from engagement.services.contending import insist
from engagement.services.projecting import Projecting
from engagement.storage.interactions import Interactions
from engagement.storage.judgement_requests import JudgementRequest, read_request, record_of
from engagement.storage.queues import Queue
from engagement.storage.settings import SettingsRows

#: Seconds after which a message is looked at a last time. Judgement is asked for once a minute, so
#: what came later in that minute has come by then.
LAST_LOOK = 65
PATIENT_SECONDS = 10.0
#: Interactions of one message that are judged together; older ones stay as they are.
MOST_JUDGED = 10_000
#: Seconds between tries when somebody else judges the message at the same time, or the interaction
#: that is the reason is still on its way.
PAUSES = (0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True, slots=True)
class Change:
    """An interaction that is judged otherwise than before."""

    before: Verdict
    after: Verdict


class Judging:
    """Does what a hit alone cannot tell: bursts, inferred opens, alerts, markers, lists."""

    def __init__(
        self,
        interactions: Interactions,
        settings: SettingsRows,
        alerting: Alerting,
        requests: Queue,
        projecting: Projecting,
        shipped: RuleSet,
    ) -> None:
        self.interactions = interactions
        self.settings = settings
        self.alerting = alerting
        self.requests = requests
        self.projecting = projecting
        self.shipped = shipped

    async def take(self, record: str, now: datetime) -> None:
        """Judge the message that a queued record names, twice: at once, and a minute later.

        What cannot be done now is put back for later. Raises ValueError for a record that cannot
        be read: only such go to the poison queue.
        """
        request = read_request(record)
        try:
            rules = await self.rules(request.organization)
            await self._judge_for(request, rules, now)
            await self.mark(request.organization, request.message_id)
            await self.projecting.project(request.organization, request.message_id)
            if not request.last:
                again = replace(request, interaction_id=None, last=True)
                await self.requests.put(record_of(again), PATIENT_SECONDS, delay=LAST_LOOK)
        except NotFoundError:
            telemetry.info("judgement_dropped", organization=request.organization)
        except (StorageError, ConflictError):
            await self.requests.put_back(record)

    async def rules(self, organization: str) -> RuleSet:
        """Return the rules that hold for an organization now."""
        settings, _ = await self.settings.read(organization)
        return settings.verdicts.applied_to(self.shipped)

    async def judge(
        self,
        organization: str,
        message_id: str,
        rules: RuleSet,
        now: datetime,
        *,
        history: bool = False,
        crowd: Crowd | None = None,
    ) -> list[Change]:
        """Judge a message's interactions together and return what changed; again, nothing does.

        With *history* those too that other rules have judged; with *crowd* in the light of what
        became known of one who was there. Raises ConflictError if somebody else goes on doing so
        at the same time, NotFoundError if the organization is gone.
        """
        changes, _ = await insist(
            lambda: self._judge(organization, message_id, rules, now, history=history, crowd=crowd),
            PAUSES,
        )
        return changes

    async def _judge_for(self, request: JudgementRequest, rules: RuleSet, now: datetime) -> None:
        """Judge a message, again if need be until the interaction that is the reason is there."""
        for pause in (*PAUSES, None):
            try:
                _, found = await self._judge(
                    request.organization,
                    request.message_id,
                    rules,
                    now,
                    history=False,
                    crowd=request.crowd,
                )
            except ConflictError:
                if pause is None:
                    raise
            else:
                reason = found.get(request.interaction_id or "")
                if reason is not None and reason.evidence.type is InteractionType.REPLY:
                    message = await self.alerting.messages.read(
                        request.organization, request.message_id
                    )
                    await self.alerting.tell_of_reply(request.organization, message, reason, now)
                if reason is not None or request.interaction_id is None:
                    return
            if pause is not None:
                await asyncio.sleep(pause)

    async def _judge(
        self,
        organization: str,
        message_id: str,
        rules: RuleSet,
        now: datetime,
        *,
        history: bool,
        crowd: Crowd | None,
    ) -> tuple[list[Change], dict[str, Interaction]]:
        """Judge once; returns what changed, and the interactions by their ids."""
        # Before the interactions: an alert that is noted here has its reason among them.
        claim = await self.alerting.alerts.read_first_open(organization, message_id)
        found, whole = await self.interactions.of_message(organization, message_id, MOST_JUDGED)
        before = {x.id: x for x in found}
        if crowd is not None:
            found = crowded(found, crowd, rules.windows)
        judged = judge_again(found, rules, history=history)
        new = {x.id: x for x in judged}
        now_known = [new.get(x.id, x) for x in found if not x.inferred]
        # Of a part nobody can say whether somebody opened the message before.
        wanted = {x.id: x for x in inferred_opens(now_known)} if whole else {}
        present = {x.id: x for x in found if x.inferred} if whole else {}
        added = [x for name, x in wanted.items() if name not in present]
        removed = [x for name, x in present.items() if name not in wanted]
        if history and (judged or added or removed):
            # Before it changes: who scores again after a crash would find nothing to mark.
            await self.mark(organization, message_id)
        await self.interactions.change(
            organization, message_id, judged=judged, added=added, removed=removed
        )
        if whole:
            opens = [*now_known, *wanted.values()]
            await self.alerting.follow_up(organization, message_id, opens, claim, now)
        return [Change(_verdict(before[x.id]), _verdict(x)) for x in judged], before

    async def mark(self, organization: str, message_id: str) -> None:
        """Say that a message changed in this minute, so that only such are counted up again."""
        await self.projecting.markers.mark(organization, message_id)


def _verdict(interaction: Interaction) -> Verdict:
    return interaction.judgement.verdict
