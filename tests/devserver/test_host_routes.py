"""Route templates match as in ASP.NET."""

import pytest

from devserver.routes import MethodNotAllowedError, RouteTable, path_segments


def table(*templates):
    routes = RouteTable()
    for template in templates:
        routes.add(template, ["GET"], template)
    return routes


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
    assert table(template).find("GET", path.encode()) == (template, params)


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
    with pytest.raises(LookupError, match="no route"):
        table(template).find("GET", path.encode())


def test_the_more_specific_template_wins_whatever_the_order():
    templates = ["m/{*rest}", "m/{id}", "m/{id:int}", "m/special", "m/{id}/x", "m/{id:int}/{y}"]
    routes = table(*templates)
    paths = ["/m/a/b/c", "/m/a", "/m/1", "/m/special", "/m/a/x", "/m/1/x"]
    assert [routes.find("GET", path.encode())[0] for path in paths] == templates


def test_one_template_may_lead_to_several_targets_by_method():
    routes = RouteTable()
    routes.add("m/{id}", ["GET", "HEAD"], "read")
    routes.add("m/{key}", ["DELETE"], "delete")
    assert routes.find("DELETE", b"/m/1") == ("delete", {"key": "1"})
    with pytest.raises(MethodNotAllowedError) as caught:
        routes.find("PUT", b"/m/1")
    assert caught.value.allowed == ["DELETE", "GET", "HEAD"]


def test_a_route_without_methods_answers_all():
    routes = RouteTable()
    routes.add("x", None, "x")
    assert routes.find("REPORT", b"/x") == ("x", {})


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        (b"/", []),
        (b"/a%20b/c+d", ["a b", "c+d"]),
        (b"/a%2Fb%2f", ["a%2Fb%2f"]),
        (b"/a%252Fb", ["a%2Fb"]),
        (b"/%ff%C3%A9", ["%FFé"]),
        (b"/\xff", ["%FF"]),
        (b"/%00%", ["\0%"]),
        (b"/%zz", ["%zz"]),
    ],
)
def test_a_path_is_split_before_it_is_decoded(raw, segments):
    assert path_segments(raw) == segments


@pytest.mark.parametrize("template", ["a{b}", "{a:regex(x)}", "{a", "{a:unknown}"])
def test_a_template_that_cannot_be_served_is_refused_at_once(template):
    with pytest.raises(ValueError, match="local host"):
        table(template)
