"""Whether the app is ready: only if tables, blobs and queues answer, asked now and then."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from deployment import Deployment, settings
from fault_proxy import FaultProxy, hanging, refusing
from problem import assert_problem

from devserver.backing import connection_string


class Probed:
    """A deployment whose stores can be made to fail, and that nobody has asked yet."""

    def __init__(self, azurite, spill, stack):
        self.stores = [stack.enter_context(FaultProxy(port)) for port in azurite.ports]
        data = connection_string([store.port for store in self.stores])
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))

    def ask(self):
        """Ask whether it is ready."""
        return self.deployment.get("/readyz")

    def forget(self):
        """Let the time pass for which an answer is remembered."""
        self.deployment.services.ready.__self__.asked_at = float("-inf")

    def asked(self):
        """How often each store was asked by the probe."""
        # Functions of this deployment take what other tests left in the queues, and read rows too.
        marks = ("/org-0?", "/interactions?comp=metadata", "RowKey='-'")
        return [
            sum(mark in path for _, path, _ in store.seen)
            for mark, store in zip(marks, self.stores, strict=True)
        ]


@pytest.fixture
def probed(azurite, tmp_path):
    """A deployment of the test's own, behind fault proxies."""
    with ExitStack() as stack:
        yield Probed(azurite, tmp_path / "spill", stack)


def test_all_three_stores_are_asked_once_in_a_while(probed):
    for _ in range(5):
        assert probed.ask().json() == {"status": "ok"}
    assert probed.asked() == [1, 1, 1]

    probed.forget()
    assert probed.ask().status_code == 200
    assert probed.asked() == [2, 2, 2]


@pytest.mark.parametrize("store", [0, 1, 2], ids=["blobs", "queues", "tables"])
@pytest.mark.parametrize("fault", [refusing(503), refusing(403), hanging])
def test_no_store_may_fail(probed, store, fault):
    probed.stores[store].fault = fault
    for _ in range(3):
        assert_problem(probed.ask(), 503, detail="stores do not answer")
    assert probed.asked()[store] == 1
    assert probed.deployment.get("/healthz").status_code == 200

    probed.stores[store].fault = refusing(404)
    probed.forget()
    assert probed.ask().status_code == 200
