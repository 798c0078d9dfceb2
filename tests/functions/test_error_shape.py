"""Every refusal of the API is a problem (RFC 9457), and nothing that is asked makes it fail."""

from __future__ import annotations

import itertools
import json

import pytest
from deployment import ADMIN_KEY, Crm, build_app, draft_of, ok
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from problem import assert_problem

ORGANIZATION = "api/v1/organizations/{organization_id}"
MESSAGE = f"{ORGANIZATION}/messages/{{message_id}}"
ALERTS = f"{ORGANIZATION}/alerts"
ALERT_SETTINGS = f"{ORGANIZATION}/alert-settings"
WEBHOOKS = f"{ORGANIZATION}/webhooks"
WEBHOOK = f"{WEBHOOKS}/{{webhook_id}}"
TEMPLATES = f"{ORGANIZATION}/templates"

#: Every route of the API; those whose value is true read JSON.
ROUTES = {
    ("PUT", ORGANIZATION): True,
    ("DELETE", ORGANIZATION): False,
    ("GET", f"{ORGANIZATION}/settings"): False,
    ("PATCH", f"{ORGANIZATION}/settings"): True,
    ("GET", f"{ORGANIZATION}/api-keys"): False,
    ("POST", f"{ORGANIZATION}/api-keys"): False,
    ("DELETE", f"{ORGANIZATION}/api-keys/{{key_id}}"): False,
    ("POST", f"{ORGANIZATION}/messages"): True,
    ("GET", f"{ORGANIZATION}/messages"): False,
    ("GET", f"{ORGANIZATION}/exports/messages"): False,
    ("GET", f"{ORGANIZATION}/records/{{type}}/{{record_id}}/activities"): False,
    ("GET", MESSAGE): False,
    ("PATCH", MESSAGE): True,
    ("DELETE", MESSAGE): False,
    ("POST", f"{MESSAGE}/cancel"): False,
    ("PUT", f"{MESSAGE}/reminder"): True,
    ("DELETE", f"{MESSAGE}/reminder"): False,
    ("GET", f"{ORGANIZATION}/due-messages"): False,
    ("POST", f"{MESSAGE}/send"): True,
    ("GET", f"{MESSAGE}/timeline"): False,
    ("POST", f"{MESSAGE}/replies"): True,
    ("POST", f"{MESSAGE}/attachments"): False,
    ("GET", f"{MESSAGE}/attachments/{{attachment_id}}"): False,
    ("DELETE", f"{MESSAGE}/attachments/{{attachment_id}}"): False,
    ("GET", ALERTS): False,
    ("POST", f"{ALERTS}/{{alert_id}}/snooze"): True,
    ("POST", f"{ALERTS}/{{alert_id}}/dismiss"): False,
    ("GET", ALERT_SETTINGS): False,
    ("PATCH", ALERT_SETTINGS): True,
    ("GET", TEMPLATES): False,
    ("PUT", f"{TEMPLATES}/{{template_id}}"): True,
    ("GET", f"{TEMPLATES}/{{template_id}}"): False,
    ("DELETE", f"{TEMPLATES}/{{template_id}}"): False,
    ("POST", f"{ORGANIZATION}/delivery-time"): True,
    ("GET", f"{ORGANIZATION}/kpis"): False,
    ("POST", f"{ORGANIZATION}/kpis/recompute"): True,
    ("GET", f"{ORGANIZATION}/verdicts/rules"): False,
    ("POST", f"{ORGANIZATION}/verdicts/score"): False,
    ("GET", WEBHOOKS): False,
    ("POST", WEBHOOKS): True,
    ("GET", WEBHOOK): False,
    ("PATCH", WEBHOOK): True,
    ("DELETE", WEBHOOK): False,
    ("POST", f"{WEBHOOK}/rotate-secret"): False,
    ("POST", f"{WEBHOOK}/test"): False,
    ("GET", f"{WEBHOOK}/dead-letters"): False,
    ("POST", f"{WEBHOOK}/replay"): True,
}
#: They say nothing of anybody, and may be kept.
DESCRIPTIONS = {
    (method, f"api/v1/{name}.json") for method in ("GET", "HEAD") for name in ("openapi", "swagger")
}
#: Routes that have to be told whose alerts are meant.
OF_A_USER = {ALERTS, ALERT_SETTINGS}
READING_JSON = [route for route, reads in ROUTES.items() if reads]

