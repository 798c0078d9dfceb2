"""Backing services start on free ports, keep their data, and end."""

import os
import socket
import subprocess
import sys
import time

import pytest
from azure.storage.queue import QueueClient

from devserver.backing import Azurite, Inbox, connection_string, free_port, free_ports
from devserver.settings import ROOT, StartError


def test_a_free_port_is_the_preferred_one_if_it_can_be():
    preferred = free_port()
    assert free_port(preferred) == preferred
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", preferred))
        taken.listen()
        assert free_port(preferred) != preferred


def test_free_ports_differ_from_one_another():
    assert len(set(free_ports([0] * 20))) == 20


def test_a_connection_string_names_every_service():
    assert "QueueEndpoint=http://127.0.0.1:2/devstoreaccount1;" in connection_string((1, 2, 3))


def test_azurite_keeps_its_data_over_a_stop_and_avoids_a_taken_port(tmp_path):
    with Azurite(tmp_path) as first:
        QueueClient.from_connection_string(first.connection_string, "kept").create_queue()
        with Azurite(tmp_path / "other", first.ports) as second:
            assert set(second.ports).isdisjoint(first.ports)
    with Azurite(tmp_path, first.ports) as again:
        client = QueueClient.from_connection_string(again.connection_string, "kept")
        assert client.get_queue_properties().name == "kept"
        client.close()


def test_the_inbox_takes_mail(tmp_path):
    with (
        Inbox(tmp_path) as inbox,
        socket.create_connection(("127.0.0.1", inbox.ports[1])) as caller,
    ):
        assert caller.recv(100).startswith(b"220")


def test_a_program_that_ends_early_is_told_with_its_words(tmp_path):
    class Broken(Inbox):
        def command(self):
            return [sys.executable, "-c", "print('no such luck')"]

    with pytest.raises(StartError, match="no such luck"):
        Broken(tmp_path).__enter__()


def test_a_program_that_lost_its_port_to_another_gets_a_new_one(tmp_path):
    class Unlucky(Inbox):
        def command(self):
            lost = [sys.executable, "-c", "print('listen EADDRINUSE')"]
            return super().command() if self.process else lost

    with Unlucky(tmp_path) as inbox, socket.create_connection(("127.0.0.1", inbox.ports[1])):
        assert inbox.process.poll() is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent's end")
def test_a_child_does_not_outlive_a_killed_parent(tmp_path):
    code = (
        "import pathlib, sys, time; from devserver.backing import Inbox;"
        "inbox = Inbox(pathlib.Path(sys.argv[1])); inbox.__enter__();"
        "print(inbox.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < until
        time.sleep(0.05)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
