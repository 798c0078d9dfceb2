"""docs/deploying.md names what there is: parameters, azd's variables and outputs."""

import json
import re

from deployment import ROOT

PAGE = (ROOT / "docs" / "deploying.md").read_text()
MAIN = (ROOT / "infra" / "main.bicep").read_text()
#: Of the hooks alone.
SWITCHES = {"USE_ENTRA", "USE_GRAPH"}


def rows():
    """The variable of azd (or nothing) and the parameter of each row of the table of parameters."""
    return re.findall(r"^\| (?:`([A-Z_]+)`)? ?\| `([A-Za-z]+)` \|", PAGE, re.MULTILINE)


def variables():
    """Parameter and azd's variable of each entry of main.parameters.json."""
    entries = json.loads((ROOT / "infra" / "main.parameters.json").read_text())["parameters"]
    return {
        name: re.fullmatch(r"\$\{([A-Z_]+)\}", entry["value"])[1] for name, entry in entries.items()
    }


def test_every_parameter_is_on_the_page_with_its_variable():
    documented = {parameter: variable for variable, parameter in rows()}

    assert set(documented) == set(re.findall(r"^param (\w+) ", MAIN, re.MULTILINE))
    assert {name: given for name, given in documented.items() if given} == variables()


def test_defaults_on_the_page_are_those_of_the_template():
    defaults = dict(re.findall(r"^param (\w+) \w+ = (\S+)$", MAIN, re.MULTILINE))
    shown = dict(re.findall(r"^\| `[A-Z_]+` \| `(\w+)` \| `?([^|`]+?)`? \|", PAGE, re.MULTILINE))

    for name, value in defaults.items():
        if name in shown and value not in ("''", "utcNow('yyyy-MM-01')"):
            assert shown[name] == value.strip("'"), name


def test_every_secret_is_a_parameter_that_azd_does_not_keep():
    secret = set(re.findall(r"@secure\(\)\nparam (\w+)", MAIN))

    assert secret == {"signingKeys", "adminKey", "smtpPassword"}
    assert not secret & set(variables())


def test_values_that_the_page_has_azd_set_or_tell_exist():
    outputs = set(re.findall(r"^output (\w+) ", MAIN, re.MULTILINE))
    known = set(variables().values()) | SWITCHES

    assert set(re.findall(r"azd env set (\w+)", PAGE)) <= known
    assert set(re.findall(r"azd env get-value (\w+)", PAGE)) <= outputs
    assert set(re.findall(r"`((?:SERVICE|FRONT|OUTBOUND|PRIVATE|VAULT)_\w+)`", PAGE)) <= (
        outputs | known
    )


def test_hooks_read_what_azd_knows():
    own = {"AZURE_SUBSCRIPTION_ID", "AZURE_ENV_NAME"}
    outputs = set(re.findall(r"^output (\w+) ", MAIN, re.MULTILINE))
    for name in ("preprovision", "postprovision"):
        code = (ROOT / "infra" / "hooks" / f"{name}.py").read_text()
        read = set(re.findall(r"""environment(?:\.get\(|\[)["']([A-Z_]+)["']""", code))
        read |= set(re.findall(r'_on\(environment, "([A-Z_]+)"', code))
        assert read
        assert read <= own | outputs | set(variables().values()) | SWITCHES, name


def test_what_azd_keeps_is_neither_committed_nor_deployed():
    assert ".azure/" in (ROOT / ".gitignore").read_text().splitlines()
    assert ".azure" in (ROOT / ".funcignore").read_text().splitlines()
