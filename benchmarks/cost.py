"""What a month of a deployment costs on Azure: the model of docs/cost.md.

    python -m benchmarks.cost --opens 1000000 --memory 2048
    python -m benchmarks.cost --per-million      what a million of each act costs
    python -m benchmarks.cost --measure          what a hit costs in processor time, on this machine

Prices are those of benchmarks/prices.toml, or of a file like it.
"""

# ruff: noqa: T201  it talks to the person at the terminal

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.cost_model import MONTH_SECONDS, Line, Month, bill, executions, total
from benchmarks.operations import MONTH_HOURS

PRICES = Path(__file__).parent / "prices.toml"

#: How a million acts may fall: name to hours of the month.
SPREADS = {
    "each alone": None,
    "over the month": float(MONTH_HOURS),
    "in 20 working days of 8 hours": 160.0,
    "in one hour": 1.0,
}
ACTS = ("opens", "clicks", "views", "messages")


def read_prices(path: Path = PRICES) -> tuple[dict[str, float], dict[str, float]]:
    """Return the prices by name, and what a month has for nothing; raises KeyError, TOMLError."""
    value = tomllib.loads(path.read_text("utf-8"))
    free = {name: float(amount) for name, amount in value.pop("free").items()}
    return {name: float(one["price"]) for name, one in value.items()}, free


def bill_table(lines: list[Line]) -> str:
    """Return a bill as a table in Markdown."""
    rows = ["| part | priced as | quantity | US$ |", "| --- | --- | ---: | ---: |"]
    rows += [
        f"| {one.part} | {one.price_name} | {one.quantity:,.3f} | {one.amount:,.2f} |"
        for one in lines
        if abs(one.amount) >= 0.005
    ]
    return "\n".join([*rows, f"| **together** | | | **{total(lines):,.2f}** |"])


def _marginal(month: Month, act: str, hours: float | None, prices: Mapping[str, float]) -> float:
    """Return what a million of *act* adds to an idle month, before anything free."""
    free = {"flex_seconds": 0.0, "flex_executions": 0.0, "telemetry_gb": 0.0, "traffic_gb": 0.0}
    idle = replace(month, opens=0, clicks=0, views=0, messages=0)
    # Alone: so far apart that none shares a second with another.
    spread = replace(idle, hours=1e12) if hours is None else replace(idle, hours=hours)
    busy = replace(spread, **{act: 1e6})  # type: ignore[arg-type]  # all acts are counts
    return total(bill(busy, prices, free)) - total(bill(spread, prices, free))


def per_million_table(month: Month, prices: Mapping[str, float]) -> str:
    """Return what a million of each act costs by how they fall, as a table in Markdown."""
    rows = [
        f"| US$ per million | {' | '.join(SPREADS)} |",
        "| --- " + "| ---: " * len(SPREADS) + "|",
    ]
    for act in ACTS:
        amounts = (_marginal(month, act, hours, prices) for hours in SPREADS.values())
        rows.append(f"| {act} | {' | '.join(f'{amount:,.2f}' for amount in amounts)} |")
    return "\n".join(rows)


def timers_table(month: Month, prices: Mapping[str, float]) -> str:
    """Return what the timers cost, and what slower ones would, as a table in Markdown."""
    rows = ["| timers | executions | GB-seconds | US$ before the free grant |"]
    rows.append("| --- | ---: | ---: | ---: |")
    for title, seconds in {
        "as declared": None,
        "dispatch every 30 s": 30.0,
        "dispatch every minute": 60.0,
        "dispatch every 5 minutes": 300.0,
    }.items():
        found = executions(replace(month, dispatch_seconds=seconds))
        timers = [one for name, one in found.items() if "timer" in name]
        count = sum(one[0] for one in timers)
        used = sum(one[1] / 1024 * one[2] for one in timers)
        amount = used * prices["flex_second"] + count / 1e6 * prices["flex_executions"]
        rows.append(f"| {title} | {count:,.0f} | {used:,.0f} | {amount:,.2f} |")
    return "\n".join(rows)


def read_month(options: argparse.Namespace) -> Month:
    """Make the month that the command line asks for."""
    return Month(
        opens=options.opens,
        clicks=options.clicks,
        views=options.views,
        messages=options.messages,
        organizations=options.organizations,
        hours=options.hours,
        public_memory=options.memory,
        private_memory=options.private_memory or options.memory,
        capacity=options.capacity,
        always_ready=options.always_ready,
        front_door=options.front_door,
        probes=options.probes,
        dispatch_seconds=options.dispatch_seconds,
    )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    for act in ACTS:
        parser.add_argument(f"--{act}", type=float, default=0, help="in the month (0)")
    parser.add_argument("--organizations", type=float, default=1, help="that there are (1)")
    parser.add_argument(
        "--hours", type=float, default=MONTH_HOURS, help="over which all is spread (730, a month)"
    )
    sizes = (512, 2048, 4096)
    parser.add_argument("--memory", type=int, choices=sizes, default=2048, help="MB of an instance")
    parser.add_argument("--private-memory", type=int, choices=sizes, help="of the private app")
    parser.add_argument("--capacity", type=float, default=200, help="hits/s of an instance (200)")
    parser.add_argument("--always-ready", type=int, default=0, help="public instances (0)")
    parser.add_argument("--front-door", action="store_true", help="Front Door Standard in front")
    parser.add_argument("--probes", type=float, default=0, help="runs of availability tests (0)")
    parser.add_argument("--dispatch-seconds", type=float, help="between two runs of that timer")
    parser.add_argument("--prices", type=Path, default=PRICES, help="file like prices.toml")
    parser.add_argument("--per-million", action="store_true", help="what a million acts cost")
    parser.add_argument("--measure", action="store_true", help="measure hits on this machine")
    return parser.parse_args()


def main() -> int:
    """Print what was asked for."""
    options = arguments()
    if options.measure:
        from benchmarks.hits import report

        print(report())
        return 0
    month, (prices, free) = read_month(options), read_prices(options.prices)
    if options.per_million:
        print(per_million_table(month, prices))
        print()
        print(timers_table(month, prices))
        return 0
    rate = month.hits / (month.hours * 3600)
    print(f"{month.hits:,.0f} hits in {month.hours:,.0f} of {MONTH_SECONDS / 3600:,.0f} hours,")
    print(f"{rate:,.2f} a second; {month.messages:,.0f} messages\n")
    print(bill_table(bill(month, prices, free)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
