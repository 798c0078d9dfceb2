"""The whole command: it starts, shows the demo, and leaves nothing behind when it is stopped."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from devserver.backing import free_port
from devserver.settings import ROOT, state_folder

NEWER = sys.version_info >= (3, 13)


@pytest.fixture
def port():
    """A free port whose state is gone afterwards."""
    port = free_port()
    yield port
    shutil.rmtree(state_folder(port), ignore_errors=True)


def start(port, *arguments):
    kept = {name: value for name, value in os.environ.items() if "ENGAGEMENT" not in name}
    return subprocess.Popen(
        [sys.executable, "-m", "devserver", "--port", str(port), *arguments],
        cwd=ROOT,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("arguments", [[], ["--worker"]] if NEWER else [[]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_shows_a_message_and_its_inbox_until_it_is_stopped(port, arguments, number):
    with start(port, *arguments) as process:
        # It ends with an empty line, which is the third one.
        shown = "".join("".join(iter(process.stdout.readline, "\n")) for _ in range(3))
        key, url = re.search(r"X-Api-Key: (\S+)' (\S+)", shown).groups()
        inbox = re.search(r"Inbox: +(\S+)", shown)[1]
        timeline = httpx.get(url, headers={"X-Api-Key": key}, trust_env=False)
        mail = httpx.get(f"{inbox}/email", trust_env=False).json()
        process.send_signal(number)
        rest = process.communicate(timeout=20)[0]
    assert timeline.json()["items"] == []
    assert [message["subject"] for message in mail] == ["Contract for signature"]
    assert (process.returncode, rest) == (0, "Stopped.\n")
    with pytest.raises(httpx.ConnectError):
        httpx.get(inbox, trust_env=False)


def test_a_port_that_is_taken_is_told(port):
    with socket.create_server(("127.0.0.1", port)), start(port) as process:
        says = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert "Address already in use" in says
    assert not state_folder(port).exists()
