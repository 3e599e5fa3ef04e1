"""Names that break the rule are refused by every command that takes one, in one line, and nothing is changed."""

from collections.abc import Callable

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.handwritten import counted, document

#: What is wrong with a name → such a name.
WRONG = {
    "empty": "",
    "white space before": " builds",
    "white space behind": "builds ",
    "tab": "a\tb",
    "line feed": "a\nb",
    "escape": "a\x1b[31mb",
    "delete": "a\x7fb",
    "C1 control": "a\x9bb",
    "line separator": "a\u2028b",
    "no-break space": "a\u00a0b",
    "right-to-left override": "a\u202eb",
    "zero width space": "a\u200bb",
    "byte order mark": "\ufeffa",
    "zero width joiner": "a\u200db",
    "opening brace": "a{b",
    "closing brace": "a}b",
    "no UTF-8": "a\udcffb",
    "unassigned": "a\u0378b",
    "201 bytes": "n" * 201,
    "202 bytes in 101 characters": "é" * 101,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_name_counts_nothing(shell: Shell, replica: Replica, wrong: str) -> None:
    name = WRONG[wrong]
    before = contents(replica.path)
    assert_refused(shell("increment", name), 2)
    assert_refused(shell("decrement", "fine=1", f"{name}=1"), 2)
    if "brace" not in wrong:
        assert_refused(shell("increment", "builds", "--once", name), 2)
    assert contents(replica.path) == before


@pytest.mark.parametrize("wrong", ["empty", "escape", "right-to-left override", "no UTF-8", "zero width joiner"])
def test_other_commands_refuse_it_alike(shell: Shell, replica: Replica, wrong: str) -> None:
    name = WRONG[wrong]
    replica.increment("builds")
    before = contents(replica.path)
    assert_refused(shell("create", name, "--type", "gset"), 2)
    assert_refused(shell("add", name, "ada"), 2)
    assert_refused(shell("add", "visitors", name), 2)
    assert_refused(shell("show", name), 2)
    assert_refused(shell("show", "builds", name), 2)
    assert_refused(shell("show", name, "--exact"), 2)
    if name:
        assert_refused(shell("show", f"{name}*"), 2)
        assert_refused(shell("show", f'builds{{os="{name}"}}'), 2)
        assert_refused(shell("show", "--where", f"os={name}"), 2)
    assert contents(replica.path) == before


@pytest.mark.parametrize("name", ["می\u200cخواهم", "👨\u200d👩\u200d👧", "क्\u200dष", "❤\ufe0f\u200d🔥"])
def test_a_name_with_joiners_in_place_is_as_good_as_any(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica], name: str
) -> None:
    shell.ok("increment", name, "2", "--once", name)
    shell.ok("increment", f"{name}=1")
    shell.ok("add", "seen", name)
    assert shell.ok("show", name) == "3\n"
    assert f"{name}\t" in shell.ok("show")
    assert f"{name},pncounter,3" in shell.ok("show", "--format", "csv")
    assert shell.ok("show", "seen", "--members", "--format", "value") == f"{name}\n"
    other = new_replica("other")
    other.merge_bytes(replica.export_bytes())
    assert other.value(name) == 3


COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def test_a_decomposed_name_is_the_composed_one_everywhere(shell: Shell, replica: Replica) -> None:
    for name in (DECOMPOSED, COMPOSED):
        shell.ok("increment", name)
        shell.ok("increment", f"{name}=1")
        shell.ok("increment", "keyed", "--once", name)
        shell.ok(
            "increment", "--batch", "-", stdin=f'{name}\n{name} 1\n{name}\t1\n{{"name":"{name}","once":"{name}"}}\n'
        )
        shell.ok("add", "visitors", name)
        shell.ok("add", "names", "--batch", "-", stdin=f"{name}\n")
        shell.ok("add", "sketched", "--type", "hll", "--batch", "-", stdin=f"{name}\n")
        shell.ok("add", "sketched", name)
    for name in (DECOMPOSED, COMPOSED):
        assert shell.ok("show", name) == "11\n"
    assert shell.ok("show", "keyed", "visitors", "names", "sketched", "--format", "value") == "1\n" * 4
    assert replica.tags(DECOMPOSED) == ["pncounter"]
    shell.ok("reset", DECOMPOSED)
    assert shell.ok("show", COMPOSED) == "0\n"


def test_a_decomposed_name_in_a_file_is_refused(shell: Shell, replica: Replica) -> None:
    state = document("other", 7, counted(DECOMPOSED, "other", 7, 1))
    assert "normal form C" in assert_refused(shell("merge", "-", stdin=state), 65)


def test_an_equals_sign_is_no_part_of_a_name(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    for words in (
        ["increment", "a=b", "1"],
        ["increment", "a=b=1"],
        ["increment", "=1"],
        ["create", "a=b", "--type", "gset"],
        ["add", "a=b", "ada"],
        ["show", "a=b"],
        ["increment", "--batch", "-"],
    ):
        assert_refused(shell(*words, stdin='{"name":"a=b"}\n'), 2)
    assert contents(replica.path) == before


def test_the_longest_name_and_the_longest_key_are_200_bytes(shell: Shell, replica: Replica) -> None:
    for name in ("n" * 200, "é" * 100, "😀" * 50):
        shell.ok("increment", name, "--once", name)
        assert shell.ok("show", name) == "1\n"


def test_a_name_is_the_same_whatever_the_locale(shell: Shell, replica: Replica) -> None:
    for locale in ("C", "POSIX", "C.UTF-8"):
        variables = {"LC_ALL": locale, "LANG": locale}
        assert shell("increment", "été", environment=variables).status == 0
        assert shell("increment", "été=1", environment=variables).status == 0
        ended = shell("show", environment=variables)
        assert (ended.status, ended.stderr) == (0, "")
        assert ended.stdout.startswith("été\t")
    assert replica.value("été") == 6