HOSTILE_SEGMENTS = [
    "-",
    "..%2F..%2Fetc",
    "%00",
    "%0d%0aX-Y:%20z",
    "%ff%fe",
    "%E2%80%AE",
    "'%20or%20PartitionKey%20ne%20'",
    "%25%32%35",
    "\U0001f600",
    "x" * 5_000,
    "0" * 24,
    "g" * 24,
    "settings",
    "9" * 400,
]
HOSTILE_BODIES = {
    "empty": b"",
    "no JSON": b"{",
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": "{}".encode("utf-16"),
    "not utf-8": b'{"\xff": 1}',
    "NaN": b'{"name": NaN}',
    "infinite": b'{"name": 1e999}',
    "duplicate": b'{"name": 1, "name": 2}',
    "arrays": b"[" * 200_000 + b"]" * 200_000,
    "objects": b'{"a":' * 50_000,
    "a long number": b'{"name": ' + b"9" * 5_000 + b"}",
    "list": b"[]",
    "text": b'"name"',
    "null": b"null",
    "unknown": b'{"__proto__": {"x": 1}, "constructor": 1}',
    "half a pair": b'{"\\ud800": "\\udc00"}',
    "unknown, hidden": b'{"\\u0000": 1}',
}
HOSTILE_HEADERS = [
    {"Content-Type": "text/html"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": ""},
    {"Content-Type": "x" * 5_000},
    {"Content-Type": b"\xff/\xfe"},
    {"Accept": "text/html;q=x"},
    {"Accept-Encoding": "gzip;q=x, br"},
    {"Idempotency-Key": "x" * 5_000},
    {"Idempotency-Key": b"\xff"},
    {"If-Match": "*"},
    {"If-None-Match": '"x"'},
    {"Range": "bytes=9-1"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-For": ", ".join(["1.2.3.4:5"] * 50)},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Content-Encoding": "gzip"},
    {"Cookie": "a=" + "b" * 4_000},
    {"traceparent": "00-zz-zz-zz"},
]
HOSTILE_QUERIES = [
    "page_size=-1",
    "page_size=%D9%A1",
    "page_size=1&page_size=2",
    "user_id=%00",
    "language=%00",
    "language=" + "x" * 5_000,
    "industry=%0d%0a",
    "language=de&industry=x",
    "user_id=" + "x" * 5_000,
    "user_id=%20",
    "continuation=%00",
    "continuation=x' or RowKey ne '",
    "from=%00",
    "to=0001-01-01",
    "group_by=%00",
    "sender=%ff",
    "template=" + "x" * 5_000,
    "name=%00",
    "name=..%2F..%2Fx",
    "name=" + "%F0%9F%98%80" * 500,
    "name=a.pdf&followed=%00",
    "followed=maybe",
    "record=%00:%00",
    "from=9999-12-31T23:59:59-23:59",
    "related=" + "contact:x," * 500,
    "sort=__class__",
    "time_zone=..%2F..%2Fetc%2Fpasswd",
    "language=%ED%A0%80",
    "subject=%ED%A0%80%00",
    "&&&=&%",
    "%ff=%ff",
]


@pytest.fixture(scope="module")
def known(deployment):
    """Names for every part of a route, and the CRM they belong to."""
    crm = deployment.new_crm()
    message = crm.sent_with_attachment()
    webhook = {"url": "http://127.0.0.1:9/", "state": "disabled"}
    return crm, {
        "organization_id": crm.organization_id,
        "message_id": message.id,
        "attachment_id": "1",
        "key_id": "00000000",
        "alert_id": f"{'0' * 32}-1-{'0' * 13}-{'0' * 16}",
        "webhook_id": ok(crm.call("POST", "/webhooks", json=webhook))["id"],
        "template_id": "t-1",
        "type": "contact",
        "record_id": "c-1",
    }


def call(crm: Crm, method, route, names, **options):
    """Call a route with the key that it needs."""
    deployment = crm.deployment
    manages = route == ORGANIZATION
    headers = {"X-Api-Key": ADMIN_KEY if manages else crm.api_key, **options.pop("headers", {})}
    queries = ["user_id=u-17"] if route in OF_A_USER else []
    queries += [query] if (query := options.pop("query", "")) else []
    url = f"{deployment.url}/{route.format(**names)}?{'&'.join(queries)}"
    return deployment.http.request(method, url, headers=headers, **options)


def check(answer):
    """An answer is a success or a problem, and never a fault of ours."""
    assert answer.status_code < 500, answer.text
    if answer.is_success:
        assert answer.headers["cache-control"] == "no-store"
    else:
        value = assert_problem(answer, answer.status_code, answer.json().get("field"))
        assert set(value) <= {"type", "title", "status", "detail", "field"}
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    return answer


def test_the_table_holds_every_route_of_the_api(deployment):
    registered = set()
    for function in build_app(deployment.services).get_functions():
        trigger = function.get_trigger().get_dict_repr()
        if str(trigger.get("route", "")).startswith("api/"):
            names = [getattr(method, "value", method) for method in trigger["methods"]]
            registered |= {(name, trigger["route"]) for name in names}
    assert registered == set(ROUTES) | DESCRIPTIONS


@pytest.mark.parametrize(("method", "route"), READING_JSON)
@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES)
def test_B51_no_body_makes_a_route_fail(known, method, route, body):
    crm, names = known
    if method == "PATCH":
        names = {**names, "message_id": crm.draft()["id"]}
    headers = {"Content-Type": "application/json"}
    answer = check(call(crm, method, route, names, content=body, headers=headers))
    assert answer.status_code == 400


