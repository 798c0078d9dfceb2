"""What was sent, answered, stored and counted, held against each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from deployment import SentMessage, at_once, wait_until
from traffic import Outcome, number_of, organization_key, stored_visits

#: Seconds. What an instance judged before it could read the organization's settings is judged by
#: them in the last look at the message, which is 65 s later.
PATIENCE = 150.0
#: Statuses by which tracked URLs are answered that lead somewhere.
SERVED = (200, 206, 302)
KINDS = {"o": "open", "c": "click", "a": "attachment_view"}


def statuses(outcomes: Iterable[Outcome]) -> Counter[int | None]:
    """How often each status was answered; None where there was no whole answer."""
    return Counter(outcome.status for outcome in outcomes)


def settle(messages: Sequence[SentMessage], visits: Sequence[Outcome]) -> dict[str, int]:
    """Hold what was sent, answered, stored and counted against each other; return how many.

    *visits* are all that there ever were to these messages, each by a person of its own. What was
    answered is to be stored exactly once, what was not at most once, and all of it counted.
    """
    sent = {_number(visit): visit for visit in visits}
    assert len(sent) == len(visits), "numbers of visits have to be different"
    answered = {number for number, visit in sent.items() if visit.status in SERVED}
    homes = {organization_key(message.pixel): message for message in messages}

    def stored() -> Counter[int]:
        found: Counter[int] = Counter()
        for key, message in homes.items():
            found += stored_visits(message.crm.deployment.environment["ENGAGEMENT_DATA"], key)
        return found

    # What the table did not take in time is in a queue.
    wait_until(lambda: answered <= stored().keys(), PATIENCE)
    found = stored()
    assert [number for number, times in found.items() if times > 1] == []
    assert found.keys() <= sent.keys()
    expected = Counter(_kind(sent[number]) for number in found)
    wait_until(lambda: counted(messages) == expected, PATIENCE)
    return {"stored": found.total(), "counted": expected.total()}


def counted(messages: Sequence[SentMessage]) -> Counter[str]:
    """What the KPIs of messages say that people did, without opens that are inferred."""
    total: Counter[str] = Counter()
    for start in range(0, len(messages), 8):
        part = messages[start : start + 8]
        for kpis in at_once([lambda message=message: message.kpis for message in part]):
            total.update({kind: kpis[f"{kind}_count"] for kind in KINDS.values()})
            total["open"] -= kpis["inferred_open_count"]
    return +total


def _number(visit: Outcome) -> int:
    return number_of(visit.request.headers["User-Agent"])


def _kind(visit: Outcome) -> str:
    return KINDS[visit.request.path.split("/")[1]]
