"""Whether a message is followed, and the words for why it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.domain.messages.follow import REASONS, FollowState, follow_state

RECIPIENTS = st.lists(
    st.tuples(
        st.sampled_from(["to", "cc", "bcc"]),
        st.sampled_from(["account", "contact", "lead", "systemuser", "queue", None]),
    ),
    max_size=5,
)


@pytest.mark.parametrize("role", ["to", "cc"])
@pytest.mark.parametrize("record", ["account", "contact", "lead"])
def test_a_message_to_a_customer_is_followed(role, record):
    state = follow_state(wanted=True, enabled=True, recipients=[("bcc", None), (role, record)])
    assert state is FollowState.FOLLOWED


@pytest.mark.parametrize(
    "recipients",
    [
        [],
        [("to", None)],
        [("to", "systemuser"), ("cc", "queue")],
        [("to", "opportunity")],
        [("to", "Contact")],
        [("bcc", "contact")],
        [("to", None), ("bcc", "lead"), ("bcc", "account")],
    ],
)
def test_B61_a_message_without_a_customer_in_to_or_cc_is_not_eligible(recipients):
    state = follow_state(wanted=True, enabled=True, recipients=recipients)
    assert state is FollowState.NOT_ELIGIBLE
    assert "account, contact or lead" in REASONS[state]


@given(st.booleans(), RECIPIENTS)
def test_switched_off_for_the_organization_comes_before_everything(wanted, recipients):
    state = follow_state(wanted=wanted, enabled=False, recipients=recipients)
    assert state is FollowState.DISABLED


@given(RECIPIENTS)
def test_the_wish_not_to_follow_is_always_obeyed(recipients):
    state = follow_state(wanted=False, enabled=True, recipients=recipients)
    assert state is FollowState.NOT_FOLLOWED


@given(RECIPIENTS, st.randoms())
def test_the_order_of_recipients_does_not_matter(recipients, random):
    shuffled = random.sample(recipients, len(recipients))
    assert follow_state(wanted=True, enabled=True, recipients=shuffled) is follow_state(
        wanted=True, enabled=True, recipients=recipients
    )


def test_every_state_but_followed_has_a_reason():
    assert {state for state in FollowState if REASONS[state] is None} == {FollowState.FOLLOWED}
