"""Route templates match as in ASP.NET."""

import pytest
from werkzeug.exceptions import MethodNotAllowed, NotFound

from devserver.routes import Route, find, specific_first


def table(*templates):
    return specific_first(Route(template, ["GET"], template) for template in templates)


@pytest.mark.parametrize(
    ("template", "path", "params"),
    [
        ("", "/", {}),
        ("o/{file}", "/o/abc.gif", {"file": "abc.gif"}),
        ("o/{file}", "/O/abc.gif/", {"file": "abc.gif"}),
        ("o/{file?}", "/o", {}),
        ("o/{file?}", "/o/x", {"file": "x"}),
        ("n/{number:int}", "/n/-12", {"number": "-12"}),
        ("n/{number:int?}", "/n", {}),
        (
            "g/{id:guid}",
            "/g/7f9c2ba4-e88f-4d0a-9b1c-3f2d5e6a7b8c",
            {"id": "7f9c2ba4-e88f-4d0a-9b1c-3f2d5e6a7b8c"},
        ),
        ("w/{word:alpha:length(3)}", "/w/abc", {"word": "abc"}),
        ("w/{word:length(2,3)}", "/w/ab", {"word": "ab"}),
        ("r/{n:range(1,3)}", "/r/3", {"n": "3"}),
        ("b/{flag:bool}", "/b/True", {"flag": "True"}),
        ("p/{*rest}", "/p", {}),
        ("p/{*rest}", "/p/a/b//c", {"rest": "a/b//c"}),
        ("p/{**rest}", "/p/a", {"rest": "a"}),
    ],
)
def test_a_template_fits_its_paths(template, path, params):
    assert find(table(template), "GET", path.encode()) == (template, params)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("", "/x"),
        ("o/{file}", "/o"),
        ("o/{file}", "/o/"),
        ("o/{file}", "/o//x"),
        ("o/{file}", "/o/a/b"),
        ("n/{number:int}", "/n/2147483648"),
        ("n/{number:int}", "/n/٣"),
        ("n/{number:long}", "/n/9223372036854775808"),
        ("n/{number:min(3)}", "/n/2"),
        ("n/{number:max(3)}", "/n/4"),
        ("g/{id:guid}", "/g/7f9c2ba4"),
        ("g/{id:guid}", "/g/urn:uuid:7f9c2ba4-e88f-4d0a-9b1c-3f2d5e6a7b8c"),
        ("w/{word:alpha}", "/w/a1"),
        ("w/{word:length(3)}", "/w/ab"),
        ("w/{word:minlength(3)}", "/w/ab"),
        ("w/{word:maxlength(1)}", "/w/ab"),
        ("b/{flag:bool}", "/b/yes"),
    ],
)
def test_a_template_refuses_other_paths(template, path):
    with pytest.raises(NotFound):
        find(table(template), "GET", path.encode())


def test_the_more_specific_template_wins_whatever_the_order():
    templates = ["m/{*rest}", "m/{id}", "m/{id:int}", "m/special", "m/{id}/x", "m/{id:int}/{y}"]
    routes = table(*templates)
    paths = ["/m/a/b/c", "/m/a", "/m/1", "/m/special", "/m/a/x", "/m/1/x"]
    assert [find(routes, "GET", path.encode())[0] for path in paths] == templates


def test_one_template_may_lead_to_several_targets_by_method():
    routes = [Route("m/{id}", ["GET", "HEAD"], "read"), Route("m/{key}", ["DELETE"], "delete")]
    assert find(routes, "DELETE", b"/m/1") == ("delete", {"key": "1"})
    with pytest.raises(MethodNotAllowed) as caught:
        find(routes, "PUT", b"/m/1")
    assert caught.value.valid_methods == ["DELETE", "GET", "HEAD"]


def test_a_route_without_methods_answers_all():
    assert find([Route("x", None, "x")], "REPORT", b"/x") == ("x", {})


@pytest.mark.parametrize(
    ("raw", "first", "rest"),
    [
        (b"/a%20b/c+d", "a b", "c+d"),
        (b"/a%2Fb%2f/%2F", "a%2Fb%2f", "%2F"),
        (b"/a%252Fb/x", "a%2Fb", "x"),
        (b"/%ff%C3%A9/x", "%FFé", "x"),
        (b"/\xff/x", "%FF", "x"),
        (b"/%00%/%0A", "\0%", "\n"),
        (b"/%zz/x", "%zz", "x"),
    ],
)
def test_a_path_is_split_before_it_is_decoded(raw, first, rest):
    found = find(table("{first}/{*rest}"), "GET", raw)
    assert found[1] == {"first": first, "rest": rest}


@pytest.mark.parametrize("template", ["a{b}", "{a:regex(x)}", "{a", "{a:unknown}"])
def test_a_template_that_cannot_be_served_is_refused_at_once(template):
    with pytest.raises(ValueError, match="local host"):
        table(template)
