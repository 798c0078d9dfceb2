"""Regular expressions and readers of bodies take time in proportion to what they read (S17)."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections import defaultdict

import pytest
from deployment import ROOT
from growth import SIZES, attacks, grows_too_fast

import engagement
from engagement.domain.templates.html_template import fill_html, find_slots
from engagement.domain.templates.placeholder import Values, fill_text, find_placeholders
from engagement.domain.tracking import html_body, text_body
from engagement.domain.tracking.html_tag import tags
from engagement.domain.verdicts.evidence import LONGEST_USER_AGENT
from engagement.errors import EngagementError

PACKAGE = ROOT / "engagement"
METHODS = {"match", "fullmatch", "search", "findall", "finditer", "split", "sub", "subn"}
#: They look for a match at each place; the others begin at one.
SEARCHING = {"search", "findall", "finditer", "split", "sub", "subn"}

#: Patterns made inside a function, by what their source says of them; each is made here as there.
MADE = {
    "re.compile(pattern)": "patterns of rules.toml, all of which are tried",
    "re.sub(re.escape(self.base) + '/o/[\\\\w-]{60}\\\\.gif', pixel, html, flags=re.ASCII)": (
        "a fixed length behind a fixed address"
    ),
    "re.compile(f'(?: [^<]++ | <(?![A-Za-z/!?]) {passed} )*+\\n             (<(?: ({_NAME}) "
    "({_ATTRIBUTES}) > | !-- | [!?] | /(?![A-Za-z])\\n                 | /?[A-Za-z] ))"
    "               # a tag that never ends', re.VERBOSE | re.ASCII)": (
        "readers of tags, which are made at the start of their modules"
    ),
    "re.compile(f'(?: [{_S}/]++ {passed} )*+ ({_ATTRIBUTE_NAME}) (?: {_VALUE} )?', "
    "re.VERBOSE | re.ASCII)": "readers of attributes, which are made likewise",
}
#: Patterns that are handed on to where they are used, and tried at one place each time.
HANDED_ON = {
    name: {"match"}
    for name in ("_EVERY_TAG", "_LINKING", "_ENDING", "_EVERY_ATTRIBUTE", "_FOLLOWED")
}
#: Patterns whose text has a bound, checked before: then only that much is tried.
BOUNDED = {"user_agent": LONGEST_USER_AGENT}


def sources():
    """The syntax tree of every module of the product."""
    return [ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))]


TREES = sources()


def calls(tree):
    """(call, whether it is inside a function) of every function of re."""
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re."):
            yield node, id(node) in inside


def written_out():
    """(method, pattern) of every call such as ``re.sub("a+", …)``."""
    for tree in TREES:
        for call, _ in calls(tree):
            method = call.func.attr
            if method in METHODS and isinstance(call.args[0], ast.Constant):
                flags = [word.value for word in call.keywords if word.arg == "flags"]
                flags += [arg for arg in call.args[2:] if isinstance(arg, ast.Attribute)]
                value = eval(ast.unparse(flags[0]), {"re": re}) if flags else 0  # noqa: S307 - our own source
                yield method, re.compile(call.args[0].value, value)


def used_methods():
    """How each name that a pattern may have is used anywhere."""
    used = defaultdict(set)
    for tree in TREES:
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in METHODS
            ):
                name = ast.unparse(node.func.value).split("[")[0].rpartition(".")[2]
                used[name].add(node.func.attr)
    return used


def patterns_in(value):
    """Patterns in a value of a module."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from patterns_in(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from patterns_in(each)


