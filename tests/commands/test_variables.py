"""Every option can stand in a variable of the environment."""

import json

from crdtctl import Replica
from tests.conftest import Result, Shell
from tests.support.expect import assert_refused, contents
from tests.support.handwritten import counted, document


def ok(ended: Result) -> str:
    assert (ended.status, ended.stderr) == (0, "")
    return ended.stdout


def test_once_of_increment_and_decrement_are_apart(shell: Shell, replica: Replica) -> None:
    for name in ("stock", "other"):
        replica.create(name, "pncounter")
    for _ in range(2):
        ok(shell("increment", "builds", environment={"CRDTCTL_INCREMENT_ONCE": "job 17"}))
        ok(shell("decrement", "stock", environment={"CRDTCTL_DECREMENT_ONCE": "job 17"}))
        ok(shell("decrement", "other", environment={"CRDTCTL_INCREMENT_ONCE": "job 17"}))
    assert [(one.name, one.value) for one in replica.counters()] == [("builds", 1), ("other", -2), ("stock", -1)]


def test_an_alias_obeys_the_variables_of_its_command(shell: Shell, replica: Replica) -> None:
    replica.create("stock", "pncounter")
    for _ in range(2):
        ok(shell("inc", "builds", environment={"CRDTCTL_INCREMENT_ONCE": "job 17"}))
        ok(shell("dec", "stock", environment={"CRDTCTL_DECREMENT_ONCE": "job 17"}))
    assert [(one.name, one.value) for one in replica.counters()] == [("builds", 1), ("stock", -1)]


def test_the_type_is_for_all_commands(shell: Shell, replica: Replica) -> None:
    variable = {"CRDTCTL_TYPE": "gcounter"}
    ok(shell("increment", "views", environment=variable))
    ok(shell("create", "more", environment=variable))
    assert shell.ok("show") == "more\tgcounter\t0\nviews\tgcounter\t1\n"
    replica.increment("views", tag="pncounter", also=True)
    assert ok(shell("show", "views", environment=variable)) == "1\n"
    assert_refused(shell("decrement", "views", environment=variable), 4)
    ok(shell("decrement", "views", "--type", "pncounter", environment=variable))


def test_a_batch_is_named(shell: Shell, replica: Replica) -> None:
    (shell.directory / "batch").write_text("builds 3\n")
    ok(shell("increment", environment={"CRDTCTL_INCREMENT_BATCH": "batch"}))
    ok(shell("add", "visitors", environment={"CRDTCTL_ADD_BATCH": "batch"}))
    assert shell.ok("show") == "builds\tpncounter\t3\nvisitors\tgset\t1\n"


def test_questions_and_views_of_show(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    replica.add("visitors", "ada")
    assert shell("show", "builds", environment={"CRDTCTL_SHOW_MIN": "43"}).status == 1
    assert shell("show", "builds", environment={"CRDTCTL_SHOW_REQUIRE": '{"other":1}'}).status == 1
    assert ok(shell("show", "visitors", environment={"CRDTCTL_SHOW_MEMBERS": "1"})) == "ada\n"
    assert replica.id in ok(shell("show", "builds", environment={"CRDTCTL_SHOW_BY_REPLICA": "true"}))
    assert json.loads(ok(shell("show", "builds", environment={"CRDTCTL_SHOW_STATE": "yes"})))
    assert ok(shell("show", "builds", environment={"CRDTCTL_SHOW_STATE": "0"})) == "42\n"


def test_options_of_other_commands(shell: Shell, replica: Replica) -> None:
    state = document("other", 1, counted("builds", "other", 1, 1))
    assert ok(shell("export", environment={"CRDTCTL_EXPORT_FORMAT": "toml"})).startswith("crdtctl = 1\n")
    assert '"delta"' in ok(shell("export", environment={"CRDTCTL_EXPORT_SINCE": "{}"}))
    assert shell("compare", "-", stdin=state, environment={"CRDTCTL_COMPARE_EQUAL": "1"}).status == 1
    before = contents(replica.path)
    assert ok(shell("merge", "-", stdin=state, environment={"CRDTCTL_MERGE_DRY_RUN": "1"}))
    assert shell("merge", "-", "no", stdin=state, environment={"CRDTCTL_MERGE_ALL_OR_NOTHING": "1"}).status == 66
    assert contents(replica.path) == before
    assert ok(shell("init", "new", environment={"CRDTCTL_INIT_NAME": "laptop"})).startswith("laptop-")


def test_a_wrong_value_is_refused_and_an_empty_one_is_none(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    assert_refused(shell("show", environment={"CRDTCTL_FORMAT": "xml"}), 2)
    assert_refused(shell("show", "builds", environment={"CRDTCTL_SHOW_MIN": "many"}), 2)
    assert_refused(shell("show", "builds", environment={"CRDTCTL_LOCK_TIMEOUT": "soon"}), 2)
    empty = {"CRDTCTL_FORMAT": "", "CRDTCTL_SHOW_MIN": "", "CRDTCTL_LOCK_TIMEOUT": "", "CRDTCTL_TYPE": ""}
    assert ok(shell("show", "builds", environment=empty)) == "42\n"
    ok(shell("increment", "builds", environment={"CRDTCTL_INCREMENT_ONCE": ""}))
    assert replica.value("builds") == 43
