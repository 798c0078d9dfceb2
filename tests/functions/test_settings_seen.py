"""Settings that several people edit: whoever says what was seen changes nothing else."""

from __future__ import annotations

import pytest
from deployment import at_once, ok
from problem import assert_problem

ORGANIZATION = ("/settings", {}, {"follow": {"enabled": False}}, {"alerts": {"reply": False}})
USER = ("/alert-settings", {"user_id": "u-17"}, {"reply": False}, {"first_open": False})


class Edited:
    """The settings of an organization or of a user, and two ways to change them."""

    def __init__(self, crm, path, parameters, change, other):
        self.crm, self.path, self.parameters = crm, path, parameters
        self.change, self.other = change, other

    def get(self):
        """Read them."""
        return self.crm.call("GET", self.path, params=self.parameters)

    def patch(self, changes, *tags):
        """Change them, if they are as under one of the tags."""
        headers = {"If-Match": ", ".join(tags)} if tags else {}
        return self.crm.call(
            "PATCH", self.path, params=self.parameters, json=changes, headers=headers
        )


@pytest.fixture(params=[ORGANIZATION, USER], ids=["organization", "user"])
def edited(crm, request):
    """Settings of a fresh organization."""
    return Edited(crm, *request.param)


def test_B86_a_change_of_what_was_seen_is_made_and_answers_the_next_tag(edited):
    before = edited.get()
    tag = before.headers["etag"]
    changed = edited.patch(edited.change, tag)

    assert tag.startswith('"')
    assert changed.json() == {**before.json(), **changed.json()}
    assert ok(changed) == edited.get().json() != before.json()
    assert tag != changed.headers["etag"] == edited.get().headers["etag"]
    ok(edited.patch(edited.other, '"another"', changed.headers["etag"]))


def test_B86_a_change_of_what_is_not_current_any_more_is_refused(edited):
    seen = edited.get().headers["etag"]
    ok(edited.patch(edited.change))
    before = edited.get()

    for tags in [(seen,), (f"W/{before.headers['etag']}",), ('"x"', '"y"')]:
        assert_problem(edited.patch(edited.other, *tags), 412, detail="read it again")
    assert edited.get().json() == before.json()
    assert edited.get().headers["etag"] == before.headers["etag"]


def test_B86_of_many_who_saw_the_same_one_makes_a_change(edited):
    tag = edited.get().headers["etag"]
    changes = [edited.change, edited.other] * 3
    answers = at_once([lambda one=one: edited.patch(one, tag) for one in changes])

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5
    (won,) = [answer for answer in answers if answer.status_code == 200]
    assert edited.get().json() == won.json()


def test_B86_who_asks_for_nothing_races_as_ever(edited):
    ok(edited.patch(edited.change, "*"))
    answers = at_once([lambda: edited.patch(edited.other) for _ in range(6)])

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 200 in {answer.status_code for answer in answers}


@pytest.mark.parametrize("tag", ["x", '"', "abc, *"])
def test_B86_what_is_no_tag_is_named_and_nothing_changes(edited, tag):
    before = edited.get().json()
    assert_problem(edited.patch(edited.change, tag), 400, "If-Match")
    assert edited.get().json() == before
