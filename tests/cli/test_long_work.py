"""Work that takes many calls: a period, a history, dead letters; and how far it is."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from deployment import ROOT, wait_until
from fault_proxy import FaultProxy, first, hanging, healthy, refusing

from engagement.cli.terminal import Terminal
from engagement.domain.tracking.tracking_token import Kind
from engagement.services.rolling_up import Report

TODAY = datetime.now(UTC).date()


def as_crm(crm):
    """The environment of whoever has the organization's key."""
    return {"ENGAGEMENT_ORGANIZATION_KEY": crm.api_key, "ENGAGEMENT_ADMIN_KEY": ""}


def test_a_period_is_recomputed_day_by_day(admin, crm):
    message = crm.sent()
    signer = crm.deployment.services.tracking.signer
    key = signer.verify(message.pixel.split("/")[-1][:60], Kind.OPEN)
    services, later = crm.deployment.services, datetime.now(UTC) + timedelta(minutes=10)
    rolled_up = services.rolling_up.roll_up(key.organization, later, 10, Report())
    crm.deployment.run(rolled_up)
    first_day = TODAY - timedelta(days=2)
    command = ("kpis", "recompute", crm.organization_id, "--from", first_day, "--to", TODAY)
    done = json.loads(admin(*command, "--json", **as_crm(crm)).out)

    assert [day["on"] for day in done] == [
        (first_day + timedelta(days=number)).isoformat() for number in range(3)
    ]
    assert done[-1]["totals"]["sent_count"] == 1
    assert "sent" in admin(*command, **as_crm(crm)).out.splitlines()[0]


def test_the_administrators_key_recomputes_nothing(admin, crm):
    asked = admin("kpis", "recompute", crm.organization_id, "--from", TODAY, "--to", TODAY)

    assert asked.code == 2
    assert "ENGAGEMENT_ORGANIZATION_KEY" in asked.err


def test_a_period_ends_after_it_begins(admin, crm):
    command = ("kpis", "recompute", crm.organization_id, "--from", TODAY)

    assert admin(*command, "--to", TODAY - timedelta(days=1), **as_crm(crm)).code == 2
    assert admin(*command, "--to", "tomorrow", **as_crm(crm)).code == 2


def test_who_is_interrupted_is_told_where_to_go_on(admin, deployment, crm):
    second = TODAY - timedelta(days=1)
    with FaultProxy(int(deployment.url.rpartition(":")[2])) as proxy:
        proxy.fault = first(1, healthy, then=refusing(503, retry_after="0"))
        stopped = admin(
            *("kpis", "recompute", crm.organization_id, "--url", f"http://127.0.0.1:{proxy.port}"),
            *("--from", TODAY - timedelta(days=2), "--to", TODAY),
            **as_crm(crm),
        )

    assert stopped.code == 3
    assert f"go on with --from {second}" in stopped.err


def test_ctrl_c_ends_it_in_order(deployment, crm):
    with FaultProxy(int(deployment.url.rpartition(":")[2])) as proxy:
        proxy.fault = first(1, healthy, then=hanging)
        command = ["kpis", "recompute", crm.organization_id, "--from", "2026-11-01"]
        started = subprocess.Popen(
            [sys.executable, "-m", "engagement", *command, "--to", "2026-11-09"],
            cwd=ROOT,
            env={**os.environ, **as_crm(crm), "ENGAGEMENT_URL": f"http://127.0.0.1:{proxy.port}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that starts something in the background has it ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        wait_until(lambda: len(proxy.seen) == 2)
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=30)

    assert (started.returncode, out) == (130, "")
    assert "go on with --from 2026-11-02" in err
    assert "Traceback" not in err


def test_who_has_read_enough_ends_it_quietly(deployment, crm):
    reader, writer = os.pipe()
    os.close(reader)
    command = ["organizations", "settings", "show", crm.organization_id]
    done = subprocess.run(
        [sys.executable, "-m", "engagement", *command],
        cwd=ROOT,
        env={**os.environ, **as_crm(crm), "ENGAGEMENT_URL": deployment.url},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)

    assert done.stderr == ""


def test_history_is_judged_again(admin, crm):
    message = crm.sent()
    crm.deployment.get(message.pixel)
    wait_until(lambda: message.acts("open"))
    crm.set({"verdicts": {"delivery_window_seconds": 60}})
    done = json.loads(admin("verdicts", "score", crm.organization_id, "--json").out)

    assert done["message_count"] == 1
    assert done["changes"] == [{"from": "person", "to": "automated", "count": 1}]
    again = admin("verdicts", "score", crm.organization_id)
    assert "0 verdicts changed" in again.err


def test_dead_letters_are_replayed(admin, crm):
    # Nobody has to answer there.
    webhook = crm.call("POST", "/webhooks", json={"url": "http://127.0.0.1:1/hook"}).json()
    command = ("dead-letters", "replay", crm.organization_id, webhook["id"])
    done = admin(*command, "--since", "2026-01-01T00:00:00Z", "--json", **as_crm(crm))

    assert json.loads(done.out) == {"replayed_count": 0}
    assert admin(*command, "--since", "yesterday", **as_crm(crm)).code == 2


def test_a_bar_is_drawn_where_a_person_is_watching(deployment, crm):
    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "engagement", "verdicts", "score", crm.organization_id, "--json"],
        cwd=ROOT,
        env={**os.environ, "ENGAGEMENT_URL": deployment.url, "TERM": "xterm"}
        | {"ENGAGEMENT_ADMIN_KEY": "", **as_crm(crm)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
        check=True,
    )
    os.close(follower)
    drawn = os.read(leader, 100_000).decode()
    os.close(leader)

    assert "Judging messages" in drawn
    assert json.loads(done.stdout)["message_count"] == 0


def test_no_bar_is_drawn_into_a_log():
    err = io.StringIO()
    with Terminal(io.StringIO(), io.StringIO(), err, {}).progress("Working", 2) as advance:
        advance(1)
        advance(2, "done")

    assert err.getvalue() == ""
