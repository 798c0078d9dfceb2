"""The pixel: whatever is asked for and however, the answer is the image (B1 to B26)."""

from __future__ import annotations

import base64
import email
from datetime import UTC, datetime
from email import policy

import httpx
import pytest
from aiosmtpd.controller import Controller
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableServiceClient
from deployment import FIREFOX, Deployment, SentMessage, ok, wait_until
from strangers import (
    BROWSER,
    IMAGE,
    SIGNER,
    facts,
    flipped,
    interactions,
    path,
    raw,
    said,
    signed,
    token,
    verdicts,
)

from devserver.backing import free_port
from engagement.domain.tracking.tracking_token import PAYLOAD, Kind, TokenSigner, TrackingToken

OPEN = ("open", "person", "")

#: The last time that a token has room for.
LATEST = datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)


def assert_image(answer):
    """Assert that an answer is the image, whole and not to be kept."""
    assert (answer.status_code, answer.content) == (200, IMAGE)
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-store, private"


def with_version(text, version):
    """Return a token with another version, and a MAC that is right for it."""
    payload = bytes([version]) + base64.urlsafe_b64decode(text)[1 : PAYLOAD.size]
    mac = SIGNER._mac(1, Kind.OPEN, payload)
    return base64.urlsafe_b64encode(payload + mac).decode()


def by_another_key(text, key_id):
    """Return what a token says, signed by a key that this deployment does not know."""
    signer = TokenSigner({key_id: b"x" * 32})
    return signer.sign(SIGNER.verify(text, Kind.OPEN))


