"""Fixtures: storage emulator, mail server, deployment, and an organization for each test."""

from __future__ import annotations

import pytest
from aiosmtpd.controller import Controller
from deployment import Deployment, settings
from hypothesis import settings as hypothesis_settings

from devserver.backing import Azurite, free_port

hypothesis_settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis_settings.load_profile("ci")


#: Preferred by nobody: runs, and the processes of one, are side by side.
ANY_PORTS = (0, 0, 0)


class Mailbox:
    """What a mail server took: the envelopes, newest last."""

    def __init__(self):
        self.envelopes = []

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        return "250 taken"


@pytest.fixture(scope="session")
def azurite(tmp_path_factory):
    """Azurite for the whole run of a process; every test has an organization of its own in it."""
    with Azurite(tmp_path_factory.mktemp("azurite"), ANY_PORTS) as child:
        yield child


@pytest.fixture(scope="module")
def own_azurite(tmp_path_factory):
    """Azurite of a module's own: for who stops it, or looks at everything that is in it."""
    with Azurite(tmp_path_factory.mktemp("azurite"), ANY_PORTS) as child:
        yield child


@pytest.fixture(scope="session")
def mailbox():
    """A real SMTP server that keeps what it is given."""
    handler = Mailbox()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    handler.port = controller.port
    yield handler
    controller.stop()


@pytest.fixture(scope="session")
def environment(azurite, mailbox, tmp_path_factory):
    """Settings of the deployment that most tests share."""
    return settings(
        azurite.connection_string,
        ENGAGEMENT_SMTP_HOST="127.0.0.1",
        ENGAGEMENT_SMTP_PORT=str(mailbox.port),
        ENGAGEMENT_SMTP_SECURITY="none",
        ENGAGEMENT_SPILL_FOLDER=str(tmp_path_factory.mktemp("spill")),
    )


@pytest.fixture(scope="session")
def deployment(environment):
    """The deployment that most tests share."""
    with Deployment(environment) as running:
        yield running


@pytest.fixture
def crm(deployment):
    """The CRM of a fresh organization."""
    return deployment.new_crm()
