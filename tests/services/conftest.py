"""Fixtures: an office for tests of what happens when a time has come."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from aiosmtpd.controller import Controller
from office import Office, Server

from devserver.backing import Azurite, free_port


@pytest.fixture(scope="session")
def premises(tmp_path_factory):
    """A deployment with stores of its own: what is due in them is of these tests only."""
    server = Server()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    with ExitStack() as stack:
        azurite = stack.enter_context(Azurite(tmp_path_factory.mktemp("azurite"), (0, 0, 0)))
        controller.start()
        stack.callback(controller.stop)
        server.port = controller.port
        yield Office(azurite, server, stack)


@pytest.fixture
def office(premises):
    """The office at the beginning of a test."""
    premises.begin()
    return premises
