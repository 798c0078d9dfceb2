"""kill -9 under load, and bad lines to the stores: nothing is lost, and nothing doubled."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from aftermath import finish, later
from crash_rounds import Crowd, Rounds
from crash_site import Recipients, Site
from deployment import Deployment
from flaky import Flaky
from reckoning import Reckoning, visits_of
from stubborn_crm import StubbornCrm
from two_sizes import sizes, tell

from devserver.backing import connection_string

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "40"))
SEED = int(os.environ.get("CRASH_SEED", "7"))


@pytest.fixture
def site(own_azurite, tmp_path):
    """Stores, a mail server and a disk that outlive the hosts of a test."""
    with Site(own_azurite, tmp_path / "spill") as site:
        yield site


@sizes("rounds,organizations,most,soaks", short=(2, 1, 60, False), full=(ROUNDS, 4, 300, True))
def test_F5_F9_F11_hosts_that_are_killed_under_load_lose_and_double_nothing(
    site, rounds, organizations, most, soaks
):
    site.lease = 15 if soaks else 2
    site.start()
    crms = [StubbornCrm(site, site.new_crm(), SEED + n) for n in range(organizations)]
    for crm in crms:
        crm.begin()
    recipients = Recipients(site, SEED)
    life = Rounds(site, recipients, SEED, connections=4 if soaks else 2)
    with Crowd(crms, pause=0.5 if soaks else 0.02) as crowd:
        for number in range(rounds):
            ended = life.play(number, most)
            if soaks:
                tell(f"round {number}", killed=ended.moment, visits=ended.visits)
        environment = site.settings_at(site.azurite.connection_string)
        with Deployment(environment, clock=later) as deployment:
            site.serve_at(deployment.url)
            crowd.end()
            finish(deployment, crms, judged=soaks)
            found = [Reckoning(site, deployment, crm) for crm in crms]
            visits = visits_of(recipients, sum((each.visits for each in found), start=Counter()))
            for each in found:
                each.check()
                if soaks:
                    each.check_judged()
    statuses = sum((each.statuses() for each in found), start=Counter())
    repeated = sum(crm.repetitions for crm in crms)
    mails = len(site.mail.mails)
    tell(f"crashes of seed {SEED}: {visits}", mails=mails, repeated=repeated, **statuses)
    assert (visits.lost, visits.doubled) == ([], [])
    assert visits.answered > rounds


@sizes("count", short=(150,), full=(2_000,))
def test_F3_F4_a_fixed_number_of_visits_over_bad_lines_is_stored_exactly(site, count):
    bad = Flaky(4, SEED)
    environment = site.settings_at(connection_string([proxy.port for proxy in site.proxies]))
    with Deployment(environment, clock=later) as deployment:
        site.serve_at(deployment.url)
        crm, recipients = StubbornCrm(site, site.new_crm(), SEED), Recipients(site, SEED)
        for _ in range(3):
            crm.begin()
        known = recipients.visit_all()
        _, queues, tables = site.proxies
        queues.fault = tables.fault = bad
        recipients.visit(8, until=lambda begun: begun >= count - known)
        site.heal()
        finish(deployment, [crm], judged=False)
        found = Reckoning(site, deployment, crm)
        visits = visits_of(recipients, found.visits)
        found.check()
    tell(f"bad lines of seed {SEED}: {visits}", faults=bad.met)
    assert visits.sent == visits.answered == visits.stored == count
    assert (visits.lost, visits.doubled) == ([], [])
    assert bad.met > count // 8
