"""A message's interactions seen together: what is only known when all of them have been seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from engagement.domain.verdicts.classifier import classify
from engagement.domain.verdicts.client_address import kept_network, read_address
from engagement.domain.verdicts.context import contexts
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction, inferred_open
from engagement.domain.verdicts.kpi import IMPLYING
from engagement.domain.verdicts.observer import Crowd
from engagement.domain.verdicts.rule_set import PROVISIONAL, RuleSet, Windows
from engagement.domain.verdicts.verdict import Judgement, Verdict


def judge(hits: Sequence[Evidence], rules: RuleSet) -> list[Judgement]:
    """Judge all hits on one message, each in the light of the others, in whatever order."""
    return [
        classify(hit, rules, context)
        for hit, context in zip(hits, contexts(hits, rules.windows), strict=True)
    ]


def judge_again(
    interactions: Iterable[Interaction], rules: RuleSet, *, history: bool
) -> list[Interaction]:
    """Return the interactions whose judgement is another one now.

    Without *history*, those stay as they are that other rules have judged: rules that changed hold
    from then on, and for what was before only when somebody asks for it.
    """
    hits = [x for x in interactions if not x.inferred and _is_hit(x)]
    judged = judge([_located(x.evidence, rules) for x in hits], rules)
    return [
        replace(x, judgement=judgement)
        for x, judgement in zip(hits, judged, strict=True)
        if judgement != x.judgement
        and (history or x.judgement.rules in (PROVISIONAL, rules.version))
    ]


def crowded(
    interactions: Iterable[Interaction], crowd: Crowd, windows: Windows
) -> list[Interaction]:
    """Return *interactions* with what became known later of the one who made some of them."""
    since = crowd.at - timedelta(seconds=windows.address_seconds)

    def known(evidence: Evidence) -> Evidence:
        fits = evidence.actor == crowd.actor and since <= evidence.at <= crowd.at
        return replace(evidence, messages=max(evidence.messages, crowd.messages if fits else 1))

    return [replace(x, evidence=known(x.evidence)) for x in interactions]


def inferred_opens(interactions: Sequence[Interaction]) -> list[Interaction]:
    """Return the opens that clicks and attachment views by people tell of, one for a recipient.

    Those whose copy was shared are one "someone" together.
    """
    people = [x for x in interactions if x.judgement.verdict is Verdict.PERSON and not x.inferred]
    opened = {x.evidence.recipient for x in people if x.evidence.type is InteractionType.OPEN}
    first: dict[int, Interaction] = {}
    for act in sorted(people, key=lambda x: (x.evidence.at, x.id)):
        if act.evidence.type in IMPLYING:
            first.setdefault(act.evidence.recipient, act)
    return [inferred_open(act) for number, act in first.items() if number not in opened]


def _is_hit(interaction: Interaction) -> bool:
    return interaction.evidence.type is not InteractionType.REPLY


def _located(evidence: Evidence, rules: RuleSet) -> Evidence:
    """Look the network up again, as far as what was kept of the address allows it."""
    address = read_address(evidence.address or "")
    if address is None:
        return evidence
    found = rules.network_index(evidence.type).find_kept(address)
    before = rules.networks_by_name.get(evidence.network or "")
    # A range that is narrower than what was kept may still be the one; one that is gone is not.
    still = before is not None and before.may_hold(kept_network(address))
    return replace(
        evidence, network=rules.first_network(found, evidence.network if still else None)
    )
