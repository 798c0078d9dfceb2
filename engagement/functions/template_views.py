"""Templates, and what is said of them, as the JSON of the contract."""

from __future__ import annotations

from typing import Any

from engagement.domain.messages.content import Content
from engagement.domain.moment import moment
from engagement.domain.templates.recommendation import Rate, Recommendation
from engagement.domain.templates.template import Template


def template_json(template: Template, said: Recommendation) -> dict[str, Any]:
    """One row of the list."""
    return {
        "id": template.id,
        "name": template.name,
        "language": template.language,
        "email_count": said.cohort.sent_count,
        "followed_count": said.cohort.followed_count,
        **_rate_json("open_rate", said.open_rate),
        **_rate_json("reply_rate", said.reply_rate),
        "recommended": said.recommended,
        "needs": said.needs,
        "needs_at_this_rate": said.needs_at_this_rate,
        "reason": said.reason,
        "segment": _segment_json(said),
    }


def template_details_json(
    template: Template, content: Content, said: Recommendation
) -> dict[str, Any]:
    """Return the row with what messages are made of."""
    return {
        **template_json(template, said),
        "subject": template.subject,
        "html_body": content.html_body,
        "text_body": content.text_body,
        "created_at": moment(template.created_at),
        "changed_at": moment(template.changed_at),
    }


def _rate_json(name: str, rate: Rate) -> dict[str, Any]:
    interval = rate.interval
    return {
        name: None if rate.value is None else round(rate.value, 4),
        f"{name}_interval": None if interval is None else [round(bound, 4) for bound in interval],
    }


def _segment_json(said: Recommendation) -> dict[str, Any] | None:
    if said.segment is None:
        return None
    kind, value = said.segment
    return {
        kind: value,
        "followed_count": said.segment_count,
        "used": said.within_segment,
    }