@pytest.mark.parametrize(("method", "route"), READING_JSON)
@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xml", "json"])
def test_B51_every_route_that_reads_json_says_so(known, method, route, content_type):
    crm, names = known
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = call(crm, method, route, names, content=b"{}", headers=headers)
    assert_problem(answer, 400, "Content-Type", "application/json")


@pytest.mark.parametrize(("method", "route"), READING_JSON)
def test_B52_no_route_reads_more_json_than_the_largest_message_needs(known, method, route):
    crm, names = known
    body = b'{"name": "' + b"x" * 24 * 1024**2 + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = call(crm, method, route, names, content=body, headers=headers)
    assert_problem(answer, 413, detail=str(24 * 1024**2))


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_B60_every_route_names_a_parameter_that_it_does_not_take(known, method, route):
    crm, names = known
    answer = call(crm, method, route, names, query="pagesize=1")
    assert_problem(answer, 400, "pagesize", "no such parameter")


def hostile_names(route):
    """Names for the parts of a route, each of them in turn replaced by hostile ones."""
    for name in (
        "organization_id",
        "message_id",
        "attachment_id",
        "key_id",
        "alert_id",
        "webhook_id",
        "template_id",
    ):
        if f"{{{name}}}" in route:
            yield from ((name, segment) for segment in HOSTILE_SEGMENTS)


@pytest.mark.parametrize(("method", "route"), [route for route in ROUTES if route[0] != "PUT"])
def test_no_name_in_a_path_makes_a_route_fail_or_finds_anything(known, method, route):
    crm, names = known
    bodies = {"PATCH": {}, "POST": {"delivery": "crm"}} if "replies" not in route else {}
    for name, segment in hostile_names(route):
        options = {"json": bodies[method]} if method in bodies else {}
        answer = call(crm, method, route, {**names, name: segment}, **options)
        assert answer.status_code in {400, 401, 404}, (name, segment, answer.text)
        check(answer)


@pytest.mark.parametrize(
    ("method", "route"), [route for route in ROUTES if route != ("DELETE", ORGANIZATION)]
)
def test_no_header_and_no_query_makes_a_route_fail(known, method, route):
    crm, names = known
    for headers, query in itertools.chain(
        ((headers, "") for headers in HOSTILE_HEADERS),
        (({}, query) for query in HOSTILE_QUERIES),
    ):
        content = b"{}" if method in {"PUT", "PATCH", "POST"} else None
        check(call(crm, method, route, names, headers=headers, query=query, content=content))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from([*sorted(draft_of()), "regarding", "template_id", "follow", "copies"])


@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(changes=st.dictionaries(FIELDS, JSON_VALUES, min_size=1, max_size=3))
def test_B60_no_value_of_any_field_makes_a_draft_fail(known, changes):
    crm, names = known
    body = json.dumps(draft_of(**changes)).encode()
    headers = {"Content-Type": "application/json"}
    answer = check(
        call(crm, "POST", f"{ORGANIZATION}/messages", names, content=body, headers=headers)
    )
    if answer.status_code == 400:
        assert answer.json()["field"].startswith((*changes, "html_body"))


def test_what_no_route_is_for_tells_nothing(known):
    crm, _ = known
    method, path = crm.call("PUT", "/messages"), crm.call("GET", "/no-such-thing")

    assert (method.status_code, method.headers["allow"]) == (405, "GET, POST")
    assert path.status_code == 404
    assert (method.content, path.content) == (b"", b"")
