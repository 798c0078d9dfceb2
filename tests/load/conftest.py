"""Where load goes: to the shared deployment in short, to a process of its own in full."""

from __future__ import annotations

import pytest
from deployment import HostProcess, settings

from devserver.backing import Azurite


@pytest.fixture(scope="session")
def host(mailbox, tmp_path_factory):
    """A host in a process of its own, with timers, on stores that nobody else looks at."""
    folder = tmp_path_factory.mktemp("host")
    with Azurite(folder, (0, 0, 0)) as azurite:
        environment = settings(
            azurite.connection_string,
            ENGAGEMENT_SMTP_HOST="127.0.0.1",
            ENGAGEMENT_SMTP_PORT=str(mailbox.port),
            ENGAGEMENT_SMTP_SECURITY="none",
            ENGAGEMENT_SPILL_FOLDER=str(folder / "spill"),
        )
        with HostProcess(environment) as running:
            yield running


@pytest.fixture
def server(request):
    """Who serves a case of this size."""
    full = request.node.get_closest_marker("soak") is not None
    return request.getfixturevalue("host" if full else "deployment")
