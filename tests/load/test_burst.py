"""L1: a burst of opens is answered, stored once each and counted."""

from __future__ import annotations

from balance import settle, statuses
from traffic import exchange, visit
from two_sizes import sizes, tell

CONNECTIONS = 50


@sizes("count", short=(300,), full=(1_000,))
def test_L1_every_open_of_a_burst_is_answered_stored_once_and_counted(server, count):
    crm = server.new_crm()
    messages = [crm.sent() for _ in range(5)]
    visits = [visit(messages[n % len(messages)].pixel, n) for n in range(count)]

    outcomes = exchange(server.url, visits, CONNECTIONS)

    assert statuses(outcomes) == {200: count}
    settled = settle(messages, outcomes)
    assert settled == {"stored": count, "counted": count}
    tell("L1", outcomes, **settled)
