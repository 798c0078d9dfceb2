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

from devserver.__main__ import listen
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
    kept["PORT"] = str(port)
    return subprocess.Popen(
        [sys.executable, "-m", "devserver", *arguments],
        cwd=ROOT,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def announced(process):
    """What it shows; it ends with an empty line, which is the third one."""
    return "".join("".join(iter(process.stdout.readline, "\n")) for _ in range(3))


@pytest.mark.parametrize("arguments", [[], ["--worker"]] if NEWER else [[]])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_shows_a_message_and_its_inbox_until_it_is_stopped(port, arguments, number):
    with start(port, *arguments) as process:
        shown = announced(process)
        key, url = re.search(r"X-Api-Key: (\S+)' (\S+)", shown).groups()
        inbox = re.search(r"Inbox: +(\S+)", shown)[1]
        timeline = httpx.get(url, headers={"X-Api-Key": key}, trust_env=False)
        mail = httpx.get(f"{inbox}/email", trust_env=False).json()
        process.send_signal(number)
        rest = process.communicate(timeout=20)[0]
    assert timeline.json()["items"] == []
    assert [message["subject"] for message in mail] == ["Contract for signature"]
    assert [file["fileName"] for file in mail[0]["attachments"]] == ["terms.txt"]
    assert f"http://localhost:{port}/a/" in mail[0]["html"]
    assert (process.returncode, rest) == (0, "Stopped.\n")
    with pytest.raises(httpx.ConnectError):
        httpx.get(inbox, trust_env=False)


def test_a_port_that_is_taken_is_told(port):
    with socket.create_server(("127.0.0.1", port)), start(port) as process:
        says = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert says == (
        f"Port {port} is in use: stop what serves there, or choose another with PORT=.\n"
    )
    assert not state_folder(port).exists()


@pytest.mark.parametrize("given", ["abc", "0", "70000", "7071.5"])
def test_a_port_that_cannot_be_one_is_told_in_one_sentence(given):
    with start(given) as process:
        says = process.communicate(timeout=20)[0]
    assert process.returncode == 1
    assert says == f"PORT has to be a number from 1 to 65535, and {given!r} is not.\n"


def test_each_start_uses_the_same_api_key_for_as_long_as_it_works(port):
    def key_of_a_start(then):
        with start(port) as process:
            key, url = re.search(r"X-Api-Key: (\S+)' (\S+)", announced(process)).groups()
            organization = url.partition("/messages/")[0]
            headers = {"X-Api-Key": key}
            listed = httpx.get(f"{organization}/api-keys", headers=headers, trust_env=False)
            if then == "revoke":
                gone = f"{organization}/api-keys/{key.split('_')[1]}"
                assert httpx.delete(gone, headers=headers, trust_env=False).status_code == 204
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
        return key, len(listed.json()["items"])

    first, again = key_of_a_start("keep"), key_of_a_start("revoke")
    other = key_of_a_start("keep")
    assert first == again
    assert other[0] != first[0]
    assert (first[1], other[1]) == (1, 1)


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_headers(port):
    with listen(port) as listener, socket.create_connection(("127.0.0.1", port)):
        served, _ = listener.accept()
        with served:
            assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
