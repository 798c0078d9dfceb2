"""Names of tables, containers, partitions and rows: the schema of a store without one.

Rows of a message's partition begin with a digit, so that the head, its recipients, attachments
and links are one contiguous range, and its interactions, newest first, are another.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime

from engagement.domain.identifier import MESSAGE_ID, ORGANIZATION_KEY

REGISTRY = "organizations"
ORGANIZATION_ROW = "organization"
API_KEY_PREFIX = "key-"

#: Table of the deployment that says when which message is to be looked at.
DUE_TIMES = "duetimes"

SETTINGS_PARTITION = "settings"
SETTINGS_ROW = "settings"

#: Partition of the messages that wait for the CRM to send them.
DUE = "due"
#: Beginning of the partitions of markers.
CHANGED = "changed-"
#: Partition of the days whose rollups have to be recomputed.
STALE_DAYS = "stale-days"
#: Partition of the rollups.
ROLLUPS = "rollups"

#: Partition of what users chose for themselves.
USERS = "users"

#: Partitions of the templates by their ids, and of what became of the messages that use them.
TEMPLATES = "templates"
TEMPLATE_TOTALS = "template-totals"
#: Row of the totals of all messages; those of a template are named by a digest.
ALL_TOTALS = "organization"
#: Ids of messages are hexadecimal digits; lists, settings and users come behind them.
MESSAGES_END = "g"

HEAD = "0-head"
RECIPIENT = "1-recipient-"
ATTACHMENT = "2-attachment-"
LINK = "3-link-"
#: First row key behind the head, recipients, attachments and links.
STATIC_END = "4"
FIRST_OPEN = "4-alert-open"
#: Which days a message adds something to.
DAYS = "4-days"
REQUEST = "4-request-"
SUMMARY = "4-summary"
INTERACTION = "5-interaction-"
#: Sorts behind all of them and before whatever else begins with a 5.
INTERACTION_END = "5-interaction."

#: Partitions of the endpoints of webhooks, and of what could not be delivered to them.
WEBHOOKS = "webhooks"
DEAD_WEBHOOKS = "dead-webhooks"
#: Partition of all followed emails.
LIST_ALL = "list-all"

INTERACTIONS_QUEUE = "interactions"
JUDGEMENTS_QUEUE = "judgements"
WEBHOOKS_QUEUE = "webhooks"
#: Every queue that a function takes from.
QUEUES = (INTERACTIONS_QUEUE, JUDGEMENTS_QUEUE, WEBHOOKS_QUEUE)


def table(organization: str) -> str:
    """Name of an organization's table."""
    return f"org{organization}"


def container(organization: str) -> str:
    """Name of an organization's blob container."""
    return f"org-{organization}"


def poison(queue: str) -> str:
    """Name of the queue into which the functions host moves what failed too often in another."""
    return f"{queue}-poison"


def check_place(organization: object, message_id: object) -> tuple[str, str]:
    """Return the keys of a table and a partition; raises ValueError if the app never made such."""
    for value, made in ((organization, ORGANIZATION_KEY), (message_id, MESSAGE_ID)):
        if not isinstance(value, str) or not made.fullmatch(value):
            raise ValueError("This is no key of an organization, or no id of a message.")
    return str(organization), str(message_id)


def recipient(number: int) -> str:
    """Row key of a recipient."""
    return f"{RECIPIENT}{number:04d}"


def attachment(number: int) -> str:
    """Row key of an attachment."""
    return f"{ATTACHMENT}{number:04d}"


def link(number: int) -> str:
    """Row key of a link."""
    return f"{LINK}{number:04d}"


def number(row_key: str, prefix: str) -> int:
    """Return the number that one of the three above put into a row key."""
    return int(row_key.removeprefix(prefix))


def marker_partition(at: datetime) -> str:
    """Partition of the markers that say which messages changed in one minute."""
    return f"{CHANGED}{at:%Y%m%d%H%M}"


def due_partition(at: datetime) -> str:
    """Partition of the due times of one minute; these sort by time."""
    return f"{at:%Y%m%d%H%M}"


def due_row(at: datetime, organization: str, message_id: str, task: str) -> str:
    """Row key of a due time."""
    return f"{at:%S%f}-{organization}-{message_id}-{task}"


def waiting_row(at: datetime, message_id: str) -> str:
    """Row key of a message that waits for the CRM since *at*."""
    return f"{at:%Y%m%d%H%M%S%f}-{message_id}"


def alerts(user_key: str) -> str:
    """Partition of a user's alerts, by what stands for the user."""
    return f"{ALERTS}{user_key}"


#: What the partitions of all alerts lie between.
ALERTS, ALERTS_END = "alerts-", "alerts."


def dead_webhook(endpoint_id: str, letter_id: str) -> str:
    """Row key of what could not be delivered; an endpoint's are one range."""
    return f"{endpoint_id}-{letter_id}"


def person(address_key: str) -> str:
    """Partition of what is known of a person's habits, by what the address is compared by."""
    return f"person-{_digest(address_key)}"


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


def template_totals(template_id: str | None) -> str:
    """Row key of a template's totals, or of the whole organization's."""
    if template_id is None:
        return ALL_TOTALS
    return _digest(template_id)


def template_blob(template_id: str, nonce: str) -> str:
    """Name of a blob with a template's bodies, apart from those of messages."""
    return f"{TEMPLATES}/{template_id}/{nonce}"


def contributions(on: date) -> str:
    """Partition of what messages add to a day."""
    return f"day-{day(on)}"


def day(on: date) -> str:
    """Name of a day inside a key; sorts by time."""
    return on.isoformat().replace("-", "")


def _digest(name: str) -> str:
    """Return what stands for a name that the CRM made up, as keys take only some characters."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]
