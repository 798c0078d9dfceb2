"""Measure the verdicts against labelled timelines, and what one of them costs.

    python -m benchmarks.accuracy [-v] [--split tune|measure] [FILE.jsonl …]

Judges as the product does: hit by hit in the order of time, knowing the hits of the last minutes;
then each message as a whole. Without files it takes the set shipped in benchmarks/labelled; its
README.md describes the form, in which any other set may be given. Ends with 1 below the aims.
"""

# ruff: noqa: T201  it talks to the person at the terminal

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from timeit import repeat
from typing import Any

from engagement.domain.tracking.tracking_token import TokenSigner, TrackingToken
from engagement.domain.verdicts.classifier import classify
from engagement.domain.verdicts.client_address import (
    Address,
    read_address,
)
from engagement.domain.verdicts.interaction import Interaction
from engagement.domain.verdicts.observer import TYPES, Hit, Observer, Sight
from engagement.domain.verdicts.recent import MessageKey
from engagement.domain.verdicts.rule_set import RuleSet
from engagement.domain.verdicts.timeline import crowded, judge_again
from engagement.domain.verdicts.verdict import Judgement
from engagement.wiring.foundation import shipped_rules

SHIPPED = sorted(Path(__file__).parent.glob("labelled/*.jsonl"))
HANDED_OVER = datetime(2026, 1, 5, 9, tzinfo=UTC)
SIGNER = TokenSigner({1: bytes(32)})
KINDS = {kind.value: token for token, kind in TYPES.items()}

#: The aims, for the half "measure": machines found, people taken for machines, time for one.
LEAST_FOUND, MOST_FLAGGED, MOST_MICROSECONDS = 0.95, 0.005, 20.0

#: (class, half, label) → verdict → hits
Tally = defaultdict[tuple[str, str, str], Counter[str]]


def main() -> int:
    """Measure, print, and say by the exit code whether the aims are met."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path, default=SHIPPED)
    parser.add_argument("--split", choices=("tune", "measure"), help="only this half")
    parser.add_argument("-v", "--verbose", action="store_true", help="list what is judged wrongly")
    options = parser.parse_args()
    rules = shipped_rules()
    known = read_timelines(options.files)
    timelines = [one for one in known if options.split in {None, one["split"]}]
    at_once, whole = Tally(Counter), Tally(Counter)
    for timeline in timelines:
        for hit, first, last in judge_timeline(timeline, rules):
            key = timeline["class"], timeline["split"], hit["label"]
            at_once[key][first.verdict] += 1
            whole[key][last.verdict] += 1
            if options.verbose:
                print_if_wrong(timeline, hit, last)
    print_classes(whole)
    print_totals("at once", at_once)
    print_totals("in the end", whole)
    split, took = options.split or "measure", microseconds(timelines, rules)
    return int(
        share(whole, split, "machine", "automated") < LEAST_FOUND
        or share(whole, split, "person", "automated") > MOST_FLAGGED
        or took >= MOST_MICROSECONDS
    )


def read_timelines(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Read timelines; those of other sets may do without a class and a split."""
    for file in files:
        for line in file.read_text("utf-8").split("\n"):
            if line.strip():
                yield {"class": file.stem, "split": "measure", "id": "", **json.loads(line)}


def judge_timeline(
    timeline: dict[str, Any], rules: RuleSet
) -> list[tuple[dict[str, Any], Judgement, Judgement]]:
    """Return each hit with its judgement at once and that of its message as a whole."""
    observer = Observer(SIGNER)
    hits = sorted(timeline["hits"], key=lambda hit: hit["after_seconds"])
    first: list[Judgement] = []
    messages: defaultdict[MessageKey, list[Interaction]] = defaultdict(list)
    for number, hit in enumerate(hits):
        token, request, address = request_of(hit)
        sight = observer.observe(token, request, address, rules)
        first.append(sight.judgement)
        key = token.organization, token.message_id
        messages[key].append(
            Interaction(
                id=str(number),
                message_id=key[1],
                evidence=sight.evidence,
                judgement=sight.judgement,
            )
        )
        for other, crowd in sight.crowd.items():
            messages[other] = crowded(messages[other], crowd, rules.windows)
    last = list(first)
    for of_one in messages.values():
        for again in judge_again(of_one, rules, history=False):
            last[int(again.id)] = again.judgement
    return list(zip(hits, first, last, strict=True))


