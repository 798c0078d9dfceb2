"""What is stored, as the JSON of the contract."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from engagement.domain.alerts.alert import Alert
from engagement.domain.messages.attachment import Attachment
from engagement.domain.messages.copy import Copy
from engagement.domain.messages.draft import draft_json, recipient_json
from engagement.domain.messages.follow import REASONS
from engagement.domain.messages.message import FollowedLink, Message, Status
from engagement.domain.messages.reminder import Reminder
from engagement.domain.moment import optional_moment
from engagement.domain.organizations.organization import ApiKey
from engagement.domain.reports.interaction_status import interaction_status
from engagement.domain.reports.viewer import Viewer
from engagement.domain.verdicts.evidence import Evidence, InteractionType
from engagement.domain.verdicts.interaction import Interaction
from engagement.domain.verdicts.kpi import Kpi
from engagement.domain.verdicts.rule_set import RuleSet
from engagement.services.administering import IssuedKey
from engagement.services.handing_over import emails_of, headers_of
from engagement.services.reading import Details
from engagement.services.scoring import Report
from engagement.services.sending import Sent

HANDED_OVER = (Status.SENDING, Status.SENT)


def details_json(details: Details, now: datetime, viewer: Viewer) -> dict[str, Any]:
    """Return a message with its KPIs, recipients, links and attachments."""
    message = details.message
    return {
        "id": message.id,
        "status": details.status.value,
        "follow_state": details.follow_state.value,
        "follow_reason": REASONS[details.follow_state],
        "created_at": optional_moment(message.created_at),
        "sent_at": optional_moment(message.sent_at),
        "delivery": message.delivery,
        "failure": details.failure,
        **draft_json(message, details.content),
        "send_at": optional_moment(message.send_at),
        "reminder": reminder_json(message.reminder),
        "recipients": [
            {**recipient_json(item), "refusal": item.refusal} for item in message.recipients
        ],
        # Before that they may be left over from a sending that failed.
        "links": [link_json(x) for x in message.links if message.status in HANDED_OVER],
        "attachments": [attachment_json(item) for item in message.attachments],
        "kpis": kpi_json(details.kpi),
        "interaction_status": interaction_status(
            details.status, details.follow_state, details.kpi, now, viewer
        ),
    }


def reminder_json(reminder: Reminder | None) -> dict[str, Any] | None:
    """Return a reminder and what became of it."""
    if reminder is None:
        return None
    return {
        "condition": reminder.condition.value,
        "remind_by": optional_moment(reminder.remind_by),
        "comment": reminder.comment,
        "status": reminder.status.value,
        "decided_at": optional_moment(reminder.decided_at),
    }


def due_json(message: Message) -> dict[str, Any]:
    """Return a message that the CRM is to send now."""
    return {
        "id": message.id,
        "subject": message.subject,
        "sender": asdict(message.sender),
        "send_at": optional_moment(message.send_at),
    }


def kpi_json(kpi: Kpi) -> dict[str, Any]:
    """Return counts: people's, and beside them what cannot be known and machines'."""
    return {
        **asdict(kpi.people),
        "reply_count": kpi.reply_count,
        "first_opened_at": optional_moment(kpi.first_opened_at),
        "last_opened_at": optional_moment(kpi.last_opened_at),
        "inferred_open_count": kpi.inferred_open_count,
        "unsure": asdict(kpi.unsure),
        "automated": asdict(kpi.automated),
    }


def attachment_json(attachment: Attachment) -> dict[str, Any]:
    """Return a file without its bytes."""
    return {
        "id": str(attachment.number),
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "followed": attachment.followed,
        "suspicion": attachment.suspicion,
    }


def link_json(link: FollowedLink) -> dict[str, Any]:
    """Return a link and where it leads."""
    return {"id": str(link.number), "url": link.url}


def copies_json(sent: Sent, path: str) -> list[dict[str, Any]]:
    """Return the copies of a message; *path* is where its attachments can be fetched."""
    files = [
        {**attachment_json(item), "content_url": f"{path}/attachments/{item.number}"}
        for item in sent.attached
    ]
    return [_copy_json(sent.message, copy, files) for copy in sent.copies]


def interaction_json(message: Message, interaction: Interaction) -> dict[str, Any]:
    """Return an item of a message's timeline."""
    known, judgement = interaction.evidence, interaction.judgement
    recipient = message.recipient(known.recipient)
    return {
        "id": interaction.id,
        "type": known.type.value,
        "at": optional_moment(known.at),
        "recipient": None if recipient is None else recipient_json(recipient),
        "verdict": judgement.verdict.value,
        "via": judgement.via.value,
        "reasons": list(judgement.reasons),
        "rules": judgement.rules or None,
        "link": _target_link(message, known),
        "attachment": _target_attachment(message, known),
        "client": judgement.client,
        "replied_by": interaction.replied_by,
    }