FORGERIES = {
    "B1_empty": lambda _: "",
    "B2_one_character": lambda _: "x",
    "B2_one_dot": lambda _: ".",
    "B3_10_kB": lambda text: text * 180,
    "B3_twice": lambda text: text * 2,
    "B5_nul": lambda text: f"{text}%00",
    "B5_nul_within": lambda text: f"{text[:28]}%00{text[28:]}",
    "B5_traversal": lambda text: f"%2e%2e%2f{text}",
    "B5_twice_encoded": lambda text: f"%252e%252e%252f{text}",
    "B5_twice_encoded_token": lambda text: f"%25{ord(text[0]):02x}{text[1:]}",
    "B5_backslash": lambda text: f"..%5c{text}",
    "B6_no_utf_8": lambda text: f"{text}%ff",
    "B6_only_no_utf_8": lambda _: "%ff%fe%c0%80",
    "B6_overlong": lambda text: f"%c1%81{text[1:]}",
    "B6_broken_percent": lambda text: f"{text}%",
    "B6_broken_hex": lambda text: f"%zz{text[1:]}",
    "B7_cyrillic": lambda text: f"%d0%90{text[1:]}",
    "B7_full_width": lambda text: f"%ef%bc%a1{text[1:]}",
    "B7_arabic_digit": lambda text: f"{text[:-1]}%d9%a1",
    "B7_zero_width_space": lambda text: f"{text[:28]}%e2%80%8b{text[28:]}",
    "B8_lower_case": str.lower,
    "B8_upper_case": str.upper,
    "B11_removed_key": lambda text: by_another_key(text, 2),
    "B11_same_number_other_key": lambda text: by_another_key(text, 1),
    "B12_version_0": lambda text: with_version(text, 0),
    "B12_version_1": lambda text: with_version(text, 1),
    "B13_last_character": flipped,
    "B13_first_character": lambda text: flipped(text, 0),
    "B14_padding": lambda text: f"{text}=",
    "B14_padding_encoded": lambda text: f"{text}%3D%3D",
    "B14_too_short": lambda text: text[:-1],
    "B14_too_long": lambda text: f"{text}A",
    "B14_line_feed_within": lambda text: f"{text[:28]}%0A{text[28:]}",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_B1_B2_B3_B5_B6_B7_B8_B11_B12_B13_B14_no_valid_token_the_image_and_no_open(
    forge, deployment, untouched
):
    answer = raw(deployment, "GET", f"/o/{forge(token(untouched.pixel))}.gif")

    valid_shape = raw(deployment, "GET", "/o/x.gif")
    assert answer.body == IMAGE
    assert facts(answer) == facts(valid_shape)
    assert untouched.timeline == []


def test_B14_there_is_no_second_way_to_write_a_token(seller, deployment):
    people = [{"role": "to", "email": f"p{n}@fabrikam.example"} for n in range(40)]
    message = seller.sent(
        recipients=[*people, {**people[0], "email": "a@b.example", "record": RECORD}],
        copies="per_recipient",
    )
    pixels = [message.urls("o", copy)[0] for copy in range(41)]
    token_with_both = next(text for text in map(token, pixels) if "-" in text or "_" in text)
    other_alphabet = token_with_both.replace("-", "%2B").replace("_", "%2F")

    assert raw(deployment, "GET", f"/o/{other_alphabet}.gif").body == IMAGE
    assert message.timeline == []


RECORD = {"type": "contact", "id": "c-1"}

TOO_ODD = {
    "B1_no_file": "/o/",
    "B1_no_segment": "/o",
    "B5_climbing": "/o/../o/{token}.gif",
    "B5_climbing_out": "/../../o/{token}.gif",
    "B5_two_segments": "/o/x/{token}.gif",
    "B6_raw_bytes": "/o/{token}\xff.gif",
    "B6_raw_control": "/o/{token}\x01.gif",
}


@pytest.mark.parametrize("target", TOO_ODD.values(), ids=TOO_ODD)
def test_B1_B5_B6_a_path_that_is_not_the_pixels_is_the_hosts_to_refuse(
    target, deployment, untouched
):
    answer = raw(deployment, "GET", target.replace("{token}", token(untouched.pixel)))

    assert answer.status in (400, 404)
    assert b"Traceback" not in answer.body
    assert untouched.timeline == []


@pytest.mark.parametrize(
    "ending",
    [
        ".gif",
        "",
        ".gif.",
        ".gif)",
        ".gif%20",
        ".gif=3D",
        ".gif=3d.",
        ".gif%22>",
        ".gif';",
        ".gif,%0A",
        ".",
        ")",
        "%20",
        "=3D",
        "%20.gif",
        ".%29.gif",
        ".gif/",
    ],
)
def test_B4_what_linkifiers_leave_behind_does_not_lose_an_open(ending, deployment, message):
    answer = raw(deployment, "GET", f"/o/{token(message.pixel)}{ending}", BROWSER)

    assert (answer.status, answer.body) == (200, IMAGE)
    assert verdicts(message) == [OPEN]


@pytest.mark.parametrize("kind", [Kind.CLICK, Kind.ATTACHMENT])
def test_B9_a_token_of_another_kind_opens_nothing(kind, deployment, untouched):
    assert_image(deployment.get(f"/o/{signed(kind, untouched.pixel, target=0)}.gif"))
    assert_image(deployment.get(f"/o/{signed(kind, untouched.link)}.gif"))
    assert untouched.timeline == []


def test_B10_a_token_does_not_open_a_message_of_another_organization(deployment, untouched):
    other = deployment.new_crm().sent()
    stranger, own = (base64.urlsafe_b64decode(token(x.pixel)) for x in (other, untouched))
    moved = base64.urlsafe_b64encode(stranger[:2] + own[2:10] + stranger[10:]).decode()
    spliced = base64.urlsafe_b64encode(own[:26] + stranger[26:]).decode()

    assert_image(deployment.get(f"/o/{moved}.gif"))
    assert_image(deployment.get(f"/o/{spliced}.gif"))
    assert untouched.timeline == other.timeline == []


def test_B10_a_token_of_another_deployment_opens_nothing_here(environment, deployment):
    key = base64.urlsafe_b64encode(b"z" * 32).decode()
    with Deployment({**environment, "ENGAGEMENT_SIGNING_KEYS": f"1:{key}"}) as other:
        message = other.new_crm().sent()
        # The same stores, but another key: the other deployment's tokens say nothing here.
        assert_image(deployment.get(message.pixel))
        assert message.timeline == []


@pytest.mark.parametrize(
    "query", ["?x=1&x=2", "?" + "utm_source=junk&" * 200, "?", "?%ff=%00", "?&&==;", "?.gif"]
)
def test_B15_a_query_is_ignored(query, deployment, message):
    assert_image(deployment.get(message.pixel + query))
    assert verdicts(message) == [OPEN]


def test_B16_HEAD_gets_the_headers_and_is_no_person(deployment, message):
    head = deployment.request("HEAD", message.pixel)
    assert verdicts(message) == [("open", "automated", "method")]
    assert (message.kpis["open_count"], message.kpis["automated"]["open_count"]) == (0, 1)

    got = deployment.get(message.pixel)
    assert (head.content, facts(head)[:2]) == (b"", facts(got)[:2])
    assert head.headers["content-length"] == "43"
    assert message.kpis["open_count"] == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_B17_other_methods_are_not_allowed_and_open_nothing(method, deployment, untouched):
    answer = deployment.request(method, untouched.pixel, content=b"x" * 1000)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.content == b""
    assert untouched.timeline == []


def test_B18_a_preflight_is_allowed_nothing(deployment, untouched):
    ask = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    preflight = deployment.request("OPTIONS", untouched.pixel, headers=ask)

    assert (preflight.status_code, preflight.headers["allow"]) == (405, "GET, HEAD")
    assert not [name for name in preflight.headers if name.startswith("access-control")]
    assert untouched.timeline == []


def test_B18_a_page_elsewhere_may_not_read_the_answer(deployment, message):
    answer = deployment.get(message.pixel, headers={"Origin": "https://evil.example"})

    assert_image(answer)
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("asked", ["bytes=0-0", "bytes=-1", "bytes=99-", "bytes=0-1,2-3", "x"])
def test_B19_a_range_of_the_image_is_the_image(asked, deployment, message):
    answer = deployment.get(message.pixel, headers={"Range": asked})

    assert_image(answer)
    assert "content-range" not in answer.headers
    assert verdicts(message) == [OPEN]


@pytest.mark.parametrize(
    "condition",
    [
        {"If-None-Match": "*"},
        {"If-None-Match": 'W/"x", "y"'},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
        {"If-Match": '"x"'},
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
def test_B20_the_image_is_sent_again_whatever_a_cache_has(condition, deployment, message):
    answer = deployment.get(message.pixel, headers=condition)

    assert_image(answer)
    assert not {"etag", "last-modified", "expires"} & set(answer.headers)
    assert verdicts(message) == [OPEN]


@pytest.mark.parametrize("headers", [[], ["User-Agent:"], ["User-Agent:  \t "]])
def test_B21_without_a_user_agent_nobody_is_a_person(headers, deployment, message):
    assert raw(deployment, "GET", path(message.pixel), *headers).body == IMAGE

    assert verdicts(message) == [("open", "automated", "no_user_agent")]
    assert "user_agent" not in interactions(message)[0]


def in_latin_1(text):
    """Return how UTF-8 bytes look to a server, which reads headers as Latin-1."""
    return text.encode().decode("latin-1")


ABSURD = ("automated", "absurd_user_agent")
UNFAMILIAR = ("unsure", "unfamiliar_user_agent")
USER_AGENTS = {
    "9 kB": ("x" * 9_000, "x" * 512, ABSURD),
    "html": ("<script>alert(1)</script>", "<script>alert(1)</script>", ABSURD),
    "formula": ("=1+1", "=1+1", ABSURD),
    "tab": (FIREFOX.replace(" ", "\t"), FIREFOX, ("person", "")),
    "latin 1": ("Zo\xebs Mail", "Zo\xebs Mail", UNFAMILIAR),
    "non-breaking": ("a\xa0b\xadc", "a b c", UNFAMILIAR),
    "control 1": ("a\x85b", "a b", ABSURD),
}


@pytest.mark.parametrize(("sent", "kept", "judged"), USER_AGENTS.values(), ids=USER_AGENTS)
def test_B21_a_user_agent_is_kept_short_and_printable(sent, kept, judged, deployment, message):
    assert raw(deployment, "GET", path(message.pixel), f"User-Agent: {sent}").body == IMAGE

    (row,) = interactions(message)
    assert (row["verdict"], row["reasons"]) == judged
    assert row["user_agent"] == kept
    # It is hostile input: what callers are given does not hold it.
    assert sent[:25] not in str(message.timeline)


def test_B21_an_emoji_in_a_user_agent_is_kept_as_printable_text(deployment, message):
    agent = f"User-Agent: Mail {in_latin_1('😀')} end"
    assert raw(deployment, "GET", path(message.pixel), agent).body == IMAGE

    (row,) = interactions(message)
    assert row["user_agent"].startswith("Mail ")
    assert row["user_agent"].endswith(" end")
    assert row["user_agent"].isprintable()


@pytest.mark.parametrize("agent", ["a\0b", "a\rb", "a\nb"])
def test_B21_a_header_with_NUL_CR_or_LF_is_no_header_and_the_server_refuses_it(
    agent, deployment, untouched
):
    # A header value cannot hold them: the server ends the request before any code of ours runs.
    answer = raw(deployment, "GET", path(untouched.pixel), f"User-Agent: {agent}")

    assert answer.status == 400
    assert untouched.timeline == []


def test_B21_CRLF_in_a_user_agent_only_begins_another_header(deployment, message):
    agent = "User-Agent: Mozilla/5.0\r\nX-Evil: <b>"
    assert raw(deployment, "GET", path(message.pixel), agent).body == IMAGE

    assert [row["user_agent"] for row in interactions(message)] == ["Mozilla/5.0"]


FORWARDED = {
    "50 entries": (", ".join(f"198.51.100.{number}" for number in range(50)), "198.51.100.0"),
    "garbage": ("%s\x7f';--,,,,", None),
    "port": ("198.51.100.4:5555", "198.51.100.0"),
    "ipv6 with port": ("[2001:db8::1]:443", "2001:db8::"),
    "spoofed left": ("127.0.0.1, 198.51.100.7", "198.51.100.0"),
    "spoofed left, among ours": ("198.51.100.7, 203.0.113.9", "203.0.113.0"),
    "empty": ("", None),
    "160 entries, six times": ("198.51.100.1," * 160, None),
}


@pytest.mark.parametrize(("value", "kept"), FORWARDED.values(), ids=FORWARDED)
def test_B22_no_forwarded_address_breaks_an_open_and_only_the_last_ones_network_is_kept(
    value, kept, deployment, message
):
    lines = [f"{name}: {value.strip()}" for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")]
    lines = [line.replace("\x7f", "\xff") for line in lines]
    answer = raw(deployment, "GET", path(message.pixel), *lines, *lines, BROWSER)

    assert (answer.status, answer.body) == (200, IMAGE)
    (row,) = interactions(message)
    assert (row["verdict"], row.get("address")) == ("person", kept)
    row.pop("address", None)
    spoken_of = ("198.51.100", "203.0.113", "2001:db8")
    assert not [v for v in map(str, row.values()) if any(part in v for part in spoken_of)]
    assert not [part for part in spoken_of if part in str(message.timeline)]


@pytest.mark.parametrize(
    "header",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"sec-purpose": "Prefetch;anonymous-client-ip"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
    ],
)
def test_B23_a_prefetch_is_a_machine_and_is_answered_alike(header, deployment, message):
    prefetched = deployment.get(message.pixel, headers=header)
    assert message.kpis["open_count"] == 0
    looked_at = deployment.get(message.pixel)

    assert facts(prefetched) == facts(looked_at)
    assert verdicts(message) == [OPEN, ("open", "automated", "prefetch")]
    assert message.kpis["open_count"] == 1


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:99999", "[::1]", "a" * 300, "x@evil.example", "evil.example/x"],
)
def test_B24_the_host_header_decides_nothing(host, deployment, message):
    image = raw(deployment, "GET", path(message.pixel), "User-Agent: x", host=f"Host: {host}")
    click = raw(deployment, "GET", path(message.link), "User-Agent: x", host=f"Host: {host}")

    assert (image.status, image.body) == (200, IMAGE)
    assert click.header("location") == "https://contoso.example/offer?a=1&b=2"
    assert [row["type"] for row in interactions(message)] == ["click", "open"]


@pytest.mark.parametrize("host", ["", "Host: a.example\r\nHost: b.example", "Host: a\0b"])
def test_B24_a_request_without_one_host_is_refused(host, deployment, untouched):
    assert raw(deployment, "GET", path(untouched.pixel), host=host).status == 400
    assert untouched.timeline == []


@pytest.mark.parametrize("origin", ["http://evil.example", "https://links.contoso.example:1"])
def test_B24_an_absolute_form_URI_leads_nowhere_else(origin, deployment, message):
    forwarded = ["X-Forwarded-Host: evil.example", "X-Original-URL: /c/x", "User-Agent: x"]
    image = raw(deployment, "GET", origin + path(message.pixel), *forwarded)
    click = raw(deployment, "GET", origin + path(message.link), *forwarded)

    # Whether the host takes this form is its own matter; it must not become an open proxy.
    assert image.status in (200, 400, 404)
    assert click.status in (302, 400, 404)
    assert click.header("location") in (None, "https://contoso.example/offer?a=1&b=2")
    assert b"evil" not in image.body + click.body + str(image.headers + click.headers).encode()


def test_B25_after_its_organization_is_deleted_a_pixel_is_answered_and_nothing_stored(
    deployment, crm
):
    message = crm.sent()
    deployment.get(message.pixel)
    name = f"org{said(message.pixel).organization}"
    gone = deployment.admin("DELETE", f"/organizations/{crm.organization_id}")
    assert gone.status_code == 204

    assert_image(deployment.get(message.pixel))

    connection_string = deployment.environment["ENGAGEMENT_DATA"]
    with TableServiceClient.from_connection_string(connection_string) as service:
        assert name not in [item.name for item in service.list_tables()]
        with pytest.raises(ResourceNotFoundError):
            list(service.get_table_client(name).list_entities())


def test_B25_once_following_is_switched_off_a_pixel_is_answered_and_nothing_stored(deployment, crm):
    message = crm.sent()
    ok(crm.call("PATCH", "/settings", json={"follow": {"enabled": False}}))

    assert_image(deployment.get(message.pixel))
    assert deployment.get(message.link).status_code == 302
    assert message.timeline == []


def test_B25_a_message_that_never_was_gets_the_image(deployment, untouched):
    unknown = signed(Kind.OPEN, untouched.pixel, message_id="00" * 12)
    strange = SIGNER.sign(TrackingToken(Kind.OPEN, "ff" * 8, "ff" * 12, LATEST, 255, 65_535))

    assert_image(deployment.get(f"/o/{unknown}.gif"))
    assert_image(deployment.get(f"/o/{strange}.gif"))
    assert untouched.timeline == []


class Scanner:
    """A mail server that opens each message before it has taken it."""

    def __init__(self):
        self.answers = []
        self.open = None

    async def handle_DATA(self, server, session, envelope):
        """Open the message, then take it."""
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        html = mail.get_body(["html"]).get_content()
        self.answers.append(self.open(html.split('<img src="')[1].split('"')[0]))
        return "250 taken"


def test_B26_an_open_before_the_message_is_sent_is_kept(environment):
    scanner = Scanner()
    controller = Controller(scanner, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        with Deployment({**environment, "ENGAGEMENT_SMTP_PORT": str(controller.port)}) as running:
            scanner.open = lambda url: httpx.get(
                running.url + path(url), headers={"User-Agent": FIREFOX}, trust_env=False
            )
            crm = running.new_crm(delivery_window=10)
            message = SentMessage(crm, crm.send(crm.draft()["id"], "smtp"))
            wait_until(lambda: message.timeline)

            (item,) = message.timeline
            stored = crm.message(message.id)
    finally:
        controller.stop()

    assert_image(scanner.answers[0])
    assert datetime.fromisoformat(item["at"]) <= datetime.fromisoformat(stored["sent_at"])
    assert (item["verdict"], item["reasons"]) == ("automated", ["delivery_window"])
    counts = (stored["kpis"]["open_count"], stored["kpis"]["automated"]["open_count"])
    assert (stored["status"], counts) == ("sent", (0, 1))