def request_of(hit: dict[str, Any]) -> tuple[TrackingToken, Hit, Address | None]:
    """Return the request that a hit of the set stands for."""
    token = TrackingToken(
        kind=KINDS[hit["type"]],
        organization="0" * 16,
        message_id=f"{hit['message']:024x}",
        handed_over_at=HANDED_OVER,
        recipient=hit["recipient"],
        target=hit["target"],
    )
    headers = {name.lower(): value for name, value in hit["headers"].items()}
    at = HANDED_OVER + timedelta(seconds=hit["after_seconds"])
    return token, Hit(hit["method"], headers, at, ""), read_address(hit["address"])


def print_if_wrong(timeline: dict[str, Any], hit: dict[str, Any], last: Judgement) -> None:
    """Print what there is to know of a person taken for a machine, or the other way round."""
    if (hit["label"], last.verdict == "automated") not in {("person", True), ("machine", False)}:
        return
    print(
        f"{timeline['split']:8}{timeline['id']:32}{hit['label']:8}{last.verdict:10}"
        f"{','.join(last.reasons):36}{hit['type']:16}+{hit['after_seconds']:<12}"
        f"{hit['address']:22} {hit['headers'].get('User-Agent', '-')}"
    )


def print_classes(tally: Tally) -> None:
    """Print a line for each class, label and half."""
    row = "{:25}{:9}{:9}{:>6}{:>11}{:>8}{:>8}"
    verdicts = ("automated", "unsure", "person")
    print(row.format("class", "half", "label", "hits", *verdicts))
    for key, found in sorted(tally.items()):
        print(row.format(*key, found.total(), *(found[verdict] for verdict in verdicts)))


def share(tally: Tally, split: str, label: str, verdict: str) -> float:
    """Return the share of hits with *label* that got *verdict*; 0 if there are none."""
    found = sum((n for key, n in tally.items() if key[1:] == (split, label)), Counter())
    return found[verdict] / (found.total() or 1)


def print_totals(title: str, tally: Tally) -> None:
    """Print what matters, for each half."""
    for split in sorted({split for _, split, _ in tally}):
        print(
            f"{title:11}{split:8} machines found {share(tally, split, 'machine', 'automated'):7.2%}"
            f"  unsure {share(tally, split, 'machine', 'unsure'):6.2%}"
            f"   people flagged {share(tally, split, 'person', 'automated'):6.2%}"
            f"  unsure {share(tally, split, 'person', 'unsure'):6.2%}"
        )


def microseconds(timelines: list[dict[str, Any]], rules: RuleSet) -> float:
    """Return what a verdict takes; print what else a hit takes, and a floor to compare with."""
    requests = [
        # No two timelines share a message.
        request_of({**hit, "message": number << 16 | hit["message"]})
        for number, timeline in enumerate(timelines)
        for hit in timeline["hits"]
    ]
    texts = [json.dumps(dict(hit.headers)) for _, hit, _ in requests]

    def observe_all() -> list[Sight]:
        observer = Observer(SIGNER)
        return [observer.observe(*request, rules) for request in requests]

    evidence = [sight.evidence for sight in observe_all()]
    work = (
        lambda: [classify(one, rules) for one in evidence],
        observe_all,
        lambda: [json.loads(text) for text in texts],
    )
    verdict, whole, floor = (
        min(repeat(one, number=1, repeat=5, timer=process_time)) / len(requests) * 1e6
        for one in work
    )
    print(
        f"a verdict takes {verdict:.1f} µs, {verdict / floor:.1f} times json.loads of the headers "
        f"({floor:.1f} µs); the whole observation {whole:.1f} µs"
    )
    return verdict


if __name__ == "__main__":
    sys.exit(main())
