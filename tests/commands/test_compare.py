"""``crdtctl compare``: equal, behind, ahead or concurrent."""

import json
from collections.abc import Callable

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_one_line, assert_refused, contents


def test_the_four_answers(shell: Shell, new_replica: Callable[[str], Replica]) -> None:
    here, there = new_replica("here"), new_replica("there")
    comparing = ["--replica", here.path, "compare", "there.json"]
    there.increment("builds")
    there.export_to(shell.directory / "there.json")
    assert shell.ok(*comparing) == "behind\n"
    here.merge_bytes(there.export_bytes())
    assert shell.ok(*comparing) == "equal\n"
    here.increment("builds")
    assert shell.ok(*comparing) == "ahead\n"
    there.increment("builds")
    there.export_to(shell.directory / "there.json")
    assert shell.ok(*comparing) == "concurrent\n"


@pytest.mark.parametrize("order", ["behind", "equal", "ahead", "concurrent"])
def test_equal_answers_no_unless_equal(shell: Shell, replica: Replica, order: str) -> None:
    other = Replica.init(shell.directory / "other")
    if order in ("behind", "concurrent"):
        other.increment("builds")
    if order in ("ahead", "concurrent"):
        replica.increment("builds")
    state = other.export_bytes()
    before = contents(replica.path)
    ended = shell("compare", "--equal", "-", stdin=state)
    assert (ended.status, ended.stdout) == (0 if order == "equal" else 1, f"{order}\n")
    if order == "equal":
        assert ended.stderr == ""
    else:
        assert order in assert_one_line(ended.stderr)
    assert contents(replica.path) == before


def test_equal_values_do_not_make_states_equal(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other")
    replica.increment("builds")
    other.increment("builds")
    assert shell.ok("compare", "-", stdin=other.export_bytes()) == "concurrent\n"


def test_the_answer_as_json_names_the_file(shell: Shell, replica: Replica) -> None:
    replica.export_to(shell.directory / "mine.json")
    found = json.loads(shell.ok("compare", "mine.json", "--format", "json"))
    assert found == {"schema": 1, "replica": replica.id, "states": [{"file": "mine.json", "order": "equal"}]}


def test_what_is_no_state_cannot_be_compared(shell: Shell, replica: Replica) -> None:
    (shell.directory / "bad.json").write_text("{}")
    assert "bad.json" in assert_refused(shell("compare", "bad.json"), 65)
    assert "missing.json" in assert_refused(shell("compare", "missing.json"), 66)
    assert_refused(shell("compare", "-", stdin=b""), 65)
    assert_refused(shell("compare"), 2)
