"""Reading a draft: each rule of the contract, and the field that breaks it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.messages.content import Content
from engagement.domain.messages.draft import changed_draft, draft_json, read_draft
from engagement.domain.messages.message import LONGEST_BODY, Copies, Message, Record, Role, Status
from engagement.errors import InvalidRequestError

SOON = "2026-11-23T09:00:00Z"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ANN = {"email": "ann@fabrikam.example"}


def draft_of(**fields):
    """The smallest draft, with some fields replaced."""
    sender = {"user_id": "u-17", "email": "seller@contoso.example"}
    return {"subject": "Offer", "text_body": "Hello", "sender": sender, **fields}


def message_of(draft):
    """A stored message of a draft."""
    return Message(
        id="0" * 24,
        subject=draft.subject,
        sender=draft.sender,
        regarding=draft.regarding,
        template_id=draft.template_id,
        follow=draft.follow,
        copies=draft.copies,
        status=Status.DRAFT,
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        content_blob="x",
        recipients=draft.recipients,
    )


def test_the_smallest_draft_has_the_defaults_of_the_contract():
    draft = read_draft(draft_of())

    assert (draft.follow, draft.copies) == (True, Copies.SINGLE)
    assert (draft.recipients, draft.regarding, draft.template_id) == ((), None, None)
    assert draft.content == Content(None, "Hello")
    assert draft.sender.name is None


def test_a_whole_draft_is_read_as_it_was_written():
    draft = read_draft(
        draft_of(
            html_body="<p>Hello",
            recipients=[
                {**ANN, "role": "cc", "name": "Ann", "record": {"type": "contact", "id": "c-1"}},
                {"email": "bob@fabrikam.example"},
            ],
            regarding={"type": "opportunity", "id": "o-9", "name": "Renewal"},
            template_id="t-1",
            follow=False,
            send_at=None,
            reminder=None,
            copies="per_recipient",
        )
    )

    ann, bob = draft.recipients
    assert (ann.number, ann.role, ann.name) == (1, Role.CC, "Ann")
    assert ann.record == Record("contact", "c-1")
    assert (bob.number, bob.role, bob.record) == (2, Role.TO, None)
    assert draft.regarding == Record("opportunity", "o-9", "Renewal")
    assert (draft.template_id, draft.follow, draft.copies) == ("t-1", False, Copies.PER_RECIPIENT)


def test_a_stored_draft_is_read_back_the_same():
    draft = read_draft(draft_of(recipients=[{**ANN, "record": {"type": "lead", "id": "l"}}]))
    assert read_draft(draft_json(message_of(draft), draft.content)) == draft


def test_a_change_keeps_what_it_does_not_name():
    draft = read_draft(draft_of(recipients=[ANN], template_id="t-1"))

    changed = changed_draft(message_of(draft), draft.content, {"subject": "New"}, NOW)
    assert changed.subject == "New"
    assert changed.recipients == draft.recipients
    assert (changed.template_id, changed.content) == ("t-1", draft.content)

    cleared = changed_draft(message_of(draft), draft.content, {"template_id": None}, NOW)
    assert cleared.template_id is None


@pytest.mark.parametrize("changes", [[], None, {"id": "x"}, {"text_body": None}, {"sender": {}}])
def test_a_change_that_would_make_no_draft_is_refused(changes):
    draft = read_draft(draft_of())
    with pytest.raises(InvalidRequestError):
        changed_draft(message_of(draft), draft.content, changes, NOW)


WRONG = [
    ({"subject": None}, 400, "subject"),
    ({"subject": 7}, 400, "subject"),
    ({"subject": "x" * 501}, 400, "subject"),
    ({"subject": "a\nBcc: x"}, 400, "subject"),
    ({"text_body": None}, 400, "html_body"),
    ({"text_body": 7}, 400, "text_body"),
    ({"html_body": ["<p>"]}, 400, "html_body"),
    ({"html_body": "\ud83d"}, 400, "html_body"),
    ({"html_body": "x" * (LONGEST_BODY + 1)}, 413, "html_body"),
    ({"text_body": "é" * (LONGEST_BODY // 2 + 1)}, 413, "text_body"),
    ({"sender": None}, 400, "sender"),
    ({"sender": {"user_id": "u"}}, 400, "sender.email"),
    ({"sender": {"email": "a@b.example"}}, 400, "sender.user_id"),
    ({"sender": {"user_id": "u", "email": "nobody"}}, 400, "sender.email"),
    ({"sender": {"user_id": "u", "email": "a@b.example", "name": "a\0"}}, 400, "sender.name"),
    ({"sender": {"user_id": "u", "email": "a@b.example", "role": "to"}}, 400, "sender.role"),
    ({"recipients": {}}, 400, "recipients"),
    ({"recipients": None}, 400, "recipients"),
    ({"recipients": ["ann@fabrikam.example"]}, 400, "recipients[0]"),
    ({"recipients": [ANN, {}]}, 400, "recipients[1].email"),
    ({"recipients": [{**ANN, "role": "from"}]}, 400, "recipients[0].role"),
    ({"recipients": [{**ANN, "name": 7}]}, 400, "recipients[0].name"),
    ({"recipients": [{**ANN, "number": 7}]}, 400, "recipients[0].number"),
    ({"recipients": [{**ANN, "record": "c-1"}]}, 400, "recipients[0].record"),
    ({"recipients": [{**ANN, "record": {"id": "c"}}]}, 400, "recipients[0].record.type"),
    ({"recipients": [{**ANN, "record": {"type": "contact"}}]}, 400, "recipients[0].record.id"),
    (
        {"recipients": [{**ANN, "record": {"type": "a b", "id": "c"}}]},
        400,
        "recipients[0].record.type",
    ),
    ({"recipients": [ANN, {"email": "ANN@Fabrikam.example"}]}, 422, "recipients[1].email"),
    ({"recipients": [{"email": f"a{n}@b.example"} for n in range(100)]}, 422, "recipients"),
    ({"regarding": "o-9"}, 400, "regarding"),
    ({"regarding": {"type": "opportunity"}}, 400, "regarding.id"),
    ({"template_id": 7}, 400, "template_id"),
    ({"template_id": "x" * 201}, 400, "template_id"),
    ({"follow": None}, 400, "follow"),
    ({"follow": "true"}, 400, "follow"),
    ({"send_at": "2030-01-01T00:00:00"}, 400, "send_at"),
    ({"send_at": 7}, 400, "send_at"),
    ({"reminder": {"condition": "no_reply_by"}}, 400, "reminder.remind_by"),
    ({"reminder": {"remind_by": SOON}}, 400, "reminder.condition"),
    ({"reminder": {"condition": "never", "remind_by": SOON}}, 400, "reminder.condition"),
    ({"reminder": {"condition": "at", "remind_by": "soon"}}, 400, "reminder.remind_by"),
    (
        {"reminder": {"condition": "at", "remind_by": SOON, "comment": "x" * 1_251}},
        400,
        "reminder.comment",
    ),
    ({"reminder": {"condition": "at", "remind_by": SOON, "status": "met"}}, 400, "reminder.status"),
    ({"copies": "many"}, 400, "copies"),
    ({"copies": None}, 400, "copies"),
    ({"organization_id": "contoso"}, 400, "organization_id"),
]


@pytest.mark.parametrize(("fields", "status", "field"), WRONG)
def test_B60_the_field_that_is_wrong_is_named(fields, status, field):
    with pytest.raises(InvalidRequestError) as raised:
        read_draft(draft_of(**fields))
    assert (raised.value.status, raised.value.field) == (status, field)


@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_B51_a_draft_is_an_object(value):
    with pytest.raises(InvalidRequestError) as raised:
        read_draft(value)
    assert raised.value.field is None


def test_B53_ninety_nine_recipients_are_not_too_many():
    draft = read_draft(draft_of(recipients=[{"email": f"a{n}@b.example"} for n in range(99)]))
    assert [item.number for item in draft.recipients] == list(range(1, 100))


def test_B52_a_body_of_exactly_the_limit_is_taken():
    assert read_draft(draft_of(text_body="x" * LONGEST_BODY)).content.text_body


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(draft_of(recipients=1, regarding=1, copies=1, follow=1))), ANYTHING)
def test_B60_any_value_in_any_field_is_read_or_refused_by_name(name, value):
    field = None
    try:
        read_draft(draft_of(**{name: value}))
    except InvalidRequestError as error:
        field = error.field or "none"
    # Without text_body there is no body at all, which html_body is named for.
    assert field is None or field.startswith((name, "html_body"))