def named():
    """(name, pattern) of every pattern that a module keeps."""
    for module in pkgutil.walk_packages(engagement.__path__, "engagement."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                for pattern in patterns_in(value):
                    yield name, pattern


def all_patterns():
    """Each pattern once, with whether it is looked for everywhere and how long its text may be."""
    found, used = {}, used_methods()
    for name, pattern in named():
        key = (pattern.pattern, pattern.flags)
        found.setdefault(key, [pattern, set(), None])[1].update(
            used[name] or HANDED_ON.get(name, METHODS)
        )
    for method, pattern in written_out():
        key = (pattern.pattern, pattern.flags)
        found.setdefault(key, [pattern, set(), None])[1].add(method)
    rules = tomllib.loads((PACKAGE / "rules.toml").read_text())
    for rule in rules["user_agents"]:
        if "pattern" in rule:
            pattern = re.compile(rule["pattern"])
            found[pattern.pattern, 0] = [pattern, {"fullmatch"}, BOUNDED["user_agent"]]
    for pattern, methods, most in found.values():
        searched = bool(methods & SEARCHING)
        yield pytest.param(pattern, searched, most, id=pattern.pattern[:40])


def run(pattern, attack, *, searched):
    """Return what tries a pattern on an attack of a size."""
    head, pump, tail = attack

    def attempt(size):
        text = head + pump * (size // len(pump)) + tail
        if searched:
            return lambda: sum(1 for _ in pattern.finditer(text))
        return lambda: (pattern.match(text), pattern.fullmatch(text))

    return attempt


def weakness(pattern, *, searched, most=None):
    """The first attack that a pattern does not withstand."""
    sizes = [size for size in SIZES if most is None or size <= most]
    for attack in attacks(pattern):
        size = grows_too_fast(run(pattern, attack, searched=searched), sizes)
        if size is not None:
            return attack, size
    return None


@pytest.mark.parametrize(("pattern", "searched", "most"), list(all_patterns()))
def test_S17_no_pattern_takes_more_time_than_its_text_is_long(pattern, searched, most):
    assert weakness(pattern, searched=searched, most=most) is None


@pytest.mark.parametrize(
    ("pattern", "searched"),
    [
        (r"(a+)+b", False),
        (r"(\w+\s?)*:", False),
        (r"\s+\Z", True),
        (r"<!--.*?-->", True),
    ],
)
def test_S17_the_check_itself_finds_what_it_is_for(pattern, searched):
    assert weakness(re.compile(pattern, re.DOTALL), searched=searched) is not None


def test_S17_every_pattern_is_tried():
    unknown = [
        ast.unparse(call)
        for tree in TREES
        for call, inside in calls(tree)
        if call.func.attr in METHODS | {"compile"}
        and inside
        and not isinstance(call.args[0], ast.Constant)
        and ast.unparse(call) not in MADE
    ]
    assert unknown == []
    assert len(list(all_patterns())) > 60


#: Characters; large enough for what is fast at each place to show how often it is done.
BODIES = (4_000, 100_000)
#: What hostile bodies are made of, again and again.
HOSTILE = {
    "open brackets": "<",
    "open tags": "<a",
    "open elements": "<div>",
    "open links": '<a href="https://x.example/">',
    "open comments": "<!--",
    "closed and opened comments": "<!---->",
    "open conditional comments": "<!--[if mso]>",
    "nested conditional comments": "<!--[if mso]><a href='https://x.example'>",
    "revealed conditional comments": "<!--[if !mso]><!-->",
    "open declarations": "<!",
    "open instructions": "<?x ",
    "open CDATA": "<svg><![CDATA[",
    "open quotes": '<a b="',
    "single quotes": "<a b='\"",
    "attributes": "<a b=c ",
    "names without values": "<a " + "b " * 8,
    "equals": "<a =",
    "slashes": "<a/",
    "open styles": "<style>",
    "open scripts": "<script><!--<script>",
    "scripts that end": "<script></script ",
    "open titles": "<title><",
    "plaintext": "<plaintext>",
    "svg": "<svg>",
    "math and back": "<math></math>",
    "ends of nothing": "</a>",
    "ends that do not end": "</a ",
    "references": "&#x",
    "long references": "&amp",
    "addresses": "http://",
    "whole addresses": "https://x.example/(",
    "wrapped addresses": "<https://x\n ",
    "placeholders": "{{",
    "nested placeholders": "{{a|",
    "placeholders that end": "{{a}}",
    "spaces": " ",
    "lines": "\r\n",
    "dots": "https://x.example/" + ".",
    "hidden": "<div style='display:none'>",
    "display": "<p style='display" + " " * 8,
    "no tracking": "<div data-engagement='off'>",
    "bodies": "</body",
    "zero": "\0<\0",
}


def readers():
    """Everything that reads a body."""
    urls = "https://links.contoso.example/o/x.gif"
    return {
        "tags": lambda text: sum(1 for _ in tags(text)),
        "links": html_body.find_links,
        "pixel": lambda text: html_body.insert_pixel(text, urls),
        "attachments": lambda text: html_body.insert_attachments(text, [("a", urls)]),
        "links of text": text_body.find_links,
        "text of html": text_body.text_of,
        "slots": find_slots,
        "filling": lambda text: fill_html(text, Values({"a": "b"})),
        "placeholders": lambda text: find_placeholders(text, "text_body"),
        "filling text": lambda text: fill_text(text, Values({"a": "b"})),
    }


def reading(reader, piece):
    """Return what has a reader read a document of a size, or refuse it."""

    def attempt(size):
        text = piece * (size // len(piece))

        def read():
            try:
                reader(text)
            except EngagementError:
                return

        return read

    return attempt


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", readers())
def test_S17_a_hostile_body_takes_no_more_time_than_it_is_long(name, piece):
    assert grows_too_fast(reading(readers()[name], piece), BODIES) is None
