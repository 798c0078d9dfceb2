"""Names of tables, containers, partitions and rows: the schema of a store without one.

Rows of a message's partition begin with a digit, so that the head, its recipients, attachments
and links are one contiguous range, and its interactions, newest first, are another.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

REGISTRY = "organizations"
ORGANIZATION_ROW = "organization"
API_KEY_PREFIX = "key-"

SETTINGS_PARTITION = "settings"
SETTINGS_ROW = "settings"

#: Partition of what users chose for themselves.
USERS = "users"

#: Ids of messages are hexadecimal digits; lists, settings and users come behind them.
MESSAGES_END = "g"

HEAD = "0-head"
RECIPIENT = "1-recipient-"
ATTACHMENT = "2-attachment-"
LINK = "3-link-"
#: First row key behind the head, recipients, attachments and links.
STATIC_END = "4"
FIRST_OPEN = "4-alert-open"
REQUEST = "4-request-"
SUMMARY = "4-summary"
INTERACTION = "5-interaction-"
#: Sorts behind all of them and before whatever else begins with a 5.
INTERACTION_END = "5-interaction."

#: Partition of all followed emails.
LIST_ALL = "list-all"

INTERACTIONS_QUEUE = "interactions"
JUDGEMENTS_QUEUE = "judgements"


def table(organization: str) -> str:
    """Name of an organization's table."""
    return f"org{organization}"


def container(organization: str) -> str:
    """Name of an organization's blob container."""
    return f"org-{organization}"


def recipient(number: int) -> str:
    """Row key of a recipient."""
    return f"{RECIPIENT}{number:04d}"


def attachment(number: int) -> str:
    """Row key of an attachment."""
    return f"{ATTACHMENT}{number:04d}"


def link(number: int) -> str:
    """Row key of a link."""
    return f"{LINK}{number:04d}"


def marker_partition(at: datetime) -> str:
    """Partition of the markers that say which messages changed in one minute."""
    return f"changed-{at:%Y%m%d%H%M}"


def alerts(user_key: str) -> str:
    """Partition of a user's alerts, by what stands for the user."""
    return f"alerts-{user_key}"


def list_of_sender(user_id: str) -> str:
    """Partition of the followed emails that a user sent."""
    return f"list-sender-{_digest(user_id)}"


def list_of_template(template_id: str) -> str:
    """Partition of the followed emails that were made from a template."""
    return f"list-template-{_digest(template_id)}"


def list_of_record(kind: str, record_id: str) -> str:
    """Partition of the activities of a CRM row."""
    return f"list-record-{_digest(f'{kind}:{record_id}')}"


def blob(day: datetime, message_id: str, nonce: str) -> str:
    """Name of a blob; the day comes first, so that recent ones can be listed alone."""
    return f"{day:%Y-%m-%d}/{message_id}/{nonce}"


def _digest(name: str) -> str:
    """Return what stands for a name that the CRM made up, as keys take only some characters."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]
