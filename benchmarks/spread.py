"""How organizations would spread over storage accounts: a simulation, `make bench-spread`.

Organizations are of very different sizes (lognormal), send in bursts in the working hours of their
part of the world, and are opened most in the first minutes. What that asks of each storage account
and of the busiest keys is held against what Azure serves (docs/scale.md). One seed makes one
history, so that ways to place organizations are compared on the same. Nothing is measured here.
"""

# ruff: noqa: T201, S311  it talks to the person at the terminal; chance here guards nothing

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.cost_model import JUDGEMENT_QUEUE_REQUESTS, Month, table_requests

#: Requests a second of one account, entities of one partition, messages of one queue.
ACCOUNT_LIMIT, PARTITION_LIMIT, QUEUE_LIMIT = 20_000, 2_000, 2_000

DAY = 24 * 60
#: Beginning of the working day in three parts of the world, in minutes UTC.
MORNINGS = (0, 7 * 60, 14 * 60)
WORKING = 9 * 60
#: Minutes after which half of those who open have opened.
HALF_LIFE = 30
TAIL = 6 * HALF_LIFE
#: Share of the opens of one send in each minute after it.
OPENED = [
    (0.5 ** (minute / HALF_LIFE) - 0.5 ** ((minute + 1) / HALF_LIFE))
    / (1 - 0.5 ** (TAIL / HALF_LIFE))
    for minute in range(TAIL)
]
#: Spread of the sizes: the largest hundredth of the organizations has half of the opens.
SIGMA = 2.3


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization's day."""

    name: str
    #: opens of the day
    opens: float
    #: minutes at which it sends to many, each of the same size
    sends: tuple[int, ...]


def population(count: int, opens: float, seed: int) -> list[Organization]:
    """Return *count* organizations that have *opens* a day together."""
    chance = random.Random(seed)
    sizes = [chance.lognormvariate(0, SIGMA) for _ in range(count)]
    whole = sum(sizes)
    found = []
    for number, size in enumerate(sizes):
        morning = chance.choice(MORNINGS)
        sends = tuple(morning + chance.randrange(WORKING) for _ in range(chance.randint(1, 4)))
        found.append(Organization(f"org-{number}", size / whole * opens, sends))
    return found


def rendezvous(organizations: Sequence[Organization], accounts: int) -> dict[str, int]:
    """Place each on the account with the highest digest of both names; nothing is written down."""

    def digest(name: str, account: int) -> bytes:
        return hashlib.sha256(f"{name}/{account}".encode()).digest()

    return {
        one.name: max(range(accounts), key=lambda account: digest(one.name, account))
        for one in organizations
    }


def by_size(organizations: Sequence[Organization], accounts: int) -> dict[str, int]:
    """Place the largest first, each on the account with the least; the registry writes it down."""
    loads = [0.0] * accounts
    placed = {}
    for one in sorted(organizations, key=lambda one: -one.opens):
        account = min(range(accounts), key=loads.__getitem__)
        loads[account] += one.opens
        placed[one.name] = account
    return placed


def minutes(organizations: Iterable[Organization]) -> list[float]:
    """Return the opens of all of them together in each minute of a day."""
    sent, opened = [0.0] * DAY, [0.0] * DAY
    for one in organizations:
        for send in one.sends:
            sent[send % DAY] += one.opens / len(one.sends)
    for minute, opens in enumerate(sent):
        if opens:
            for later, share in enumerate(OPENED, minute):
                opened[later % DAY] += opens * share
    return opened


def peaks(
    organizations: Sequence[Organization], placed: Mapping[str, int], accounts: int
) -> list[float]:
    """Return the opens a second of each account in its busiest minute."""
    groups: list[list[Organization]] = [[] for _ in range(accounts)]
    for one in organizations:
        groups[placed[one.name]].append(one)
    return [max(minutes(group)) / 60 for group in groups]


def busiest(organizations: Sequence[Organization]) -> float:
    """Return the opens a second of one organization in its busiest minute."""
    best = 0.0
    for one in sorted(organizations, key=lambda one: -one.opens):
        # No smaller one could be busier, if it sent all that it sends at once.
        if one.opens * OPENED[0] <= best:
            break
        best = max(best, *minutes([one]))
    return best / 60


def moved(
    organizations: Sequence[Organization], before: Mapping[str, int], after: Mapping[str, int]
) -> tuple[float, float]:
    """Return the shares of organizations and of opens whose account is another."""
    gone = [one for one in organizations if before[one.name] != after[one.name]]
    whole = sum(one.opens for one in organizations)
    return len(gone) / len(organizations), sum(one.opens for one in gone) / whole


def requests_per_open() -> float:
    """Return the requests to tables that an open takes in all, as the data model documents them."""
    idle, one = table_requests(Month()), table_requests(Month(opens=1))
    return sum(one.values()) - sum(idle.values())


def report(count: int, opens: float, accounts: int, seed: int) -> str:
    """Return the simulation's results as text."""
    organizations, per_open = population(count, opens, seed), requests_per_open()
    sizes = sorted((one.opens for one in organizations), reverse=True)
    top = sum(sizes[: max(1, count // 100)]) / opens
    lines = [
        f"{count:,} organizations, {opens:,.0f} opens a day, seed {seed};",
        f"the largest has {sizes[0] / opens:.1%} of them, the largest hundredth {top:.0%}.",
        f"An open takes {per_open:.0f} requests to tables in all.",
        "",
        "| placement | accounts | busiest: opens/s | requests/s | of 20,000 | over the mean |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    places = {"rendezvous": rendezvous, "by size": by_size}
    for name, place in places.items():
        for number in (1, accounts, accounts + 1):
            found = peaks(organizations, place(organizations, number), number)
            asked = max(found) * per_open
            lines.append(
                f"| {name} | {number} | {max(found):,.0f} | {asked:,.0f} "
                f"| {asked / ACCOUNT_LIMIT:.0%} | {max(found) * number / sum(found):.2f} |"
            )
    lines += ["", "| an account is added | organizations moved | opens moved |"]
    lines.append("| --- | ---: | ---: |")
    for name, place in places.items():
        before, after = place(organizations, accounts), place(organizations, accounts + 1)
        gone, weight = moved(organizations, before, after)
        lines.append(f"| {name}, placed anew | {gone:.1%} | {weight:.1%} |")
    lines.append("| by size, only new ones placed | 0.0% | 0.0% |")
    one = busiest(organizations)
    whole = max(minutes(organizations)) / 60
    lines += [
        "",
        "| busiest key | a second | limit | share |",
        "| --- | ---: | ---: | ---: |",
        _key("one organization: rows of lists, markers, days", one, PARTITION_LIMIT),
        _key("one deployment: queue of judgements", whole * JUDGEMENT_QUEUE_REQUESTS, QUEUE_LIMIT),
        _key("one message of 99 recipients, five hits each in a minute", 99 * 5 / 60, 2000),
        _key("one message, 5,000 hits in a minute", 5000 / 60, PARTITION_LIMIT),
    ]
    return "\n".join(lines)


def _key(name: str, rate: float, limit: int) -> str:
    return f"| {name} | {rate:,.1f} | {limit:,} | {rate / limit:.1%} |"


def main() -> int:
    """Simulate and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spread", description=__doc__)
    parser.add_argument("--organizations", type=int, default=10_000)
    parser.add_argument("--opens", type=float, default=10e6, help="a day, together (10 million)")
    parser.add_argument("--accounts", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(report(options.organizations, options.opens, options.accounts, options.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
