"""The benchmarks' own logic: figures and aims, the generator, counts, and their documents."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network

import pytest
from deployment import ROOT

from benchmarks.__main__ import PARTS, main, report_of
from benchmarks.figures import Figure, Part, ratios, table, table_of
from benchmarks.processes import processor_seconds
from benchmarks.public.generator import ask, load_of, press
from benchmarks.public.rounds import EVERYBODY, POINTS, rotated
from benchmarks.public.subject import Count

PATHS = ["/o/first.gif", "/o/second.gif", "/o/third.gif"]


def test_a_figure_is_the_median_of_its_rounds_and_knows_its_aim():
    least = Figure("opens", (1.4, 9.0, 1.6), at_least=1.5)
    most = Figure("CPU", (2.0, 1.2, 1.3), unit="ms", at_most=1.25)
    free = Figure("size", (3.0,))

    assert (least.value, least.met, least.aim) == (1.6, True, "at least 1.5 x")
    assert (most.value, most.met, most.aim) == (1.3, False, "at most 1.25 ms")
    assert (free.met, free.aim) == (None, "")


def test_an_aim_that_is_just_reached_is_met():
    assert Figure("opens", (1.5,), at_least=1.5).met
    assert Figure("lost", (0.0,), at_most=0).met
    assert Figure("lost", (1.0,), at_most=0).met is False


def test_ratios_are_made_round_by_round():
    assert ratios([2.0, 9.0], [1.0, 3.0]) == (2.0, 3.0)
    with pytest.raises(ValueError, match="shorter"):
        ratios([2.0, 9.0], [1.0])


def test_tables_are_markdown_and_say_what_was_missed():
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
    rows = table_of([Figure("CPU", (2.0, 1.0, 1.3), at_most=1.25), Figure("size", (3.0,))])

    assert "| CPU | 1.3 x | 1 | 2 | at most 1.25 x | **missed** |" in rows
    assert "| size | 3 x | 3 | 3 |  |  |" in rows


def test_the_report_keeps_rounds_aims_and_data():
    part = Part("text", [Figure("CPU", (2.0, 1.0), at_most=1.25)], {"visits": [1]})

    kept = json.loads(json.dumps(report_of({"public_path": (part, 0.123)})))["parts"]["public_path"]

    assert kept["busy_cores_before"] == 0.12
    assert kept["data"] == {"visits": [1]}
    assert kept["figures"][0]["rounds"] == [2.0, 1.0]
    assert (kept["figures"][0]["value"], kept["figures"][0]["met"]) == (1.5, False)


def test_an_unknown_part_is_refused_with_the_names_of_those_that_there_are(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "public_paths"])

    with pytest.raises(SystemExit) as refused:
        main()

    assert refused.value.code == 2
    assert "there is no part public_paths" in (told := capsys.readouterr().err)
    assert all(name in told for name in PARTS)


def test_every_part_and_every_aim_is_described():
    text = (ROOT / "benchmarks" / "README.md").read_text()

    assert re.findall(r"^### `(\w+)`", text, re.MULTILINE) == list(PARTS)
    aims = text[text.index("## Aims") : text.index("## Figures")]
    assert re.findall(r"^\| (\d+) \|", aims, re.MULTILINE) == [str(row) for row in range(1, 12)]


def test_what_the_script_prints_at_the_end_of_wrk_is_read():
    output = (
        "Running 4s test @ http://127.0.0.1:1\n  2000 requests in 4.00s, 1.05MB read\n\n"
        '{"requests": 2000, "microseconds": 4000000, "p50": 1500, "p99": 61250, '
        '"refused": 3, "broken": 1}\n'
    )

    load = load_of(output)

    assert (load.rate, load.p50, load.p99) == (500.0, 1.5, 61.25)
    assert (load.refused, load.broken) == (3, 1)


def test_wrk_that_did_not_get_to_its_end_is_no_result():
    with pytest.raises(ValueError, match="Expecting value"):
        load_of("unable to connect to 127.0.0.1:1 Connection refused\n")


@contextmanager
def server():
    """A server's URL, and what it was asked: path and the visitor's address."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append((self.path, self.headers["X-Forwarded-For"]))
            self.send_response(404 if "third" in self.path else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}", asked
        serving.shutdown()
        thread.join()


def is_visitor(address):
    """Whether an address is one of those that are set aside for benchmarks."""
    return ip_address(address) in ip_network("198.18.0.0/15")


def test_a_fixed_number_is_sent_once_each_over_all_paths_and_visitors():
    with server() as (url, asked):
        statuses = ask(url, PATHS, 99, at_once=8)

    assert statuses == Counter({200: 66, 404: 33})
    assert Counter(path for path, _ in asked) == dict.fromkeys(PATHS, 33)
    assert len({address for _, address in asked}) == 99
    assert all(is_visitor(address) for _, address in asked)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_wrk_cycles_through_paths_and_visitors_and_counts_refusals(tmp_path):
    paths = tmp_path / "paths.txt"
    paths.write_text("\n".join(PATHS) + "\n")
    with server() as (url, asked):
        load = press(url, paths, 4, 1)

    assert load.requests <= len(asked) <= load.requests + 4
    seen = Counter(path for path, _ in asked)
    assert max(seen.values()) - min(seen.values()) <= 1
    assert abs(load.refused - load.requests / 3) <= 4
    assert len({address for _, address in asked}) == len(asked)
    assert all(is_visitor(address) for _, address in asked)


def test_what_was_answered_and_is_nowhere_is_lost_and_what_nobody_asked_for_is_told():
    exact = Count(sent=100, answered=100, stored=100, set_aside=0)
    aside = Count(sent=100, answered=100, stored=97, set_aside=3)
    lossy = Count(sent=100, answered=100, stored=97, set_aside=1)
    double = Count(sent=100, answered=100, stored=101, set_aside=0)
    refused = Count(sent=100, answered=90, stored=90, set_aside=0)
    cut_off = Count(sent=100, answered=100, stored=116, set_aside=0, cut_off=16)

    counts = [exact, aside, lossy, double, refused, cut_off]
    assert [count.lost for count in counts] == [0, 0, 2, 0, 0, 0]
    assert [count.unasked for count in counts] == [0, 0, 0, 1, 0, 0]


def test_everybody_comes_first_as_often_as_the_others():
    orders = [list(rotated(EVERYBODY, number)) for number in range(len(EVERYBODY))]

    assert {order[0] for order in orders} == set(EVERYBODY)
    assert all(sorted(order) == sorted(EVERYBODY) for order in orders)


def test_aims_are_about_points_that_are_measured():
    asked = {(kind, connections): names for kind, connections, names in POINTS}

    assert set(asked["open", 16]) == set(asked["click", 16]) == set(EVERYBODY)
    assert {kind for kind, _, _ in POINTS} == {"open", "click", "attachment"}
    assert {connections for _, connections, _ in POINTS} == {1, 16, 64}


BURN = """
import os, subprocess, sys, time
burn = "import time\\nwhile time.process_time() < 0.2: pass"
subprocess.run([sys.executable, "-c", burn], check=True)
print("burnt", flush=True)
sys.stdin.read()
"""


def test_processor_time_is_that_of_everything_below_a_process_ended_or_not():
    with subprocess.Popen(
        [sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout.readline() == b"burnt\n"
        spent = processor_seconds(parent.pid)
        parent.stdin.close()

    assert spent >= 0.2
