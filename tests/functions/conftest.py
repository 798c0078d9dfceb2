"""Messages and visitors for those who call the public surface, or look at what came of it."""

from __future__ import annotations

import pytest
from sellers import Visitor
from strangers import forget


@pytest.fixture(scope="module")
def seller(deployment):
    """One organization for all messages of a module."""
    return deployment.new_crm()


@pytest.fixture(scope="module")
def shared(seller):
    """A message."""
    return seller.sent()


@pytest.fixture
def message(shared):
    """That message, as if it had just been sent."""
    return forget(shared)


@pytest.fixture(scope="module")
def untouched(seller):
    """A message that stays without interactions: what is not its token must not count."""
    return seller.sent()


@pytest.fixture
def fresh(deployment):
    """An organization of the test's own: its settings, its keys of requests."""
    return deployment.new_crm()


@pytest.fixture
def person(deployment):
    """A person with a browser."""
    return Visitor(deployment)


@pytest.fixture
def patient(deployment):
    """An organization for which all of a minute belongs together, however slow we are."""
    crm = deployment.new_crm()
    crm.set({"verdicts": {"burst_seconds": 60}})
    return crm
