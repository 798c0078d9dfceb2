"""Two organizations of one deployment: whatever happens, neither sees anything of the other."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from deployment import Crm, SentMessage, draft_of, ok
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
from problem import assert_problem

SIDES = st.sampled_from([0, 1])
#: What both organizations use alike: it must never bring them together.
SAME_KEYS = st.sampled_from(["k-1", "k-2"])

FOREIGN_CALLS = [
    ("GET", "", {}),
    ("PATCH", "", {"json": {"subject": "stolen"}}),
    ("POST", "/send", {"json": {"delivery": "crm"}}),
    ("GET", "/timeline", {}),
    ("POST", "/replies", {"json": {"replied_by": "mallory@fabrikam.example"}}),
    ("POST", "/attachments?name=x.pdf", {"content": b"stolen"}),
    ("GET", "/attachments/1", {}),
    ("DELETE", "/attachments/1", {}),
]


class Known:
    """What one organization should see of one of its messages."""

    def __init__(self, side, message_id):
        self.side = side
        self.id = message_id
        self.files = 0
        self.sent = None
        self.counts = Counter()


class TwoOrganizations(RuleBasedStateMachine):
    """The same things are done in two organizations, which use the same names for everything."""

    drafts = Bundle("drafts")
    sent = Bundle("sent")

    def __init__(self, deployment):
        super().__init__()
        self.deployment = deployment
        self.known = []

    @initialize(target=sent)
    def create_both(self):
        """Both begin with a message that went out with a file, so that much can happen."""
        self.crms = (self.deployment.new_crm(), self.deployment.new_crm())
        self.secrets = ("word-of-contoso", "word-of-fabrikam")
        return multiple(*(self.send_with_file(side) for side in (0, 1)))

    def send_with_file(self, side):
        known = self.draft_in(side)
        self.attach_to(known, "k-1")
        return self.send_known(known)

    def crm(self, known):
        return self.crms[known.side]

    def note(self, side, message_id):
        for one in self.known:
            if (one.side, one.id) == (side, message_id):
                return multiple()
        known = Known(side, message_id)
        self.known.append(known)
        return known

    def body(self, side):
        return draft_of(
            subject=self.secrets[side],
            html_body=f'<a href="https://{self.secrets[side]}.example/">x</a>',
        )

    @rule(target=drafts, side=SIDES)
    def draft(self, side):
        return self.draft_in(side)

    def draft_in(self, side):
        answer = self.crms[side].call("POST", "/messages", json=self.body(side))
        return self.note(side, ok(answer)["id"])

    @rule(target=drafts, key=SAME_KEYS)
    def draft_in_both_with_the_same_key_and_body(self, key):
        body = draft_of(subject=key)
        made = [
            ok(crm.call("POST", "/messages", json=body, headers={"Idempotency-Key": key}))["id"]
            for crm in self.crms
        ]
        assert made[0] != made[1]
        new = [one for side in (0, 1) if isinstance(one := self.note(side, made[side]), Known)]
        return multiple(*new)

    @rule(known=drafts, key=SAME_KEYS)
    def attach(self, known, key):
        self.attach_to(known, key)

    def attach_to(self, known, key):
        crm = self.crm(known)
        path = f"/messages/{known.id}/attachments"
        answer = crm.call(
            "POST",
            path,
            params={"name": f"{self.secrets[known.side]}.pdf", "followed": "true"},
            content=self.secrets[known.side].encode(),
            headers={"Idempotency-Key": key},
        )
        if known.sent is None:
            known.files = max(known.files, int(ok(answer)["id"]))

    @rule(target=sent, known=consumes(drafts))
    def send(self, known):
        return self.send_known(known)

    def send_known(self, known):
        if known.sent is None:
            crm = self.crm(known)
            known.sent = SentMessage(crm, crm.send(known.id))
        return known

    @rule(known=sent, kind=st.sampled_from(["pixel", "link", "file"]))
    def hit(self, known, kind):
        if kind == "pixel":
            self.deployment.get(known.sent.pixel)
            known.counts["open"] += 1
        elif kind == "link" and known.sent.urls("c"):
            self.deployment.get(known.sent.link)
            known.counts["click"] += 1
        elif kind == "file" and known.files:
            content = self.deployment.get(known.sent.file).content
            assert content == self.secrets[known.side].encode()
            known.counts["attachment_view"] += 1

    @rule(known=sent)
    def reply(self, known):
        body = {"replied_by": f"{self.secrets[known.side]}@fabrikam.example"}
        ok(self.crm(known).call("POST", f"/messages/{known.id}/replies", json=body))
        known.counts["reply"] += 1

    @rule(known=st.one_of(drafts, sent), call=st.sampled_from(FOREIGN_CALLS))
    def reach_over(self, known, call):
        """A message of one is not there for the other, and a key of one opens nothing there."""
        method, path, options = call
        mine, other = self.crm(known), self.crms[1 - known.side]
        assert_problem(other.call(method, f"/messages/{known.id}{path}", **options), 404)
        intruder = Crm(self.deployment, mine.organization_id, other.api_key)
        assert_problem(intruder.call(method, f"/messages/{known.id}{path}", **options), 401)

    @rule(side=SIDES, enabled=st.booleans())
    def switch_something_in_one(self, side, enabled):
        """A setting of one is not one of the other."""
        extensions = ["exe"] if enabled else ["exe", "tmp"]
        changes = {"attachments": {"blocked_extensions": extensions}}
        before = ok(self.crms[1 - side].call("GET", "/settings"))
        ok(self.crms[side].call("PATCH", "/settings", json=changes))
        assert ok(self.crms[1 - side].call("GET", "/settings")) == before

    def teardown(self):
        """Each organization sees exactly what was done in it."""
        for known in self.known:
            crm = self.crm(known)
            message, timeline = crm.message(known.id), crm.timeline(known.id)
            text = json.dumps([message, timeline])
            assert self.secrets[1 - known.side] not in text
            assert not any(one.id in text for one in self.known if one is not known)
            assert len(message["attachments"]) == known.files
            stored = Counter(x["type"] for x in timeline if x["reasons"] != ["inferred"])
            assert stored == known.counts
            self.check_kpis(message["kpis"], known.counts)
        for side in (0, 1):
            alerts = ok(self.crms[side].call("GET", "/alerts", params={"user_id": "u-17"}))
            assert self.secrets[1 - side] not in json.dumps(alerts)

    def check_kpis(self, kpis, counts):
        """What one actor does again within a minute counts once; a click tells of an open."""
        assert kpis["reply_count"] == counts["reply"]
        for kind in ("click", "attachment_view"):
            assert min(counts[kind], 1) <= kpis[f"{kind}_count"] <= counts[kind]
        seen = kpis["open_count"] - kpis["inferred_open_count"]
        assert min(counts["open"], 1) <= seen <= counts["open"]
        told_of = bool(counts["click"] or counts["attachment_view"]) and not counts["open"]
        assert kpis["inferred_open_count"] == told_of


def test_S18_nothing_of_one_organization_is_visible_from_another(deployment):
    run_state_machine_as_test(
        lambda: TwoOrganizations(deployment),
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def other(deployment):
    """The CRM of a second organization."""
    return deployment.new_crm()


def test_S18_the_same_idempotency_key_makes_two_messages_in_two_organizations(crm, other):
    ids = {
        ok(one.call("POST", "/messages", json=draft_of(), headers={"Idempotency-Key": "k"}))["id"]
        for one in (crm, other)
    }
    assert len(ids) == 2


def test_S18_a_continuation_of_one_shows_nothing_of_it_in_the_other(crm, other, deployment):
    mine, theirs = crm.sent(), other.sent()
    for _ in range(3):
        deployment.get(mine.pixel)
    page = ok(crm.call("GET", f"/messages/{mine.id}/timeline", params={"page_size": 1}))
    parameters = {"continuation": page["continuation"]}
    answer = other.call("GET", f"/messages/{theirs.id}/timeline", params=parameters)
    assert ok(answer) == {"items": [], "continuation": None}
    assert_problem(other.call("GET", f"/messages/{mine.id}/timeline", params=parameters), 404)


def test_S18_a_quoted_link_of_another_organization_is_not_looked_up(crm, other, deployment):
    """Answering a mail quotes its tracked links; only one's own lead to where they led before."""
    theirs = other.sent(html_body='<a href="https://secret.example/">x</a>')
    quoting = crm.sent(html_body=f'<a href="{theirs.link}">x</a>')
    assert quoting.value["links"] == []
    assert "secret.example" not in json.dumps(crm.message(quoting.id))

    own = crm.sent(html_body='<a href="https://own.example/">x</a>')
    again = crm.sent(html_body=f'<a href="{own.link}">x</a>')
    assert [link["url"] for link in again.value["links"]] == ["https://own.example/"]
    assert deployment.get(again.link).headers["location"] == "https://own.example/"