def alert_json(alert: Alert) -> dict[str, Any]:
    """Return an alert with what is known, also in a sentence."""
    return {
        "id": alert.public_id,
        "type": alert.type.value,
        "at": optional_moment(alert.at),
        "due_at": optional_moment(alert.due_at),
        "user_id": alert.user_id,
        "priority": alert.priority.value,
        "message": None
        if alert.message_id is None
        else {"id": alert.message_id, "subject": alert.subject},
        "who": alert.who or ("someone" if alert.note is None else None),
        "client": alert.client,
        "inferred": alert.inferred,
        "dismissed": alert.dismissed,
        "text": alert.text,
        "comment": alert.comment,
    }


def rules_json(rules: RuleSet) -> dict[str, Any]:
    """Return the rules that hold, in their order; user agents without the names looked for."""
    return {
        "version": rules.version,
        "windows": asdict(rules.windows),
        "off": sorted(rules.off),
        "networks": [
            {
                "name": rule.name,
                "scope": rule.scope.value,
                "certainty": rule.certainty.value,
                "ranges": [str(network) for network in rule.ranges],
            }
            for rule in rules.networks
        ],
        "user_agents": [
            {
                "name": rule.name,
                "kind": rule.kind.value,
                "scope": rule.scope.value,
                "client": rule.client,
            }
            for rule in rules.clients
        ],
    }


def report_json(report: Report) -> dict[str, Any]:
    """Return what scoring again did."""
    changes = [
        {"from": before.value, "to": after.value, "count": count}
        for (before, after), count in sorted(report.changes.items())
    ]
    return {
        "rules": report.rules,
        "message_count": report.message_count,
        "changed_count": sum(report.changes.values()),
        "changes": changes,
        "restated_count": report.restated_count,
        "continuation": report.continuation,
    }


def api_key_json(key: ApiKey) -> dict[str, Any]:
    """Return an API key without its secret, which is not kept."""
    return {"key_id": key.id, "created_at": optional_moment(key.created_at)}


def issued_key_json(issued: IssuedKey) -> dict[str, Any]:
    """Return a new API key, shown this once."""
    return {"key_id": issued.id, "api_key": issued.text}


def _copy_json(message: Message, copy: Copy, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "recipients": emails_of(message, copy),
        "html_body": copy.content.html_body,
        "text_body": copy.content.text_body,
        "headers": headers_of(message, copy),
        "attachments": files,
    }


def _target_link(message: Message, known: Evidence) -> dict[str, Any] | None:
    if known.type is not InteractionType.CLICK:
        return None
    links = (link for link in message.links if link.number == known.target)
    return next((link_json(link) for link in links), None)


def _target_attachment(message: Message, known: Evidence) -> dict[str, Any] | None:
    if known.type is not InteractionType.ATTACHMENT_VIEW:
        return None
    for attachment in message.attachments:
        if attachment.number == known.target:
            return {"id": str(attachment.number), "name": attachment.name}
    return None
